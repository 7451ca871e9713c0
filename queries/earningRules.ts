// Reading earning rules of a loyalty program.

import { pageOfDefinitions } from '../src/api/lists/definitions.ts'
import { EarningRuleObject, showEarningRule } from '../src/api/presenters/earningRules.ts'
import { ByCampaign, findProgram } from '../src/api/presenters/loyalties.ts'
import type { EarningRule } from '../src/domain/rulebook/earningRule.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { ListQuery } from './loyalties.ts'

/** The earning rules of a program in the order of their creation. */
export const rulesOf = (rulebook: Rulebook, campaign: string): readonly Entry<EarningRule>[] =>
  [...rulebook.entries('earningRule').values()].filter(({ definition }) => definition.campaign_id === campaign)

export const earningRuleQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/earning-rules',
    summary: 'List the earning rules of a loyalty program',
    tag: 'Earning rules',
    permission: 'definitions.read',
    params: ByCampaign,
    query: ListQuery,
    response: listOf('data', EarningRuleObject),
    handler: async (call): Promise<Outcome> => {
      const program = findProgram(services, call.params.campaignId)
      if (isFailure(program)) return program
      const rulebook = services.rulebook.current()
      const rules = rulesOf(rulebook, program.id)
      return pageOfDefinitions(services, rules, call, { texts: ['event'] }, (rule) => showEarningRule(rule, rulebook))
    },
  }),
]
