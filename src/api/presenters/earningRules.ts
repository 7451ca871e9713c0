// How earning rules show.

import * as v from 'valibot'
import { present } from '../../domain/present.ts'
import { EarningRule } from '../../domain/rulebook/earningRule.ts'
import type { Entry } from '../../domain/rulebook/kind.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import { recordOrNullOf, switchedOff } from './parts.ts'

const { campaign_id: _, ...fields } = EarningRule.entries

export const EarningRuleObject = v.pipe(
  v.object({
    id: v.string(),
    ...fields,
    validation_rule_id: v.nullable(v.string()),
    active: v.boolean(),
    source: v.object({
      banner: v.optional(v.string()),
      object_id: v.string(),
      object_type: v.literal('campaign'),
    }),
    automation_id: v.string(),
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    ...switchedOff,
    object: v.literal('earning_rule'),
  }),
  v.title('EarningRule'),
)

/** An earning rule as the HTTP contract shows it. */
export const showEarningRule = (entry: Entry<EarningRule>, rulebook: Rulebook) => {
  const { campaign_id, source, custom_event, ...definition } = entry.definition
  const schema = custom_event?.schema_id ?? rulebook.schemaOf(definition.event)?.id
  return {
    id: entry.id,
    ...definition,
    custom_event: schema === undefined ? undefined : { schema_id: schema },
    validation_rule_id: definition.validation_rule_id ?? null,
    source: { ...present({ banner: source?.banner }), object_id: campaign_id, object_type: 'campaign' as const },
    automation_id: entry.id.replace('ern_', 'auto_'),
    ...recordOrNullOf(entry),
    object: 'earning_rule' as const,
  }
}
