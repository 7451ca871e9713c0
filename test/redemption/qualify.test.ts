// Filters of qualifications, and what read models foresee of a code.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { foreseen, passes, QualificationFilters } from '../../src/domain/redemption/qualify.ts'
import { noCode } from '../../src/domain/vouchers/code.ts'
import type { ResolvedVoucher } from '../../src/domain/vouchers/resolve.ts'

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

test.run()
