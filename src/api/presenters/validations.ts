// What validations answer: each redeemable judged, and the older form about one code.
import * as v from 'valibot'
import { stepOrder } from '../../domain/order.ts'
import { present } from '../../domain/present.ts'
import type { Verdict } from '../../domain/redemption/evaluate.ts'
import type { Refusal } from '../../domain/refusal.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import { Discount } from '../../domain/rulebook/voucherSpec.ts'
import { type Reach, tellableRefusal } from '../reach.ts'
import { showRefusal, type showSession, showSkipped } from '../redeemables.ts'
import { showOrder } from './facts/orders.ts'
import { CalculatedOrder, ErrorWithin, Metadata, NoItems } from './parts.ts'
import { StackingRulesInForce, showStackedCategories } from './stackingRules.ts'
import { JudgedRedeemable, LeftOutLists } from './verdicts.ts'

const NO_LIST = { object: 'list', data_ref: 'data', data: [], total: 0 } as const

const resultOf = (verdict: Exclude<Verdict, { status: 'SKIPPED' }>, requestId: string) => {
  if (verdict.status === 'INAPPLICABLE') {
    const { refusal } = verdict
    return {
      error: showRefusal(refusal, requestId),
      details: { key: refusal.key, message: refusal.ruleMessage ?? refusal.details },
    }
  }
  const { voucher, credits, paid } = verdict
  if (paid) return { loyalty_card: { points: paid.points } }
  if (voucher.type === 'GIFT_VOUCHER') return { gift: { credits: credits ?? 0 } }
  return voucher.discount ? { discount: voucher.discount } : {}
}

/** One redeemable as a validation answers it. */
export const showVerdict = (
  rulebook: Rulebook,
  verdict: Verdict,
  requestId: string,
  kind: 'voucher' | 'promotion_tier',
) => {
  const { status, asked, voucher } = verdict
  const before = verdict.status === 'APPLICABLE' ? verdict.before : undefined
  const after = verdict.status === 'APPLICABLE' ? verdict.after : undefined
  return {
    status,
    id: asked,
    object: kind,
    ...present({
      name: voucher?.tier?.definition.name,
      campaign_id: voucher?.campaign?.id,
      campaign_name: voucher?.campaign?.definition.name,
    }),
    ...(before && after ? { order: showOrder(stepOrder(before, after)) } : {}),
    ...(status === 'APPLICABLE' ? { applicable_to: NO_LIST, inapplicable_to: NO_LIST } : {}),
    result: verdict.status === 'SKIPPED' ? showSkipped(verdict.key) : resultOf(verdict, requestId),
    metadata: voucher?.metadata ?? {},
    categories: showStackedCategories(rulebook, voucher),
  }
}

/** A verdict as it may be told. */
export const tellableVerdict = (reach: Reach, verdict: Verdict): Verdict => {
  const { voucher } = verdict
  const told: Verdict =
    verdict.status === 'INAPPLICABLE' ? { ...verdict, refusal: tellableRefusal(reach, verdict.refusal) } : verdict
  return reach.isStranger && voucher ? ({ ...told, voucher: { ...voucher, metadata: {} } } as Verdict) : told
}

const SessionShown = v.object({ key: v.string(), type: v.literal('LOCK'), ttl: v.number(), ttl_unit: v.string() })

export const ValidationObject = v.pipe(
  v.object({
    id: v.string(),
    valid: v.boolean(),
    redeemables: v.array(JudgedRedeemable),
    ...LeftOutLists,
    order: v.optional(CalculatedOrder),
    tracking_id: v.string(),
    session: v.optional(SessionShown),
    stacking_rules: StackingRulesInForce,
  }),
  v.title('Validation'),
)

/** The older answer about one code. */
export const OneValidation = v.pipe(
  v.object({
    valid: v.boolean(),
    code: v.string(),
    campaign: v.optional(v.string()),
    campaign_id: v.optional(v.string()),
    discount: v.optional(Discount),
    gift: v.optional(v.object({ amount: v.number(), credits: v.number() })),
    loyalty: v.optional(v.object({ points_cost: v.number() })),
    reward: v.optional(v.object({ id: v.string(), assignment_id: v.string(), points: v.number() })),
    order: v.optional(CalculatedOrder),
    error: v.optional(ErrorWithin),
    reason: v.optional(v.string()),
    metadata: Metadata,
    applicable_to: v.optional(NoItems),
    inapplicable_to: v.optional(NoItems),
    tracking_id: v.string(),
    session: v.optional(SessionShown),
  }),
  v.title('VoucherValidation'),
)

/** The older answer's no, beside its code. */
export const showInvalid = ({ voucher }: Verdict, refusal: Refusal | undefined, requestId: string) => ({
  valid: false,
  ...(refusal ? { error: showRefusal(refusal, requestId), reason: refusal.ruleMessage ?? refusal.details } : {}),
  metadata: voucher?.metadata ?? {},
})

/** The older answer's yes, beside its code. */
export const showValid = (
  { voucher, after, credits, paid }: Extract<Verdict, { status: 'APPLICABLE' }>,
  session: ReturnType<typeof showSession> | undefined,
) => ({
  valid: true,
  ...present({ campaign: voucher.campaign?.definition.name, campaign_id: voucher.campaign?.id, session }),
  ...(voucher.type === 'DISCOUNT_VOUCHER' && voucher.discount ? { discount: voucher.discount } : {}),
  ...(voucher.type === 'GIFT_VOUCHER' ? { gift: { amount: voucher.gift?.amount ?? 0, credits: credits ?? 0 } } : {}),
  ...(paid
    ? {
        loyalty: { points_cost: paid.points },
        reward: { id: paid.reward.id, assignment_id: paid.assignment, points: paid.points },
      }
    : {}),
  ...(after ? { order: showOrder(after) } : {}),
  metadata: voucher.metadata,
  applicable_to: NO_LIST,
  inapplicable_to: NO_LIST,
})
