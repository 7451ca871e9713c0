// A changed time zone: what was decided by calendar days follows, as facts that say why, and comes back with the zone.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { nextDueAt } from '../../src/domain/customer/decide.ts'
import { zoneSettingIn } from '../../src/zoneSetting.ts'
import { advance, MINUTE, track, type World, world } from '../given.ts'

/** 00:30 of the 12th in Warsaw, 23:30 of the 11th in UTC. */
const NOW = Date.parse('2026-01-11T23:30:00Z')

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
