// Earning rules: which event earns how many points in a loyalty program, under which condition and within which bounds.

import * as v from 'valibot'
import { calendarOf } from '../calendar.ts'
import { isInternalEventType } from '../internalEvents.ts'
import { name300 } from '../name.ts'
import { Points } from '../points.ts'
import { validityFaults, validityFields } from '../validity.ts'
import { programFaults } from './campaign.ts'
import { ExpirationRules, expirationFaults } from './expiration.ts'
import type { Definitions, Entry, Fault, Kind, Reference } from './kind.ts'
import { limitFields } from './limits.ts'
import { isOfOrder, OrderEarnings } from './orderEarning.ts'
import { schemaNamed } from './references.ts'
import type { Segment } from './segment.ts'

const Share = v.object({
  /** Points for each whole `every` of the property's number. */
  every: v.pipe(v.number(), v.finite(), v.gtValue(0)),
  points: Points,
  property: name300,
})

export const Earning = v.variant('type', [
  v.object({ type: v.literal('FIXED'), points: Points }),
  v.variant('calculation_type', [
    v.object({
      type: v.literal('PROPORTIONAL'),
      calculation_type: v.literal('CUSTOM_EVENT_METADATA'),
      custom_event: v.object({ metadata: Share }),
    }),
    v.object({
      type: v.literal('PROPORTIONAL'),
      calculation_type: v.literal('CUSTOMER_METADATA'),
      customer: v.object({ metadata: Share }),
    }),
    ...OrderEarnings,
  ]),
])

export const PendingPoints = v.object({
  period_type: v.optional(v.literal('DAY'), 'DAY'),
  period_value: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(90)),
})

/** Any tier of the program. */
export const ANY_TIER = '__ANY__'

export const EarningRule = v.object({
  campaign_id: name300,
  /** A custom event by its name, or an internal event by its type. */
  event: name300,
  custom_event: v.nullish(v.object({ schema_id: name300 })),
  segment: v.nullish(v.object({ id: name300 })),
  loyalty_tier: v.nullish(v.object({ id: name300 })),
  validation_rule_id: v.nullish(name300),
  loyalty: Earning,
  active: v.optional(v.boolean(), true),
  ...validityFields,
  pending_points: v.nullish(PendingPoints),
  /** Instead of the program's. */
  expiration_rules: v.nullish(ExpirationRules),
  ...limitFields,
  stacking: v.optional(
    v.object({
      /** Rules that one event sets off pay in this order, then in that of their creation. */
      order: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000)), 0),
      /** Once it has paid, later rules of the program pay nothing for the same event. */
      exclusive: v.optional(v.boolean(), false),
    }),
    { order: 0, exclusive: false },
  ),
  source: v.nullish(v.object({ banner: v.nullish(v.pipe(v.string(), v.maxLength(300))) })),
  metadata: v.optional(v.record(v.string(), v.unknown()), {}),
})
export type EarningRule = v.InferOutput<typeof EarningRule>

const SEGMENT_ENTERED = 'customer.segment.entered'
const ORDER_EVENT = /^customer\.order\./
const TIER_EVENT = /^customer\.loyalty\.tier\./

const triggerFaults = (definition: EarningRule, all: Definitions): readonly Fault[] => {
  const { event, custom_event: custom, segment, loyalty_tier: tier, loyalty } = definition
  const schema = schemaNamed(event, all)
  const faults: Fault[] = []
  if (!schema && !isInternalEventType(event))
    faults.push({
      path: 'event',
      message: `must name a custom event with a schema or an internal event: there is no ${event}`,
    })
  if (custom && custom.schema_id !== schema?.id)
    faults.push({ path: 'custom_event.schema_id', message: `must be the schema of the event ${event}` })
  if (segment) {
    const named = all.entries.segment?.get(segment.id) as Entry<Segment> | undefined
    if (event !== SEGMENT_ENTERED)
      faults.push({ path: 'segment', message: `goes with the event ${SEGMENT_ENTERED} only` })
    if (!named) faults.push({ path: 'segment.id', message: `must name a segment: there is no ${segment.id}` })
    else if (named.definition.type === 'static')
      faults.push({ path: 'segment.id', message: 'must NOT name a static segment: nobody enters it' })
  }
  if (tier) {
    if (!TIER_EVENT.test(event)) faults.push({ path: 'loyalty_tier', message: 'goes with an event of tiers only' })
    if (tier.id !== ANY_TIER && !all.entries.loyaltyTier?.has(tier.id))
      faults.push({ path: 'loyalty_tier.id', message: `must name a tier: there is no ${tier.id}` })
  }
  if (isOfOrder(loyalty) && !ORDER_EVENT.test(event))
    faults.push({
      path: 'loyalty.calculation_type',
      message: `${loyalty.calculation_type} goes with an event of orders only`,
    })
  if (loyalty.type === 'PROPORTIONAL' && loyalty.calculation_type === 'CUSTOM_EVENT_METADATA') {
    const { property } = loyalty.custom_event.metadata
    const properties = schema?.definition.schema.properties ?? {}
    const found = Object.hasOwn(properties, property) ? properties[property] : undefined
    if (found?.type !== 'number' || found.array || found.deleted)
      faults.push({
        path: 'loyalty.custom_event.metadata.property',
        message: `must be a property of type number in the schema of ${event}`,
      })
  }
  return faults
}

const check = (_: string, definition: EarningRule, all: Definitions): readonly Fault[] => {
  const { validation_rule_id: rule, campaign_id: campaign } = definition
  return [
    ...programFaults(campaign, 'campaign_id', all),
    ...triggerFaults(definition, all),
    ...(rule && !all.entries.validationRule?.has(rule)
      ? [{ path: 'validation_rule_id', message: `must name a validation rule: there is no ${rule}` }]
      : []),
    ...validityFaults(definition, calendarOf(all.project?.timeZone ?? 'UTC')),
    ...expirationFaults(definition.expiration_rules, 'expiration_rules'),
  ]
}

const uses = (definition: EarningRule, all: Definitions): readonly Reference[] => {
  const { campaign_id, event, segment, loyalty_tier: tier, validation_rule_id: rule } = definition
  const schema = schemaNamed(event, all)
  return [
    { kind: 'campaign', id: campaign_id },
    ...(schema ? [{ kind: 'eventSchema', id: schema.id }] : []),
    ...(segment ? [{ kind: 'segment', id: segment.id }] : []),
    ...(tier && tier.id !== ANY_TIER ? [{ kind: 'loyaltyTier', id: tier.id }] : []),
    ...(rule ? [{ kind: 'validationRule', id: rule }] : []),
  ]
}

export const earningRuleKind: Kind<EarningRule> = {
  fact: 'EarningRule',
  prefix: 'ern',
  resource: 'earning_rule',
  schema: EarningRule,
  activates: ({ segment }) => (segment ? [segment.id] : []),
  check,
  uses,
}
