// Parts: every customer is in exactly one, its stream begins as the part says, and what is worth a reading of the log.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { customerIdFrom, customerStream } from '../../src/domain/ids.ts'
import { customerKeyStream } from '../../src/domain/personalFacts.ts'
import { isWorthReading, partAfter, partsOf, sizeOfParts } from '../../src/rollout/parts.ts'
import fc from '../fc.ts'

test('parts lie one after the other in the order of ids, and the beginnings of streams tell who is in which', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.integer({ min: 1_000, max: 20_000 }), fc.nat(), (customers, size, name) => {
      const parts = partsOf(customers, size)
      const id = customerIdFrom(`c-${name}`, 'key')
      const own = parts.filter(({ streams }) => streams.some((start) => customerStream(id).startsWith(start)))
      assert.is(own.length, 1)
      assert.ok(
        own[0]!.streams.some((start) => customerKeyStream(id).startsWith(start)),
        'its key comes by as well',
      )
      assert.is(partAfter(parts, id), own[0])
      assert.ok(id >= own[0]!.from && (own[0]!.before === undefined || id < own[0]!.before))
      for (const [n, { before, size: about }] of parts.entries()) {
        assert.is(before, parts[n + 1]?.from)
        assert.ok(about <= size)
        if (before !== undefined) assert.is(partAfter(parts, before), parts[n + 1], 'one goes on at the next')
      }
      assert.ok(parts.length <= 2 + (2.1 * customers) / size, `${parts.length} parts`)
      assert.is(partAfter(parts, null), parts[0])
    }),
    { numRuns: 60 },
  )
})

test('whoever has an id of another form is in a part as well', () => {
  const parts = partsOf(100_000, 10_000)
  for (const id of ['', 'cust_', 'cust_~', 'zzz']) assert.ok(parts.includes(partAfter(parts, id)))
})

test('a part has 40,000 customers, and fewer the longer their past is', () => {
  assert.is(sizeOfParts(400_000, 80_000_000), 40_000)
  assert.is(sizeOfParts(100_000, 2_684_354_560), 5_000)
  assert.is(sizeOfParts(1_000_000, 10 ** 15), 200)
  assert.is(sizeOfParts(0, 0), 200)
})

test('the log is read for many who need it, not for few, and not when it is very long', () => {
  const MB = 1_000_000
  const whole = { size: 10_000, share: 1, logBytes: 20 * MB }
  assert.ok(isWorthReading(10_000, whole))
  assert.not.ok(isWorthReading(50, whole))
  assert.not.ok(isWorthReading(0, { ...whole, logBytes: 0 }))
  const tenth = { size: 10_000, share: 0.1, logBytes: 200 * MB }
  assert.ok(isWorthReading(10_000, tenth))
  assert.not.ok(isWorthReading(10_000, { ...tenth, share: 0.001, logBytes: 20_000 * MB }))
})

test.run()
