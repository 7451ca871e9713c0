// Times of messages: how long a period may be, what it holds, and the hours in which nobody is written to, to the millisecond.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { calendarOf } from '../../src/domain/calendar.ts'
import {
  allowedFrom,
  delayed,
  isPeriod,
  outsideQuietHours,
  periodEnd,
  periodStart,
  zoneOf,
} from '../../src/domain/rulebook/periods.ts'
import { DAY, HOUR, MINUTE } from '../given.ts'

const utc = calendarOf('UTC')
const at = (text: string) => Date.parse(text)
/** A Monday. */
const NOON = at('2026-03-02T12:00:00Z')

test('a period is one of the calendar’s, or a length of up to 366 days', () => {
  const periods = ['day', 'week', 'month', 'quarter', 'year', 'P366D', 'PT0.001S', 'P1Y']
  for (const text of periods) assert.ok(isPeriod(text), text)
  for (const text of ['', 'hour', 'toString', 'PT0S', 'P367D', 'P366DT0.001S', 'soon'])
    assert.not.ok(isPeriod(text), text)
})

test('a period of the calendar holds its first instant, a rolling one nothing as old as itself', () => {
  const starts = (text: string) => new Date(periodStart(text, NOON, utc)).toISOString()
  assert.equal(['day', 'week', 'month', 'quarter', 'year'].map(starts), [
    '2026-03-02T00:00:00.000Z',
    '2026-03-02T00:00:00.000Z',
    '2026-03-01T00:00:00.000Z',
    '2026-01-01T00:00:00.000Z',
    '2026-01-01T00:00:00.000Z',
  ])
  assert.equal([periodStart('PT1H', NOON, utc), periodStart('soon', NOON, utc)], [NOON - HOUR + 1, NOON])
  assert.equal(
    [periodEnd('week', NOON, utc), periodEnd('PT1H', NOON, utc), periodEnd('P1M', NOON, utc)],
    [at('2026-03-09T00:00:00Z'), NOON + HOUR, at('2026-04-02T12:00:00Z')],
  )
  assert.equal(
    [delayed(undefined, NOON, utc), delayed('P1DT1H', NOON, utc), delayed('soon', NOON, utc)],
    [NOON, NOON + DAY + HOUR, NOON],
  )
})

test('quiet hours begin with their first instant and end before their last, past midnight too', () => {
  const out = (text: string, from: string, to: string) =>
    new Date(outsideQuietHours(at(text), { from, to, zone: 'project' }, utc)).toISOString().slice(5, 16)
  const night = (text: string) => out(text, '21:30', '08:15')
  assert.equal(
    [
      night('2026-03-02T21:29:59.999Z'),
      night('2026-03-02T21:30:00Z'),
      night('2026-03-03T00:00:00Z'),
      night('2026-03-03T08:14:59.999Z'),
      night('2026-03-03T08:15:00Z'),
    ],
    ['03-02T21:29', '03-03T08:15', '03-03T08:15', '03-03T08:15', '03-03T08:15'],
  )
  const day = (text: string) => out(text, '12:00', '14:00')
  assert.equal(
    [
      day('2026-03-02T11:59:59.999Z'),
      day('2026-03-02T12:00:00Z'),
      day('2026-03-02T13:59:59.999Z'),
      day('2026-03-02T14:00:00Z'),
    ],
    ['03-02T11:59', '03-02T14:00', '03-02T14:00', '03-02T14:00'],
  )
  assert.is(out('2026-03-02T09:00:00Z', '09:00', '09:00'), '03-03T09:00', 'from a time to itself is a day')
})

test('quiet hours go by the clock of the customer, where the profile names a real zone', () => {
  const zone = (metadata: Record<string, unknown>, of: 'customer' | 'project' = 'customer') =>
    zoneOf({ zone: of }, metadata, 'UTC')
  assert.equal(
    [
      zone({ time_zone: 'Asia/Tokyo' }),
      zone({ timezone: 'Asia/Tokyo' }),
      zone({ timeZone: 'Asia/Tokyo' }),
      zone({ time_zone: 'Mars/Olympus', timezone: 'Asia/Tokyo' }),
      zone({ time_zone: 9 }),
      zone({}),
      zone({ time_zone: 'Asia/Tokyo' }, 'project'),
    ],
    ['Asia/Tokyo', 'Asia/Tokyo', 'Asia/Tokyo', 'Asia/Tokyo', 'UTC', 'UTC', 'UTC'],
  )
  const hours = { from: '21:00', to: '22:00', zone: 'customer' } as const
  assert.is(allowedFrom(NOON, hours, { time_zone: 'Asia/Tokyo' }, 'UTC'), NOON + HOUR)
  assert.is(allowedFrom(NOON, hours, {}, 'UTC'), NOON)
  assert.is(allowedFrom(NOON - MINUTE, undefined, {}, 'UTC'), NOON - MINUTE)
})

test.run()
