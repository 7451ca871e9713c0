// Which definitions are refused beside the others, one step from one that is taken: paths of faults, kind by kind.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { calendarOf } from '../../src/domain/calendar.ts'
import { orderFields } from '../../src/domain/orders/input.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import type { Campaign } from '../../src/domain/rulebook/campaign.ts'
import { type KindName, kindNamed } from '../../src/domain/rulebook/kinds.ts'
import { promotionStacksOf } from '../../src/domain/rulebook/promotionStack.ts'
import { promotionTiersOf } from '../../src/domain/rulebook/promotionTier.ts'
import { conversionSchema, type ReferralProgram, referrerRewardFor } from '../../src/domain/rulebook/referralProgram.ts'
import {
  changedSpec,
  completeMember,
  completeSingle,
  memberFaults,
  memberType,
  singleFaults,
} from '../../src/domain/vouchers/make.ts'
import { type World, world } from '../given.ts'

/** The paths that a definition is refused for; empty when it would go in. */
const paths = (w: World, kind: KindName, definition: object): readonly string[] => {
  const refusal = w.refusalOf(kind, 'new_1', definition)
  return refusal === undefined ? [] : [...refusal.details.matchAll(/Property \.?(\S+)/g)].map(([, path]) => path!)
}
const off = { type: 'AMOUNT', amount_off: 1 } as const

test('what was not made has no id to look it up by', () => {
  const w = world()
  const refusal = w.refusalOf('segment', 'seg_1', { name: 'x', type: 'auto-update' })
  assert.is(refusal?.key, 'invalid_payload')
  assert.is(refusal?.resource, undefined)
})

test('stacking rules: one bound within another, categories that there are, none on both sides', () => {
  const w = world()
  w.define('category', 'c0', { name: 'c0', hierarchy: 0 })
  const rules = (more: object) => paths(w, 'stackingRules', more)
  const cases: readonly (readonly [object, readonly string[]])[] = [
    [{}, []],
    [{ redeemables_limit: 5, applicable_redeemables_limit: 5 }, []],
    [{ redeemables_limit: 4, applicable_redeemables_limit: 5 }, ['applicable_redeemables_limit']],
    [{ applicable_redeemables_per_category_limit: 5 }, []],
    [{ applicable_redeemables_per_category_limit: 6 }, ['applicable_redeemables_per_category_limit']],
    [{ applicable_redeemables_per_category_limit: null }, []],
    [
      { applicable_exclusive_redeemables_per_category_limit: 2 },
      ['applicable_exclusive_redeemables_per_category_limit'],
    ],
    [{ exclusive_categories: ['c0'] }, []],
    [{ exclusive_categories: ['c0', 'c1'] }, ['exclusive_categories[1]']],
    [{ applicable_redeemables_category_limits: { c1: 1 } }, ['applicable_redeemables_category_limits.c1']],
    [{ exclusive_categories: ['c0'], joint_categories: ['c0'] }, ['exclusive_categories[0]']],
  ]
  for (const [definition, expected] of cases) assert.equal(rules(definition), expected, JSON.stringify(definition))
})

test('segments: a list of customers or one condition, which asks for nothing that is being decided', () => {
  const w = world()
  w.define('eventSchema', 'ms_1', { name: 'bought', schema: { properties: {} } })
  const segment = (more: object) => paths(w, 'segment', { name: 's', type: 'auto-update', ...more })
  const filter = { junction: 'and', name: { conditions: { $is: ['x'] } } }
  const condition = { event: 'bought', count: { $more_than: 1 } }
  assert.equal([segment({ filter }), segment({ condition }), segment({ type: 'passive', filter })], [[], [], []])
  assert.equal([segment({}), segment({ filter, condition })], [['filter'], ['filter']])
  assert.equal(segment({ filter, customers: ['c'] }), ['customers'])
  const fixed = (more: object) => segment({ type: 'static', ...more })
  assert.equal([fixed({ customers: [] }), fixed({}), fixed({ customers: [], filter })], [[], ['customers'], ['filter']])
  assert.equal(segment({ condition: { event: 'none', count: { $more_than: 1 } } }).length, 1)
})

test('a segment stays active while something waits for its entered events, and may change otherwise', () => {
  const w = world()
  const segment = (type: string, name: string) => ({ name, type, condition: { attribute: 'name', $is: 'x' } })
  w.define('segment', 'seg_1', segment('auto-update', 'one') as never)
  w.define('segment', 'seg_2', segment('passive', 'two') as never)
  const change = (id: string, type: string) => w.refusalOfChange('segment', id, segment(type, 'other'))?.key
  const changes = () => ['seg_1', 'seg_2'].flatMap((id) => ['auto-update', 'passive'].map((type) => change(id, type)))
  assert.equal(changes(), [undefined, undefined, undefined, undefined])
  w.define('distribution', 'distr_1', {
    name: 'd',
    trigger: { type: 'segment_entered', segment_id: 'seg_1' },
    channel: { type: 'sms', text: 'hello' },
  } as never)
  assert.equal(changes(), [undefined, 'resource_in_use', undefined, undefined])
})

test('referral programs name what there is, for times longer than nothing, with tiers in ascending order', () => {
  const w = world()
  w.define('eventSchema', 'ms_1', { name: 'bought', schema: { properties: {} } })
  w.define('campaign', 'camp_club', {
    name: 'club',
    campaign_type: 'LOYALTY_PROGRAM',
    voucher: { type: 'LOYALTY_CARD' },
  })
  const program = (more: object, type = 'REFERRAL_PROGRAM') =>
    paths(w, 'campaign', {
      name: 'friends',
      campaign_type: type,
      referral_program: { conversion_event_type: 'custom_event', custom_event: { name: 'bought' }, ...more },
    }).map((path) => path.replace('referral_program.', ''))
  const reward = (id: string, type = 'LOYALTY_CARD') => ({ type, related_object_parent: { id }, amount: 1 })
  const tiers = (...from: number[]) => ({ referrer_tiers: from.map((n) => ({ from: n, reward: reward('camp_club') })) })
  const cases: readonly (readonly [object, readonly string[]])[] = [
    [{}, []],
    [{ custom_event: { id: 'ms_1' } }, []],
    [{ custom_event: { id: 'ms_1', name: 'bought' } }, []],
    [{ custom_event: { id: 'ms_1', name: 'sold' } }, ['custom_event.name']],
    [{ custom_event: { name: 'sold' } }, ['custom_event']],
    [{ custom_event: {} }, ['custom_event']],
    [{ custom_event: null }, ['custom_event']],
    [{ conversion_event_type: 'redemption', custom_event: null }, []],
    [{ validation_rule_id: 'val_1' }, ['validation_rule_id']],
    [{ new_customers: { created_within: 'P1D' } }, []],
    [{ new_customers: { created_within: 'PT0.001S' } }, []],
    [{ new_customers: { created_within: 'P0D' } }, ['new_customers.created_within']],
    [{ new_customers: { created_within: 'soon' } }, ['new_customers.created_within']],
    [{ new_customers: { segment_id: 'seg_1' } }, ['new_customers.segment_id']],
    [{ referee_reward: reward('camp_club') }, []],
    [{ referee_reward: reward('camp_club', 'GIFT_VOUCHER') }, ['referee_reward.related_object_parent.id']],
    [{ referrer_reward: reward('camp_x') }, ['referrer_reward.related_object_parent.id']],
    [tiers(2, 3), []],
    [tiers(3, 3), ['referrer_tiers']],
    [tiers(3, 2), ['referrer_tiers']],
  ]
  for (const [definition, expected] of cases) assert.equal(program(definition), expected, JSON.stringify(definition))
  assert.equal(program({}, 'PROMOTION'), ['referral_program'])
  assert.equal(paths(w, 'campaign', { name: 'f', campaign_type: 'REFERRAL_PROGRAM' }), ['referral_program'])
})

test('the reward of a referrer is that of the last tier that was reached', () => {
  const reward = (amount: number) => ({ type: 'LOYALTY_CARD', related_object_parent: { id: 'c' }, amount }) as const
  const tiers = [
    { from: 2, reward: reward(20) },
    { from: 4, reward: reward(40) },
  ]
  const at = (n: number) => referrerRewardFor(reward(1), tiers, n)
  assert.equal(
    [1, 2, 3, 4, 9].map((n) => [at(n)?.reward.amount, at(n)?.from]),
    [
      [1, undefined],
      [20, 2],
      [20, 2],
      [40, 4],
      [40, 4],
    ],
  )
  assert.equal([referrerRewardFor(null, tiers, 1), referrerRewardFor(null, [], 5)], [undefined, undefined])
})

test('promotion stacks name tiers of their campaign, each once', () => {
  const w = world()
  for (const id of ['p', 'q']) w.define('campaign', `camp_${id}`, { name: id, campaign_type: 'PROMOTION' })
  for (const id of ['p', 'q'])
    w.define('promotionTier', `promo_${id}`, { name: id, campaign_id: `camp_${id}`, hierarchy: 1 })
  const stack = (campaign_id: string, ...ids: string[]) =>
    paths(w, 'promotionStack', { name: 's', campaign_id, tiers: { ids } })
  assert.equal(stack('camp_p', 'promo_p'), [])
  assert.equal(stack('camp_p', 'promo_q'), ['tiers.ids[0]'])
  assert.equal(stack('camp_p', 'promo_p', 'promo_p'), ['tiers.ids[1]'])
  assert.equal(stack('camp_x', 'promo_p'), ['campaign_id', 'tiers.ids[0]'])
  const tier = (more: object) => paths(w, 'promotionTier', { name: 't', campaign_id: 'camp_p', hierarchy: 1, ...more })
  assert.equal(
    [tier({}), tier({ campaign_id: 'camp_x' }), tier({ category_id: 'c' })],
    [[], ['campaign_id'], ['category_id']],
  )
})

test('a promotion has a hundred tiers and a hundred stacks, each campaign its own, in their order', () => {
  const w = world()
  for (const id of ['p', 'q']) w.define('campaign', `camp_${id}`, { name: id, campaign_type: 'PROMOTION' })
  const tier = (campaign: string, n: number, hierarchy: number) =>
    w.define('promotionTier', `promo_${campaign}${n}`, { name: `t${n}`, campaign_id: `camp_${campaign}`, hierarchy })
  const stack = (n: number, campaign = 'p') => ({
    name: `s${n}`,
    campaign_id: `camp_${campaign}`,
    tiers: { ids: [`promo_${campaign}0`] },
  })
  tier('q', 0, 0)
  for (const [n, hierarchy] of [2, 1, 1].entries()) {
    tier('p', n, hierarchy)
    w.wait(1)
  }
  const tiers = () => promotionTiersOf('camp_p', w.rulebook.definitions).map(({ id }) => id)
  assert.equal(tiers(), ['promo_p1', 'promo_p2', 'promo_p0'])
  w.define('promotionStack', 'stack_q', stack(0, 'q'))
  for (const n of [2, 1, 0]) {
    w.define('promotionStack', `stack_${n}`, stack(n))
    w.wait(1)
  }
  const stacks = () => promotionStacksOf('camp_p', w.rulebook.definitions).map(({ id }) => id)
  assert.equal(stacks(), ['stack_2', 'stack_1', 'stack_0'])
  for (let n = 3; n < 100; n++) {
    tier('p', n, 3)
    w.define('promotionStack', `stack_${n}`, stack(n))
  }
  const more = { name: 't', campaign_id: 'camp_p', hierarchy: 3 }
  assert.equal(
    [paths(w, 'promotionTier', more), paths(w, 'promotionStack', stack(100))],
    [['campaign_id'], ['campaign_id']],
  )
  assert.equal(
    [paths(w, 'promotionTier', { ...more, campaign_id: 'camp_q' }), paths(w, 'promotionStack', stack(100, 'q'))],
    [[], []],
  )
  assert.is(w.refusalOfChange('promotionStack', 'stack_2', { ...stack(2), name: 'other' }), undefined)
})

test('an earning rule says the schema of its event, or none', () => {
  const w = world()
  w.define('campaign', 'camp_l', { name: 'l', campaign_type: 'LOYALTY_PROGRAM', voucher: { type: 'LOYALTY_CARD' } })
  w.define('eventSchema', 'ms_1', { name: 'bought', schema: { properties: {} } })
  const rule = (more: object) =>
    paths(w, 'earningRule', { campaign_id: 'camp_l', event: 'bought', loyalty: { type: 'FIXED', points: 1 }, ...more })
  assert.equal(
    [rule({}), rule({ custom_event: { schema_id: 'ms_1' } }), rule({ custom_event: { schema_id: 'ms_2' } })],
    [[], [], ['custom_event.schema_id']],
  )
})

test('campaigns: a worth of their own type, codes enough for twice as many, dates that follow each other', () => {
  const w = world()
  const coupons = (more: object, voucher: object = {}) =>
    paths(w, 'campaign', {
      name: 'c',
      campaign_type: 'DISCOUNT_COUPONS',
      voucher: { type: 'DISCOUNT_VOUCHER', discount: off, ...voucher },
      ...more,
    })
  assert.equal(coupons({}, { code_config: { length: 1, charset: '1' } }), [], 'one code for whoever comes')
  const digits = (length: number) => ({ code_config: { length, charset: '0123456789' } })
  assert.equal(coupons({}), [])
  assert.equal(coupons({}, { type: 'GIFT_VOUCHER' }), ['voucher.type'])
  assert.equal(coupons({}, { gift: { amount: 1 } }), ['voucher.gift'])
  assert.equal(coupons({ voucher: undefined }), ['voucher'])
  assert.equal(
    [coupons({ vouchers_count: 50 }, digits(2)), coupons({ vouchers_count: 51 }, digits(2))],
    [[], ['voucher.code_config']],
  )
  const same = { code_config: { length: 1, charset: 'A' } }
  assert.equal(
    [coupons({}, same), coupons({ vouchers_count: 1 }, same)],
    [[], ['voucher.code_config']],
    'a format of one code goes where none is made beforehand',
  )
  const club = (more: object) =>
    paths(w, 'campaign', { name: 'l', campaign_type: 'LOYALTY_PROGRAM', voucher: { type: 'LOYALTY_CARD', ...more } })
  assert.equal([club(digits(3)), club(digits(2))], [[], ['voucher.code_config']])
  assert.equal(club({ type: 'GIFT_VOUCHER' }), ['voucher.type'])
  const dates = (start_date: string, expiration_date: string) => coupons({ start_date, expiration_date })
  const noon = '2026-03-02T12:00:00Z'
  assert.equal(
    [dates(noon, '2026-03-02T12:00:01Z'), dates(noon, noon), dates('2026-03-02', '2026-03-02')],
    [[], ['expiration_date'], []],
  )
  const frame = (duration: string, start_date?: string) =>
    coupons({ validity_timeframe: { interval: 'P2D', duration }, start_date })
  assert.equal(
    [frame('P2D', noon), frame('P2DT1S', noon), frame('P1D')],
    [[], ['validity_timeframe.duration'], ['start_date']],
  )
})

test('vouchers: the type that they speak of, and nothing of another', () => {
  const utc = calendarOf('UTC')
  const single = (spec: object) => singleFaults(spec as never, utc).map(({ path }) => path)
  const discount = { ...off, effect: 'APPLY_TO_ORDER' } as const
  const gift = { amount: 5, effect: 'APPLY_TO_ORDER' } as const
  assert.equal([single({ discount }), single({ gift }), single({})], [[], [], ['discount']])
  assert.equal(
    [single({ discount, gift }), single({ type: 'GIFT_VOUCHER', discount })],
    [['gift'], ['discount', 'gift']],
  )
  assert.equal(
    [single({ loyalty_card: { points: 1 } }), single({ discount, start_date: 'soon' })],
    [['campaign'], ['start_date']],
  )
  assert.equal(
    [completeSingle({ gift }).type, completeSingle({}).type, completeSingle({ loyalty_card: { points: 0 } }).type],
    ['GIFT_VOUCHER', 'DISCOUNT_VOUCHER', 'LOYALTY_CARD'],
  )
  const campaign = (campaign_type: string, voucher?: object) => ({ campaign_type, voucher }) as unknown as Campaign
  const gifts = campaign('GIFT_VOUCHERS', { type: 'GIFT_VOUCHER', gift })
  const club = campaign('LOYALTY_PROGRAM', { loyalty_card: { points: 7 } })
  assert.equal(
    [memberType(gifts), memberType(club), memberType(campaign('PROMOTION'))],
    ['GIFT_VOUCHER', 'LOYALTY_CARD', 'DISCOUNT_VOUCHER'],
  )
  const member = (spec: object) => memberFaults(spec as never, gifts, utc).map(({ path }) => path)
  assert.equal(
    [member({}), member({ type: 'GIFT_VOUCHER', gift }), member({ type: 'LOYALTY_CARD' }), member({ discount })],
    [[], [], ['type'], ['discount']],
  )
  assert.equal(completeMember({}, club).loyalty_card, { points: 7 })
  assert.equal(completeMember({ loyalty_card: { points: 0 } }, club).loyalty_card, { points: 0 })
  assert.equal(completeMember({}, campaign('LOYALTY_PROGRAM')).loyalty_card, { points: 0 })
  assert.equal(
    [completeMember({}, gifts).gift?.amount, completeMember({ gift: { ...gift, amount: 9 } }, gifts).gift?.amount],
    [5, 9],
  )
  const changing = (patch: object) => {
    const next = changedSpec(
      { type: 'GIFT_VOUCHER', gift, metadata: { a: 1 } },
      { code: 'G', type: 'GIFT_VOUCHER', gift, points: 3 },
      patch as never,
      utc,
    )
    return isRefused(next) ? next.refused.key : next.metadata
  }
  assert.equal(
    [changing({}), changing({ metadata: { b: 2 } }), changing({ gift }), changing({ type: 'GIFT_VOUCHER' })],
    [{ a: 1 }, { a: 1, b: 2 }, { a: 1 }, { a: 1 }],
  )
  assert.equal(
    [
      changing({ gift: { ...gift, amount: 6 } }),
      changing({ type: 'DISCOUNT_VOUCHER' }),
      changing({ loyalty_card: { points: 4 } }),
      changing({ start_date: 'x' }),
    ],
    ['invalid_gift', 'invalid_voucher', 'invalid_voucher', 'invalid_payload'],
  )
  const points = (said: number) => {
    const card = { code: 'L', type: 'LOYALTY_CARD', gift: undefined, points: 3 } as const
    const next = changedSpec({ loyalty_card: { points: 3 } }, card, { loyalty_card: { points: said } }, utc)
    return isRefused(next) && /a card begins with them/.test(next.refused.details)
  }
  assert.equal([points(2), points(3), points(4)], [true, false, true])
})

test('orders: an item’s discount is no more than it costs, and all items no more than an order may', () => {
  const Order = v.object(orderFields)
  const takes = (item: object, ...more: object[]) => v.safeParse(Order, { items: [item, ...more] }).success
  assert.equal([takes({ amount: 5, discount_amount: 5 }), takes({ amount: 5, discount_amount: 6 })], [true, false])
  assert.equal(
    [
      takes({ discount_amount: 0 }),
      takes({ discount_amount: 1 }),
      takes({ price: 2, quantity: 3, discount_amount: 6 }),
    ],
    [true, false, true],
  )
  assert.equal(
    [takes({ amount: 10 ** 12 }), takes({ amount: 10 ** 12 }, {}), takes({ amount: 10 ** 12 }, { amount: 1 })],
    [true, true, false],
  )
})

test('what is likely a mistake is let in with a doubt', () => {
  const w = world()
  w.define('segment', 'seg_1', { name: 'one', type: 'static', customers: [] })
  const doubts = (kind: KindName, definition: object) =>
    kindNamed(kind).doubts?.(v.parse(kindNamed(kind).schema, definition) as never, w.rulebook.definitions)
  const inSegment = (...ids: readonly string[]) => ({
    name: 'r',
    rules: { '1': { name: 'customer.segment', property: null, conditions: { $is: ids } }, logic: '1' },
  })
  assert.equal(doubts('validationRule', inSegment('seg_1', 'seg_2')), ['there is no segment seg_2: nobody is in it'])
  assert.equal(
    [doubts('validationRule', inSegment('seg_1')), doubts('validationRule', { name: 'r', rules: { logic: '9' } })],
    [[], []],
  )
  const above = (amount: number) => ({ name: 'order.amount', conditions: { $more_than: [amount] } })
  const nested = { ...above(1), rules: { '1': above(1), '2': above(2), logic: '2' } }
  const ofLogic = (logic: string) =>
    doubts('validationRule', { name: 'r', rules: { '1': above(1), '2': above(2), logic } })
  assert.equal(
    [ofLogic(''), ofLogic('2 or 1'), ofLogic('1')],
    [[], [], ['the logic leaves out rule 2: it gates nothing']],
  )
  assert.equal(doubts('validationRule', { name: 'r', rules: { '1': nested, logic: '1' } }), [
    'the logic leaves out rule 1.1: it gates nothing',
  ])
  const withCodes = (type: string) => doubts('campaign', { name: 'c', campaign_type: type, vouchers_count: 3 })
  assert.match(
    String(withCodes('REFERRAL_PROGRAM')),
    /^vouchers_count makes no codes in a REFERRAL_PROGRAM: each is made/,
  )
  assert.match(String(withCodes('PROMOTION')), /: it has none$/)
  assert.equal(withCodes('LOYALTY_PROGRAM'), [])
  const tier = { campaign_id: 'camp_club', name: 't' }
  assert.equal(
    [doubts('loyaltyTier', tier)?.length, doubts('loyaltyTier', { ...tier, points: { from: 1 } })?.length],
    [1, 0],
  )
})

test('points in proportion to a property of an event: a number of its schema, one, that is still there', () => {
  const w = world()
  w.define('campaign', 'camp_l', { name: 'l', campaign_type: 'LOYALTY_PROGRAM', voucher: { type: 'LOYALTY_CARD' } })
  w.define('eventSchema', 'ms_1', {
    name: 'bought',
    schema: {
      properties: {
        amount: { type: 'number' },
        name: { type: 'string' },
        amounts: { type: 'number', array: true },
        names: { type: 'string', array: true },
        former: { type: 'number', deleted: true },
      },
    },
  })
  const by = (property: string) =>
    paths(w, 'earningRule', {
      campaign_id: 'camp_l',
      event: 'bought',
      loyalty: {
        type: 'PROPORTIONAL',
        calculation_type: 'CUSTOM_EVENT_METADATA',
        custom_event: { metadata: { property, every: 1, points: 1 } },
      },
    })
  const fault = ['loyalty.custom_event.metadata.property']
  assert.equal(
    [by('amount'), by('name'), by('amounts'), by('names'), by('former'), by('other'), by('toString')],
    [[], fault, fault, fault, fault, fault, fault],
  )
})

test('the schema of the event that converts a referral: by its id, else by its name, and none of a redemption', () => {
  const w = world()
  w.define('eventSchema', 'ms_1', { name: 'signed_up', schema: { properties: {} } })
  const of = (conversion_event_type: ReferralProgram['conversion_event_type'], custom_event?: object) =>
    conversionSchema({ conversion_event_type, custom_event } as unknown as ReferralProgram, w.rulebook.definitions)?.id
  assert.equal(
    [
      of('custom_event', { id: 'ms_1' }),
      of('custom_event', { name: 'signed_up' }),
      of('custom_event', { id: 'ms_2', name: 'signed_up' }),
      of('custom_event', { name: 'left' }),
      of('custom_event', {}),
      of('custom_event'),
      of('redemption', { id: 'ms_1' }),
      of('redemption'),
    ],
    ['ms_1', 'ms_1', undefined, undefined, undefined, undefined, undefined, undefined],
  )
})

test.run()
