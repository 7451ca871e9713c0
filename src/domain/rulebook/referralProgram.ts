// The part of a campaign that makes it a referral program: what converts, who counts as new, and what both sides get.

import * as v from 'valibot'
import { fixedLength, parseSpan } from '../conditions/span.ts'
import { name300 } from '../name.ts'
import { MAX_POINTS } from '../points.ts'
import type { Campaign } from './campaign.ts'
import type { EventSchema } from './eventSchema.ts'
import type { Definitions, Entry, Fault, Reference } from './kind.ts'
import { schemaNamed } from './references.ts'

/** The event that a redemption is for triggers: what converts where a program converts by redemption of its codes. */
export const REDEMPTION_EVENT = 'customer.redemption.succeeded'

const amount = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_POINTS))

const Parent = v.object({ id: name300, name: v.nullish(name300), object: v.nullish(v.string()) })

/** What one side gets for a conversion. */
export const ReferralReward = v.variant('type', [
  /** Points of a loyalty program, on a card that is issued when there is none. */
  v.object({ type: v.literal('LOYALTY_CARD'), related_object_parent: Parent, amount }),
  /** A code of another campaign, published to the customer; a gift's credits in minor units. */
  v.object({
    type: v.picklist(['GIFT_VOUCHER', 'DISCOUNT_VOUCHER']),
    related_object_parent: Parent,
    amount: v.nullish(amount),
  }),
])
export type ReferralReward = v.InferOutput<typeof ReferralReward>

/** From the `from`th conversion of a referrer on, this reward instead. */
export const ReferrerTier = v.object({
  from: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(1_000_000)),
  reward: ReferralReward,
})
export type ReferrerTier = v.InferOutput<typeof ReferrerTier>

const MAX_TIERS = 50

export const ReferralProgram = v.object({
  conversion_event_type: v.picklist(['custom_event', 'redemption']),
  /** The event that converts, by the id of its schema or by name. */
  custom_event: v.nullish(v.object({ id: v.nullish(name300), name: v.nullish(name300) })),
  /** Must hold for the event, with its metadata, and the referee. */
  validation_rule_id: v.nullish(name300),
  /** Who can be referred; anyone when absent. Of two conditions both must hold. */
  new_customers: v.nullish(
    v.object({
      /** ISO 8601 duration: the event happened no longer than this after the customer was created. */
      created_within: v.nullish(v.pipe(v.string(), v.maxLength(40))),
      /** In this segment just before the event. */
      segment_id: v.nullish(name300),
    }),
  ),
  referee_reward: v.nullish(ReferralReward),
  referrer_reward: v.nullish(ReferralReward),
  referrer_tiers: v.optional(v.pipe(v.array(ReferrerTier), v.maxLength(MAX_TIERS)), []),
})
export type ReferralProgram = v.InferOutput<typeof ReferralProgram>

/** The schema of the event that converts. */
export const conversionSchema = (
  { conversion_event_type: type, custom_event: event }: ReferralProgram,
  all: Definitions,
): Entry<EventSchema> | undefined => {
  if (!event || type !== 'custom_event') return undefined
  const schemas = (all.entries.eventSchema ?? new Map()) as ReadonlyMap<string, Entry<EventSchema>>
  if (event.id) return schemas.get(event.id)
  return event.name ? schemaNamed(event.name, all) : undefined
}

/** Every reward that the program may pay, with its path. */
const rewardsIn = (program: ReferralProgram): readonly (readonly [path: string, reward: ReferralReward])[] => [
  ...(program.referee_reward ? [['referee_reward', program.referee_reward] as const] : []),
  ...(program.referrer_reward ? [['referrer_reward', program.referrer_reward] as const] : []),
  ...program.referrer_tiers.map(({ reward }, i) => [`referrer_tiers[${i}].reward`, reward] as const),
]

/** The types of campaign that each type of reward comes from. */
const SOURCES = {
  LOYALTY_CARD: 'LOYALTY_PROGRAM',
  GIFT_VOUCHER: 'GIFT_VOUCHERS',
  DISCOUNT_VOUCHER: 'DISCOUNT_COUPONS',
} as const satisfies Readonly<Record<ReferralReward['type'], string>>

const rewardFaults = (path: string, { type, related_object_parent: parent }: ReferralReward, all: Definitions) => {
  const campaign = all.entries.campaign?.get(parent.id) as Entry<Campaign> | undefined
  return campaign?.definition.campaign_type === SOURCES[type]
    ? []
    : [
        {
          path: `referral_program.${path}.related_object_parent.id`,
          message: `must name a campaign of type ${SOURCES[type]}: there is no ${parent.id}`,
        },
      ]
}

const conversionFaults = (program: ReferralProgram, all: Definitions): readonly Fault[] => {
  const { conversion_event_type: type, custom_event: event, validation_rule_id: rule } = program
  const faults: Fault[] = []
  const fault = (path: string, message: string) => faults.push({ path: `referral_program.${path}`, message })
  if (type === 'custom_event' && !event?.id && !event?.name)
    fault('custom_event', 'must name the event that converts, by id or name')
  else if (type === 'custom_event' && event) {
    const schema = conversionSchema(program, all)
    if (!schema) fault('custom_event', `must name an event with a schema: there is no ${event.id ?? event.name}`)
    else if (event.name && event.name !== schema.definition.name)
      fault('custom_event.name', `must be the name of the schema ${schema.id}: ${schema.definition.name}`)
  }
  if (rule && !all.entries.validationRule?.has(rule))
    fault('validation_rule_id', `must name a validation rule: there is no ${rule}`)
  return faults
}

/** What is wrong with a campaign's referral part beside all other definitions. */
export const referralFaults = ({ campaign_type: type, referral_program: program }: Campaign, all: Definitions) => {
  if (type !== 'REFERRAL_PROGRAM')
    return program ? [{ path: 'referral_program', message: 'goes with the type REFERRAL_PROGRAM only' }] : []
  if (!program) return [{ path: 'referral_program', message: 'is required' }]
  const { new_customers: newcomers, referrer_tiers: tiers } = program
  const faults: Fault[] = [
    ...conversionFaults(program, all),
    ...rewardsIn(program).flatMap(([path, reward]) => rewardFaults(path, reward, all)),
  ]
  const fault = (path: string, message: string) => faults.push({ path: `referral_program.${path}`, message })
  if (newcomers?.created_within) {
    const span = parseSpan(newcomers.created_within)
    if (!span || fixedLength(span) <= 0)
      fault('new_customers.created_within', 'must be an ISO 8601 duration longer than nothing')
  }
  if (newcomers?.segment_id && !all.entries.segment?.has(newcomers.segment_id))
    fault('new_customers.segment_id', `must name a segment: there is no ${newcomers.segment_id}`)
  if (tiers.some(({ from }, i) => i > 0 && from <= tiers[i - 1]!.from))
    fault('referrer_tiers', 'must be in ascending order of from, each once')
  return faults
}

/** The definitions that a referral program cannot do without. */
export const referralUses = (
  { referral_program: program }: Pick<Campaign, 'referral_program'>,
  all: Definitions,
): readonly Reference[] => {
  if (!program) return []
  const schema = conversionSchema(program, all)
  const { validation_rule_id: rule, new_customers: newcomers } = program
  const parents = new Set(rewardsIn(program).map(([, reward]) => reward.related_object_parent.id))
  return [
    ...(schema ? [{ kind: 'eventSchema', id: schema.id }] : []),
    ...(rule ? [{ kind: 'validationRule', id: rule }] : []),
    ...(newcomers?.segment_id ? [{ kind: 'segment', id: newcomers.segment_id }] : []),
    ...[...parents].map((id) => ({ kind: 'campaign', id })),
  ]
}

/** The reward of a referrer's `n`th conversion, counted from 1, and the tier that it comes from. */
export const referrerRewardFor = (
  base: ReferralReward | null | undefined,
  tiers: readonly ReferrerTier[],
  n: number,
): { readonly reward: ReferralReward; readonly from?: number } | undefined => {
  let reached: ReferrerTier | undefined
  for (const tier of tiers) if (tier.from <= n) reached = tier
  if (reached) return { reward: reached.reward, from: reached.from }
  return base ? { reward: base } : undefined
}
