// A profile follows from what was said of a customer and when, whatever the order in which it arrives.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { canonical, type ProfilePatch } from '../../src/domain/customer/profile.ts'
import fc from '../fc.ts'
import { DAY, HOUR, summary, T0, track, world } from '../given.ts'
import { times } from '../soak.ts'

interface Saying {
  readonly at: number
  readonly profile: ProfilePatch
}

const text = fc.constantFrom('a', 'b', null)
const any = fc.constantFrom<unknown[]>('a', 1, true, { k: 1 }, null)
const saying: fc.Arbitrary<Saying> = fc.record({
  // Few instants, so that some are equal.
  at: fc.integer({ min: 1, max: 6 }).map((days) => T0 - days * DAY),
  profile: fc.record(
    {
      email: text,
      name: text,
      birthdate: fc.constantFrom('1990-02-28', '1990-03-01', null),
      unsubscribed: fc.subarray<'email' | 'sms'>(['sms', 'email']),
      metadata: fc.record({ tier: any, size: any }, { requiredKeys: [] }),
      address: fc.option(fc.record({ city: text, line_1: text }, { requiredKeys: [] })),
    },
    { requiredKeys: [] },
  ),
})

const shop = () => {
  const w = world({ now: T0 })
  w.define('eventSchema', 'ms_order', { name: 'order', schema: { properties: {} } })
  return w
}

const told = (sayings: readonly Saying[]) => {
  const w = shop()
  for (const { at, profile } of sayings) {
    w.facts(track('order', { occurredAt: at, profile: { source_id: 's', ...profile } }))
    w.wait(1_000)
  }
  return w
}

/** Every attribute by its name, as one list of values. */
const leaves = ({
  address,
  metadata,
  source_id: _,
  ...flat
}: ProfilePatch): readonly (readonly [string, unknown])[] => [
  ...Object.entries(flat),
  ...(address === null
    ? ['city', 'line_1'].map((name) => [`address.${name}`, null] as const)
    : Object.entries(address ?? {}).map(([name, value]) => [`address.${name}`, value] as const)),
  ...Object.entries(metadata ?? {}).map(([name, value]) => [`metadata.${name}`, value] as const),
]
const said = (values: Iterable<readonly [string, unknown]>): string =>
  canonical(
    Object.fromEntries(
      [...values]
        .map(([name, value]) => [name, Array.isArray(value) ? [...value].sort() : value] as const)
        .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0)),
    ),
  )

/** Of each attribute what was said last; at one time what sorts last. */
const expected = (sayings: readonly Saying[]): string => {
  const known = new Map<string, { at: number; value: unknown }>()
  for (const { at, profile } of sayings)
    for (const [name, raw] of leaves(profile)) {
      const value = Array.isArray(raw) ? [...raw].sort() : raw
      const before = known.get(name)
      if (!before || at > before.at || (at === before.at && canonical(value) > canonical(before.value)))
        known.set(name, { at, value })
    }
  return said([...known].map(([name, { value }]) => [name, value]))
}

test('any order of events gives the profile that the times give', () => {
  fc.assert(
    fc.property(fc.array(saying, { maxLength: 6 }), fc.infiniteStream(fc.nat()), (sayings, picks) => {
      const order = [...sayings]
      for (let i = order.length - 1; i > 0; i--) {
        const j = (picks.next().value ?? 0) % (i + 1)
        ;[order[i], order[j]] = [order[j]!, order[i]!]
      }
      for (const arrived of [sayings, order, [...sayings].reverse()]) {
        const w = told(arrived)
        assert.is(said(leaves(w.state.profile as ProfilePatch)), expected(sayings), JSON.stringify(arrived))
        const { profile, saidAt } = w.state
        w.reload()
        assert.equal([w.state.profile, w.state.saidAt], [profile, saidAt], 'the facts say the same')
      }
    }),
    { numRuns: times(150, 20_000) },
  )
})

const gold = {
  name: 'gold',
  type: 'auto-update' as const,
  filter: { junction: 'and' as const, 'metadata.tier': { conditions: { $is: ['gold'] } } },
}

test('an event of the past changes nothing that was set later, fills gaps, and moves nobody out of a segment', () => {
  const w = shop()
  w.define('segment', 'seg_gold', gold)
  w.facts({
    type: 'SaveCustomer',
    profile: { source_id: 'olga', email: 'new@x.example', metadata: { tier: 'gold' }, unsubscribed: ['sms'] },
    mayCreate: true,
  })
  w.wait(HOUR)
  const facts = w.facts(
    track('order', {
      occurredAt: T0 - 900 * DAY,
      profile: {
        source_id: 'olga',
        email: 'old@x.example',
        phone: '1',
        unsubscribed: [],
        metadata: { tier: 'bronze' },
      },
    }),
  )
  assert.equal(summary(facts), ['CustomerUpdated', 'tracked order'])
  const { email, phone, metadata, unsubscribed } = w.state.profile
  assert.equal([email, phone, metadata.tier, unsubscribed], ['new@x.example', '1', 'gold', ['sms']])
  assert.equal(Object.keys(w.state.segments), ['seg_gold'])
})

test('what is done by hand counts at the time it is done, also what is cleared', () => {
  const w = shop()
  const by = (profile: ProfilePatch) => w.facts({ type: 'SaveCustomer', profile, mayCreate: true })
  const at = (occurredAt: number, profile: ProfilePatch) =>
    w.facts(track('order', { occurredAt, profile: { source_id: 's', ...profile } }))
  by({ source_id: 's', email: 'a', address: { city: 'Poznan', line_1: '1' } })
  w.wait(DAY)
  by({ email: null, address: null })
  at(T0 + HOUR, { email: 'b', address: { city: 'Gdynia', country: 'PL' } })
  assert.equal([w.state.profile.email, w.state.profile.address], [undefined, undefined])
  by({ email: 'c' })
  by({ email: 'd' })
  assert.is(w.state.profile.email, 'd', 'at one time the last one counts')
  // Clocks differ: an event a little ahead does not hold against what is done meanwhile.
  at(w.now + 4 * 60_000, { email: 'e' })
  w.wait(1_000)
  by({ email: 'f' })
  assert.is(w.state.profile.email, 'f')
})

test('what is said again counts from then on, without a fact of its own', () => {
  const w = shop()
  const at = (days: number, profile: ProfilePatch) =>
    summary(w.facts(track('order', { occurredAt: T0 - days * DAY, profile: { source_id: 's', ...profile } })))
  assert.equal(at(9, { email: 'a', phone: null }), ['CustomerCreated', 'tracked order'])
  assert.equal(at(5, { email: 'a' }), ['tracked order'])
  assert.equal(at(7, { email: 'b' }), ['tracked order'])
  assert.equal(at(10, { phone: '1' }), ['tracked order'])
  w.reload()
  assert.equal([w.state.profile.email, w.state.profile.phone], ['a', undefined])
  assert.equal(at(6, { phone: '2' }), ['CustomerUpdated', 'tracked order'])
})

test('facts of before, which have no times of their own, count at their time', () => {
  const w = shop()
  w.facts({ type: 'SaveCustomer', profile: { source_id: 's', email: 'a' }, mayCreate: true })
  const [created] = w.stream
  assert.is(created?.type === 'CustomerCreated' ? created.data.said : null, undefined)
  assert.equal(w.state.saidAt, { email: T0 })
})

test.run()
