// Creating, changing, switching and deleting earning rules of a loyalty program.
import * as v from 'valibot'
import { ByRule, EarningRuleObject, findRule, showEarningRule } from '../src/api/presenters/earningRules.ts'
import { answered } from '../src/domain/answered.ts'
import { EarningRule } from '../src/domain/rulebook/earningRule.ts'
import { entriesOf } from '../src/domain/rulebook/entries.ts'
import type { Definitions } from '../src/domain/rulebook/kind.ts'
import type { Services } from '../src/services.ts'
import { recorded } from './definitions.ts'
import { createInProgram, routesToOne } from './partRoutes.ts'

const TAG = 'Earning rules'

const { campaign_id: _, event, source, ...fields } = EarningRule.entries
const SHOWN = ['automation_id']
/** Answers say of the banner which program it belongs to. */
const Source = v.nullish(v.pipe(source.wrapped, answered('object_id', 'object_type')))
/** A client may leave the event's name out, or write `custom_event`, and name its schema instead. */
const RuleBody = v.pipe(
  v.object({ ...fields, event: v.optional(event, 'custom_event'), source: Source }),
  recorded(...SHOWN),
  v.title('EarningRuleBody'),
)
type RuleBody = v.InferOutput<typeof RuleBody>

const RulePatch = v.pipe(v.partial(v.object({ ...fields, event, source: Source })), recorded(...SHOWN))

/** The event that a body means: by the name of its schema, or by the type under which orders are known. */
const eventOf = (body: Pick<RuleBody, 'event' | 'custom_event'>, definitions: Definitions): string => {
  const schema = body.custom_event ? entriesOf(definitions, 'eventSchema').get(body.custom_event.schema_id) : undefined
  if (body.event === 'custom_event') return schema?.definition.name ?? body.event
  return body.event.startsWith('order.') ? `customer.${body.event}` : body.event
}

export const earningRuleCommands = (services: Services) => [
  createInProgram(services, {
    kind: 'earningRule',
    prefix: 'ern',
    tag: TAG,
    path: '/v1/loyalties/{campaignId}/earning-rules',
    summary: 'Create earning rules, all or none',
    description:
      'A list. Set off by a custom event, any internal event, or the entry of a segment. Beyond the contract: bounds ' +
      '(`max_per_customer`, `max_per_period`), `cooldown`, and `stacking` for rules that one event sets off.',
    body: RuleBody,
    response: EarningRuleObject,
    show: showEarningRule,
    made: (body, { id }, definitions) => ({
      definition: { ...body, campaign_id: id, event: eventOf(body, definitions) },
    }),
  }),
  ...routesToOne(services, {
    kind: 'earningRule',
    tag: TAG,
    path: '/v1/loyalties/{campaignId}/earning-rules/{earningRuleId}',
    params: ByRule,
    find: findRule,
    patch: RulePatch,
    whole: EarningRule,
    response: EarningRuleObject,
    show: showEarningRule,
    settled: (rule, definitions) => ({ ...rule, event: eventOf(rule, definitions) }),
    change: {
      summary: 'Change an earning rule',
      description: 'What is left out stays as it is. What it paid before stays as it was.',
    },
    enable: { summary: 'Enable an earning rule' },
    disable: { summary: 'Disable an earning rule' },
    remove: { summary: 'Delete an earning rule' },
  }),
]
