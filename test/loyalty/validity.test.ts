// Validity in time and code formats: answers with the instant until which they stand, against asking every minute.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { calendarOf } from '../../src/domain/calendar.ts'
import { codeFrom, roomOf } from '../../src/domain/codes.ts'
import { parseSpan, shifted } from '../../src/domain/conditions/span.ts'
import { scaled } from '../../src/domain/numbers.ts'
import { multiplied, proportional, wholeTimes } from '../../src/domain/points.ts'
import { VoucherSpec } from '../../src/domain/rulebook/voucherSpec.ts'
import { compileValidity, spanOf, type Validity, validityFaults, validityFields } from '../../src/domain/validity.ts'
import fc from '../fc.ts'
import { DAY, HOUR, MINUTE } from '../given.ts'
import { times } from '../soak.ts'

const zone = 'America/New_York'
const calendar = calendarOf(zone)
const clock = new Intl.DateTimeFormat('en-US', {
  timeZone: zone,
  hourCycle: 'h23',
  weekday: 'short',
  hour: '2-digit',
  minute: '2-digit',
})
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** Day of the week and minute of the day on the wall. */
const wall = (at: number): readonly [number, number] => {
  const parts = Object.fromEntries(clock.formatToParts(at).map(({ type, value }) => [type, value]))
  return [DAYS.indexOf(parts.weekday!), Number(parts.hour) * 60 + Number(parts.minute)]
}

test('a day without a time begins with its first instant and ends with its last, an instant is itself', () => {
  const of = (start_date: string | null, expiration_date: string | null, timeZone = zone) => {
    const there = calendarOf(timeZone)
    const validity = { start_date, expiration_date }
    assert.equal(validityFaults(validity, there), [], `${start_date} to ${expiration_date}`)
    const { from, to } = spanOf(validity, there)
    const ask = compileValidity(validity, there)
    if (from !== undefined)
      assert.equal([ask(from - 1).holds, ask(from).holds], [false, true], 'from its first instant')
    if (to !== undefined) assert.equal([ask(to - 1).holds, ask(to).holds], [true, false], 'to its last')
    return [from, to].map((at) => (at === undefined ? null : new Date(at).toISOString()))
  }
  assert.equal(of('2026-05-01', '2026-05-01'), ['2026-05-01T04:00:00.000Z', '2026-05-02T04:00:00.000Z'])
  assert.equal(of(null, '2026-12-31'), [null, '2027-01-01T05:00:00.000Z'])
  assert.equal(of('2026-05-01T10:00:00Z', '2026-05-01'), ['2026-05-01T10:00:00.000Z', '2026-05-02T04:00:00.000Z'])
  assert.equal(of('2026-05-01', '2026-05-02T00:00:00Z'), ['2026-05-01T04:00:00.000Z', '2026-05-02T00:00:00.000Z'])
  // Days of 23 and 25 hours.
  assert.equal(of('2026-03-29', '2026-03-29', 'Europe/Warsaw'), [
    '2026-03-28T23:00:00.000Z',
    '2026-03-29T22:00:00.000Z',
  ])
  assert.equal(of('2026-10-25', '2026-10-25', 'Europe/Warsaw'), [
    '2026-10-24T22:00:00.000Z',
    '2026-10-25T23:00:00.000Z',
  ])
  const late = { start_date: '2026-05-02', expiration_date: '2026-05-01' }
  assert.equal(validityFaults(late, calendar), [{ path: 'expiration_date', message: 'must be later than start_date' }])
  for (const none of ['2026-02-30', 'tomorrow'])
    assert.is(validityFaults({ expiration_date: none }, calendar)[0]?.path, 'expiration_date', none)
})

test('an end is read as an end wherever one is read', () => {
  const here = fileURLToPath(new URL('../../', import.meta.url))
  for (const folder of ['src', 'commands', 'queries', 'projections'])
    for (const name of readdirSync(join(here, folder), { recursive: true, encoding: 'utf8' }))
      if (name.endsWith('.ts'))
        assert.not.match(
          readFileSync(join(here, folder, name), 'utf8'),
          /\bparse\([^()]*\b(?:expiration_?date|expires_?at)/i,
          `${folder}/${name} takes the first instant of a day for its end: see parseEnd of the calendar`,
        )
})

const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 15, 30))
  .map(([h, m]) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`)

test('days and hours hold as a wall clock says, and stand until then', () => {
  const validity = fc.record({
    validity_day_of_week: fc.option(fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 })),
    validity_hours: fc.record({
      daily: fc.array(
        fc.record({
          start_time: time,
          expiration_time: time,
          days_of_week: fc.option(fc.uniqueArray(fc.integer({ min: 0, max: 6 }))),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  })
  // Days on which the clocks of New York do not change.
  const at = fc.integer({ min: 0, max: 40 * 24 * 60 }).map((n) => Date.parse('2026-04-02T00:00:00Z') + n * MINUTE)
  fc.assert(
    fc.property(validity, at, (given, now) => {
      const ask = compileValidity(given, calendar)
      const expected = (t: number): boolean => {
        const [day, minute] = wall(t)
        if (given.validity_day_of_week && !given.validity_day_of_week.includes(day)) return false
        return given.validity_hours.daily.some(({ start_time, expiration_time, days_of_week: on }) => {
          const [from, to] = [minutes(start_time), minutes(expiration_time)]
          const allowed = (d: number) => !on?.length || on.includes(d)
          if (to > from) return allowed(day) && minute >= from && minute < to
          return (allowed(day) && minute >= from) || (allowed((day + 6) % 7) && minute < to)
        })
      }
      const { holds, until } = ask(now)
      assert.is(holds, expected(now))
      assert.ok(until > now)
      for (let t = now; t < Math.min(until, now + DAY); t += 15 * MINUTE)
        assert.is(expected(t), holds, 'stands until then')
    }),
    { numRuns: times(300, 5_000) },
  )
})

test('dates and time frames', () => {
  const dates = compileValidity({ start_date: '2026-03-08', expiration_date: '2026-03-08' }, calendar)
  const start = Date.parse('2026-03-08T05:00:00Z')
  // The day on which the clocks go forward has 23 hours.
  const end = Date.parse('2026-03-09T04:00:00Z')
  assert.equal(dates(start - 1), { holds: false, until: start })
  assert.equal(dates(start), { holds: true, until: end })
  assert.equal(dates(end), { holds: false, until: Number.POSITIVE_INFINITY })
  const frame = compileValidity(
    { start_date: '2026-03-01T05:00:00Z', validity_timeframe: { interval: 'P7D', duration: 'PT6H' } },
    calendar,
  )
  const first = Date.parse('2026-03-01T05:00:00Z')
  assert.equal(frame(first + HOUR), { holds: true, until: first + 6 * HOUR })
  // The second begins at midnight on the wall as the first did, an hour earlier by UTC.
  assert.equal(frame(first + 6 * HOUR), { holds: false, until: Date.parse('2026-03-08T05:00:00Z') })
  assert.equal(frame(Date.parse('2026-03-15T04:00:00Z')).holds, true)
  assert.equal(frame(Date.parse('2026-03-15T03:59:59Z')).holds, false)
})

test('a time frame lasts no longer than to the next, which months may bring earlier', () => {
  const utc = calendarOf('UTC')
  const at = (text: string) => Date.parse(`${text}T00:00:00Z`)
  const ask = (start: string, interval: string, duration: string) =>
    compileValidity({ start_date: start, validity_timeframe: { interval, duration } }, utc)
  const monthly = ask('2026-01-31', 'P1M', 'P30D')
  assert.equal(monthly(at('2026-01-31') - 1), { holds: false, until: at('2026-01-31') })
  assert.equal(monthly(at('2026-01-31')), { holds: true, until: at('2026-02-28') })
  assert.equal(monthly(at('2026-02-28')), { holds: true, until: at('2026-03-30') })
  assert.equal(monthly(at('2026-03-30')), { holds: false, until: at('2026-03-31') })
  // Months are longer than thirty days, and years of them than twelve of these.
  assert.equal(monthly(at('2036-01-31') - 1), { holds: false, until: at('2036-01-31') })
  assert.equal(monthly(at('2036-01-31')), { holds: true, until: at('2036-02-29') })
  const whole = ask('2026-01-01', 'PT1H', 'PT1H')
  assert.equal(whole(at('2026-01-02')), { holds: true, until: at('2026-01-02') + HOUR })
  const mixed = ask('2026-01-01', 'P1Y2M3DT4H', 'P1DT1H')
  const second = Date.parse('2027-03-04T04:00:00Z')
  assert.equal(mixed(second - 1), { holds: false, until: second })
  assert.equal(mixed(second), { holds: true, until: second + DAY + HOUR })
})

test('a time frame that comes round after all time is in force once', () => {
  const validity_timeframe = { interval: 'P999999Y', duration: 'P1D' }
  const once = compileValidity({ start_date: '2026-03-01', validity_timeframe }, calendar)
  const start = Date.parse('2026-03-01T05:00:00Z')
  assert.equal(once(start), { holds: true, until: start + DAY })
  assert.equal(once(start + DAY), { holds: false, until: Number.POSITIVE_INFINITY })
})

test('days of a stretch are days of the calendar, and those of a span from an instant 24 hours each', () => {
  // Clocks go forward on 8 March 2026 in New York.
  const frame = { start_date: '2026-03-06', validity_timeframe: { interval: 'P7D', duration: 'P3D' } }
  const start = Date.parse('2026-03-06T05:00:00Z')
  const end = start + 3 * DAY - HOUR
  const holds = compileValidity(frame, calendar)
  assert.equal(holds(start), { holds: true, until: end })
  assert.equal(holds(end), { holds: false, until: start + 7 * DAY - HOUR })
  assert.equal(
    [shifted(calendar, start, parseSpan('P3D')!, 1), shifted(calendar, end, parseSpan('P3D')!, -1)],
    [start + 3 * DAY, end - 3 * DAY],
  )
})

test('a stretch lasts longer than nothing, and a category has a name of 300 characters at most', () => {
  const Stretch = v.object(validityFields)
  const lasts = (duration: string) => v.is(Stretch, { validity_timeframe: { interval: 'P1D', duration } })
  assert.equal(['PT0S', 'P0D', 'PT1S', 'P1D', 'soon'].map(lasts), [false, false, true, true, false])
  const category = (length: number) => v.is(VoucherSpec, { category: 'x'.repeat(length) })
  assert.equal([category(300), category(301)], [true, false])
})

test('faults name the field', () => {
  const faultsOf = (validity: Validity) => validityFaults(validity, calendar).length
  const frame = (interval: string, duration: string) =>
    faultsOf({ start_date: '2026-01-01', validity_timeframe: { interval, duration } })
  assert.equal([frame('P1D', 'P1D'), frame('P1D', 'PT24H1S'), frame('P1D', 'PT1S')], [0, 1, 0])
  const from = (start_date: string, expiration_date: string) => faultsOf({ start_date, expiration_date })
  const noon = '2026-01-01T12:00:00'
  assert.equal(
    [from(`${noon}Z`, `${noon}Z`), from(`${noon}Z`, `${noon}.001Z`), from(`${noon}.001Z`, `${noon}Z`)],
    [1, 0, 1],
  )
  const paths = (validity: Validity) => validityFaults(validity, calendar).map(({ path }) => path)
  assert.equal(paths({ start_date: 'soon' }), ['start_date'])
  assert.equal(paths({ start_date: '2026-01-02', expiration_date: '2026-01-01' }), ['expiration_date'])
  assert.equal(paths({ validity_timeframe: { interval: 'P1D', duration: 'P2D' } }), [
    'start_date',
    'validity_timeframe.duration',
  ])
})

test('a code follows from its seed, keeps to its format, and no character is favoured', () => {
  const config = { pattern: 'A-##-#', charset: 'xyz', prefix: 'p_', postfix: '_q' }
  assert.is(roomOf(config), 27)
  const seen = new Map<string, number>()
  for (let i = 0; i < 2_700; i++) {
    const code = codeFrom(config, `seed ${i}`)
    assert.match(code, /^p_A-[xyz]{2}-[xyz]_q$/)
    assert.is(code, codeFrom(config, `seed ${i}`))
    seen.set(code, (seen.get(code) ?? 0) + 1)
  }
  assert.is(seen.size, 27)
  for (const n of seen.values()) assert.ok(n > 50 && n < 160, `${n} of about 100`)
  assert.is(codeFrom({ length: 90 }, new Uint8Array([1])).length, 90)
})

test('whole times are exact for any decimal numbers', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 10 ** 9 }),
      fc.integer({ min: 1, max: 10 ** 6 }),
      fc.integer({ min: 0, max: 6 }),
      (a, b, digits) => {
        const scale = 10 ** digits
        assert.is(wholeTimes(a / scale, b / scale), BigInt(Math.floor(a / b)))
      },
    ),
  )
  assert.is(wholeTimes(Number.NaN, 1), undefined)
  assert.is(proportional(1e15, 1, 1), undefined)
  assert.is(proportional(1e21, 1e20, 1), 10)
  assert.equal(
    [wholeTimes(0, 5), wholeTimes(-1, 5), wholeTimes(5, 0), wholeTimes(5, -1)],
    [0n, 0n, undefined, undefined],
  )
  assert.equal([wholeTimes(1, 0.25), wholeTimes(0.75, 2e-1), wholeTimes(1.5e-7, 5e-8)], [4n, 3n, 3n])
  assert.equal([proportional(1e12, 1, 1), proportional(1e12 + 1, 1, 1), proportional(7, 2, 5)], [1e12, undefined, 15])
  assert.equal([multiplied(5, 0), multiplied(5, -1), multiplied(5, 1.39), multiplied(3, 2)], [0, undefined, 6, 6])
  assert.equal([multiplied(1e12, 1), multiplied(1e12, 1.1), multiplied(1, Number.NaN)], [1e12, undefined, undefined])
  const decimal = (text: string) => {
    const found = scaled(text)
    return found && [found.units, found.digits]
  }
  assert.equal(['12', '-1.50', '1.5e-7', '2e+3', '1.25e+1', '1.25e+2', 'x', '1e'].map(decimal), [
    [12n, 0],
    [-150n, 2],
    [15n, 8],
    [2000n, 0],
    [125n, 1],
    [125n, 0],
    undefined,
    undefined,
  ])
})

test.run()
