// What becomes of the redeemables of one request, without a node: what is wrong with each, how the stacking rules let them go
// together, and what points and credits pay; at the edges of every bound.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CodeOwner } from '../../src/domain/codes.ts'
import { newCustomer } from '../../src/domain/customer/state.ts'
import { openOrder, type PricedOrder } from '../../src/domain/order.ts'
import { evaluate, leftOutOf, type Verdict } from '../../src/domain/redemption/evaluate.ts'
import { NO_LEDGER } from '../../src/domain/redemption/ledger.ts'
import type { RewardWanted } from '../../src/domain/redemption/points.ts'
import { type Placed, refusedBy } from '../../src/domain/redemption/redeem.ts'
import { asPlaced, placedOf, type Taken, type Wanted } from '../../src/domain/redemption/sight.ts'
import type { Redeemable, Situation } from '../../src/domain/redemption/situation.ts'
import { type CodeState, noCode } from '../../src/domain/vouchers/code.ts'
import { tierCode } from '../../src/domain/vouchers/resolve.ts'
import { DAY, HOUR, T0, type World, world } from '../given.ts'
import { join, PROGRAM, shop } from '../loyalty/fixtures.ts'

const order = (amount = 1_000): PricedOrder => openOrder({ amount })!
const off = (amount_off: number) => ({ type: 'AMOUNT', amount_off, effect: 'APPLY_TO_ORDER' }) as const

const code = (name: string, spec: CodeState['spec'] = {}, owner: Partial<CodeOwner> = {}): CodeState => ({
  ...noCode(name),
  owner: { type: 'voucher', id: `v_${name}`, ...owner },
  spec,
  createdAt: T0,
  givenAt: owner.customer === undefined ? null : T0,
})
const asking = (of: CodeState, more: Partial<Redeemable> = {}): Redeemable => ({
  asked: of.code,
  code: of,
  measures: {},
  ...more,
})
const coupon = (name: string, amount = 100, more: CodeState['spec'] = {}): Redeemable =>
  asking(code(name, { discount: off(amount), ...more }))

const ask = (w: World, redeemables: readonly Redeemable[], more: Partial<Situation> = {}) =>
  evaluate(redeemables, { order: order(), metadata: {}, apiKey: 'shop', rulebook: w.rulebook, now: w.now, ...more })
const keyOf = (verdict: Verdict): string =>
  verdict.status === 'APPLICABLE'
    ? String(verdict.applied)
    : verdict.status === 'SKIPPED'
      ? verdict.key
      : verdict.refusal.key
const told = (...given: Parameters<typeof ask>): readonly string[] => ask(...given).verdicts.map(keyOf)

/** A world with stacking rules and categories `c0`, `c1`, … whose hierarchy is their number. */
const stacking = (rules: Record<string, unknown>, categories = 4): World => {
  const w = world()
  for (let n = 0; n < categories; n++) w.define('category', `c${n}`, { name: `c${n}`, hierarchy: n })
  w.define('stackingRules', 'sr_1', { applicable_redeemables_per_category_limit: null, ...rules })
  return w
}
const inCategory = (name: string, category: string, amount = 100) => coupon(name, amount, { category_id: category })

test('what is wrong with a code says its own key, to the last instant', () => {
  const w = world()
  w.define('campaign', 'camp_1', {
    name: 'sale',
    campaign_type: 'DISCOUNT_COUPONS',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: off(10) },
    activity_duration_after_publishing: 'PT1H',
  })
  const at = (now: number, one: CodeState, more: Partial<Redeemable> = {}) => told(w, [asking(one, more)], { now })[0]
  const until = code('A', { discount: off(10), expiration_date: new Date(T0 + HOUR).toISOString() })
  assert.equal([at(T0 + HOUR - 1, until), at(T0 + HOUR, until)], ['10', 'voucher_expired'])
  const from = code('A', { discount: off(10), start_date: new Date(T0).toISOString() })
  assert.equal([at(T0 - 1, from), at(T0, from)], ['voucher_not_active', '10'])
  const sundays = code('A', { discount: off(10), validity_day_of_week: [0] })
  assert.equal([at(T0, sundays), at(T0 + 6 * DAY, sundays)], ['voucher_not_active_now', '10'])
  const given = code('A', {}, { campaign: 'camp_1', customer: 'cust_test' })
  assert.equal([at(T0 + HOUR - 1, given), at(T0 + HOUR, given)], ['10', 'voucher_expired'])
  assert.is(at(T0 + HOUR, code('A', {}, { campaign: 'camp_1' })), '10', 'one that nobody was given lasts')
  const twice = code('A', { discount: off(10), redemption: { quantity: 2 } })
  assert.equal(
    [at(T0, twice, { times: 2 }), at(T0, twice, { times: 3 }), at(T0, twice)],
    ['10', 'quantity_exceeded', '10'],
  )
  assert.is(at(T0, { ...until, active: false }), 'voucher_disabled')
  assert.is(at(T0, { ...until, deleted: true }), 'not_found')
  assert.is(at(T0, noCode('A')), 'not_found')
  assert.is(at(T0, code('A', {}, { campaign: 'camp_gone' })), 'not_found')
  w.define('campaign', 'camp_1', {
    name: 'sale',
    campaign_type: 'DISCOUNT_COUPONS',
    active: false,
    voucher: { type: 'DISCOUNT_VOUCHER', discount: off(10) },
  })
  assert.is(at(T0, given), 'campaign_not_active')
})

test('what pays is refused where it would have no effect: credits but on gift vouchers, rewards but on cards', () => {
  const w = world()
  const gift = code('GIFT', { type: 'GIFT_VOUCHER', gift: { amount: 500, effect: 'APPLY_TO_ORDER' } })
  const reward: RewardWanted = { id: 'rew_1' }
  for (const one of [
    { ...coupon('A'), credits: 5 },
    { ...coupon('B'), reward },
    asking(gift, { available: 500, reward }),
  ])
    assert.equal(told(w, [one]), ['invalid_redeemables'])
  assert.equal(told(w, [coupon('A'), asking(gift, { available: 500, credits: 5 })]), ['100', '5'])
})

test('a promotion tier is said to be one, and holds by its dates and its campaign’s', () => {
  const w = world()
  w.define('campaign', 'camp_p', {
    name: 'p',
    campaign_type: 'PROMOTION',
    expiration_date: new Date(T0 + HOUR).toISOString(),
  })
  const tier = (more: Record<string, unknown> = {}) =>
    w.define('promotionTier', 'promo_1', {
      campaign_id: 'camp_p',
      name: 't',
      hierarchy: 1,
      action: { discount: off(30) },
      ...more,
    })
  const at = (now: number) => told(w, [asking(tierCode('promo_1'))], { now })[0]
  assert.is(at(T0), 'not_found')
  tier()
  assert.equal([at(T0), at(T0 + HOUR - 1), at(T0 + HOUR)], ['30', '30', 'promotion_inactive'])
  tier({ validity_day_of_week: [0] })
  assert.is(at(T0), 'promotion_not_active_now')
  tier({ active: false })
  assert.is(at(T0), 'promotion_inactive')
  const { verdicts } = ask(w, [asking(tierCode('promo_1')), coupon('A')])
  assert.equal(leftOutOf(verdicts), [
    {
      code: 'promo_1',
      isTier: true,
      refusal: { key: 'promotion_inactive', details: 'The promotion tier is disabled' },
    },
    { code: 'A', skipped: 'preceding_validation_failed' },
  ])
  assert.is(refusedBy(verdicts).refused.key, 'promotion_inactive')
})

test('a referral code is for others than its holder', () => {
  const w = world()
  const customer = newCustomer('cust_test')
  const one = (holder?: string) =>
    code('REF', { discount: off(10) }, { type: 'referral_code', ...(holder ? { customer: holder } : {}) })
  assert.equal(
    [
      told(w, [asking(one())], { customer })[0],
      told(w, [asking(one('cust_ann'))])[0],
      told(w, [asking(one('cust_test'))], { customer })[0],
      told(w, [asking(one('cust_ann'))], { customer })[0],
    ],
    ['not_published', 'missing_customer', 'referrer_not_permitted_to_redeem', '10'],
  )
})

test('gift credits pay up to what is left, and are asked for by number where there is no order', () => {
  const w = world()
  const gift = code('GIFT', { type: 'GIFT_VOUCHER', gift: { amount: 500, effect: 'APPLY_TO_ORDER' } })
  const pay = (more: Partial<Redeemable>, of: PricedOrder | undefined = order(), withOrder = true) => {
    const { verdicts } = ask(w, [asking(gift, more)], withOrder ? { order: of } : { order: undefined })
    const [one] = verdicts
    return one?.status === 'APPLICABLE' ? [one.credits, one.given, one.applied, one.after?.total_amount] : [keyOf(one!)]
  }
  assert.equal(pay({ available: 500 }), [500, 500, 500, 500])
  assert.equal(pay({ available: 500, credits: 500 }), [500, 500, 500, 500])
  assert.equal(pay({ available: 500, credits: 501 }), ['gift_amount_exceeded'])
  assert.equal(pay({ available: 1, credits: 1 }), [1, 1, 1, 999])
  assert.equal([pay({ available: 0 }), pay({})], [['gift_amount_exceeded'], ['gift_amount_exceeded']])
  assert.equal(pay({ available: 500, credits: 20 }, undefined, false), [20, 20, 0, undefined])
  assert.equal(pay({ available: 500 }, undefined, false), ['missing_amount'])
  assert.equal(pay({ available: 500 }, order(499)), [499, 499, 499, 0])
})

test('a rule about the credits of a gift is asked of what goes, whether or not it is said how much', () => {
  const w = world()
  const rule = { name: 'redemption.gift.amount', conditions: { $less_than: [500] } }
  w.define('validationRule', 'val_1', { name: 'none', rules: { 1: rule, logic: '1' } })
  w.define('assignment', 'asgm_1', { rule_id: 'val_1', related_object_type: 'voucher', related_object_id: 'GIFT' })
  const gift = code('GIFT', { type: 'GIFT_VOUCHER', gift: { amount: 500, effect: 'APPLY_TO_ORDER' } })
  const pay = (credits?: number) => told(w, [asking(gift, { available: 500, ...(credits ? { credits } : {}) })])
  assert.equal([pay(), pay(500), pay(499)], [['redemption_rules_violated'], ['redemption_rules_violated'], ['499']])
})

test('what takes nothing off gives nothing: a discount without an order, a tier without a discount', () => {
  const w = world()
  w.define('campaign', 'camp_p', { name: 'p', campaign_type: 'PROMOTION' })
  w.define('promotionTier', 'promo_1', { campaign_id: 'camp_p', name: 'one', hierarchy: 1 })
  const given = (redeemable: Redeemable, more: Partial<Situation> = {}) => {
    const [one] = ask(w, [redeemable], more).verdicts
    return one?.status === 'APPLICABLE' ? [one.given, one.applied, one.after?.total_amount] : [keyOf(one!)]
  }
  assert.equal(given(coupon('A')), [100, 100, 900])
  assert.equal(given(coupon('A'), { order: undefined }), [0, 0, undefined])
  assert.equal(given(asking(tierCode('promo_1'))), [0, 0, 1_000])
})

test('no more are applied than the rules let, and none after one that is not', () => {
  const three = [coupon('A'), coupon('B'), coupon('C')]
  assert.equal(told(world(), three), ['100', '100', '100'])
  const w = stacking({ applicable_redeemables_limit: 2 })
  assert.equal(told(w, three), ['100', '100', 'applicable_redeemables_limit_exceeded'])
  const bad = asking({ ...code('X', { discount: off(1) }), active: false })
  assert.equal(told(w, [coupon('A'), bad, coupon('B')]), ['100', 'voucher_disabled', 'preceding_validation_failed'])
  assert.not.ok(ask(w, [coupon('A'), bad]).valid)
  const partial = stacking({ applicable_redeemables_limit: 2, redeemables_application_mode: 'PARTIAL' })
  assert.equal(told(partial, [bad, ...three]), [
    'voucher_disabled',
    '100',
    '100',
    'applicable_redeemables_limit_exceeded',
  ])
  assert.equal([ask(partial, [bad, coupon('A')]).valid, ask(partial, [bad]).valid], [true, false])
  // Chosen before: nothing is left out, and nothing may fail.
  assert.equal(told(partial, [...three, bad, coupon('D')], { isChosen: true }), [
    '100',
    '100',
    '100',
    'voucher_disabled',
    'preceding_validation_failed',
  ])
  assert.match(refusedBy([{ status: 'SKIPPED', asked: 'A', key: 'no_effect' }]).refused.details, /A: no_effect/)
})

test('of a category no more than its own bound, else than the bound of all', () => {
  const w = stacking({
    applicable_redeemables_per_category_limit: 1,
    applicable_redeemables_category_limits: { c1: 2 },
  })
  const many = (category: string) => ['A', 'B', 'C'].map((name) => inCategory(name, category))
  const full = 'applicable_redeemables_per_category_limit_exceeded'
  assert.equal(told(w, many('c0')), ['100', full, full])
  assert.equal(told(w, many('c1')), ['100', '100', full])
  assert.equal(told(w, [coupon('A'), coupon('B')]), ['100', '100'], 'what is in no category is not counted together')
})

test('what is exclusive leaves out the others, joint ones aside, unless it is not applied itself', () => {
  const w = stacking({
    exclusive_categories: ['c0', 'c1'],
    joint_categories: ['c2'],
    redeemables_application_mode: 'PARTIAL',
  })
  const all = [inCategory('A', 'c0'), inCategory('B', 'c2'), inCategory('C', 'c3'), coupon('D')]
  assert.equal(told(w, all), ['100', '100', 'exclusion_rules_not_met', 'exclusion_rules_not_met'])
  assert.equal(told(w, all.slice(1)), ['100', '100', '100'])
  assert.equal(told(w, [inCategory('A', 'c0'), inCategory('B', 'c1')]), [
    '100',
    'applicable_exclusive_redeemables_limit_exceeded',
  ])
  const off = { ...all[0]!, code: { ...all[0]!.code, active: false } }
  assert.equal(told(w, [off, ...all.slice(1)]), ['voucher_disabled', '100', '100', '100'])
  const more = stacking({
    exclusive_categories: ['c0', 'c1'],
    applicable_exclusive_redeemables_limit: 2,
    applicable_exclusive_redeemables_per_category_limit: 1,
  })
  assert.equal(told(more, [inCategory('A', 'c0'), inCategory('B', 'c0'), inCategory('C', 'c1')]), [
    '100',
    'applicable_exclusive_redeemables_per_category_limit_exceeded',
    '100',
  ])
})

test('by hierarchy the lower comes first, those alike as they were asked for, those of no category last', () => {
  const w = stacking({ redeemables_sorting_rule: 'CATEGORY_HIERARCHY', applicable_redeemables_limit: 2 })
  const full = 'applicable_redeemables_limit_exceeded'
  assert.equal(told(w, [coupon('D'), inCategory('B', 'c1'), inCategory('A', 'c0')]), [full, '100', '100'])
  assert.equal(told(w, [inCategory('A', 'c1'), inCategory('B', 'c1'), inCategory('C', 'c1')]), ['100', '100', full])
  const asked = stacking({ applicable_redeemables_limit: 2 })
  assert.equal(told(asked, [coupon('D'), inCategory('B', 'c1'), inCategory('A', 'c0')]), ['100', '100', full])
})

test('percentages are of the order as it came or of what is left, as the rules or the category say', () => {
  const half = (name: string, category?: string) =>
    coupon(name, 0, {
      discount: { type: 'PERCENT', percent_off: 50, effect: 'APPLY_TO_ORDER' },
      ...(category ? { category_id: category } : {}),
    })
  const by = (rules: Record<string, unknown>, category?: string) =>
    told(stacking(rules), [coupon('A', 200), half('B', category)])[1]
  const INITIAL = { discount_calculation_mode: 'INITIAL_AMOUNT' }
  assert.equal([by({}), by(INITIAL)], ['400', '500'])
  assert.equal(
    [by({ initial_amount_mode_categories: ['c0'] }, 'c0'), by({ initial_amount_mode_categories: ['c0'] }, 'c1')],
    ['500', '400'],
  )
  assert.equal(
    [
      by({ ...INITIAL, discounted_amount_mode_categories: ['c0'] }, 'c0'),
      by({ ...INITIAL, discounted_amount_mode_categories: ['c0'] }, 'c1'),
    ],
    ['400', '500'],
  )
})

test('a discount on items comes off an item once, where the rules say so', () => {
  const items = [
    { product_id: 'a', price: 100, quantity: 1 },
    { product_id: 'b', price: 300, quantity: 1 },
  ]
  const each = (name: string) =>
    coupon(name, 0, { discount: { type: 'AMOUNT', amount_off: 40, effect: 'APPLY_TO_ITEMS' } })
  const by = (rules: Record<string, unknown>) =>
    told(stacking(rules), [each('A'), each('B')], { order: openOrder({ items })! })
  assert.equal(
    [by({}), by({ redeemables_products_application_mode: 'ONCE' })],
    [
      ['80', '80'],
      ['80', '0'],
    ],
  )
})

test('what changes nothing is skipped or applied, by the rule or by its category', () => {
  const nothing = (category?: string) => coupon('A', 0, category ? { category_id: category } : {})
  const by = (rules: Record<string, unknown>, category?: string, more: Partial<Situation> = {}) =>
    told(stacking(rules), [nothing(category)], more)[0]
  const SKIP = { redeemables_no_effect_rule: 'SKIP' }
  assert.equal([by({}), by(SKIP), by(SKIP, undefined, { order: undefined })], ['0', 'no_effect', '0'])
  assert.equal(
    [by({ no_effect_skip_categories: ['c0'] }, 'c0'), by({ no_effect_skip_categories: ['c0'] }, 'c1')],
    ['no_effect', '0'],
  )
  const keep = { ...SKIP, no_effect_redeem_anyway_categories: ['c0'] }
  assert.equal([by(keep, 'c0'), by(keep, 'c1'), by(SKIP, undefined, { isChosen: true })], ['0', 'no_effect', '0'])
  // A skipped one takes no place from those after it, and the order is as before.
  const w = stacking({ ...SKIP, applicable_redeemables_limit: 1 })
  assert.equal(told(w, [nothing(), coupon('B'), coupon('C')]), [
    'no_effect',
    '100',
    'applicable_redeemables_limit_exceeded',
  ])
  // Units that are added at no price are something.
  const unit = coupon('U', 0, { discount: { type: 'UNIT', unit_off: 1, unit_type: 'prod_x', effect: 'ADD_NEW_ITEMS' } })
  assert.equal(told(stacking(SKIP), [unit]), ['0'])
})

test('budgets count the redemption that asks, by the code, its campaign and the customer', () => {
  const w = world()
  w.define('campaign', 'camp_1', {
    name: 'sale',
    campaign_type: 'DISCOUNT_COUPONS',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: off(10) },
  })
  const rule = (id: string, name: string, most: number) => {
    w.define('validationRule', `val_${id}`, {
      name: id,
      rules: { 1: { name, conditions: { $less_than_or_equal: [most] } }, logic: '1' },
    })
    w.define('assignment', `asgm_${id}`, {
      rule_id: `val_${id}`,
      related_object_type: 'voucher',
      related_object_id: 'A',
    })
  }
  const customer = {
    ...newCustomer('cust_test'),
    redemptions: {
      ...newCustomer('cust_test').redemptions,
      byVoucher: { v_A: { times: 2, days: { '2026-03-02': 1 } } },
      byCampaign: { camp_1: { times: 5, days: { '2026-03-02': 3 } } },
    },
  }
  const asked = (
    name: string,
    most: number,
    measures = {},
    more: Partial<Situation> = { customer },
    campaign?: string,
  ) => {
    rule('1', name, most)
    const found = told(
      w,
      [asking(code('A', { discount: off(10) }, campaign ? { campaign } : {}), { measures })],
      more,
    )[0]
    w.remove('assignment', 'asgm_1')
    w.remove('validationRule', 'val_1')
    return found === '10'
  }
  assert.equal([asked('redemption.count.per_customer', 3), asked('redemption.count.per_customer', 2)], [true, false])
  assert.equal(
    [asked('redemption.count.per_customer.daily', 2), asked('redemption.count.per_customer.daily', 1)],
    [true, false],
  )
  const ofCampaign = (name: string, most: number) => asked(name, most, {}, { customer }, 'camp_1')
  assert.equal(
    [ofCampaign('campaign.redemptions.customers_count', 6), ofCampaign('campaign.redemptions.customers_count', 5)],
    [true, false],
  )
  assert.equal(
    [
      ofCampaign('campaign.redemptions.customers_count.weekly', 4),
      ofCampaign('campaign.redemptions.customers_count.weekly', 3),
    ],
    [true, false],
  )
  assert.equal(
    [
      asked('redemption.count.daily', 4, { 'redemption.count.daily': 4 }),
      asked('redemption.count.daily', 4, { 'redemption.count.daily': 5 }),
    ],
    [true, false],
  )
  // What a ledger would answer for that is not kept is taken to hold; what there cannot be does not.
  assert.equal(
    [
      asked('redemption.count.daily', 0),
      asked('campaign.redemptions.count', 0),
      asked('redemption.count.per_customer', 9, {}, {}),
    ],
    [true, false, false],
  )
})

/** A shop whose customer has a card with points, and rewards: a coin (2 points pay 3) and a mug for 50 points. */
const paying = (points = 100) => {
  const w = shop()
  join(w)
  w.define('reward', 'rew_coin', {
    name: 'coin',
    type: 'COIN',
    parameters: { coin: { exchange_ratio: 3, points_ratio: 2 } },
  })
  w.define('rewardAssignment', 'rewa_coin', { reward_id: 'rew_coin', campaign: PROGRAM })
  w.define('reward', 'rew_mug', { name: 'mug', type: 'MATERIAL', parameters: { product: { id: 'prod_1' } } })
  w.define('rewardAssignment', 'rewa_mug', {
    reward_id: 'rew_mug',
    campaign: PROGRAM,
    parameters: { loyalty: { points: 50 } },
  })
  if (points > 0) w.facts({ type: 'AddPoints', card: 'v_1', points, expiry: { type: 'NON_EXPIRING' } })
  return w
}
const CARD = (customer?: string, spec: CodeState['spec'] = {}): CodeState => ({
  ...code('CODE1', spec, { type: 'loyalty_card', campaign: PROGRAM, ...(customer ? { customer } : {}) }),
  owner: { type: 'loyalty_card', id: 'v_1', campaign: PROGRAM, ...(customer ? { customer } : {}) },
})
const payWith = (w: World, reward: RewardWanted | undefined, more: Partial<Situation> = {}) => {
  const redeemable = asking(CARD('cust_test'), reward ? { reward } : {})
  const [one] = ask(w, [redeemable], { customer: w.state, ...more }).verdicts
  return one?.status === 'APPLICABLE' ? [one.paid?.points, one.applied] : [keyOf(one!)]
}

test('a coin takes as many points as the order needs, and no more than there are, are asked for or were kept', () => {
  const w = paying()
  assert.equal(payWith(w, { id: 'rewa_coin' }), [100, 150])
  assert.equal(payWith(w, { id: 'rew_coin', points: 10 }), [10, 15])
  assert.equal(payWith(w, { id: 'rewa_coin', points: 3 }), [3, 4])
  assert.equal(payWith(w, { id: 'rewa_coin', points: 100 }), [100, 150])
  assert.equal(payWith(w, { id: 'rewa_coin', points: 101 }), ['loyalty_card_points_exceeded'])
  assert.equal(payWith(w, { id: 'rewa_coin', most: 7 }), [7, 10])
  assert.equal(payWith(w, { id: 'rewa_coin' }, { order: order(20) }), [14, 20])
  assert.equal(payWith(w, { id: 'rewa_coin', points: 30 }, { order: order(0) }), [0, 0])
  assert.equal(payWith(w, { id: 'rewa_coin', points: 30 }, { order: undefined }), [30, 0])
  assert.equal(payWith(w, { id: 'rewa_coin' }, { order: undefined }), ['missing_amount'])
  const none = ask(paying(0), [asking(CARD('cust_test'), { reward: { id: 'rewa_coin' } })], {
    customer: paying(0).state,
  })
  assert.match(JSON.stringify(none), /The balance of 0 is less than 1 points/)
})

test('what has a price costs it, to the last point, and takes nothing off the order', () => {
  assert.equal(payWith(paying(50), { id: 'rewa_mug' }), [50, 0])
  assert.equal(payWith(paying(49), { id: 'rew_mug' }), ['loyalty_card_points_exceeded'])
  const w = paying(50)
  assert.equal(payWith(w, { id: 'rewa_mug', isOutOfStock: true }), ['quantity_exceeded'])
  assert.equal(payWith(w, { id: 'rewa_mug', isOutOfStock: true, reservation: 'f' }), [50, 0])
  assert.equal([payWith(w, { id: 'rew_x' }), payWith(w, undefined)], [['not_found'], ['missing_reward']])
})

test('a card pays for its holder, while it is on and as often as it may be redeemed', () => {
  const w = paying(200)
  const key = (of: CodeState, more: Partial<Situation> = { customer: w.state }) =>
    told(w, [asking(of, { reward: { id: 'rewa_mug' } })], more)[0]
  assert.equal(
    [
      key(CARD()),
      key(CARD('cust_test'), {}),
      key(CARD('cust_test'), { customer: newCustomer('cust_ann') }),
      key(CARD('cust_test')),
    ],
    ['not_published', 'missing_customer', 'invalid_customer', '0'],
  )
  const buy = (n: number) => w.when({ type: 'RedeemReward', card: 'v_1', redemption: `r_${n}`, assignment: 'rewa_mug' })
  buy(1)
  const most = (quantity: number | null) => key(CARD('cust_test', { redemption: { quantity } }))
  assert.equal([most(2), most(1), most(null)], ['0', 'quantity_exceeded', '0'])
  w.facts({ type: 'SwitchLoyaltyCard', card: 'v_1', active: false })
  assert.is(key(CARD('cust_test')), 'loyalty_card_not_active')
})

test('rules that ask for what a request does not have say so', () => {
  const w = world()
  const customer = newCustomer('cust_test')
  const asked = (rule: { readonly name: string; readonly conditions: Record<string, unknown> }) => {
    w.define('validationRule', 'val_1', { name: 'one', rules: { 1: rule as never, logic: '1' } })
    w.define('assignment', 'asgm_1', { rule_id: 'val_1', related_object_type: 'voucher', related_object_id: 'A' })
    const keys = [{ customer }, {}, { customer, order: undefined }].map((more) => told(w, [coupon('A')], more)[0])
    w.remove('assignment', 'asgm_1')
    w.remove('validationRule', 'val_1')
    return keys
  }
  const no = (kind: string) => `${kind}_rules_violated`
  assert.equal(asked({ name: 'order.amount', conditions: { $more_than: [2_000] } }), [
    no('order'),
    no('order'),
    'missing_order',
  ])
  assert.equal(asked({ name: 'redemption.count.per_customer', conditions: { $less_than: [1] } }), [
    no('redemption'),
    'missing_customer',
    no('redemption'),
  ])
  assert.equal(asked({ name: 'redemption.api_key', conditions: { $is: ['other'] } }), [
    no('redemption'),
    no('redemption'),
    no('redemption'),
  ])
})

test('of what is wanted only a reward that is gone is out of stock, and a place has no more than was hoped for', () => {
  const w = paying()
  const rewards = (codes: readonly CodeState[], wanted: readonly Omit<Wanted, 'code'>[]) =>
    placedOf(
      {
        redeemables: wanted.map((one, i) => ({ code: codes[i]!.code, ...one })),
        asked: { channel: 'API', apiKey: 'shop' },
      },
      {
        codes: codes.map((of) => ({ code: of, ledger: NO_LEDGER })),
        referrals: new Map(),
        campaigns: new Map(),
        outOfStock: new Set(['rew_mug']),
      },
      { hopeful: false },
      w,
    ).map(({ reward }) => reward)
  const [mug, coin, none] = [
    { reward: { id: 'rewa_mug' } },
    { reward: { id: 'rew_coin' } },
    { reward: { id: 'rew_9' } },
  ]
  assert.equal(rewards([CARD(), CARD(), CARD(), CARD()], [mug, coin, none, {}]), [
    { id: 'rewa_mug', isOutOfStock: true },
    { id: 'rew_coin' },
    { id: 'rew_9' },
    undefined,
  ])
  assert.equal(rewards([code('A', { discount: off(1) }), noCode('NONE')], [mug, mug]), [mug.reward, mug.reward])
  const one = { asked: 'A', available: 10, reward: { id: 'rewa_mug' } } as unknown as Placed
  const hoped = (credits: number) => ({ place: 0, share: { credits }, paid: { points: 7 } }) as unknown as Taken
  assert.equal(
    [
      asPlaced(one, hoped(9), 'k').available,
      asPlaced(one, hoped(11), 'k').available,
      asPlaced(one, undefined, 'k').available,
    ],
    [9, 10, 10],
  )
  assert.equal(asPlaced(one, hoped(9), 'k').reward, { id: 'rewa_mug', most: 7, reservation: 'k' })
  assert.equal(
    Object.keys(asPlaced({ ...one, available: undefined, reward: undefined } as never, hoped(9), 'k')).length,
    3,
  )
})

test.run()
