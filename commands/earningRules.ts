// Creating the earning rules of a loyalty program.
import { earningRules, eventOf, RuleBody } from '../src/api/definitions/earningRule.ts'
import type { Services } from '../src/services.ts'
import { createInProgram } from './partRoutes.ts'

export const earningRuleCommands = (services: Services) => [
  createInProgram(services, earningRules, {
    summary: 'Create earning rules, all or none',
    description:
      'A list. Set off by a custom event, any internal event, or the entry of a segment. Beyond the contract: bounds ' +
      '(`max_per_customer`, `max_per_period`), `cooldown`, and `stacking` for rules that one event sets off.',
    body: RuleBody,
    made: (body, { id }, definitions) => ({
      definition: { ...body, campaign_id: id, event: eventOf(body, definitions) },
    }),
  }),
]
