// Calendar arithmetic against luxon, in zones with every kind of change of clocks.

import { DateTime, IANAZone } from 'luxon'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { calendarOf, daysBetween, daysInMonth, isTimeZone, type Unit } from '../../src/domain/calendar.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'

const RUNS = times(1_000, 50_000)
const ZONES = [
  'America/New_York',
  'UTC',
  'Europe/London',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Auckland',
  'America/Sao_Paulo',
]
/** Zones whose clocks changed at odd minutes, over midnight, or by a whole day. */
const ODD_ZONES = [
  'America/St_Johns',
  'America/Moncton',
  'Antarctica/Casey',
  'Asia/Gaza',
  'Africa/Monrovia',
  'America/Havana',
  'Asia/Beirut',
  'Pacific/Apia',
]
const UNITS: readonly Unit[] = ['day', 'week', 'month', 'quarter', 'year']
const CLOCK = 'yyyy-MM-dd HH:mm:ss.SSS'
const zone = fc.constantFrom(...ZONES)
const instant = fc.integer({ min: Date.parse('1975-01-01'), max: Date.parse('2060-01-01') })

test('periods are those of luxon, and an instant lies in its own', () => {
  fc.assert(
    fc.property(
      zone,
      instant,
      fc.constantFrom(...UNITS),
      fc.integer({ min: -14, max: 14 }),
      (timeZone, at, unit, shift) => {
        const calendar = calendarOf(timeZone)
        const own = calendar.period(unit, at)
        assert.ok(own.from <= at && at < own.to)
        const start = DateTime.fromMillis(at, { zone: timeZone }).startOf(unit)
        const { from, to } = calendar.period(unit, at, shift)
        // Luxon's sum may miss the start by an hour where midnight is skipped.
        const moved = (by: number) =>
          start
            .plus({ [`${unit}s`]: by })
            .startOf(unit)
            .toMillis()
        assert.is(from, moved(shift))
        assert.is(to, moved(shift + 1))
      },
    ),
    { numRuns: RUNS },
  )
})

test('days, days of the week and steps are those of luxon', () => {
  const steps = fc.record({
    years: fc.integer({ min: -5, max: 5 }),
    months: fc.integer({ min: -30, max: 30 }),
    days: fc.integer({ min: -500, max: 500 }),
  })
  fc.assert(
    fc.property(zone, instant, steps, (timeZone, at, step) => {
      const calendar = calendarOf(timeZone)
      const local = DateTime.fromMillis(at, { zone: timeZone })
      assert.equal(calendar.civil(at), { year: local.year, month: local.month, day: local.day })
      assert.is(calendar.weekday(at), local.weekday % 7)
      const moved = local.plus(step)
      const mine = calendar.plus(at, step)
      // Of two equal times of day luxon keeps the offset it comes from, the calendar the first: both show the same clock.
      const shown = DateTime.fromMillis(mine, { zone: timeZone })
      assert.is(shown.toFormat(CLOCK), moved.toFormat(CLOCK))
    }),
    { numRuns: RUNS },
  )
})

/** The first instant within a year at which the zone's clocks differ from UTC otherwise than at its beginning, which stands for none. */
const changeAfter = (begin: number, timeZone: string): number => {
  const zone = IANAZone.create(timeZone)
  const isChanged = (at: number) => zone.offset(at) !== zone.offset(begin)
  const day = Array.from({ length: 366 }, (_, n) => begin + n * 86_400_000).find(isChanged)
  if (day === undefined) return begin
  let [before, after] = [day - 86_400_000, day]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (isChanged(middle)) after = middle
    else before = middle
  }
  return after
}

test('clocks show what those of luxon show, round each change of theirs and whatever was asked before', () => {
  const asked = fc.array(fc.oneof(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.constantFrom(-1, 0, 1)), {
    minLength: 1,
    maxLength: 8,
  })
  const season = fc
    .tuple(fc.integer({ min: 1970, max: 2030 }), fc.constantFrom(0, 6))
    .map(([year, month]) => Date.UTC(year, month))
  fc.assert(
    fc.property(fc.constantFrom(...ZONES, ...ODD_ZONES), season, asked, (timeZone, begin, around) => {
      const change = changeAfter(begin, timeZone)
      const calendar = calendarOf(timeZone)
      for (const by of around) {
        const at = change + by
        const local = DateTime.fromMillis(at, { zone: timeZone })
        const said = `${timeZone} ${new Date(at).toISOString()}`
        assert.equal(calendar.civil(at), { year: local.year, month: local.month, day: local.day }, said)
        // The first of two instants of one time of day, else the instant itself.
        const shown = DateTime.fromMillis(calendar.plus(at, {}), { zone: timeZone })
        assert.is(shown.toFormat(CLOCK), local.toFormat(CLOCK), said)
      }
    }),
    { numRuns: RUNS / 5 },
  )
})

test('texts are read as luxon reads them', () => {
  const formats = [
    'yyyy-MM-dd',
    "yyyy-MM-dd'T'HH:mm",
    "yyyy-MM-dd'T'HH:mm:ss.SSS",
    "yyyy-MM-dd'T'HH:mm:ssZZ",
    'yyyy-MM-dd HH:mm:ss',
  ]
  fc.assert(
    fc.property(zone, instant, fc.constantFrom(...formats), (timeZone, at, format) => {
      const text = DateTime.fromMillis(at, { zone: timeZone }).toFormat(format)
      const expected = DateTime.fromISO(text.replace(' ', 'T'), { zone: timeZone })
      const mine = calendarOf(timeZone).parse(text)!
      assert.is(DateTime.fromMillis(mine, { zone: timeZone }).toFormat(CLOCK), expected.toFormat(CLOCK))
      if (format.endsWith('ZZ')) assert.is(mine, expected.toMillis())
    }),
    { numRuns: RUNS },
  )
})

test('the clocks of New York in March and November', () => {
  const { parse, instantOf, period } = calendarOf('America/New_York')
  const iso = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString())
  assert.is(iso(parse('2026-03-08')), '2026-03-08T05:00:00.000Z')
  assert.is(iso(parse('2026-03-09')), '2026-03-09T04:00:00.000Z')
  // 02:30 is skipped: as long after two as it would have been.
  assert.is(iso(parse('2026-03-08T02:30:00')), '2026-03-08T07:30:00.000Z')
  // 01:30 comes twice: the first.
  assert.is(iso(parse('2026-11-01T01:30:00')), '2026-11-01T05:30:00.000Z')
  assert.is(iso(instantOf({ year: 2026, month: 11, day: 1 }, 86_400_000)), '2026-11-02T05:00:00.000Z')
  const hours = (text: string) => {
    const { from, to } = period('day', parse(text)!)
    return (to - from) / 3_600_000
  }
  assert.equal(['2026-03-08', '2026-11-01', '2027-03-14', '2027-11-07', '2026-03-09'].map(hours), [23, 25, 23, 25, 24])
})

test('a day that begins twice or not at midnight begins once', () => {
  const day = (timeZone: string, text: string) => {
    const calendar = calendarOf(timeZone)
    const { from, to } = calendar.period('day', Date.parse(text))
    return [new Date(from).toISOString(), new Date(to).toISOString()]
  }
  // Midnight is skipped in Beirut on 2022-03-27, and comes twice in Havana on 2022-11-06.
  assert.equal(day('Asia/Beirut', '2022-03-27T12:00:00Z'), ['2022-03-26T22:00:00.000Z', '2022-03-27T21:00:00.000Z'])
  assert.equal(day('America/Havana', '2022-11-06T12:00:00Z'), ['2022-11-06T04:00:00.000Z', '2022-11-07T05:00:00.000Z'])
  // Apia had no 30 December 2011.
  assert.equal(day('Pacific/Apia', '2011-12-30T09:59:59Z'), ['2011-12-29T10:00:00.000Z', '2011-12-30T10:00:00.000Z'])
  // Until 2011 St. John's put its clocks back at a minute past midnight, to 23:01 of the day before: that day does not return.
  const twice = ['2009-11-01T02:30:00.000Z', '2009-11-02T03:30:00.000Z']
  for (const text of ['2009-11-01T02:30:30Z', '2009-11-01T02:31:00Z', '2009-11-01T03:29:59Z', '2009-11-01T03:30:00Z'])
    assert.equal(day('America/St_Johns', text), twice, text)
  // What is asked of the minute before does not change what the minutes after are, nor the other way round.
  const { civil } = calendarOf('America/St_Johns')
  const days = ['2008-11-02T02:30:59.999Z', '2008-11-02T02:31:00Z'].map((text) => civil(Date.parse(text)).day)
  assert.equal(days, [2, 1])
  assert.equal(day('Pacific/Apia', '2011-12-30T10:00:00Z'), ['2011-12-30T10:00:00.000Z', '2011-12-31T10:00:00.000Z'])
})

test('what is no date or zone is refused', () => {
  const { parse } = calendarOf('UTC')
  for (const text of [
    '',
    '2026',
    '2026-13-01',
    '2026-02-29',
    '2026-00-01',
    '2026-01-00',
    '2026-01-01T24:00:00',
    '2026-01-01T00:60',
    '2026-01-01T00:00:60',
    '2026-01-32',
    '2026-1-1',
    '01/02/2026',
    '2026-01-01T',
    '1e9',
    '2026-01-01T00:00:00 UTC',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00-02:60',
    '2026-01-01T00:00+99',
  ])
    assert.is(parse(text), undefined, text)
  assert.is(parse('2026-01-01T00:00:00.1234567Z'), Date.parse('2026-01-01T00:00:00.123Z'))
  assert.is(parse('2026-01-01T05:30:00+05:30'), Date.parse('2026-01-01T00:00:00Z'))
  assert.is(parse('2026-01-01T05:30+0530'), Date.parse('2026-01-01T00:00:00Z'))
  assert.is(parse('2026-01-01T05+05'), undefined)
  assert.is(parse('2026-01-01T05:00+05'), Date.parse('2026-01-01T00:00:00Z'))
  assert.is(parse('2026-01-01T23:59:00+23:59'), Date.parse('2026-01-01T00:00:00Z'))
  assert.is(parse('2025-12-31T18:15:00-05:45'), Date.parse('2026-01-01T00:00:00Z'))
  assert.is(parse('2026-12-31T23:59:59Z'), Date.parse('2026-12-31T23:59:59Z'))
  assert.is(parse('2026-01-01T00:00:00,5z'), Date.parse('2026-01-01T00:00:00.500Z'))
  assert.is(parse('0001-01-01'), -62_135_596_800_000)
  // What is whole seconds in its zone is so here, although it is no whole number of minutes.
  assert.is(calendarOf('America/Caracas').parse('1910-01-01'), Date.parse('1910-01-01T04:27:40Z'))
  assert.ok(isTimeZone('America/New_York'))
  assert.not(isTimeZone('Mars/Olympus'))
  assert.throws(() => calendarOf('Mars/Olympus'), /unknown time zone/)
})

test('steps beyond what dates can be lead to no end', () => {
  const { plus } = calendarOf('America/New_York')
  assert.is(plus(0, { years: 999_999 }), Number.POSITIVE_INFINITY)
  assert.is(plus(0, { months: -9_999_999 }), Number.NEGATIVE_INFINITY)
  assert.is(plus(0, { days: 999_999_999 }), Number.POSITIVE_INFINITY)
})

test('days between days and in months', () => {
  assert.is(daysBetween({ year: 2024, month: 2, day: 28 }, { year: 2024, month: 3, day: 1 }), 2)
  assert.is(daysBetween({ year: 2026, month: 1, day: 1 }, { year: 2025, month: 1, day: 1 }), -365)
  assert.equal(
    [2024, 2025, 2000, 1900].map((year) => daysInMonth(year, 2)),
    [29, 28, 29, 28],
  )
})

test('what is good until the last day that can be said ends within its year, in every zone', () => {
  for (const zone of ['UTC', 'America/Sao_Paulo', 'Pacific/Kiritimati']) {
    const { parseEnd } = calendarOf(zone)
    for (const text of ['9999-12-31', '9999-12-31T23:59:59-14:00'])
      assert.match(new Date(parseEnd(text)!).toISOString(), /^9999-12-31T/, `${zone} ${text}`)
    assert.ok(parseEnd('9999-12-30')! < parseEnd('9999-12-31')!)
  }
})

test.run()
