// Times in order with what each adds, against a plain list of the same: over several chunks, at each instant and one step from it.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  askWindow,
  endsWithin,
  insert,
  keepAfter,
  keepNewest,
  newest,
  type Series,
  seriesOf,
  sumWithin,
} from '../../src/domain/conditions/series.ts'
import { addToTally, EMPTY_TALLY, NOTHING_SEEN, readTally, upperBound } from '../../src/domain/conditions/tally.ts'
import { numberTest } from '../../src/domain/conditions/tests.ts'
import fc from '../fc.ts'

type Entry = readonly [time: number, amount: number]

const entriesOf = (series: Series): Entry[] =>
  series.flatMap(({ t, m }) => t.map((time, i): Entry => [time, m?.[i] ?? 1]))

const totals = (amounts: readonly number[]) => {
  const sums = [0]
  for (const amount of amounts) sums.push(sums.at(-1)! + amount)
  return { sum: sums.at(-1), low: Math.min(...sums), high: Math.max(...sums) }
}

/** In the order of their times; of the same time the first that came is first. */
const plainly = (entries: readonly Entry[]): Entry[] => [...entries].sort(([a], [b]) => a - b)

const isSound = (series: Series): void => {
  for (const { t, m, sum, low, high } of series) {
    assert.ok(t.length > 0 && t.length <= 128, `${t.length} in a chunk`)
    assert.equal({ sum, low, high }, totals(m ?? t.map(() => 1)))
    assert.is(m?.length ?? t.length, t.length)
  }
}

/** Few times for many entries, so that several have one; enough entries for several chunks. */
const list = fc.array(fc.tuple(fc.nat(40), fc.integer({ min: -2, max: 3 })), { maxLength: 400, size: 'max' })
const made = (entries: readonly Entry[], summed: boolean): Series =>
  entries.reduce<Series>((series, [time, amount]) => insert(series, time, summed ? amount : undefined), [])
const counting = (entries: readonly Entry[], summed: boolean): Entry[] =>
  entries.map(([time, amount]) => [time, summed ? amount : 1])

test('entries stand in the order of their times, and are let go from the oldest on', () => {
  fc.assert(
    fc.property(list, fc.boolean(), fc.integer({ min: -1, max: 41 }), fc.nat(300), (some, summed, time, count) => {
      const series = made(some, summed)
      const all = plainly(counting(some, summed))
      isSound(series)
      assert.equal(entriesOf(series), all)
      assert.is(newest(series), all.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY)
      const later = all.filter(([at]) => at > time)
      const kept = keepAfter(series, time)
      isSound(kept)
      assert.equal(entriesOf(kept), later)
      const come = all.filter(([at]) => at <= time)
      const fewer = keepNewest(series, count, time)
      isSound(fewer)
      assert.equal(entriesOf(fewer), [...come.slice(Math.max(0, come.length - count)), ...later])
      if (later.length === all.length) assert.is(kept, series)
      if (come.length <= count) assert.is(fewer, series)
    }),
    { numRuns: 60 },
  )
  assert.equal(
    [seriesOf([]), entriesOf(seriesOf([1, 1, 5]))],
    [
      [],
      [
        [1, 1],
        [1, 1],
        [5, 1],
      ],
    ],
  )
})

test('entries that come in order fill their chunks, and one that comes late halves a full one', () => {
  const lengths = (times: readonly number[]) =>
    made(
      times.map((time): Entry => [time, 1]),
      false,
    ).map(({ t }) => t.length)
  const inOrder = (n: number) => Array.from({ length: n }, (_, i) => i)
  assert.equal([lengths(inOrder(128)), lengths(inOrder(129)), lengths(inOrder(300))], [[128], [128, 1], [128, 128, 44]])
  assert.equal(
    [lengths([...inOrder(128), 126]), lengths([...inOrder(256), 5])],
    [
      [64, 65],
      [64, 65, 128],
    ],
  )
})

test('a window holds what came after its begin, up to now, and says when its answer changes', () => {
  fc.assert(
    fc.property(
      list,
      fc.boolean(),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: -3, max: 55 }),
      fc.constantFrom('lt', 'gte', 'gt', 'lte'),
      fc.integer({ min: -3, max: 40 }),
      (some, summed, length, now, op, value) => {
        const series = made(some, summed)
        const all = plainly(counting(some, summed))
        const within = (at: number) => all.filter(([time]) => time > at - length && time <= at)
        const sumAt = (at: number) => within(at).reduce((sum, [, amount]) => sum + amount, 0)
        assert.is(sumWithin(series, length, now), sumAt(now))
        const asked = numberTest([{ op, value }])
        const holds = asked.holds(sumAt(now))
        let until = now + 1
        while (until <= 60 && asked.holds(sumAt(until)) === holds) until++
        const said = askWindow(series, length, now, asked)
        assert.equal([said.holds, said.until], [holds, until > 60 ? Number.POSITIVE_INFINITY : until])
        const [first] = within(now)
        const coming = all.find(([time]) => time > now)?.[0] ?? Number.POSITIVE_INFINITY
        assert.equal(endsWithin(series, length, now), {
          first: first?.[0],
          last: within(now).at(-1)?.[0],
          next: first ? Math.min(coming, first[0] + length) : coming,
        })
      },
    ),
    { numRuns: 200 },
  )
})

test('a tally tells what had come by any instant from the recording on, and when it tells something else', () => {
  const AHEAD = 300_000
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(900), fc.integer({ min: -400, max: 300 }), fc.nat(5), fc.boolean()), { maxLength: 8 }),
      fc.nat(400),
      fc.boolean(),
      (some, wait, summed) => {
        const events = [...some].sort(([a], [b]) => a - b)
        const tally = events.reduce(
          (before, [recorded, offset, amount, told]) =>
            addToTally(
              before,
              (recorded + offset) * 1_000,
              told ? recorded * 1_000 : undefined,
              summed ? amount : undefined,
            ),
          EMPTY_TALLY,
        )
        const now = ((events.at(-1)?.[0] ?? 0) + wait) * 1_000
        const times = events.map(([recorded, offset, amount]) => [(recorded + offset) * 1_000, amount] as const)
        const come = times.filter(([at]) => at <= now)
        const coming = times.filter(([at]) => at > now).map(([at]) => at)
        const next = Math.min(Number.POSITIVE_INFINITY, ...coming)
        const said = readTally(tally, now)
        if (come.length === 0) return assert.equal(said, { ...NOTHING_SEEN, next })
        assert.equal(said, {
          count: come.length,
          sum: summed ? come.reduce((sum, [, amount]) => sum + amount, 0) : 0,
          first: Math.min(...come.map(([at]) => at)),
          last: Math.max(...come.map(([at]) => at)),
          next,
        })
        assert.ok(times.every(([at]) => at <= now + AHEAD))
      },
    ),
  )
  // What has come is let go but for the last of it, what lies ahead is kept.
  const kept = (at: number, recordedAt?: number) =>
    addToTally(addToTally(addToTally(EMPTY_TALLY, 1), 2), at, recordedAt).recent
  assert.equal([kept(10, 10), kept(10, 9), kept(10, 1), kept(10)], [undefined, [2, 10], [1, 2, 10], [1, 2, 10]])
  assert.equal(
    [kept(1 + AHEAD), kept(2 + AHEAD)],
    [
      [1, 2, 1 + AHEAD],
      [2, 2 + AHEAD],
    ],
  )
  // Of a state that keeps no times, the last alone lies ahead.
  const bare = readTally({ count: 3, first: 1, last: 10 }, 5)
  assert.equal([bare.count, bare.first, bare.last, bare.next], [2, 1, 1, 10])
})

test('how many of sorted numbers are at most a limit', () => {
  const sorted = [1, 3, 3, 7]
  assert.equal(
    [0, 1, 2, 3, 6, 7, 8].map((limit) => upperBound(sorted, limit)),
    [0, 1, 1, 3, 3, 4, 4],
  )
  assert.is(upperBound([], 1), 0)
})

test.run()
