// A changed time zone: what was decided by calendar days follows, as facts that say why, and comes back with the zone.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { calendarOf } from '../../src/domain/calendar.ts'
import { nextDueAt } from '../../src/domain/decider/decide.ts'
import { evolveLedger, NO_LEDGER, redemptionsWith } from '../../src/domain/redemption/ledger.ts'
import { dayOf } from '../../src/domain/rulebook/limits.ts'
import { zoneSettingIn } from '../../src/zoneSetting.ts'
import fc from '../fc.ts'
import { advance, HOUR, MINUTE, track, type World, world } from '../given.ts'
import { buy, card, fixed, shop } from '../loyalty/fixtures.ts'
import { times } from '../soak.ts'

/** 00:30 of the 12th in Warsaw, 23:30 of the 11th in UTC. */
const NOW = Date.parse('2026-01-11T23:30:00Z')

const monthly = {
  type: 'LOYALTY_CARD',
  loyalty_card: { points: 0, expiration_rules: { period_type: 'MONTH', period_value: 1 } },
}

const CONDITIONS: Readonly<Record<string, Record<string, unknown>>> = {
  seg_today: { event: 'visited', period: 'this_day' },
  seg_not_today: { not: { event: 'visited', period: 'this_day' } },
  seg_yesterday: { event: 'visited', period: 'last_day' },
  seg_birthday: { attribute: 'birthday', $is_less_days_ago_md: 0 },
  seg_of_12th: { event: 'visited', last: { $after: '2026-01-12' } },
  seg_nested: { segment: 'seg_today' },
}

/** Somebody who acted at an instant, in a project of this zone. */
const visitor = (at: string, timeZone: string, segments: readonly string[] = Object.keys(CONDITIONS)): World => {
  const w = world({ timeZone, now: NOW })
  w.define('eventSchema', 'ms_visited', { name: 'visited', schema: { properties: {} } })
  for (const id of segments) w.define('segment', id, { name: id, type: 'auto-update', condition: CONDITIONS[id]! })
  w.facts(track('visited', { occurredAt: Date.parse(at), profile: { source_id: 's', birthdate: '1990-01-11' } }))
  return w
}

const standing = (w: World) => ({ members: Object.keys(w.state.segments).sort(), due: nextDueAt(w.state) })

for (const at of ['2026-01-11T22:50:00Z', '2026-01-11T23:10:00Z'])
  test(`who acted at ${at} is where the zone says, by a fact with that cause, there and back`, () => {
    const w = visitor(at, 'Europe/Warsaw')
    let moves = 0
    for (const [zone, reload] of [
      ['UTC', false],
      ['Europe/Warsaw', true],
      ['America/New_York', true],
      ['Europe/Warsaw', false],
    ] as const) {
      w.wait(1)
      w.rezone(zone)
      if (reload) w.reload()
      const facts = w.facts(advance)
      const expected = standing(visitor(at, zone))
      assert.equal(standing(w), expected, zone)
      assert.is(w.stream.at(-1)?.nextDueAt, expected.due)
      for (const fact of facts)
        if (fact.type === 'SegmentEntered' || fact.type === 'SegmentLeft') {
          assert.is(fact.data.triggers, false)
          // What leans on another segment hears of that one's move too.
          if (fact.data.segment.id !== 'seg_nested') assert.is(fact.data.cause, 'time_zone')
          moves++
        }
    }
    assert.ok(moves >= 8, `${moves} moves`)
  })

test('the day ends at the new midnight', () => {
  const w = visitor('2026-01-11T23:10:00Z', 'Europe/Warsaw', ['seg_today'])
  w.rezone('UTC')
  w.facts(advance)
  w.wait(29 * MINUTE)
  assert.equal(w.facts(advance), [])
  assert.equal(standing(w).members, ['seg_today'])
  w.wait(MINUTE)
  const [left] = w.facts(advance)
  assert.equal(left?.type === 'SegmentLeft' && left.data.cause, 'time')
})

test('points that expire with a day do so in the new zone, bounds by the day count by it, and all comes back', () => {
  const w = shop({ timeZone: 'Europe/Warsaw', now: NOW }, { voucher: monthly })
  w.define('earningRule', 'ern_day', { ...fixed(5), max_per_period: { period: 'day', times: 1 } })
  buy(w)
  // 23:20Z of the 11th is the 12th in Warsaw and still the 11th in UTC.
  const given = card(w).id
  w.facts({
    type: 'AddPoints',
    card: given,
    points: 3,
    expiry: { type: 'CUSTOM_DATE', at: Date.parse('2026-03-01T11:00:00Z') },
  })
  w.facts({ type: 'RemovePoints', card: given, points: 1 })
  const expiries = () => card(w).buckets.map(({ expiresAt }) => new Date(expiresAt!).toISOString())
  const home = ['2026-02-12T23:00:00.000Z', '2026-03-01T11:00:00.000Z']
  assert.equal(expiries(), home)
  assert.equal(
    buy(w).filter(({ type }) => type === 'PointsEarned'),
    [],
    'the day is used up',
  )
  w.rezone('UTC')
  w.reload()
  const moved = w.facts(advance).filter(({ type }) => type === 'CardRezoned')
  assert.is(moved.length, 1)
  assert.equal(expiries(), ['2026-02-13T00:00:00.000Z', home[1]])
  assert.is(w.stream.at(-1)?.nextDueAt, Date.parse('2026-02-13T00:00:00Z'))
  assert.equal(w.facts(advance), [], 'once')
  // In UTC the first purchase was the 11th's.
  w.wait(HOUR)
  assert.equal(
    buy(w)
      .filter(({ type }) => type === 'PointsEarned')
      .map(({ data }) => 'day' in data && data.day),
    ['2026-01-12'],
  )
  // Both are of the same day in Warsaw.
  w.rezone('Europe/Warsaw')
  w.facts(advance)
  assert.equal(expiries(), home)
  assert.equal(w.state.loyalty.tallies.ern_day?.days, { '2026-01-12': [10, 2] })
  const before = w.state.loyalty
  w.reload()
  assert.equal(w.state.loyalty, before)
})

test('by the days that redemptions name no limit of a day, week or month is ever passed, however the zone changes', () => {
  const zones = ['UTC', 'Europe/Warsaw', 'America/New_York', 'Pacific/Kiritimati', 'Pacific/Pago_Pago']
  const step = fc.record({ zone: fc.constantFrom(...zones), wait: fc.integer({ min: 0, max: 40 * HOUR }) })
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 120 }),
      fc.constantFrom('.daily', '.weekly', '.monthly'),
      fc.integer({ min: 1, max: 4 }),
      (steps, suffix, limit) => {
        let ledger = NO_LEDGER
        let now = NOW
        const days: string[] = []
        for (const [i, { zone, wait }] of steps.entries()) {
          now += wait
          const calendar = calendarOf(zone)
          if (redemptionsWith(ledger, { now, calendar, apiKey: 'k' }, suffix) > limit) continue
          const day = dayOf(now, calendar)
          const share = { day, apiKey: 'k', credits: 0, amount: 0, discounted: 0 }
          const [redemption, request] = [`r_${i}`, `q_${i}`]
          const reserved = { redemption, request, commit: 's', share, occurredAt: now }
          ledger = evolveLedger(ledger, { type: 'RedemptionReserved', data: reserved })
          ledger = evolveLedger(ledger, { type: 'RedemptionConfirmed', data: { redemption, share, occurredAt: now } })
          days.push(day)
        }
        // The laws of the log see the same days.
        const utc = calendarOf('UTC')
        const period = { '.daily': 'day', '.weekly': 'week', '.monthly': 'month' } as const
        const counts = new Map<number, number>()
        for (const day of days) {
          const { from } = utc.period(period[suffix as '.daily'], Date.parse(day))
          counts.set(from, (counts.get(from) ?? 0) + 1)
        }
        for (const [from, n] of counts) assert.ok(n <= limit, `${n} from ${new Date(from).toISOString()}`)
      },
    ),
    { numRuns: times(200, 5_000) },
  )
})

test('only a setting that is another than at the last start of the node is news', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-zone-'))
  const isNews = (zone: string): boolean => {
    const setting = zoneSettingIn(dir, zone)
    setting.remember()
    return setting.isNew
  }
  try {
    assert.is(isNews('UTC'), false, 'the default is no news')
    const zones = ['Europe/Warsaw', 'Europe/Warsaw', 'UTC', 'UTC', 'Europe/Warsaw']
    assert.equal(zones.map(isNews), [true, false, true, false, true])
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test.run()
