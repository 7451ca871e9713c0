// Whether the redeemables of a request may be redeemed, one after the other, and what each takes off the order. Pure: the same
// question is asked for validations, for qualifications, before places are reserved, and in the decision itself.
import { startSteps } from '../conditions/steps.ts'
import type { LeftOut, PaidWithPoints } from '../customer/redemptions/facts.ts'
import type { PricedItem, PricedOrder } from '../order.ts'
import { present } from '../present.ts'
import { type Refusal, type Refused, refuse, refuseNotFound } from '../refusal.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { type StackingRules, stackingRulesOf } from '../rulebook/stackingRules.ts'
import type { CodeState } from '../vouchers/code.ts'
import { type ResolvedVoucher, resolveVoucher, tierOf } from '../vouchers/resolve.ts'
import { applyCredits, applyDiscount } from './discount.ts'
import { type Because, codeFault, holderFault, payFault, ruleFault } from './faults.ts'
import { payWithPoints } from './points.ts'
import type { Redeemable, Situation } from './situation.ts'
import {
  applicationOrder,
  categoryOfVoucher,
  isChanged,
  isOfInitialAmount,
  isSkippedWithoutEffect,
  type SkipKey,
  startTally,
  type Trait,
  traitOf,
} from './stacking.ts'

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
  readonly because: Because
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
  readonly key: SkipKey
}
export type Verdict = Applicable | Inapplicable | Skipped

export interface Evaluated {
  readonly valid: boolean
  readonly verdicts: readonly Verdict[]
  /** The order after everything that may be redeemed. */
  readonly order?: PricedOrder
}

/** How what a voucher is worth comes off an order beside others. */
interface Manner {
  /** Of which items it may come. */
  readonly reach?: (item: PricedItem) => boolean
  /** The order of which a discount is reckoned, where that is not the one that it found. */
  readonly base?: PricedOrder | undefined
}

/** Takes what the voucher is worth off the order. */
const apply = (
  voucher: ResolvedVoucher,
  { credits, available = 0, reward }: Redeemable,
  { customer, rulebook }: Situation,
  order: PricedOrder | undefined,
  { reach, base }: Manner,
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
    const paid = applyCredits(order, credits, available, voucher.gift?.effect, reach)
    return {
      credits: paid.credits,
      given: paid.credits,
      applied: order ? paid.credits : 0,
      ...(paid.order ? { after: paid.order } : {}),
    }
  }
  if (!voucher.discount || !order) return { given: 0, applied: 0, ...(order ? { after: order } : {}) }
  const done = applyDiscount(order, voucher.discount, reach, base)
  return { given: done.discount_amount, applied: done.applied_discount_amount, after: done.order }
}

/** What of a balance goes, for rules on it, whether or not the request says how much. */
const takenBy = (applied: Pick<Applicable, 'credits' | 'paid'> | Refused): Pick<Redeemable, 'taken'> =>
  'refused' in applied ? {} : { taken: present({ credits: applied.credits, points: applied.paid?.points }) }

const judge = (
  redeemable: Redeemable,
  situation: Situation,
  voucher: ResolvedVoucher | undefined,
  order: PricedOrder | undefined,
  manner: Manner,
): Applicable | Inapplicable => {
  const { asked, code, times } = redeemable
  const no = ({ refused }: Refused): Inapplicable => ({
    status: 'INAPPLICABLE',
    asked,
    voucher,
    refusal: refused,
  })
  if (!voucher) return no(refuseNotFound(tierOf(code) === undefined ? 'voucher' : 'promotion_tier', asked))
  const fault = codeFault(voucher, situation) ?? payFault(voucher, redeemable) ?? holderFault(voucher, situation)
  if (fault) return no(fault)
  if (voucher.quantity !== null && times !== undefined && times > voucher.quantity)
    return no(
      refuse('quantity_exceeded', `The code was redeemed as often as it may be (${voucher.quantity})`, {
        resource: { type: 'voucher', id: asked },
      }),
    )
  const applied = apply(voucher, redeemable, situation, order, manner)
  const because = ruleFault(voucher, { ...redeemable, ...takenBy(applied) }, situation, order)
  if ('refused' in because) return no(because)
  if ('refused' in applied) return no(applied)
  return { status: 'APPLICABLE', asked, voucher, ...applied, ...(order ? { before: order } : {}), because }
}

/** Changes nothing of the order that it found. */
const hasNoEffect = ({ before, after, paid }: Applicable): boolean =>
  paid === undefined && before !== undefined && after !== undefined && !isChanged(before, after)

/** One redeemable with what the stacking rules ask of it. */
interface Stacked {
  readonly redeemable: Redeemable
  readonly voucher: ResolvedVoucher | undefined
  readonly trait: Trait
}

/** Goes through the redeemables once; `isExclusion`: those of exclusive categories leave the others out. */
const through = (
  all: readonly Stacked[],
  rules: StackingRules,
  situation: Situation,
  { isExclusion }: { readonly isExclusion: boolean },
): { readonly verdicts: readonly Verdict[]; readonly order?: PricedOrder; readonly failed: boolean } => {
  const isPartial = !situation.isChosen && rules.redeemables_application_mode === 'PARTIAL'
  const isOnce = rules.redeemables_products_application_mode === 'ONCE'
  const tally = startTally(rules, { isExclusion })
  const verdicts: Verdict[] = []
  let order = situation.order
  let failed = false
  for (const place of applicationOrder(
    rules,
    all.map(({ trait }) => trait),
  )) {
    const { redeemable, voucher, trait } = all[place]!
    const skip = (key: SkipKey): Skipped => ({
      status: 'SKIPPED',
      asked: redeemable.asked,
      voucher,
      key,
    })
    const key = failed ? 'preceding_validation_failed' : situation.isChosen ? undefined : tally.skipped(trait)
    if (key) {
      verdicts[place] = skip(key)
      continue
    }
    const verdict = judge(redeemable, situation, voucher, order, {
      ...(isOnce ? { reach: (item) => item.discount_amount === 0 } : {}),
      base: isOfInitialAmount(rules, trait) ? situation.order : undefined,
    })
    if (verdict.status === 'APPLICABLE') {
      if (!situation.isChosen && hasNoEffect(verdict) && isSkippedWithoutEffect(rules, trait)) {
        verdicts[place] = skip('no_effect')
        continue
      }
      tally.applied(trait)
      order = verdict.after
    } else if (!isPartial) failed = true
    verdicts[place] = verdict
  }
  return { verdicts, failed, order }
}

/**
 * Judges the redeemables in the order of the stacking rules: each finds the order as those before it left it. Where all must be
 * applicable none is looked at after one that is not; else that one is left out. What has no place beside others is skipped.
 */
export const evaluate = (redeemables: readonly Redeemable[], given: Situation): Evaluated => {
  const situation = { ...given, steps: given.steps ?? startSteps() }
  const { definitions } = situation.rulebook
  const rules = stackingRulesOf(definitions)
  const all = redeemables.map((redeemable): Stacked => {
    const voucher = resolveVoucher(redeemable.code, situation.rulebook)
    return { redeemable, voucher, trait: traitOf(rules, categoryOfVoucher(definitions, voucher)) }
  })
  const isExclusion = all.some(({ trait }) => trait.isExclusive)
  const first = through(all, rules, situation, { isExclusion })
  const again = { ...situation, steps: given.steps ?? startSteps() }
  const isExclusive = ({ status }: Verdict, place: number): boolean =>
    status === 'APPLICABLE' && all[place]!.trait.isExclusive
  // What is not applied itself leaves nothing out.
  const { verdicts, failed, order } =
    isExclusion && !first.failed && !first.verdicts.some(isExclusive)
      ? through(all, rules, again, { isExclusion: false })
      : first
  const valid = !failed && verdicts.some(({ status }) => status === 'APPLICABLE')
  return { valid, verdicts, order }
}

/** The places of redeemables in the order in which the stacking rules apply them. */
export const applicationOrderOf = (codes: readonly CodeState[], rulebook: Rulebook): readonly number[] => {
  const { definitions } = rulebook
  const rules = stackingRulesOf(definitions)
  return applicationOrder(
    rules,
    codes.map((code) => traitOf(rules, categoryOfVoucher(definitions, resolveVoucher(code, rulebook)))),
  )
}

/** What of the redeemables is not applied, where others are. */
export const leftOutOf = (verdicts: readonly Verdict[]): readonly LeftOut[] =>
  verdicts.flatMap((verdict): LeftOut[] => {
    if (verdict.status === 'APPLICABLE') return []
    const { asked: code, voucher } = verdict
    const named = { code, ...(voucher?.tier ? { isTier: true } : {}) }
    if (verdict.status === 'SKIPPED') return [{ ...named, skipped: verdict.key }]
    const { key, details, ruleMessage } = verdict.refusal
    return [{ ...named, refusal: { key, details, ...present({ ruleMessage }) } }]
  })
