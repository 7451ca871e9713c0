// The types of events that the product itself records in a customer's history, as the HTTP contract names them.

const channels = [
  'sms',
  'email',
  'activecampaign',
  'braze',
  'mailchimp',
  'intercom',
  'shopify',
  'klaviyo',
  'batch',
] as const

/** What every tracked custom event is called in the activity log; conditions name custom events by their own names. */
export const CUSTOM_EVENT_TYPE = 'customer.custom_event'

/** All 74 types of a customer's history. */
export const INTERNAL_EVENT_TYPES: readonly string[] = [
  'customer.confirmed',
  'customer.created',
  'customer.updated',
  'customer.deleted',
  CUSTOM_EVENT_TYPE,
  'customer.segment.entered',
  'customer.segment.left',
  'customer.referred',
  'customer.rewarded',
  'customer.rewarded.loyalty_points',
  ...channels.flatMap((channel) => ['sent', 'recovered', 'failed'].map((outcome) => `customer.${channel}.${outcome}`)),
  'customer.voucher.gift.balance_added',
  'customer.voucher.loyalty_card.points_added',
  'customer.voucher.loyalty_card.points_transferred',
  'customer.voucher.loyalty_card.points_expired',
  'customer.voucher.loyalty_card.points_activated',
  'customer.voucher.loyalty_card.pending_points.added',
  'customer.voucher.loyalty_card.pending_points.updated',
  'customer.voucher.loyalty_card.pending_points.activated',
  'customer.voucher.loyalty_card.pending_points.canceled',
  'customer.voucher.deleted',
  'customer.publication.succeeded',
  'customer.publication.failed',
  'customer.validation.succeeded',
  'customer.validation.failed',
  'customer.redemption.succeeded',
  'customer.redemption.failed',
  'customer.redemption.rollback.succeeded',
  'customer.redemption.rollback.failed',
  'customer.order.created',
  'customer.order.updated',
  'customer.order.paid',
  'customer.order.canceled',
  'customer.order.fulfilled',
  'customer.order.processing',
  'customer.reward_redemptions.created',
  'customer.reward_redemptions.pending',
  'customer.reward_redemptions.completed',
  'customer.reward_redemptions.rolledback',
  'customer.loyalty.updated',
  'customer.loyalty.tier.joined',
  'customer.loyalty.tier.left',
  'customer.loyalty.tier.upgraded',
  'customer.loyalty.tier.downgraded',
  'customer.loyalty.tier.prolonged',
  'customer.loyalty.tier.expiration.changed',
  'customer.holder.assignment.created',
  'customer.holder.assignment.deleted',
]

const known: ReadonlySet<string> = new Set(INTERNAL_EVENT_TYPES)

export const isInternalEventType = (type: string): boolean => known.has(type)
