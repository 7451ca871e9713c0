// Edges that no story comes upon: how far a place may be, how many a segment may list, when a number's answer cannot change.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { parseFilter } from '../../src/domain/conditions/filter.ts'
import { numberTest } from '../../src/domain/conditions/tests.ts'
import { Segment } from '../../src/domain/rulebook/segment.ts'
import fc from '../fc.ts'
import { environment } from './fixtures.ts'

const isPlace = (text: string): boolean =>
  !('faults' in parseFilter({ junction: 'and', 'metadata.at': { conditions: { $in_location: [text] } } }, environment))

test('a circle lies on the earth, its edges with it, and is larger than a point', () => {
  for (const place of ['90,180,1', '-90,-180,0.5', '0,0,1']) assert.ok(isPlace(place), place)
  for (const place of ['90.001,0,1', '-90.001,0,1', '0,180.001,1', '0,-180.001,1', '0,0,0', '0,0,-1', '0,0', 'x,0,1'])
    assert.not.ok(isPlace(place), place)
})

test('a segment lists 20,000 customers and no more', () => {
  const listing = (n: number) =>
    v.safeParse(Segment, { name: 's', type: 'static', customers: Array.from({ length: n }, (_, i) => `c${i}`) }).success
  assert.equal([listing(20_000), listing(20_001)], [true, false])
})

test('a bound answers alike on an interval exactly when no number in it is on the other side', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('lt', 'lte', 'gt', 'gte'),
      fc.integer({ min: -4, max: 4 }),
      fc.integer({ min: -6, max: 6 }),
      fc.nat(5),
      (op, value, low, width) => {
        const asked = numberTest([{ op, value }])
        const ends = [asked.holds(low), asked.holds(low + width)]
        assert.is(asked.isConstantOn(low, low + width), ends[0] === ends[1])
        for (let n = asked.cap; n < asked.cap + 3; n++) assert.is(asked.holds(n), asked.holds(asked.cap))
      },
    ),
  )
})

test.run()
