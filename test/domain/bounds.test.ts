// The bounds that callers may lean on, as numbers: what is the largest that is taken, and what is one too many. A test that asks by
// the constant's own name agrees with whatever the constant becomes.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { MAX_KEYS, MAX_ROLES } from '../../src/domain/access/access.ts'
import { MAX_USERS } from '../../src/domain/access/users.ts'
import { MAX_CODE } from '../../src/domain/codes.ts'
import { SUM_SCALE } from '../../src/domain/conditions/accumulate.ts'
import { MAX_WINDOW_MS } from '../../src/domain/conditions/native.ts'
import { MAX_STEPS } from '../../src/domain/conditions/steps.ts'
import { AHEAD_MS, MAX_ORDER_ITEMS } from '../../src/domain/conditions/subject.ts'
import { MAX_HISTORY } from '../../src/domain/customer/consents.ts'
import { MAX_DECLINED, MAX_FACTS, MAX_ROUNDS } from '../../src/domain/customer/draft.ts'
import { ROLLBACK_WINDOW_MS } from '../../src/domain/customer/loyalty/state.ts'
import type { OrderContent } from '../../src/domain/customer/orders/content.ts'
import type { OrderFactData } from '../../src/domain/customer/orders/facts.ts'
import {
  evolveOrderSums,
  kept,
  NO_ORDER_SUMS,
  NO_ORDERS,
  type OrdersState,
} from '../../src/domain/customer/orders/state.ts'
import { MAX_PROFILE_BYTES } from '../../src/domain/customer/profile.ts'
import { MAX_ABANDONED, ROLLBACK_MS } from '../../src/domain/customer/redemptions/state.ts'
import { type Delivery, evolveDelivery, requested } from '../../src/domain/distributions/delivery.ts'
import { MAX_ORDER, openOrder, quantity } from '../../src/domain/order.ts'
import { MAX_ORDER_BYTES, patchedContent, redeemedContent } from '../../src/domain/orders/content.ts'
import { MAX_POINTS, MAX_TOTAL, Points, PointsChange } from '../../src/domain/points.ts'
import { PRINT_LENGTH } from '../../src/domain/print.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import { Category } from '../../src/domain/rulebook/category.ts'
import { Distribution, MAX_CAP } from '../../src/domain/rulebook/distribution.ts'
import { EarningRule, PendingPoints } from '../../src/domain/rulebook/earningRule.ts'
import { ExpirationRules } from '../../src/domain/rulebook/expiration.ts'
import { limitFields } from '../../src/domain/rulebook/limits.ts'
import { LoyaltyTier, Mapping } from '../../src/domain/rulebook/loyaltyTier.ts'
import { MAX_PERIOD_MS } from '../../src/domain/rulebook/periods.ts'
import { MAX_TIERS, PromotionTier } from '../../src/domain/rulebook/promotionTier.ts'
import { ReferralReward, ReferrerTier } from '../../src/domain/rulebook/referralProgram.ts'
import { Reward } from '../../src/domain/rulebook/reward.ts'
import { MAX_REDEEMABLES, StackingRules } from '../../src/domain/rulebook/stackingRules.ts'
import { CardWorth, Discount, Gift, MAX_AMOUNT, Quantity } from '../../src/domain/rulebook/voucherSpec.ts'
import {
  MAX_BATCH_BYTES,
  MAX_EVENT_BYTES,
  MAX_METADATA_BYTES,
  MAX_METADATA_KEYS,
  sizeOf,
} from '../../src/domain/size.ts'
import { MAX_VALUE } from '../../src/domain/templates/plain.ts'
import { MAX_TEMPLATE } from '../../src/domain/templates/template.ts'
import { type CodeState, evolveCode, noCode } from '../../src/domain/vouchers/code.ts'
import { tooMany } from '../../src/domain/vouchers/generate.ts'
import { evolveJob, type JobProgress, MAX_ITEMS } from '../../src/domain/vouchers/job.ts'
import { DAY, T0 } from '../given.ts'

test('what is bounded by a constant is bounded by this number', () => {
  const bounds: Readonly<Record<string, readonly [number, number]>> = {
    rounds: [MAX_ROUNDS, 16],
    facts: [MAX_FACTS, 256],
    declined: [MAX_DECLINED, 32],
    abandoned: [MAX_ABANDONED, 64],
    'rollback of redemptions': [ROLLBACK_MS, 92 * 24 * 3_600_000],
    'rollback of points': [ROLLBACK_WINDOW_MS, 92 * 24 * 3_600_000],
    'points of one change': [MAX_POINTS, 10 ** 12],
    'points of a card': [MAX_TOTAL, 10 ** 15],
    'amount of money': [MAX_AMOUNT, 10 ** 12],
    'amount of an order': [MAX_ORDER, 10 ** 15],
    'bytes of an order': [MAX_ORDER_BYTES, 163_840],
    'bytes of an event': [MAX_EVENT_BYTES, 2 ** 20],
    'bytes of a batch': [MAX_BATCH_BYTES, 10 * 2 ** 20],
    'bytes of metadata': [MAX_METADATA_BYTES, 2 ** 18],
    'keys of metadata': [MAX_METADATA_KEYS, 2_000],
    'bytes of a profile': [MAX_PROFILE_BYTES, 65_536],
    'what is kept of consents': [MAX_HISTORY, 100],
    'how far events lie ahead': [AHEAD_MS, 300_000],
    'items of an order': [MAX_ORDER_ITEMS, 500],
    'steps of a decision': [MAX_STEPS, 250_000],
    'a rolling window': [MAX_WINDOW_MS, 1_825 * DAY],
    'parts of a sum': [SUM_SCALE, 10 ** 6],
    'characters of a code': [MAX_CODE, 300],
    'characters of a print': [PRINT_LENGTH, 12],
    'items of a job': [MAX_ITEMS, 100_000],
    users: [MAX_USERS, 1_000],
    keys: [MAX_KEYS, 1_000],
    roles: [MAX_ROLES, 100],
    'characters of a template': [MAX_TEMPLATE, 100_000],
    'characters of a value in a text': [MAX_VALUE, 1_000],
    'tiers of a promotion': [MAX_TIERS, 100],
    'messages of a cap': [MAX_CAP, 100],
    'a period of messages': [MAX_PERIOD_MS, 366 * DAY],
    redeemables: [MAX_REDEEMABLES, 30],
  }
  for (const [name, [is, expected]] of Object.entries(bounds)) assert.is(is, expected, name)
  assert.equal([tooMany(100_000), tooMany(100_001)?.refused.key], [undefined, 'too_many_vouchers_requested'])
})

test('numbers of definitions lie from their least to their most', () => {
  const named = { name: 'n' }
  const coin = (exchange_ratio: number, points_ratio = 1) => ({
    ...named,
    type: 'COIN',
    parameters: { coin: { exchange_ratio, points_ratio } },
  })
  const distribution = (more: object) => ({
    ...named,
    trigger: { type: 'event', event: 'e' },
    channel: { type: 'webhook', url: 'https://shop.test/' },
    ...more,
  })
  const rule = (more: object) => ({ campaign_id: 'c', event: 'e', loyalty: { type: 'FIXED', points: 1 }, ...more })
  const parent = { related_object_parent: { id: 'c' } }
  const limits = v.object(limitFields)
  const cases: readonly (readonly [string, v.GenericSchema, (n: number) => unknown, number, number])[] = [
    ['points', Points, (n) => n, 1, 10 ** 12],
    ['change of points', PointsChange, (n) => n, -(10 ** 12), 10 ** 12],
    ['points of a fixed rule', EarningRule, (n) => rule({ loyalty: { type: 'FIXED', points: n } }), 1, 10 ** 12],
    ['order of stacking', EarningRule, (n) => rule({ stacking: { order: n } }), 0, 1_000_000],
    ['days of pending points', PendingPoints, (n) => ({ period_value: n }), 1, 90],
    ['hierarchy of a category', Category, (n) => ({ ...named, hierarchy: n }), 0, 1_000_000],
    ['hierarchy of a tier', PromotionTier, (n) => ({ ...named, campaign_id: 'c', hierarchy: n }), 0, 1_000_000],
    ['from of a loyalty tier', LoyaltyTier, (n) => ({ ...named, campaign_id: 'c', points: { from: n } }), 0, 10 ** 15],
    ['multiplier', Mapping, (n) => ({ type: 'MULTIPLY', multiplier: n }), 0, 1_000_000],
    ['points in a tier', Mapping, (n) => ({ type: 'CUSTOM', points: n }), 1, 10 ** 12],
    ['months', ExpirationRules, (n) => ({ period_type: 'MONTH', period_value: n }), 1, 1_200],
    ['month', ExpirationRules, (n) => ({ period_type: 'MONTH', rounding_value: n }), 1, 12],
    ['fixed month', ExpirationRules, (n) => ({ period_type: 'FIXED_DAY_OF_YEAR', fixed_month: n }), 1, 12],
    ['fixed day', ExpirationRules, (n) => ({ period_type: 'FIXED_DAY_OF_YEAR', fixed_day: n }), 1, 31],
    ['times for all', limits, (n) => ({ max_per_customer: n }), 1, 10 ** 15],
    ['points for all', limits, (n) => ({ max_per_customer: { points: n } }), 1, 10 ** 15],
    ['times in a period', limits, (n) => ({ max_per_period: { period: 'day', times: n } }), 1, 10 ** 15],
    ['cap', Distribution, (n) => distribution({ cap: { messages: n, period: 'day' } }), 1, 100],
    ['ratio of money', Reward, (n) => coin(n), 1, 1_000_000_000],
    ['ratio of points', Reward, (n) => coin(1, n), 1, 1_000_000_000],
    ['stock', Reward, (n) => ({ ...coin(1), stock: n }), 0, 1_000_000_000],
    [
      'tier of a referrer',
      ReferrerTier,
      (n) => ({ from: n, reward: { type: 'LOYALTY_CARD', ...parent, amount: 1 } }),
      2,
      1_000_000,
    ],
    ['reward of a referral', ReferralReward, (n) => ({ type: 'LOYALTY_CARD', ...parent, amount: n }), 1, 10 ** 12],
    ['redeemables', StackingRules, (n) => ({ redeemables_limit: n }), 1, 30],
    ['applicable', StackingRules, (n) => ({ applicable_redeemables_limit: n }), 1, 30],
    ['exclusive', StackingRules, (n) => ({ applicable_exclusive_redeemables_limit: n }), 1, 5],
    ['amount off', Discount, (n) => ({ type: 'AMOUNT', amount_off: n }), 0, 10 ** 12],
    ['limit of all', Discount, (n) => ({ type: 'AMOUNT', amount_off: 1, aggregated_amount_limit: n }), 1, 10 ** 12],
    ['limit of a percentage', Discount, (n) => ({ type: 'PERCENT', percent_off: 1, amount_limit: n }), 1, 10 ** 12],
    ['percent', Discount, (n) => ({ type: 'PERCENT', percent_off: n }), 0, 100],
    ['fixed amount', Discount, (n) => ({ type: 'FIXED', fixed_amount: n }), 0, 10 ** 12],
    ['units', Discount, (n) => ({ type: 'UNIT', unit_off: n }), 1, 1_000],
    ['gift', Gift, (n) => ({ amount: n }), 0, 10 ** 12],
    ['points of a card', CardWorth, (n) => ({ points: n }), 0, 10 ** 12],
    ['quantity of a code', Quantity, (n) => n, 0, 1_000_000_000],
    ['quantity of an item', quantity, (n) => n, 0, 1_000_000],
  ]
  for (const [name, schema, made, least, most] of cases) {
    const takes = (n: number) => v.safeParse(schema, made(n)).success
    assert.equal([takes(least - 1), takes(least), takes(most), takes(most + 1)], [false, true, true, false], name)
  }
  assert.not(v.safeParse(PointsChange, 0).success)
  assert.not(v.safeParse(limits, { max_per_customer: { points: null } }).success)
  const pause = (cooldown: string) => v.safeParse(limits, { cooldown }).success
  assert.equal([pause('PT0S'), pause('PT1S'), pause('soon')], [false, true, false])
  const text = (n: number) => v.safeParse(Category, { name: 'x'.repeat(n), hierarchy: 0 }).success
  assert.equal([text(0), text(1), text(300), text(301)], [false, true, true, false])
})

test('what a definition leaves out is the documented default', () => {
  assert.equal(v.parse(StackingRules, {}), {
    redeemables_limit: 30,
    applicable_redeemables_limit: 5,
    applicable_redeemables_per_category_limit: 1,
    applicable_redeemables_category_limits: {},
    applicable_exclusive_redeemables_limit: 1,
    applicable_exclusive_redeemables_per_category_limit: 1,
    exclusive_categories: [],
    joint_categories: [],
    discount_calculation_mode: 'DISCOUNTED_AMOUNT',
    initial_amount_mode_categories: [],
    discounted_amount_mode_categories: [],
    redeemables_application_mode: 'ALL',
    redeemables_sorting_rule: 'REQUESTED_ORDER',
    redeemables_products_application_mode: 'STACK',
    redeemables_no_effect_rule: 'REDEEM_ANYWAY',
    no_effect_skip_categories: [],
    no_effect_redeem_anyway_categories: [],
    redeemables_rollback_order_mode: 'WITH_ORDER',
  })
  const rule = v.parse(EarningRule, {
    campaign_id: 'c',
    event: 'e',
    loyalty: { type: 'FIXED', points: 1 },
    stacking: {},
  })
  assert.equal([rule.active, rule.stacking], [true, { order: 0, exclusive: false }])
  const tier = v.parse(PromotionTier, { name: 'n', campaign_id: 'c', hierarchy: 0 })
  assert.equal([tier.active, tier.action], [true, {}])
})

/** An order of a customer, with content of about so many bytes. */
const order = (id: string, occurredAt: number, bytes = 20, more: Partial<OrderFactData> = {}): OrderFactData => {
  const content = { a: 'x'.repeat(bytes - 9) } as unknown as OrderFactData['content']
  return {
    order: id,
    status: 'CREATED',
    content,
    amount: 1,
    by: 'request',
    createdAt: occurredAt,
    occurredAt,
    ...more,
  } as OrderFactData
}
const after = (...all: readonly OrderFactData[]): OrdersState =>
  all.reduce((state, one) => kept(state, one, { isNew: true }), NO_ORDERS)

test('a customer’s orders are kept for 93 days, up to five hundred and half a megabyte, the newest in any case', () => {
  const ids = (...all: readonly OrderFactData[]) => Object.keys(after(...all).kept)
  assert.equal(ids(order('a', 0), order('b', 93 * DAY)), ['a', 'b'])
  assert.equal(ids(order('a', 0), order('b', 93 * DAY + 1)), ['b'])
  assert.equal(ids(order('a', 0, 524_268), order('b', 0, 20)), ['a', 'b'])
  assert.equal(ids(order('a', 0, 524_269), order('b', 0, 20)), ['b'])
  assert.equal(ids(order('a', 0), order('b', 0, 600_000)), ['b'])
  const many = (n: number) => ids(...Array.from({ length: n }, (_, i) => order(`o${i}`, i)))
  assert.equal([many(500).length, many(500)[0], many(501).length, many(501)[0]], [500, 'o0', 500, 'o1'])
  assert.equal(sizeOf(order('a', 0, 20).content).bytes, 20)
})

test('sums of orders count what is paid or fulfilled, and the newest by when it was made', () => {
  const fact = (type: 'OrderCreated' | 'OrderUpdated', data: Partial<OrderFactData>) => ({
    type,
    data: order('a', 0, 20, data),
  })
  const sums = (...facts: ReturnType<typeof fact>[]) => facts.reduce(evolveOrderSums, NO_ORDER_SUMS)
  const paid = fact('OrderCreated', { status: 'PAID', amount: 70, createdAt: 5 })
  const was = { status: 'PAID', amount: 70, paid: true } as const
  assert.equal(sums(paid), { all: 1, orders: 1, spent: 70, lastOrder: { amount: 70, at: 5 } })
  assert.equal(sums(fact('OrderCreated', { status: 'CREATED' })), { all: 1, orders: 0, spent: 0, lastOrder: null })
  assert.equal(sums(paid, fact('OrderUpdated', { status: 'FULFILLED', amount: 60, createdAt: 5, was })), {
    all: 1,
    orders: 1,
    spent: 60,
    lastOrder: { amount: 60, at: 5 },
  })
  assert.equal(sums(paid, fact('OrderUpdated', { status: 'CANCELED', amount: 70, createdAt: 5, was })), {
    all: 1,
    orders: 0,
    spent: 0,
    lastOrder: { amount: 70, at: 5 },
  })
  const older = fact('OrderCreated', { status: 'PAID', amount: 1, createdAt: 4 })
  assert.equal(sums(paid, older), { all: 2, orders: 2, spent: 71, lastOrder: { amount: 70, at: 5 } })
  const unpaid = { ...was, status: 'CREATED' } as const
  assert.equal(
    sums(fact('OrderCreated', {}), fact('OrderUpdated', { status: 'PAID', amount: 9, createdAt: 0, was: unpaid }))
      .spent,
    9,
  )
})

test('an order has 160 KB and is told of its fifty newest requests', () => {
  const of = (bytes: number) => patchedContent(undefined, { amount: 1, metadata: { a: 'x'.repeat(bytes) } }, undefined)
  const base = of(0)
  assert.not(isRefused(base))
  const room = 163_840 - sizeOf(base).bytes
  assert.equal([isRefused(of(room)), isRefused(of(room + 1))], [false, true])
  const entry = { date: '', related_object_type: 'redemption', related_object_id: 'q', stacked: [] } as const
  let content: OrderContent | undefined
  for (let n = 0; n < 51; n++) content = redeemedContent(content, openOrder({ amount: 1 })!, `q${n}`, entry)
  assert.equal([Object.keys(content!.redemptions!).length, Object.keys(content!.redemptions!)[0]], [50, 'q1'])
  const redeemed = (bytes: number) =>
    redeemedContent(undefined, openOrder({ amount: 1, metadata: { a: 'x'.repeat(bytes) } })!, 'q', entry)
  const left = 163_840 - sizeOf(redeemed(0)).bytes
  assert.equal([redeemed(left).metadata === undefined, redeemed(left + 1).metadata === undefined], [false, true])
  assert.is(redeemed(left + 1).amount, 1)
})

test('lists that grow with what happens keep their newest', () => {
  const base = { message: 'm', customer: 'c', distribution: { id: 'd', name: 'd' }, channel: 'webhook' } as const
  let delivery: Delivery = requested({ occurredAt: 0 })
  assert.equal(
    [delivery.state, requested({ occurredAt: 0, notBefore: 5, delayedBy: 'delay' }).state],
    ['requested', 'waiting'],
  )
  for (let n = 1; n <= 25; n++)
    delivery = evolveDelivery(delivery, {
      type: 'MessageAttemptFailed',
      data: {
        ...base,
        attempt: n,
        definition: '1',
        target: 't',
        tookMs: 1,
        error: 'x',
        occurredAt: n,
        ...(n < 25 ? { retryAt: n + 9 } : {}),
      },
    })
  assert.equal([delivery.last.length, delivery.last[0]?.attempt, delivery.tries, delivery.dueAt], [24, 2, 25, null])
  const again = evolveDelivery(delivery, { type: 'MessageRetryRequested', data: { ...base, occurredAt: 99 } })
  assert.equal([again.state, again.tries, again.attempts, again.dueAt], ['requested', 0, 25, 99])
  let code: CodeState = { ...noCode('A'), owner: { type: 'voucher', id: 'v' } }
  for (let n = 0; n < 51; n++)
    code = evolveCode(code, {
      type: 'CodeReleased',
      data: { code: 'A', voucher: 'v', customer: 'c', publication: 'p', claim: `c${n}`, occurredAt: n },
    })
  assert.equal([code.endedClaims?.length, code.endedClaims?.[0]], [50, 'c1'])
  const progress = (n: number) =>
    evolveJob(
      {
        id: 'j',
        done: 2,
        failed: 3,
        failures: [{ row: 0, reason: 'x' }],
        status: 'ACCEPTED',
      } as unknown as JobProgress,
      {
        type: 'VoucherJobAdvanced',
        data: {
          id: 'j',
          next: 1,
          done: 4,
          failures: Array.from({ length: n }, (_, row) => ({ row, reason: 'x' })),
          finished: false,
          occurredAt: T0,
        },
      },
    )!
  assert.equal([progress(999).failures.length, progress(1_000).failures.length], [1_000, 1_000])
  assert.equal([progress(5).done, progress(5).failed, progress(5).status], [6, 8, 'IN_PROGRESS'])
})

test.run()
