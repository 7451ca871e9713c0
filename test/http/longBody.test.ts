// Long lists in a body: seen to in slices, with the same outcome as in one go.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { printOf } from '../../src/domain/print.ts'
import { checkInSlices, inSlices, isLong, printInSlices, SLICE } from '../../src/http/longBody.ts'
import { checkerOf } from '../../src/http/route.ts'
import fc from '../fc.ts'

const check = checkerOf(v.array(v.object({ code: v.string(), n: v.optional(v.number()) })))
const list = (n: number, wrong: Readonly<Record<number, unknown>> = {}) =>
  Array.from({ length: n }, (_, i) => wrong[i] ?? { code: `C${i}` })

test('a fingerprint is the same, whatever is in the list', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 * SLICE }), async (body) => {
      assert.is(await printInSlices('POST /x', { a: '1' }, body), printOf(['POST /x', { a: '1' }, body]))
    }),
    { numRuns: 50 },
  )
})

test('what is taken is the same, and what is wrong has the same place', async () => {
  const right = list(2 * SLICE + 7)
  assert.equal(await checkInSlices(check, right), check(right))
  for (const [at, item] of [
    [SLICE + 3, { code: 5 }],
    [2 * SLICE, { code: 'x', other: 1 }],
    [0, 'none'],
  ] as const) {
    const body = list(2 * SLICE + 7, { [at]: item })
    const [whole, sliced] = [check(body), await checkInSlices(check, body)]
    if (!('issues' in whole) || !('issues' in sliced)) throw new Error('it was taken')
    const said = ({ issues }: typeof whole) => issues.map(({ message, path }) => [message, path?.map(({ key }) => key)])
    assert.equal(said(sliced), said(whole))
  }
})

test('others have their turn in between', async () => {
  let theirs = 0
  let isOver = false
  const others = () => {
    theirs++
    if (!isOver) setImmediate(others)
  }
  setImmediate(others)
  const busy = (): undefined => {
    const until = performance.now() + 5
    while (performance.now() < until);
    return undefined
  }
  await inSlices(list(20 * SLICE), busy)
  isOver = true
  assert.ok(theirs >= 5, String(theirs))
  assert.equal([isLong(list(SLICE)), isLong(list(SLICE + 1)), isLong({})], [false, true, false])
})

test.run()
