// Earning rules: what a loyalty program pays for which event.
import * as v from 'valibot'
import { answered } from '../../domain/answered.ts'
import { isRefused } from '../../domain/refusal.ts'
import { EarningRule } from '../../domain/rulebook/earningRule.ts'
import { entriesOf } from '../../domain/rulebook/entries.ts'
import type { Definitions } from '../../domain/rulebook/kind.ts'
import { EarningRuleObject, showEarningRule } from '../presenters/earningRules.ts'
import { partOf } from './part.ts'
import { asWhole, definitionResource, recorded } from './resource.ts'

const { campaign_id: _, event, source, ...fields } = EarningRule.entries
const SHOWN = ['automation_id']
/** Answers say of the banner which program it belongs to. */
const Source = v.nullish(v.pipe(source.wrapped, answered('object_id', 'object_type')))
/** A client may leave the event's name out, or write `custom_event`, and name its schema instead. */
export const RuleBody = v.pipe(
  v.object({ ...fields, event: v.optional(event, 'custom_event'), source: Source }),
  recorded(...SHOWN),
  v.title('EarningRuleBody'),
)
type RuleBody = v.InferOutput<typeof RuleBody>

const RulePatch = v.pipe(v.partial(v.object({ ...fields, event, source: Source })), recorded(...SHOWN))

/** The event that a body means: by the name of its schema, or by the type under which orders are known. */
export const eventOf = (body: Pick<RuleBody, 'event' | 'custom_event'>, definitions: Definitions): string => {
  const schema = body.custom_event ? entriesOf(definitions, 'eventSchema').get(body.custom_event.schema_id) : undefined
  if (body.event === 'custom_event') return schema?.definition.name ?? body.event
  return body.event.startsWith('order.') ? `customer.${body.event}` : body.event
}

export const earningRules = definitionResource('earningRule', {
  path: '/v1/loyalties/{campaignId}/earning-rules',
  param: 'earningRuleId',
  tag: 'Earning rules',
  one: 'an earning rule',
  many: 'earning rules',
  patch: RulePatch,
  response: EarningRuleObject,
  show: (entry, { rulebook }) => showEarningRule(entry, rulebook),
  describe: { change: 'What is left out stays as it is. What it paid before stays as it was.' },
  find: partOf('LOYALTY_PROGRAM', 'earningRule', { param: 'earningRuleId', owner: (rule) => rule.campaign_id }),
  patched({ definition }, patch, all) {
    const rule = asWhole(EarningRule, { ...definition, ...patch })
    return isRefused(rule) ? rule : { ...rule, event: eventOf(rule, all) }
  },
  switches: { enable: { summary: 'Enable an earning rule' }, disable: { summary: 'Disable an earning rule' } },
  // Of one program.
  own: ['list'],
})
