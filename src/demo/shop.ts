// What the demonstration's shop has defined: schemas, segments, a loyalty program, referrals, codes and messages, as the bodies
// of the requests that make them.

const text = { type: 'string' } as const
const number = { type: 'number' } as const

export const SCHEMAS = [
  { name: 'shop_visited', schema: { properties: { device: text } } },
  { name: 'product_viewed', schema: { properties: { category: text, price: number } } },
  { name: 'cart_filled', schema: { properties: { items: number } } },
  {
    name: 'order_paid',
    schema: {
      properties: { amount: number, category: text, items: number, express: { type: 'boolean', optional: true } },
    },
  },
  { name: 'review_left', schema: { properties: { stars: number, text: { ...text, optional: true } } } },
  { name: 'newsletter_opened', schema: { properties: { issue: text } } },
] as const

export const SEGMENTS = [
  {
    name: 'Regulars',
    type: 'auto-update',
    condition: { event: 'order_paid', count: { $more_than_equal: 3 }, within: 'P90D' },
  },
  {
    name: 'Happy lately',
    type: 'auto-update',
    condition: {
      event: 'review_left',
      within: 'P60D',
      where: [{ property: 'stars', $more_than_equal: 4 }],
    },
  },
  {
    name: 'Big spenders',
    type: 'auto-update',
    condition: { event: 'order_paid', sum: { property: 'amount', $more_than_equal: 60_000 }, within: 'P365D' },
  },
  {
    name: 'Sleeping',
    type: 'auto-update',
    condition: {
      all: [
        { event: 'order_paid', count: { $more_than_equal: 1 } },
        { not: { event: 'shop_visited', within: 'P90D' } },
      ],
    },
  },
  {
    name: 'Berlin, on the newsletter',
    type: 'auto-update',
    condition: {
      all: [
        { attribute: 'address.city', $is: 'Berlin' },
        { attribute: 'metadata.newsletter', $is: true },
      ],
    },
  },
] as const

export const LOYALTY = {
  name: 'Footsteps club',
  voucher: {
    type: 'LOYALTY_CARD',
    code_config: { pattern: 'CLUB-########' },
    loyalty_card: { points: 0, expiration_rules: { period_type: 'MONTH', period_value: 6 } },
  },
} as const

export const TIERS = [
  { name: 'Bronze', points: { from: 1, to: 299 } },
  { name: 'Silver', points: { from: 300, to: 999 } },
  { name: 'Gold', points: { from: 1_000, to: 100_000 } },
] as const

export const EARNING_RULES = [
  {
    event: 'order_paid',
    loyalty: {
      type: 'PROPORTIONAL',
      calculation_type: 'CUSTOM_EVENT_METADATA',
      custom_event: { metadata: { every: 1_000, points: 5, property: 'amount' } },
    },
  },
  { event: 'review_left', loyalty: { type: 'FIXED', points: 20 } },
] as const

export const REWARDS = [
  { name: 'Tote bag', points: 150, parameters: { product: { id: 'prod_tote' } } },
  { name: 'Free express delivery', points: 80, parameters: { product: { id: 'prod_express' } } },
  { name: 'Workshop: mend your shoes', points: 600, parameters: { product: { id: 'prod_workshop' } } },
] as const

export const SPRING = {
  name: 'Spring sale',
  campaign_type: 'DISCOUNT_COUPONS',
  description: 'Twenty per cent, once a code',
  voucher: {
    type: 'DISCOUNT_VOUCHER',
    discount: { type: 'PERCENT', percent_off: 20 },
    redemption: { quantity: 1 },
    code_config: { pattern: 'SPRING-######' },
  },
  vouchers_count: 300,
} as const

/** What an order must be for a code of the spring sale. */
export const ORDER_RULE = {
  name: 'Orders of 20 and more',
  type: 'expression',
  rules: { 1: { name: 'order.amount', conditions: { $more_than_equal: [2_000] } }, logic: '1' },
  error: { message: 'This code is for orders of 20 and more.' },
} as const

export const PROMOTION = {
  name: 'Free wrapping in winter',
  campaign_type: 'PROMOTION',
  promotion: {
    tiers: [
      { name: 'Five off', banner: '5 off every order', action: { discount: { type: 'AMOUNT', amount_off: 500 } } },
      { name: 'A tenth off', banner: '10 % off', action: { discount: { type: 'PERCENT', percent_off: 10 } } },
    ],
  },
} as const

export const GIFTS = {
  name: 'Gift cards',
  campaign_type: 'GIFT_VOUCHERS',
  voucher: { type: 'GIFT_VOUCHER', gift: { amount: 5_000 }, code_config: { pattern: 'GIFT-########' } },
  vouchers_count: 40,
} as const

export const referral = (program: string) => ({
  name: 'Bring a friend',
  campaign_type: 'REFERRAL_PROGRAM',
  voucher: {
    type: 'DISCOUNT_VOUCHER',
    is_referral_code: true,
    code_config: { pattern: 'FRIEND-######' },
    discount: { type: 'PERCENT', percent_off: 10 },
  },
  referral_program: {
    conversion_event_type: 'custom_event',
    custom_event: { name: 'order_paid' },
    referrer_reward: { type: 'LOYALTY_CARD', amount: 100, related_object_parent: { id: program } },
  },
})

/** Rules on the event that a message is about. */
export const EVENT_RULES = [
  {
    name: 'A good review',
    type: 'expression',
    rules: {
      1: { name: 'custom_event.metadata', property: 'stars', conditions: { $more_than_equal: [4] } },
      logic: '1',
    },
  },
  {
    name: 'An express order',
    type: 'expression',
    rules: { 1: { name: 'custom_event.metadata', property: 'express', conditions: { $is: [true] } }, logic: '1' },
  },
] as const

/** All of them to the local sink (`sink.test`): what is sent reaches nobody. */
export const distributions = (segments: Readonly<Record<string, string>>, rules: Readonly<Record<string, string>>) => [
  {
    name: 'Thanks for a good review',
    trigger: { type: 'event', event: 'review_left' },
    validation_rule_id: rules['A good review'],
    channel: {
      type: 'email',
      from: 'Footsteps <shop@sink.test>',
      subject: 'Thank you, {{ customer.name }}',
      html: '<h1>Thank you, {{ customer.name }}</h1><p>You gave us {{ event.metadata.stars }} stars. That makes our day.</p>',
      text: 'Thank you, {{ customer.name }}: you gave us {{ event.metadata.stars }} stars.',
    },
    re_entry: { policy: 'once_per', period: 'month' },
  },
  {
    name: 'New regular, to the till',
    trigger: { type: 'segment_entered', segment_id: segments.Regulars },
    channel: { type: 'webhook', url: 'https://till.sink.test/regulars' },
  },
  {
    name: 'Paid: express orders, to the warehouse',
    trigger: { type: 'event', event: 'order_paid' },
    validation_rule_id: rules['An express order'],
    channel: {
      type: 'webhook',
      url: 'https://warehouse.sink.test/express',
      template: '{ "to": {{ customer.name | json }}, "items": {{ event.metadata.items | json }} }',
    },
  },
  {
    // A receiver that is down, so that there is something to see of tries and of a host that rests.
    name: 'Newsletter opened, to the old statistics',
    trigger: { type: 'event', event: 'newsletter_opened' },
    channel: { type: 'webhook', url: 'https://statistics.sink.test/status/503' },
  },
  {
    // Off: text messages wait for a gateway (SMS_GATEWAY_URL), and a demonstration has none.
    name: 'Your parcel leaves today, by text message',
    active: false,
    trigger: { type: 'event', event: 'order_paid' },
    validation_rule_id: rules['An express order'],
    channel: { type: 'sms', text: 'Hello {{ customer.name }}, your parcel leaves today.' },
  },
]
