// The decision about a request for redemptions, where it is made for good: in the stream of the customer or, without one, of the
// request. Its redeemables have their places in the ledgers by then; what is decided here is all of them or none.

import { calendarOf } from '../calendar.ts'
import type { KnownOrder } from '../customer/orders/state.ts'
import type { ProfilePatch } from '../customer/profile.ts'
import type { LeftOut, PaidWithPoints, RedemptionFactData, RedemptionFactType } from '../customer/redemptions/facts.ts'
import type { Share } from '../customer/redemptions/share.ts'
import { type Made, madeBy, type RedemptionsState, ROLLBACK_MS } from '../customer/redemptions/state.ts'
import type { ReferralOffer } from '../customer/referrals/offer.ts'
import type { CustomerState } from '../customer/state.ts'
import { idFrom } from '../ids.ts'
import { orderId, type PricedOrder } from '../order.ts'
import { type OrderDesk, redeemOrder, rollBackOrder } from '../orders/save.ts'
import { present } from '../present.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import { dayOf } from '../rulebook/limits.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { stackingRulesOf } from '../rulebook/stackingRules.ts'
import type { ResolvedVoucher } from '../vouchers/resolve.ts'
import { type Applicable, evaluate, leftOutOf, type Verdict } from './evaluate.ts'
import type { Redeemable } from './situation.ts'

/** What a request says of itself, kept with each of its redemptions. */
export type Asked = Pick<RedemptionFactData<'RedemptionSucceeded'>, 'metadata' | 'trackingId' | 'channel' | 'apiKey'>

export interface Placed extends Redeemable {
  /** Id of the redemption. */
  readonly redemption: string
  /** What a referral code says of its holder. */
  readonly referral?: ReferralOffer
  /** The streams of the ledgers in which it has its place. */
  readonly ledgers: readonly string[]
}

export interface RedeemVouchers {
  readonly type: 'RedeemVouchers'
  /** Id of the request: its redemptions come about together, once. */
  readonly request: string
  readonly redeemables: readonly Placed[]
  /** The redeemables are those that the stacking rules left of a request: all of them or none, and what was left out. */
  readonly chosen?: readonly LeftOut[]
  readonly order?: PricedOrder
  /** The order that was there before, for one that the stream may have forgotten. */
  readonly knownOrder?: KnownOrder
  readonly asked: Asked
  readonly session?: string
  readonly profile: ProfilePatch
  readonly mayCreate: boolean
}

export interface RecordFailedRedemption {
  readonly type: 'RecordFailedRedemption'
  readonly failed: Omit<RedemptionFactData<'RedemptionFailed'>, 'occurredAt'>
}

/** Abandons a request that nothing was heard of; does nothing when it has been redeemed already. */
export interface AbandonRedemption {
  readonly type: 'AbandonRedemption'
  readonly request: string
}

export interface RollBackRedemptions {
  readonly type: 'RollBackRedemptions'
  /** Id of the request for the rollback. */
  readonly parent: string
  readonly redemptions: readonly string[]
  readonly reason?: string
  readonly asked: Asked
}

export interface RecordFailedRollback {
  readonly type: 'RecordFailedRollback'
  readonly failed: Omit<RedemptionFactData<'RedemptionRollbackFailed'>, 'occurredAt'>
}

export type RedemptionCommand =
  | RedeemVouchers
  | RecordFailedRedemption
  | AbandonRedemption
  | RollBackRedemptions
  | RecordFailedRollback

/** The cards of the customer. */
export interface PointsDesk {
  /** Takes points that the card has. */
  pay(redemption: string, paid: PaidWithPoints, more: { readonly source?: string; readonly reservation?: string }): void
  /** Whether what a redemption paid can be given back. */
  isRefundable(redemption: string, paid: PaidWithPoints): boolean
  giveBack(redemption: string, paid: PaidWithPoints, more: { readonly source?: string; readonly reason?: string }): void
}

/** Where facts go, and what is decided on. */
export interface Desk {
  readonly redemptions: RedemptionsState
  /** Absent without a customer. */
  readonly customer?: CustomerState
  /** Where the order of a request is kept; absent without a customer: a process tells of it. */
  readonly orders?: OrderDesk
  /** Where points are paid and given back; absent without a customer, who alone has a card. */
  readonly points?: PointsDesk
  readonly rulebook: Rulebook
  readonly now: number
  emit<T extends RedemptionFactType>(type: T, data: RedemptionFactData<T>): unknown
}

/** What a redemption takes of its limits. */
export const shareOf = (
  verdict: Applicable,
  order: PricedOrder | undefined,
  { apiKey, rulebook, now }: { readonly apiKey: string; readonly rulebook: Rulebook; readonly now: number },
): Share => ({
  day: dayOf(now, calendarOf(rulebook.project.timeZone)),
  apiKey,
  credits: verdict.credits ?? 0,
  amount: order?.initial_amount ?? 0,
  discounted: verdict.applied,
})

/** The campaign of a voucher, as facts name it. */
export const campaignRef = (voucher: ResolvedVoucher | undefined) =>
  voucher?.campaign
    ? {
        campaign: {
          id: voucher.campaign.id,
          name: voucher.campaign.definition.name,
          type: voucher.campaign.definition.campaign_type,
        },
      }
    : {}

/** The promotion tier that stands in the place of a voucher, as facts name it. */
export const promotionRef = (voucher: ResolvedVoucher | undefined) => {
  if (!voucher?.tier) return {}
  const { id, definition } = voucher.tier
  const { name, hierarchy, banner } = definition
  return { promotion: { id, name, hierarchy, ...present({ banner }) } }
}

/** An order without its items: these are kept with the first redemption of a request only, since there may be 500 of them. */
const withoutItems = ({ items: _, ...order }: PricedOrder): Record<string, unknown> => order

/** Why nothing is redeemed: what is wrong with the first that may not be, or that all were skipped. */
export const refusedBy = (verdicts: readonly Verdict[]): Refused => {
  const fault = verdicts.find((verdict) => verdict.status === 'INAPPLICABLE')
  if (fault) return { refused: fault.refusal }
  const reasons = verdicts.flatMap((one) => (one.status === 'SKIPPED' ? [`${one.asked}: ${one.key}`] : []))
  return refuse('invalid_redeemables', `None of the redeemables is applied (${reasons.join(', ')})`)
}

/** What is recorded of a request; undefined: nothing. */
export const standingOf = (redemptions: RedemptionsState, request: string): 'made' | 'given_up' | undefined => {
  if (madeBy(redemptions, request).length > 0) return 'made'
  return redemptions.abandoned.includes(request) ? 'given_up' : undefined
}

export const GIVEN_UP = refuse('multiple_requests', 'The request was given up before it came about')

const redeem = (desk: Desk, command: RedeemVouchers): Refused | undefined => {
  const { redemptions, rulebook, now, customer, orders } = desk
  const { request, redeemables, asked, session } = command
  const standing = standingOf(redemptions, request)
  if (standing !== undefined) return standing === 'given_up' ? GIVEN_UP : undefined
  const { metadata = {}, apiKey } = asked
  const situation = {
    customer,
    ...(command.order ? { order: command.order } : {}),
    metadata,
    apiKey,
    rulebook,
    now,
    isChosen: command.chosen !== undefined,
  }
  const { verdicts, order, valid } = evaluate(redeemables, situation)
  if (!valid) return refusedBy(verdicts)
  const leftOut = command.chosen ?? leftOutOf(verdicts)
  const firstPlace = verdicts.findIndex(({ status }) => status === 'APPLICABLE')
  for (const [place, verdict] of verdicts.entries()) {
    if (verdict.status !== 'APPLICABLE') continue
    const { voucher, credits, paid, applied, because } = verdict
    const { redemption, ledgers, referral, reward } = redeemables[place]!
    desk.emit('RedemptionSucceeded', {
      redemption,
      request,
      ...asked,
      place,
      of: verdicts.length,
      voucher: {
        id: voucher.id,
        code: voucher.code,
        type: voucher.type,
        ...(voucher.holder === undefined ? {} : { holder: voucher.holder }),
      },
      ...campaignRef(voucher),
      ...promotionRef(voucher),
      ...(voucher.type === 'DISCOUNT_VOUCHER' && voucher.discount ? { discount: voucher.discount } : {}),
      ...(credits === undefined ? {} : { credits }),
      ...(paid ? { paid } : {}),
      ...(order ? { applied, order: place === firstPlace ? { ...order } : withoutItems(order) } : {}),
      share: shareOf(verdict, command.order, { apiKey, rulebook, now }),
      ledgers: [...ledgers],
      ...(session === undefined ? {} : { session }),
      ...(order && orders ? { ordered: true } : {}),
      ...(referral ? { referral } : {}),
      ...(place === firstPlace && leftOut.length > 0 ? { leftOut: [...leftOut] } : {}),
      ...(because.length > 0 ? { because: [...because] } : {}),
      occurredAt: now,
    })
    if (paid)
      desk.points?.pay(redemption, paid, { source: asked.channel, ...present({ reservation: reward?.reservation }) })
  }
  if (order && orders)
    redeemOrder(orders, {
      id: orderId(order, request),
      order,
      known: command.knownOrder,
      request,
      redemptions: redeemables.flatMap((one, place) =>
        verdicts[place]?.status === 'APPLICABLE' ? [one.redemption] : [],
      ),
    })
  return undefined
}

/** The id of the rollback of a redemption by a request for it. */
export const rollbackId = (redemption: string, request: string): string => idFrom('rr', redemption, request)

/** Whether another request rolled a redemption back. */
const isUndoneElsewhere = (made: Made | undefined, parent: string): made is Made & { readonly rolledBack: string } =>
  made?.rolledBack !== undefined && made.rolledBack !== rollbackId(made.redemption, parent)

/** Why a redemption that no other request has rolled back cannot be rolled back now. */
const rollbackFault = (made: Made | undefined, id: string, now: number): Refused | undefined => {
  if (!made) return refuseNotFound('redemption', id)
  return made.rolledBack === undefined && now - made.occurredAt > ROLLBACK_MS
    ? refuse('invalid_redemption', 'A redemption can be rolled back for three months', {
        resource: { type: 'redemption', id },
      })
    : undefined
}

/** Points go back while the card remembers what they were taken from: as long as there is time to roll back. */
const refundFault = (desk: Desk, made: Made | undefined): Refused | undefined =>
  made?.paid && made.rolledBack === undefined && desk.points?.isRefundable(made.redemption, made.paid) === false
    ? refuse('invalid_redemption', 'The card does not know any more what the redemption took', {
        resource: { type: 'redemption', id: made.redemption },
      })
    : undefined

/** Rolls back what is left of the redemptions, all or none of that; refused where nothing is. */
const rollBack = (desk: Desk, { parent, redemptions, reason, asked }: RollBackRedemptions): Refused | undefined => {
  const { made } = desk.redemptions
  const all = redemptions.map((id) => ({ id, one: Object.hasOwn(made, id) ? made[id] : undefined }))
  const left = all.filter(({ one }) => !isUndoneElsewhere(one, parent))
  const [first] = all
  if (left.length === 0 && first?.one)
    return refuse('already_rolled_back', `The redemption was rolled back by ${first.one.rolledBack}`, {
      resource: { type: 'redemption', id: first.id },
    })
  for (const { id, one } of left) {
    const fault = rollbackFault(one, id, desk.now) ?? refundFault(desk, one)
    if (fault) return fault
  }
  const orderStays = stackingRulesOf(desk.rulebook.definitions).redeemables_rollback_order_mode === 'WITHOUT_ORDER'
  const undone = left.flatMap(({ one }) => (one && one.rolledBack === undefined ? [one] : []))
  for (const one of undone) {
    const { redemption, request, place, voucher, campaign, promotion, order, credits, paid, applied } = one
    const { share, ledgers } = one
    desk.emit('RedemptionRolledBack', {
      rollback: rollbackId(redemption, parent),
      parent,
      redemption,
      request,
      ...asked,
      place,
      voucher,
      ...(campaign ? { campaign } : {}),
      ...(promotion ? { promotion } : {}),
      ...(order ? { order } : {}),
      ...(credits === undefined ? {} : { credits }),
      ...(paid ? { paid } : {}),
      ...present({ applied, reason }),
      ...(one.ordered ? { ordered: true } : {}),
      ...(orderStays ? { orderStays } : {}),
      share,
      ledgers,
      occurredAt: desk.now,
    })
    if (paid) desk.points?.giveBack(redemption, paid, { source: asked.channel, ...present({ reason }) })
  }
  if (!orderStays) tellOrders(desk, parent, undone)
  return undefined
}

/** Tells the orders of redemptions that were rolled back just now. */
const tellOrders = ({ orders, redemptions }: Desk, parent: string, undone: readonly Made[]): void => {
  if (!orders) return
  const ids = new Set(undone.map(({ redemption }) => redemption))
  for (const request of new Set(undone.map((one) => one.request))) {
    const made = madeBy(redemptions, request)
    const order = made.find((one) => one.order)?.order as Pick<PricedOrder, 'id'> | undefined
    if (!order) continue
    rollBackOrder(orders, {
      id: orderId(order, request),
      request,
      parent,
      rollbacks: made.filter((one) => ids.has(one.redemption)).map((one) => rollbackId(one.redemption, parent)),
      isAll: made.every((one) => one.rolledBack !== undefined || ids.has(one.redemption)),
    })
  }
}

/** Emits what a command leads to, or says why not; emitting nothing is success: it holds already. */
export const performRedemptions = (desk: Desk, command: RedemptionCommand): Refused | undefined => {
  switch (command.type) {
    case 'RedeemVouchers':
      return redeem(desk, command)
    case 'RecordFailedRedemption':
      desk.emit('RedemptionFailed', { ...command.failed, occurredAt: desk.now })
      return undefined
    case 'AbandonRedemption': {
      const { request } = command
      if (standingOf(desk.redemptions, request) === undefined)
        desk.emit('RedemptionAbandoned', { request, occurredAt: desk.now })
      return undefined
    }
    case 'RollBackRedemptions':
      return rollBack(desk, command)
    case 'RecordFailedRollback':
      desk.emit('RedemptionRollbackFailed', { ...command.failed, occurredAt: desk.now })
      return undefined
    default:
      return command satisfies never
  }
}
