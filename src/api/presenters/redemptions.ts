// How redemptions show, with their vouchers and orders.

import * as v from 'valibot'
import type { RedemptionDocument } from '../../../projections/redemptions.ts'
import type { Profile } from '../../domain/customer/profile.ts'
import type { PaidWithPoints } from '../../domain/customer/redemptions/facts.ts'
import { orderId, RecordedOrder } from '../../domain/order.ts'
import { present } from '../../domain/present.ts'
import { orderOf } from '../lists/pager.ts'
import { isoOf } from '../shapes.ts'
import { showCustomerBriefly } from './customers.ts'
import { showOrder } from './facts/orders.ts'
import { BriefCustomer, CalculatedOrder, Channel, Metadata } from './parts.ts'
import { PromotionTierObject } from './promotionTierObject.ts'
import { VoucherWithin } from './voucherObject.ts'

/** The reward that points paid for, as it was then. */
const PaidReward = v.object({
  id: v.string(),
  name: v.optional(v.string()),
  type: v.optional(v.string()),
  parameters: v.optional(Metadata),
  metadata: v.optional(Metadata),
  customer: v.optional(BriefCustomer),
  assignment_id: v.optional(v.nullable(v.string())),
  loyalty_tier_id: v.optional(v.nullable(v.string())),
  created_at: v.optional(v.string()),
  object: v.literal('reward'),
})

const TierWithin = v.pipe(v.partial(PromotionTierObject.pipe[0]), v.title('PromotionTierWithin'))

/** What a redemption or rollback and the request that it came about by have alike. */
const shared = {
  id: v.string(),
  object: v.picklist(['redemption', 'redemption_rollback']),
  date: v.string(),
  customer_id: v.nullable(v.string()),
  tracking_id: v.nullable(v.string()),
  metadata: Metadata,
  /** The request of a redemption; the redemption of a rollback. */
  redemption: v.string(),
  result: v.picklist(['SUCCESS', 'FAILURE']),
  status: v.picklist(['SUCCEEDED', 'FAILED', 'ROLLED_BACK']),
  order: v.nullable(CalculatedOrder),
  customer: v.nullable(BriefCustomer),
}

/** The request that several redemptions came about by. */
export const ParentRedemption = v.pipe(
  v.object({
    ...shared,
    channel: Channel,
    related_object_type: v.literal('redemption'),
    related_object_id: v.string(),
  }),
  v.title('ParentRedemption'),
)

export const RedemptionObject = v.pipe(
  v.object({
    ...shared,
    channel: v.optional(Channel),
    /** Gift credits in minor units, or points; a rollback takes them back, and is negative. */
    amount: v.optional(v.number()),
    gift: v.optional(v.object({ amount: v.number() })),
    loyalty_card: v.optional(v.object({ points: v.number() })),
    reward: v.optional(PaidReward),
    voucher: v.optional(VoucherWithin),
    promotion_tier: v.optional(TierWithin),
    /** Why it was rolled back, and by which rollback. */
    reason: v.optional(v.string()),
    rollback_id: v.optional(v.string()),
    rollback_date: v.optional(v.string()),
    failure_code: v.optional(v.string()),
    failure_message: v.optional(v.string()),
    error: v.optional(v.object({ message: v.string() })),
    related_object_type: v.picklist(['voucher', 'promotion_tier', 'redemption']),
    related_object_id: v.nullable(v.string()),
  }),
  v.title('Redemption'),
)

const customerShown = (id: string | null, profile: Profile | undefined) => {
  if (id === null) return null
  return profile ? showCustomerBriefly(id, profile) : { id, object: 'customer' as const }
}

const showOrderOf = (document: RedemptionDocument) => {
  const { order, customer, request, kind, rolled_back, created_at } = document
  const read = v.safeParse(RecordedOrder, order)
  if (!read.success) return null
  const canceled = rolled_back !== null || (kind === 'rollback' && document.result === 'SUCCESS')
  return showOrder(read.output, {
    id: orderId(read.output, request),
    status: canceled ? 'CANCELED' : (read.output.status ?? 'PAID'),
    created_at: isoOf(created_at.getTime()),
    customer_id: customer,
  })
}

/** The voucher as a redemption had it, within what it is now where that is known. */
const showVoucherOf = ({ voucher, campaign, discount, holder }: RedemptionDocument, whole: object | undefined) => ({
  ...whole,
  ...present({ id: voucher.id }),
  code: voucher.code,
  ...present({
    campaign: campaign?.name,
    campaign_id: campaign?.id,
    type: voucher.type,
    discount,
    holder_id: holder,
  }),
  object: 'voucher' as const,
})

/** The promotion tier as it is now, where it is still there, else what the redemption knows of it. */
const showTierOf = ({ promotion, campaign, discount }: RedemptionDocument, whole: object | undefined) =>
  whole ?? {
    ...promotion,
    ...(discount ? { action: { discount } } : {}),
    ...present({ campaign_id: campaign?.id }),
    object: 'promotion_tier' as const,
  }

/** The reward as it was when points paid for it. */
const showPaidReward = (
  { reward: { id, name, type }, assignment, tier }: PaidWithPoints,
  customer: ReturnType<typeof customerShown>,
) => ({
  id,
  name,
  type,
  ...present({ customer }),
  assignment_id: assignment,
  loyalty_tier_id: tier ?? null,
  object: 'reward' as const,
})

/**
 * A redemption or rollback as the HTTP contract shows it. A rollback takes its amount back: it is negative. `whole` is all of its
 * voucher or promotion tier, where it may be told and is still there.
 */
export const showRedemption = (document: RedemptionDocument, profile?: Profile, whole?: object) => {
  const { _id, kind, result, parent, customer, voucher, credits, paid, failure, rolled_back } = document
  const isRollback = kind === 'rollback'
  const shownCustomer = customerShown(customer, profile)
  return {
    id: _id,
    object: isRollback ? ('redemption_rollback' as const) : ('redemption' as const),
    date: isoOf(document.created_at.getTime()),
    customer_id: customer,
    tracking_id: document.tracking_id,
    metadata: document.metadata,
    ...(credits === null ? {} : { amount: isRollback ? -credits : credits, gift: { amount: credits } }),
    ...(paid
      ? {
          amount: isRollback ? -paid.points : paid.points,
          loyalty_card: { points: paid.points },
          reward: showPaidReward(paid, shownCustomer),
        }
      : {}),
    redemption: isRollback ? document.redemption : parent,
    ...(isRollback ? present({ reason: document.reason }) : {}),
    result,
    status: result === 'FAILURE' ? 'FAILED' : rolled_back ? 'ROLLED_BACK' : 'SUCCEEDED',
    ...(rolled_back ? { rollback_id: rolled_back.id, rollback_date: isoOf(rolled_back.at.getTime()) } : {}),
    ...(failure
      ? {
          failure_code: failure.key,
          failure_message: failure.details,
          ...(failure.message === null ? {} : { error: { message: failure.message } }),
        }
      : {}),
    order: showOrderOf(document),
    channel: { channel_id: document.channel, channel_type: 'API' },
    customer: shownCustomer,
    related_object_id: voucher.id,
    ...(document.promotion
      ? { related_object_type: 'promotion_tier' as const, promotion_tier: showTierOf(document, whole) }
      : { related_object_type: 'voucher' as const, voucher: showVoucherOf(document, whole) }),
  }
}

/** The request that several redemptions came about by, as the contract's parent of them; `children` in order, at least one. */
export const showParent = (children: readonly [RedemptionDocument, ...RedemptionDocument[]], profile?: Profile) => {
  const [first] = children
  const order = showOrderOf(first)
  return {
    id: first.parent,
    object: first.kind === 'rollback' ? ('redemption_rollback' as const) : ('redemption' as const),
    date: isoOf(first.created_at.getTime()),
    customer_id: first.customer,
    tracking_id: first.tracking_id,
    metadata: first.metadata,
    redemption: first.parent,
    result: first.result,
    status: first.result === 'FAILURE' ? 'FAILED' : first.rolled_back ? 'ROLLED_BACK' : 'SUCCEEDED',
    order: order && {
      ...order,
      redemptions: {
        [first.parent]: {
          date: isoOf(first.created_at.getTime()),
          ...(first.rolled_back
            ? { rollback_id: first.rolled_back.id, rollback_date: isoOf(first.rolled_back.at.getTime()) }
            : {}),
          related_object_type: 'redemption' as const,
          related_object_id: first.parent,
          stacked: children.map(({ _id }) => _id),
        },
      },
    },
    channel: { channel_id: first.channel, channel_type: 'API' as const },
    customer: customerShown(first.customer, profile),
    related_object_type: 'redemption' as const,
    related_object_id: first.parent,
  }
}

export const order = orderOf(['created_at', 'id', 'voucher_code', 'tracking_id', 'customer_id'], '-created_at')
