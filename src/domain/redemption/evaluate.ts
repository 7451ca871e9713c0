// Whether the redeemables of a request may be redeemed, one after the other, and what each takes off the order. Pure: the same
// question is asked for validations, for qualifications, before places are reserved, and in the decision itself.
import { calendarOf } from '../calendar.ts'
import { parseSpan, shifted } from '../conditions/span.ts'
import { type Steps, startSteps } from '../conditions/steps.ts'
import type { Context, Redemption } from '../conditions/subject.ts'
import { subjectOf } from '../customer/conditions.ts'
import { countWithin, NO_COUNTS, PERIODS, type PeriodSuffix } from '../customer/redemptions/counts.ts'
import type { PaidWithPoints } from '../customer/redemptions/facts.ts'
import { type CustomerState, newCustomer } from '../customer/state.ts'
import { refusalOf } from '../gates.ts'
import type { PricedOrder } from '../order.ts'
import { type Refusal, type Refused, refuse, refuseNotFound } from '../refusal.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { timeFault } from '../validity.ts'
import type { CodeState } from '../vouchers/code.ts'
import { type ResolvedVoucher, resolveVoucher, tierOf } from '../vouchers/resolve.ts'
import { applyCredits, applyDiscount } from './discount.ts'
import { audienceGates, gatesOf } from './gates.ts'
import { cardFault, offerFor, offerGates, payWithPoints, type RewardWanted } from './points.ts'

/** One thing that is to be redeemed, with what its ledgers say. */
export interface Redeemable {
  /** The code as it was asked for. */
  readonly asked: string
  readonly code: CodeState
  /**
   * How the budgets of the ledgers stand with this redemption counted in, by the names of rules; what a rule asks for and this
   * lacks is taken to hold.
   */
  readonly measures: Readonly<Record<string, number>>
  /** Redemptions of the code with this one counted in; absent where that is not known yet. */
  readonly times?: number
  /** Gift credits that were asked for, and those that are there, minor units. */
  readonly credits?: number
  readonly available?: number
  /** What the points of a loyalty card are to pay for. */
  readonly reward?: RewardWanted
}

/** Who asks, for what, and when. */
export interface Situation {
  /** Absent for a redemption without a customer. */
  readonly customer?: CustomerState
  readonly order?: PricedOrder
  readonly metadata: Readonly<Record<string, unknown>>
  readonly apiKey: string
  readonly rulebook: Rulebook
  /** ms. */
  readonly now: number
  /** Rules are asked only for what they say of the customer. */
  readonly audienceOnly?: boolean
  /** What all rules may cost together; by default as much as one decision has. */
  readonly steps?: Steps
}

export interface Applicable {
  readonly status: 'APPLICABLE'
  readonly asked: string
  readonly voucher: ResolvedVoucher
  /** Gift credits that are taken, minor units. */
  readonly credits?: number
  /** Points that are taken from a loyalty card, and what for. */
  readonly paid?: PaidWithPoints
  /** What the redeemable gives, and what of it really comes off the order, minor units. */
  readonly given: number
  readonly applied: number
  /** The order that the redeemable found, and the one that it left. */
  readonly before?: PricedOrder
  readonly after?: PricedOrder
  readonly because: readonly { readonly rule: string; readonly because: unknown }[]
}
export interface Inapplicable {
  readonly status: 'INAPPLICABLE'
  readonly asked: string
  readonly voucher?: ResolvedVoucher
  readonly refusal: Refusal
}
export interface Skipped {
  readonly status: 'SKIPPED'
  readonly asked: string
  readonly voucher?: ResolvedVoucher
  readonly key: 'preceding_validation_failed'
}
export type Verdict = Applicable | Inapplicable | Skipped

export interface Evaluated {
  readonly valid: boolean
  readonly verdicts: readonly Verdict[]
  /** The order after everything that may be redeemed. */
  readonly order?: PricedOrder
}

const NOBODY = subjectOf(newCustomer(''))

/** What a refusal is about: the code, or the promotion tier. */
const resourceOf = ({ code, tier }: ResolvedVoucher) => ({
  resource: { type: tier ? ('promotion_tier' as const) : ('voucher' as const), id: code },
})

/** What is wrong with the code itself, whoever asks. */
const codeFault = (code: CodeState, voucher: ResolvedVoucher, { rulebook, now }: Situation): Refused | undefined => {
  const { campaign } = voucher
  const resource = resourceOf(voucher)
  const what = voucher.tier ? 'The promotion tier' : 'The code'
  if (code.owner?.campaign !== undefined && !campaign)
    return refuse('invalid_campaign', 'The campaign of the code was deleted', resource)
  if (!voucher.active)
    return refuse(voucher.tier ? 'promotion_inactive' : 'voucher_disabled', `${what} is disabled`, resource)
  if (campaign && !campaign.definition.active)
    return refuse('campaign_not_active', `The campaign ${campaign.definition.name} is disabled`, {
      resource: { type: 'campaign', id: campaign.id },
    })
  const calendar = calendarOf(rulebook.project.timeZone)
  const fault =
    timeFault(voucher.validity, calendar, now, what, resource.resource) ??
    (campaign && timeFault(campaign.definition, calendar, now, 'The campaign', resource.resource))
  if (fault) return fault
  const lasting = campaign?.definition.activity_duration_after_publishing
  const span = lasting ? parseSpan(lasting) : undefined
  if (span && voucher.givenAt !== undefined) {
    const end = shifted(calendar, voucher.givenAt, span, 1, false)
    if (now >= end) return refuse('voucher_expired', `The code was good until ${new Date(end).toISOString()}`, resource)
  }
  return undefined
}

/** What stands between the code and this customer. */
const holderFault = (voucher: ResolvedVoucher, { customer }: Situation): Refused | undefined => {
  if (voucher.type === 'LOYALTY_CARD') return cardFault(voucher, customer)
  if (!voucher.isReferral) return undefined
  const resource = resourceOf(voucher)
  if (voucher.holder === undefined) return refuse('not_published', 'The code was not published to a referrer', resource)
  if (!customer) return refuse('missing_customer', 'A referral code is redeemed by a customer', resource)
  return voucher.holder === customer.id
    ? refuse('referrer_not_permitted_to_redeem', "The code is the customer's own", resource)
    : undefined
}

const SUFFIXES = ['', ...Object.keys(PERIODS)] as readonly PeriodSuffix[]

/** The budgets that the customer's own stream answers for, this redemption counted in. */
const customerMeasures = (
  voucher: ResolvedVoucher,
  { customer, now, rulebook }: Situation,
): Readonly<Record<string, number>> => {
  if (!customer) return {}
  const calendar = calendarOf(rulebook.project.timeZone)
  const { byVoucher, byCampaign } = customer.redemptions
  const ofVoucher = byVoucher[voucher.id] ?? NO_COUNTS
  const ofCampaign = voucher.campaign ? (byCampaign[voucher.campaign.id] ?? NO_COUNTS) : undefined
  return Object.fromEntries(
    SUFFIXES.flatMap((suffix) => [
      [`redemption.count.per_customer${suffix}`, 1 + countWithin(ofVoucher, calendar, suffix, now)],
      ...(ofCampaign
        ? [[`campaign.redemptions.customers_count${suffix}`, 1 + countWithin(ofCampaign, calendar, suffix, now)]]
        : []),
    ]),
  )
}

/**
 * What rules find of a redemption of a voucher; of measures, `'skip'` is one that a ledger would answer for which is not kept,
 * undefined one that there cannot be.
 */
export const redemptionContext = (
  voucher: ResolvedVoucher,
  redeemable: Pick<Redeemable, 'credits' | 'measures'>,
  situation: Situation,
  order: PricedOrder | undefined,
): Context => {
  const { customer, metadata, apiKey, steps } = situation
  const own = customerMeasures(voucher, situation)
  const redemption: Redemption = {
    metadata,
    api_key: apiKey,
    linked_customer: customer !== undefined && voucher.holder === customer.id,
    ...(voucher.gift ? { gift_amount: redeemable.credits ?? 0 } : {}),
  }
  return {
    ...(order ? { order: { ...order, initial_amount: order.initial_amount } } : {}),
    redemption,
    ...(steps ? { steps } : {}),
    measures: (name) => {
      if (Object.hasOwn(own, name)) return own[name]
      if (Object.hasOwn(redeemable.measures, name)) return redeemable.measures[name]
      if (/per_customer|customers_count|per_user/.test(name)) return undefined
      return name.startsWith('campaign.') && !voucher.campaign ? undefined : 'skip'
    },
  }
}

/** Asks the rules; answers their truth tables, or the refusal of the first that fails. */
const ruleFault = (
  voucher: ResolvedVoucher,
  redeemable: Redeemable,
  situation: Situation,
  order: PricedOrder | undefined,
): Refused | Applicable['because'] => {
  const { customer, rulebook, now } = situation
  const all = [...gatesOf(voucher, rulebook), ...offerGates(offerFor(voucher, redeemable.reward, rulebook), rulebook)]
  const gates = situation.audienceOnly ? audienceGates(all, rulebook) : all
  if (gates.length === 0) return []
  const context = redemptionContext(voucher, redeemable, situation, order)
  const subject = customer ? subjectOf(customer) : NOBODY
  const because: { rule: string; because: unknown }[] = []
  for (const { rule, condition } of gates) {
    const evaluation = condition.evaluate(subject, context, now)
    if (!evaluation.holds) {
      const { failed } = evaluation
      const { key, details } = refusalOf(evaluation, situation)
      const ruleMessage = failed?.message === undefined ? {} : { ruleMessage: failed.message }
      return refuse(key, details, { ...resourceOf(voucher), ...ruleMessage })
    }
    because.push({ rule, because: evaluation.because })
  }
  return because
}

/** Takes what the voucher is worth off the order. */
const apply = (
  voucher: ResolvedVoucher,
  { credits, available = 0, reward }: Redeemable,
  { customer, rulebook }: Situation,
  order: PricedOrder | undefined,
): Pick<Applicable, 'credits' | 'paid' | 'given' | 'applied' | 'after'> | Refused => {
  if (voucher.type === 'LOYALTY_CARD' && customer) {
    const payment = payWithPoints(voucher, reward, { customer, rulebook }, order)
    if ('refused' in payment) return payment
    const { amount, ...rest } = payment
    return { ...rest, given: amount, applied: amount }
  }
  if (voucher.type === 'GIFT_VOUCHER') {
    if (credits === undefined && !order)
      return refuse('missing_amount', 'Without an order, gift.credits says how much is to be taken', {
        resource: { type: 'voucher', id: voucher.code },
      })
    if (available === 0 || (credits !== undefined && credits > available))
      return refuse('gift_amount_exceeded', `${credits ?? 'Credits'} were asked for, and ${available} are left`, {
        resource: { type: 'voucher', id: voucher.code },
      })
    const paid = applyCredits(order, credits, available, voucher.gift?.effect)
    return {
      credits: paid.credits,
      given: paid.credits,
      applied: order ? paid.credits : 0,
      ...(paid.order ? { after: paid.order } : {}),
    }
  }
  if (!voucher.discount || !order) return { given: 0, applied: 0, ...(order ? { after: order } : {}) }
  const done = applyDiscount(order, voucher.discount)
  return { given: done.discount_amount, applied: done.applied_discount_amount, after: done.order }
}

const judge = (
  redeemable: Redeemable,
  situation: Situation,
  order: PricedOrder | undefined,
): Applicable | Inapplicable => {
  const { asked, code, times } = redeemable
  const voucher = resolveVoucher(code, situation.rulebook)
  const no = ({ refused }: Refused): Inapplicable => ({
    status: 'INAPPLICABLE',
    asked,
    ...(voucher ? { voucher } : {}),
    refusal: refused,
  })
  if (!voucher) return no(refuseNotFound(tierOf(code) === undefined ? 'voucher' : 'promotion_tier', asked))
  const fault = codeFault(code, voucher, situation) ?? holderFault(voucher, situation)
  if (fault) return no(fault)
  if (voucher.quantity !== null && times !== undefined && times > voucher.quantity)
    return no(
      refuse('quantity_exceeded', `The code was redeemed as often as it may be (${voucher.quantity})`, {
        resource: { type: 'voucher', id: asked },
      }),
    )
  const because = ruleFault(voucher, redeemable, situation, order)
  if ('refused' in because) return no(because)
  const applied = apply(voucher, redeemable, situation, order)
  if ('refused' in applied) return no(applied)
  return { status: 'APPLICABLE', asked, voucher, ...applied, ...(order ? { before: order } : {}), because }
}

/**
 * Judges the redeemables in their order: each finds the order as those before it left it, and none is looked at after one that
 * may not be redeemed.
 */
export const evaluate = (redeemables: readonly Redeemable[], given: Situation): Evaluated => {
  const situation = { ...given, steps: given.steps ?? startSteps() }
  let order = situation.order
  let failed = false
  const verdicts = redeemables.map((redeemable): Verdict => {
    if (failed) {
      const voucher = resolveVoucher(redeemable.code, situation.rulebook)
      return {
        status: 'SKIPPED',
        asked: redeemable.asked,
        ...(voucher ? { voucher } : {}),
        key: 'preceding_validation_failed',
      }
    }
    const verdict = judge(redeemable, situation, order)
    if (verdict.status === 'APPLICABLE') order = verdict.after
    else failed = true
    return verdict
  })
  return { valid: !failed, verdicts, ...(order ? { order } : {}) }
}
