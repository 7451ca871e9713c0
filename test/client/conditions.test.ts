// What the client's builders make is what the product reads.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  all,
  and,
  any,
  attribute,
  context,
  event,
  filter,
  not,
  or,
  points,
  property,
  rule,
  rules,
  segment,
} from '../../src/client/conditions.ts'
import type { Parsed } from '../../src/domain/conditions/faults.ts'
import { parseFilter } from '../../src/domain/conditions/filter.ts'
import { parseNative } from '../../src/domain/conditions/native.ts'
import { parseRules } from '../../src/domain/conditions/rules.ts'
import { environment } from '../conditions/fixtures.ts'

const taken = (parsed: Parsed): void => assert.equal(parsed.ok ? [] : parsed.faults, [])

test('the native form', () => {
  const made = all(
    event('review_left', {
      count: { $more_than_equal: 2 },
      within: 'P30D',
      where: [property('stars', { $more_than: 3 })],
    }),
    any(attribute('email', { $ends_with: '@shop.test' }), attribute('metadata.level', { $is: ['gold'] })),
    not(segment('seg_vip')),
    points('Points Club', { $more_than: 100 }),
    context('order.amount', { $more_than_equal: 5000 }),
    context('order.metadata', { $is: 'web' }, 'channel'),
    event('review_left', { last: { $more_than_ago: 'P1M' }, period: 'this_year' }),
    event('review_left', { sum: { property: 'stars', $more_than: 10 } }),
  )
  taken(parseNative(made, environment))
})

test('the public filter form', () => {
  const made = filter('or', {
    'address.city': { $is: ['Rome', 'Paris'] },
    birthdate: { $today_md: true },
    'events.review_left.count': { $more_than: 3 },
    'loyalty_points.campaigns.Points Club.points': { $less_than: '10' },
    segment: { $is: 'seg_vip' },
  })
  taken(parseFilter(made, environment))
})

test('rules are numbered, and joined as they were nested', () => {
  const amount = rule('order.amount', { $more_than: 5000 }, { message: 'Too small' })
  const made = rules(
    and(
      amount,
      or(
        rule('customer.segment', { $is: 'seg_vip' }),
        rule('customer.metadata', { $is: 'gold' }, { property: 'level' }),
      ),
    ),
  )
  assert.is(made.logic, '1 and (2 or 3)')
  taken(parseRules({ rules: made }, environment))
  const items = rules(rule('order.items.any', {}, { rules: rule('order.items.quantity', { $more_than: 2 }) }))
  assert.is(items.logic, '1')
  taken(parseRules({ rules: items }, environment))
  assert.throws(() => rules(and()), /needs a rule/)
})

test.run()
