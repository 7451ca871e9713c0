// Campaigns of all types: what they have in common, and the parts that a type adds (loyalty programs: cards and points).

import * as v from 'valibot'
import { answered } from '../answered.ts'
import { calendarOf } from '../calendar.ts'
import { CodeConfig, configFault, roomOf } from '../codes.ts'
import { name300 } from '../name.ts'
import { MAX_POINTS } from '../points.ts'
import { validityFaults, validityFields } from '../validity.ts'
import { categoryFaults, categoryUses } from './category.ts'
import { ExpirationRules, expirationFaults } from './expiration.ts'
import type { Definitions, Entry, Fault, Kind } from './kind.ts'
import { limitFields } from './limits.ts'
import { ReferralProgram, referralFaults, referralUses } from './referralProgram.ts'
import { Discount, Gift, Redemption, VoucherType } from './voucherSpec.ts'

export const CampaignType = v.picklist([
  'DISCOUNT_COUPONS',
  'GIFT_VOUCHERS',
  'LOYALTY_PROGRAM',
  'PROMOTION',
  'REFERRAL_PROGRAM',
])
export type CampaignType = v.InferOutput<typeof CampaignType>

const text = (max: number) => v.pipe(v.string(), v.maxLength(max))
const quantity = v.pipe(v.number(), v.integer(), v.minValue(0))

/** What a loyalty card begins with and how long its points last. */
export const LoyaltyCard = v.object({
  points: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_POINTS)), 0),
  expiration_rules: v.nullish(ExpirationRules),
})

/** How tiers are reached; what the contract allows beyond this is refused rather than ignored. */
const TiersExpiration = v.object({
  qualification_type: v.picklist(['BALANCE', 'POINTS_IN_PERIOD']),
  qualification_period: v.nullish(v.picklist(['MONTH', 'QUARTER', 'HALF_YEAR', 'YEAR'])),
  start_date: v.nullish(
    v.object({ type: v.literal('IMMEDIATE', 'must be equal to IMMEDIATE: other values are not supported') }),
  ),
})
export type TiersExpiration = v.InferOutput<typeof TiersExpiration>

/** The voucher that a campaign gives out. Each type of campaign has its own part. */
export const Voucher = v.pipe(
  v.object({
    type: VoucherType,
    code_config: v.optional(CodeConfig, {}),
    redemption: v.nullish(Redemption),
    is_referral_code: v.optional(v.boolean(), false),
    loyalty_card: v.optional(LoyaltyCard),
    discount: v.optional(Discount),
    gift: v.optional(Gift),
    metadata: v.optional(v.record(v.string(), v.unknown())),
  }),
  answered('object', 'active'),
)

/** What campaigns of every type have. */
const general = {
  name: name300,
  campaign_type: CampaignType,
  type: v.optional(v.picklist(['AUTO_UPDATE', 'STATIC', 'STANDALONE']), 'AUTO_UPDATE'),
  description: v.nullish(text(3_000)),
  active: v.optional(v.boolean(), true),
  /** A customer has at most one code of the campaign: asking again gives the same one. */
  join_once: v.optional(v.boolean(), true),
  /** A customer gets a code when a rule first calls for one. */
  auto_join: v.optional(v.boolean(), true),
  vouchers_count: v.nullish(quantity),
  voucher: v.optional(Voucher),
  ...validityFields,
  activity_duration_after_publishing: v.nullish(text(40)),
  category: v.nullish(text(300)),
  category_id: v.nullish(text(300)),
  use_voucher_metadata_schema: v.optional(v.boolean(), false),
  metadata: v.optional(v.record(v.string(), v.unknown()), {}),
}

export const Campaign = v.object({
  ...general,
  /** Loyalty programs: bounds on what all its rules together pay to one customer. */
  ...limitFields,
  loyalty_tiers_expiration: v.nullish(TiersExpiration),
  referral_program: v.nullish(ReferralProgram),
})
export type Campaign = v.InferOutput<typeof Campaign>

/** Codes that are made as customers come: a format without room for so many is a mistake. */
const MIN_ROOM = 1_000
/** Formats of codes that are made beforehand have room for each that is asked for, and as much again, so that free ones are found. */
const TWICE = 2

/** How many codes are made before anybody has them. */
const madeBefore = ({ campaign_type: type, vouchers_count: count }: Campaign): number =>
  (hasOwnCodes(type) ? count : undefined) ?? 0

/** Rules issue cards as customers come, also where others are made beforehand. */
const neededRoom = (campaign: Campaign): number =>
  Math.max(TWICE * madeBefore(campaign), hasWorth(campaign.campaign_type) ? 1 : MIN_ROOM)

/** So many codes do not run out, and so few of them are there among all that hardly anybody guesses one. */
const GOOD_ROOM = 1_000_000
const GOOD_OWN_ROOM = 1_000
const SPARE = 10

const goodRoom = (campaign: Campaign): number =>
  Math.max(SPARE * madeBefore(campaign), hasWorth(campaign.campaign_type) ? GOOD_OWN_ROOM : GOOD_ROOM)

const doubts = (definition: Campaign): readonly string[] => {
  const { voucher, campaign_type: type, vouchers_count: count } = definition
  const room = voucher ? roomOf(voucher.code_config) : Number.POSITIVE_INFINITY
  return [
    ...(room < goodRoom(definition)
      ? [`voucher.code_config allows ${room} different codes: they can be guessed, or run out`]
      : []),
    ...(count && !hasOwnCodes(type)
      ? [
          `vouchers_count makes no codes in a ${type}: ${type === 'PROMOTION' ? 'it has none' : 'each is made when it is published'}`,
        ]
      : []),
  ]
}

const isOfFormat = ({ path }: Fault): boolean => path === 'voucher.code_config'

/** What the vouchers of a campaign are, and the part of them that says what one is worth. */
const WORTH = {
  DISCOUNT_COUPONS: { type: 'DISCOUNT_VOUCHER', part: 'discount', foreign: 'gift' },
  GIFT_VOUCHERS: { type: 'GIFT_VOUCHER', part: 'gift', foreign: 'discount' },
} as const

const hasWorth = (type: CampaignType): type is keyof typeof WORTH => Object.hasOwn(WORTH, type)

/** Whether codes of a type of campaign can be made before anybody has them: cards of loyalty programs too. */
export const hasOwnCodes = (type: CampaignType): boolean => hasWorth(type) || type === 'LOYALTY_PROGRAM'

const worthFaults = ({ campaign_type: campaign, voucher }: Campaign): readonly Fault[] => {
  if (!hasWorth(campaign)) return []
  if (!voucher) return [{ path: 'voucher', message: 'is required' }]
  const { type, part, foreign } = WORTH[campaign]
  return [
    ...(voucher.type === type ? [] : [{ path: 'voucher.type', message: `must be equal to ${type}` }]),
    ...(voucher[part] ? [] : [{ path: `voucher.${part}`, message: 'is required' }]),
    ...(voucher[foreign] ? [{ path: `voucher.${foreign}`, message: `does not go with the type ${campaign}` }] : []),
  ]
}

const loyaltyFaults = ({ voucher, loyalty_tiers_expiration: tiers }: Campaign): readonly Fault[] => [
  ...(voucher && voucher.type !== 'LOYALTY_CARD'
    ? [{ path: 'voucher.type', message: 'must be equal to LOYALTY_CARD' }]
    : []),
  ...expirationFaults(voucher?.loyalty_card?.expiration_rules, 'voucher.loyalty_card.expiration_rules'),
  ...(tiers?.qualification_type === 'POINTS_IN_PERIOD' && !tiers.qualification_period
    ? [{ path: 'loyalty_tiers_expiration.qualification_period', message: 'is required' }]
    : []),
]

const formatFaults = ({ voucher }: Campaign): readonly Fault[] => {
  const message = voucher && configFault(voucher.code_config)
  return message === undefined ? [] : [{ path: 'voucher.code_config', message }]
}

const check = (_: string, definition: Campaign, all: Definitions): readonly Fault[] => {
  const { voucher, campaign_type: type } = definition
  return [
    ...validityFaults(definition, calendarOf(all.project?.timeZone ?? 'UTC')),
    ...(voucher && roomOf(voucher.code_config) < neededRoom(definition)
      ? [{ path: 'voucher.code_config', message: `must allow at least ${neededRoom(definition)} different codes` }]
      : []),
    ...(type === 'LOYALTY_PROGRAM' ? loyaltyFaults(definition) : []),
    ...worthFaults(definition),
    ...referralFaults(definition, all),
  ]
}

export const campaignKind: Kind<Campaign> = {
  fact: 'Campaign',
  prefix: 'camp',
  resource: 'campaign',
  schema: Campaign,
  uniqueName: (definition) => definition.name,
  check,
  faultKey: (faults) => (faults.every(isOfFormat) ? 'invalid_code_config' : 'invalid_campaign_params'),
  doubts,
  // Not asked of what is in the log already: campaigns could once be in categories of any name, and formats make a code that cannot be.
  checkChange: (_, definition, all) => [...formatFaults(definition), ...categoryFaults(definition, all)],
  uses: (definition, all) => [...referralUses(definition, all), ...categoryUses(definition)],
}

/** The campaigns among all definitions, for kinds that refer to them. */
export const campaignsIn = (all: Definitions): ReadonlyMap<string, Entry<Campaign>> =>
  (all.entries.campaign ?? new Map()) as ReadonlyMap<string, Entry<Campaign>>

/** The fault of naming a campaign that is no loyalty program; an empty list when it is one. */
export const programFaults = (id: string, path: string, all: Definitions): readonly Fault[] =>
  campaignsIn(all).get(id)?.definition.campaign_type === 'LOYALTY_PROGRAM'
    ? []
    : [{ path, message: `must name a loyalty program: there is no ${id}` }]
