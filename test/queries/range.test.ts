// Plain days in queries: days of the project's time zone, from their first instant to their last.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isWithin, rangeFilter, spanFilter, spanOf } from '../../src/api/lists/range.ts'

const ZONE = 'Europe/Warsaw'
const at = (text: string) => new Date(text)

test('a span of plain days begins with the first one and ends with the last one, also when the clocks change', () => {
  assert.equal(spanFilter('created_at', { start_date: '2026-03-29', end_date: '2026-03-29' }, ZONE), {
    created_at: { $gte: at('2026-03-28T23:00:00Z'), $lt: at('2026-03-29T22:00:00Z') },
  })
  assert.equal(spanFilter('at', { start_date: '2026-01-12' }, ZONE), { at: { $gte: at('2026-01-11T23:00:00Z') } })
  assert.equal(spanFilter('at', {}, ZONE), {})
})

test('an instant with its offset is what it says in every zone', () => {
  const { from, to } = spanOf({ start_date: '2026-01-12T10:00:00Z', end_date: '2026-01-12T10:00:00.5+01:00' }, ZONE)
  assert.equal([from, to], [Date.parse('2026-01-12T10:00:00Z'), Date.parse('2026-01-12T09:00:00.500Z')])
})

test('before a day is before its first instant, and after it after its last', () => {
  const day = '2026-01-12'
  assert.equal(rangeFilter('at', { before: day, after: day }, ZONE), {
    at: { $lt: at('2026-01-11T23:00:00Z'), $gte: at('2026-01-12T23:00:00Z') },
  })
  for (const [instant, range, within] of [
    ['2026-01-11T22:59:59.999Z', { before: day }, true],
    ['2026-01-11T23:00:00Z', { before: day }, false],
    ['2026-01-12T22:59:59.999Z', { after: day }, false],
    ['2026-01-12T23:00:00Z', { after: day }, true],
    ['2026-01-12T10:00:00Z', { after: '2026-01-12T10:00:00Z' }, false],
    ['2026-01-12T10:00:00.001Z', { after: '2026-01-12T10:00:00Z' }, true],
  ] as const)
    assert.is(isWithin(Date.parse(instant), range, ZONE), within, `${instant} ${JSON.stringify(range)}`)
  assert.equal([isWithin(null, { after: day }, ZONE), isWithin(null, undefined, ZONE)], [false, true])
})

test.run()
