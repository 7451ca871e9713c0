// What stands against redeeming one voucher: the code itself, its holder, and what rules say. Pure.
import { calendarOf } from '../calendar.ts'
import { parseSpan, shifted } from '../conditions/span.ts'
import type { Context, Redemption } from '../conditions/subject.ts'
import { subjectOf } from '../customer/conditions.ts'
import { countWithin, NO_COUNTS, PERIODS, type PeriodSuffix } from '../customer/redemptions/counts.ts'
import { newCustomer } from '../customer/state.ts'
import { refusalOf } from '../gates.ts'
import type { PricedOrder } from '../order.ts'
import { type Refused, refuse } from '../refusal.ts'
import { timeFault } from '../validity.ts'
import type { ResolvedVoucher } from '../vouchers/resolve.ts'
import { audienceGates, gatesOf } from './gates.ts'
import { cardFault, offerFor, offerGates } from './points.ts'
import type { Redeemable, Situation } from './situation.ts'

/** The truth tables of rules that hold. */
export type Because = readonly { readonly rule: string; readonly because: unknown }[]

const NOBODY = subjectOf(newCustomer(''))

/** What a refusal is about: the code, or the promotion tier. */
const resourceOf = ({ code, tier }: ResolvedVoucher) => ({
  resource: { type: tier ? ('promotion_tier' as const) : ('voucher' as const), id: code },
})

/** What is wrong with the code itself, whoever asks. */
export const codeFault = (voucher: ResolvedVoucher, { rulebook, now }: Situation): Refused | undefined => {
  const { campaign } = voucher
  const resource = resourceOf(voucher)
  const what = voucher.tier ? 'The promotion tier' : 'The code'
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
    const end = shifted(calendar, voucher.givenAt, span, 1)
    if (now >= end) return refuse('voucher_expired', `The code was good until ${new Date(end).toISOString()}`, resource)
  }
  return undefined
}

/** What stands between the code and this customer. */
export const holderFault = (voucher: ResolvedVoucher, { customer }: Situation): Refused | undefined => {
  if (voucher.type === 'LOYALTY_CARD') return cardFault(voucher, customer)
  if (!voucher.isReferral) return undefined
  const resource = resourceOf(voucher)
  if (voucher.holder === undefined) return refuse('not_published', 'The code was not published to a referrer', resource)
  if (!customer) return refuse('missing_customer', 'A referral code is redeemed by a customer', resource)
  return voucher.holder === customer.id
    ? refuse('referrer_not_permitted_to_redeem', "The code is the customer's own", resource)
    : undefined
}

/** What pays goes with one type of voucher each: for another it would have no effect. */
export const payFault = (voucher: ResolvedVoucher, { credits, reward }: Pick<Redeemable, 'credits' | 'reward'>) => {
  const of = (field: string, what: string) =>
    refuse('invalid_redeemables', `Property .${field} goes with ${what} alone`, resourceOf(voucher))
  if (credits !== undefined && voucher.type !== 'GIFT_VOUCHER') return of('gift.credits', 'gift vouchers')
  return reward && voucher.type !== 'LOYALTY_CARD' ? of('reward', 'loyalty cards') : undefined
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
 * What rules find of a redemption of a voucher. A measure is `'skip'` where it is a ledger's that is not kept, so that nobody can tell
 * it, and undefined where there is no such measure.
 */
export const redemptionContext = (
  voucher: ResolvedVoucher,
  { credits, taken, measures }: Pick<Redeemable, 'credits' | 'taken' | 'measures'>,
  situation: Situation,
  order: PricedOrder | undefined,
): Context => {
  const { customer, metadata, apiKey, steps } = situation
  const own = customerMeasures(voucher, situation)
  const redemption: Redemption = {
    metadata,
    api_key: apiKey,
    linked_customer: customer !== undefined && voucher.holder === customer.id,
    ...(voucher.gift ? { gift_amount: credits ?? taken?.credits ?? 0 } : {}),
    points_used: taken?.points,
  }
  return {
    ...(order ? { order: { ...order, initial_amount: order.initial_amount } } : {}),
    redemption,
    steps,
    measures: (name) => {
      if (Object.hasOwn(own, name)) return own[name]
      if (Object.hasOwn(measures, name)) return measures[name]
      if (/per_customer|customers_count|per_user/.test(name)) return undefined
      return name.startsWith('campaign.') && !voucher.campaign ? undefined : 'skip'
    },
  }
}

/** Asks the rules; answers their truth tables, or the refusal of the first that fails. */
export const ruleFault = (
  voucher: ResolvedVoucher,
  redeemable: Redeemable,
  situation: Situation,
  order: PricedOrder | undefined,
): Refused | Because => {
  const { customer, rulebook, now } = situation
  const all = [...gatesOf(voucher, rulebook), ...offerGates(offerFor(voucher, redeemable.reward, rulebook), rulebook)]
  const gates = situation.audienceOnly ? audienceGates(all, rulebook) : all
  if (gates.length === 0) return []
  const context = redemptionContext(voucher, redeemable, situation, order)
  const subject = customer ? subjectOf(customer) : NOBODY
  const because: Because[number][] = []
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
