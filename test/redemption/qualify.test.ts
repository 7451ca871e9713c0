// Filters of qualifications, and what read models foresee of a code.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { openOrder } from '../../src/domain/order.ts'
import {
  campaignsWithCodes,
  dealsOf,
  foreseen,
  isForEverybody,
  leastOf,
  passes,
  QualificationFilters,
} from '../../src/domain/redemption/qualify.ts'
import { noCode } from '../../src/domain/vouchers/code.ts'
import type { ResolvedVoucher } from '../../src/domain/vouchers/resolve.ts'
import { T0, world } from '../given.ts'

const voucher: ResolvedVoucher = {
  id: 'v_1',
  code: 'GIFT',
  type: 'GIFT_VOUCHER',
  active: true,
  gift: { amount: 500, effect: 'APPLY_TO_ORDER' },
  quantity: null,
  validity: {},
  isReferral: false,
  metadata: {},
}
const lets = (filters: unknown, category?: string): boolean =>
  passes(v.parse(QualificationFilters, filters), voucher, category)
const is = (...values: string[]) => ({ conditions: { $is: values } })

test('all filters must hold, or one of them', () => {
  assert.ok(passes(undefined, voucher, undefined))
  assert.ok(lets({}))
  assert.ok(lets({ code: is('GIFT'), voucher_type: is('GIFT_VOUCHER'), resource_type: is('voucher') }))
  assert.not(lets({ code: is('GIFT'), voucher_type: is('DISCOUNT_VOUCHER') }))
  assert.ok(lets({ junction: 'or', code: is('GIFT'), voucher_type: is('DISCOUNT_VOUCHER') }))
  assert.not(lets({ junction: 'OR', code: is('OTHER'), voucher_type: is('DISCOUNT_VOUCHER') }))
})

test('each condition, and values alone or in lists', () => {
  assert.ok(lets({ resource_id: { conditions: { $in: 'v_1' } } }))
  assert.ok(lets({ resource_id: { conditions: { $in: ['v_0', 'v_1'], $not_in: ['v_2'] } } }))
  assert.not(lets({ resource_id: { conditions: { $is_not: ['v_1'] } } }))
  assert.ok(
    lets({ campaign_id: { conditions: { $is_unknown: true } }, campaign_type: { conditions: { $is_not: 'X' } } }),
  )
  assert.not(lets({ campaign_id: { conditions: { $has_value: true } } }))
  assert.ok(lets({ category_id: is('vip') }, 'vip'))
  assert.not(lets({ category_id: is('vip') }))
})

test('a condition lists a hundred values of three hundred characters', () => {
  const takes = (...values: string[]) => v.safeParse(QualificationFilters, { code: is(...values) }).success
  const many = (n: number) => Array.from({ length: n }, (_, i) => `${i}`)
  assert.equal([takes(...many(100)), takes(...many(101))], [true, false])
  assert.equal([takes('x'.repeat(300)), takes('x'.repeat(301))], [true, false])
})

test('unknown fields and conditions are refused, not passed over', () => {
  for (const filters of [{ colour: is('red') }, { code: { conditions: { $like: 'G' } } }, { junction: 'xor' }])
    assert.not(v.safeParse(QualificationFilters, filters).success, JSON.stringify(filters))
})

test('what is left of a gift and the next redemption follow from the sums', () => {
  const seen = foreseen(noCode('GIFT'), voucher, { redeemed: 2, taken: 300, added: 100 })
  assert.equal([seen.times, seen.available, seen.measures], [3, 300, {}])
  assert.is(foreseen(noCode('GIFT'), voucher, { redeemed: 2, taken: 700, added: 0 }).available, 0)
})

const campaign = (name: string, more: object = {}) => ({
  name,
  campaign_type: 'DISCOUNT_COUPONS' as const,
  voucher: { type: 'DISCOUNT_VOUCHER' as const, discount: { type: 'AMOUNT' as const, amount_off: 100 } },
  ...more,
})

test('given campaigns, codes are looked for in those that are active, have codes, and are in force', () => {
  const w = world()
  const at = (ms: number) => new Date(ms).toISOString()
  w.define('campaign', 'camp_on', campaign('on'))
  w.define('campaign', 'camp_off', campaign('off', { active: false }))
  w.define('campaign', 'camp_promotion', { name: 'promotion', campaign_type: 'PROMOTION' })
  w.define('campaign', 'camp_before', campaign('before', { expiration_date: at(T0) }))
  w.define('campaign', 'camp_after', campaign('after', { start_date: at(T0) }))
  assert.equal(campaignsWithCodes(w.rulebook, T0 - 1), [null, 'camp_on', 'camp_before'])
  assert.equal(campaignsWithCodes(w.rulebook, T0), [null, 'camp_on', 'camp_after'])
})

test('of the codes of nobody, browsers are told of single discount codes for many uses', () => {
  const code: ResolvedVoucher = { ...voucher, type: 'DISCOUNT_VOUCHER', quantity: null }
  assert.ok(isForEverybody(code))
  assert.ok(isForEverybody({ ...code, quantity: 2 }))
  assert.not(isForEverybody({ ...code, quantity: 1 }))
  assert.not(isForEverybody({ ...code, holder: 'cust_1' }))
  assert.not(isForEverybody(voucher))
})

test('a gift voucher is asked for a credit where there is no order to pay', () => {
  const situation = { metadata: {}, apiKey: 'shop', rulebook: world().rulebook, now: T0 }
  assert.equal(leastOf(voucher, situation), { credits: 1 })
  assert.equal(leastOf(voucher, { ...situation, order: openOrder({ amount: 100 })! }), {})
  assert.equal(leastOf({ ...voucher, type: 'DISCOUNT_VOUCHER' }, situation), {})
  assert.equal(leastOf(undefined, situation), {})
})

test('deals come with the most first, or the least, and equal ones as they were found', () => {
  const found = [
    { id: 'a', off: 20 },
    { id: 'b', off: 30 },
    { id: 'c', off: 20 },
  ]
  const ids = (rule: 'BEST_DEAL' | 'LEAST_DEAL') => dealsOf(found, rule, ({ off }) => off).map(({ id }) => id)
  assert.equal(ids('BEST_DEAL'), ['b', 'a', 'c'])
  assert.equal(ids('LEAST_DEAL'), ['a', 'c', 'b'])
})

test.run()
