// Referrals as facts of the two customers: the referee's stream says what converted, the referrer's what was credited for it.
import * as v from 'valibot'
import { wholeFields } from '../../personal.ts'
import { ReferralReward, ReferrerTier } from '../../rulebook/referralProgram.ts'
import { type DataIn, type FactIn, rowsOf } from '../factRow.ts'
import { VoucherRef } from '../vouchers/facts.ts'
import type { ReferralsState } from './state.ts'

const At = v.pipe(v.number(), v.integer())
const Ref = v.object({ id: v.string(), name: v.string() })

/** Why a code did not convert. */
export const RefusalReason = v.picklist([
  'campaign_not_active',
  'code_disabled',
  'code_expired',
  'not_published',
  'referrer_gone',
  'wrong_referrer',
  'self_referral',
  'already_referred',
  'not_new',
  'rule_failed',
])
export type RefusalReason = v.InferOutput<typeof RefusalReason>

export const ReferralRole = v.picklist(['REFEREE', 'REFERRER'])
export type ReferralRole = v.InferOutput<typeof ReferralRole>

/** What the program promised when the conversion happened: a later change of it takes nothing back. */
const Promised = v.object({
  referee: v.optional(ReferralReward),
  referrer: v.optional(ReferralReward),
  tiers: v.optional(v.array(ReferrerTier)),
})

const Cause = v.object({
  fact: v.string(),
  /** The event's name. */
  event: v.string(),
  schema: v.optional(v.string()),
})

const parties = {
  /** The fact of the event that converted: a code is of one program, so that an event converts once at most. */
  conversion: v.string(),
  campaign: Ref,
  voucher: VoucherRef,
  referee: v.string(),
  referrer: v.string(),
  occurredAt: At,
}

const paid = {
  ...parties,
  /** The event's name. */
  event: v.string(),
  role: ReferralRole,
  reward: ReferralReward,
  /** The tier that the reward comes from: its `from`. */
  tier: v.optional(v.number()),
}

const fact = rowsOf<ReferralsState>()

export const referralFacts = {
  /** This customer was referred: once in a program. */
  ReferralConverted: fact(
    v.object({
      campaign: Ref,
      /** The revision of the program. */
      definition: v.string(),
      voucher: VoucherRef,
      referrer: v.string(),
      cause: Cause,
      promise: Promised,
      /** The truth tables of the rules that held. */
      because: v.optional(v.unknown()),
      occurredAt: At,
    }),
    {
      personal: wholeFields({ because: undefined }),
      event: 'customer.referred',
      evolve: (state, { campaign, referrer, voucher, cause, occurredAt }) => {
        const { [campaign.id]: _, ...refused } = state.refused
        const { fact, event } = cause
        const one = { campaign, referrer, code: voucher.code, cause: { fact, event }, at: occurredAt }
        return { ...state, refused, referred: { ...state.referred, [campaign.id]: one } }
      },
    },
  ),
  /** The program's event came with a code, but did not convert. */
  ReferralRefused: fact(
    v.object({
      campaign: Ref,
      definition: v.string(),
      voucher: VoucherRef,
      referrer: v.optional(v.string()),
      cause: Cause,
      reason: RefusalReason,
      details: v.string(),
      occurredAt: At,
    }),
    {
      evolve: (state, { campaign, voucher, reason }) => ({
        ...state,
        refused: { ...state.refused, [campaign.id]: { code: voucher.code, reason } },
      }),
    },
  ),
  /** This customer referred another. */
  ReferralCredited: fact(
    v.object({
      ...parties,
      cause: Cause,
      promise: Promised,
      /** The how-manieth conversion of this referrer in the program, from 1. */
      number: v.pipe(v.number(), v.integer(), v.minValue(1)),
      /** When the referee converted, ms. */
      convertedAt: At,
    }),
    {
      event: 'customer.referred',
      evolve: (state, { campaign, number }) => ({
        ...state,
        credited: { ...state.credited, [campaign.id]: number },
      }),
    },
  ),
  ReferralRewarded: fact(
    v.object({
      ...paid,
      /** The card that got the points, or the voucher that was published. */
      given: v.object({
        id: v.string(),
        code: v.string(),
        campaign: Ref,
        /** The transaction of the points, and the balance after it. */
        transaction: v.optional(v.string()),
        balance: v.optional(v.number()),
      }),
    }),
    { event: 'customer.rewarded' },
  ),
  /** A reward was due, but could not be given, and why. */
  ReferralRewardWithheld: fact(v.object({ ...paid, reason: v.string() })),
  /** A code's list of referees took this customer in, or out again, before any conversion. */
  ReferralHolderAssigned: fact(
    v.object({
      holder: v.string(),
      campaign: Ref,
      voucher: VoucherRef,
      referrer: v.string(),
      metadata: v.optional(v.record(v.string(), v.unknown())),
      occurredAt: At,
    }),
    {
      personal: wholeFields({ metadata: undefined }),
      event: 'customer.holder.assignment.created',
      category: 'ACTION',
    },
  ),
  ReferralHolderRemoved: fact(
    v.object({
      holder: v.string(),
      campaign: Ref,
      voucher: VoucherRef,
      referrer: v.string(),
      occurredAt: At,
    }),
    { event: 'customer.holder.assignment.deleted', category: 'ACTION' },
  ),
} as const

type Registry = typeof referralFacts
export type ReferralFactType = keyof Registry
export type ReferralFactData<T extends ReferralFactType> = DataIn<Registry, T>
export type ReferralFact = FactIn<Registry>
