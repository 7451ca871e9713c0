// A request for redemptions, apart from how it is carried out: what is asked for, which part of it can come about, and what is decided of it.
import type { KnownOrder } from '../customer/orders/state.ts'
import type { ProfilePatch } from '../customer/profile.ts'
import type { LeftOut } from '../customer/redemptions/facts.ts'
import type { PricedOrder } from '../order.ts'
import { present } from '../present.ts'
import type { Refusal } from '../refusal.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { stackingRulesOf } from '../rulebook/stackingRules.ts'
import { resolveVoucher } from '../vouchers/resolve.ts'
import { applicationOrderOf } from './evaluate.ts'
import {
  type Asked,
  campaignRef,
  type Placed,
  promotionRef,
  type RedeemVouchers,
  type RedemptionCommand,
} from './redeem.ts'
import type { Hope, Looked, Wanted } from './sight.ts'

/** What is asked for: redeemables of one order, for one customer or for nobody. */
export interface RedemptionAsk {
  /** Names the asking: with the same name it comes about once for its customer. */
  readonly name: string
  /** The name that older programs gave to the same asking, when ids said nothing of the customer. */
  readonly formerName?: string
  readonly redeemables: readonly Wanted[]
  readonly order?: PricedOrder
  /** The order that was there before. */
  readonly knownOrder?: KnownOrder
  readonly asked: Asked
  readonly session?: string
  readonly customer?: { readonly id: string; readonly profile: ProfilePatch; readonly mayCreate: boolean }
  /** What the stacking rules left out of the request; absent while they have chosen nothing. */
  readonly chosen?: readonly LeftOut[]
}

/** What of a request can be hoped for, in the order in which it is applied: from then on all of that or none. */
export const chosenOf = (
  all: RedemptionAsk,
  looked: Looked,
  possible: Hope,
  rulebook: Rulebook,
): { readonly ask: RedemptionAsk; readonly looked: Looked; readonly isAll: boolean } => {
  const applied = new Set(possible.taken.map(({ place }) => place))
  const order = applicationOrderOf(
    looked.codes.map(({ code }) => code),
    rulebook,
  ).filter((place) => applied.has(place))
  const redeemables = order.map((place) => all.redeemables[place]!)
  const chosen = all.chosen ?? possible.leftOut
  return {
    ask: { ...all, redeemables, chosen },
    looked: { ...looked, codes: order.map((at) => looked.codes[at]!) },
    isAll: all.redeemables.every((one, place) => redeemables[place] === one),
  }
}

/** What is left of a chosen request without the redeemable that a refusal is about; undefined where it does not do without that. */
export const withoutRefused = (ask: RedemptionAsk, refusal: Refusal, rulebook: Rulebook): RedemptionAsk | undefined => {
  const { redeemables, chosen } = ask
  const refused = redeemables.find(({ code }) => code === refusal.resource?.id)
  const isPartial = stackingRulesOf(rulebook.definitions).redeemables_application_mode === 'PARTIAL'
  if (!chosen || !refused || redeemables.length === 1 || !isPartial) return undefined
  const { code, isTier } = refused
  const { key, details, ruleMessage } = refusal
  return {
    ...ask,
    redeemables: redeemables.filter((one) => one !== refused),
    chosen: [...chosen, { code, ...present({ isTier }), refusal: { key, details, ...present({ ruleMessage }) } }],
  }
}

/** What is decided of a request whose places are taken. */
export const commandOf = (ask: RedemptionAsk, request: string, redeemables: readonly Placed[]): RedeemVouchers => ({
  type: 'RedeemVouchers',
  request,
  redeemables,
  asked: ask.asked,
  profile: ask.customer?.profile ?? {},
  mayCreate: ask.customer?.mayCreate ?? false,
  ...(ask.order ? { order: ask.order } : {}),
  ...(ask.knownOrder ? { knownOrder: ask.knownOrder } : {}),
  session: ask.session,
  ...(ask.chosen ? { chosen: ask.chosen } : {}),
})

/** What is recorded of a request that failed, about the redeemable that was refused. */
export const failureOf = (
  ask: RedemptionAsk,
  {
    redemption,
    request,
    refusal,
  }: { readonly redemption: string; readonly request: string; readonly refusal: Refusal },
  looked: Looked,
  rulebook: Rulebook,
): RedemptionCommand => {
  const at = refusal.resource?.id
  const found = looked.codes.find(({ code }) => code.code === at) ?? looked.codes[0]!
  const voucher = resolveVoucher(found.code, rulebook)
  return {
    type: 'RecordFailedRedemption',
    failed: {
      redemption,
      request,
      ...ask.asked,
      voucher: { code: found.code.code, ...(voucher ? { id: voucher.id } : {}) },
      ...campaignRef(voucher),
      ...promotionRef(voucher),
      ...(ask.order ? { order: { amount: ask.order.amount } } : {}),
      reason: refusal.key,
      details: refusal.details,
      ...present({ message: refusal.ruleMessage }),
    },
  }
}
