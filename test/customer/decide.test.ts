// Decisions about one customer: tracking, profiles, repeats, segments and the passing of time.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isRefused } from '../../src/domain/refusal.ts'
import { advance, DAY, HOUR, MINUTE, summary, track, world } from '../given.ts'

const bought = {
  name: 'bought',
  schema: { properties: { amount: { type: 'number' as const }, note: { type: 'string' as const, optional: true } } },
}

const shop = (options = {}) => {
  const w = world(options)
  w.define('eventSchema', 'ms_bought', bought)
  return w
}

test('the first event of an unknown customer makes the customer', () => {
  const w = shop()
  const facts = w.facts(
    track('bought', { occurredAt: w.now, metadata: { amount: 5 }, profile: { source_id: 's', name: 'Ann' } }),
  )
  assert.equal(summary(facts), ['CustomerCreated', 'tracked bought'])
  assert.is(w.state.profile.name, 'Ann')
  assert.is(w.state.occurrences.bought?.count, 1)
})

test('a second event merges what is new and repeats nothing', () => {
  const w = shop()
  w.facts(
    track('bought', {
      occurredAt: w.now,
      metadata: { amount: 5 },
      profile: { source_id: 's', name: 'Ann', metadata: { a: 1 } },
    }),
  )
  assert.equal(
    summary(
      w.facts(
        track('bought', { occurredAt: w.now, metadata: { amount: 5 }, profile: { source_id: 's', name: 'Ann' } }),
      ),
    ),
    ['tracked bought'],
  )
  const facts = w.facts(
    track('bought', {
      occurredAt: w.now,
      metadata: { amount: 5 },
      profile: { source_id: 's', name: 'Bea', metadata: { b: 2 } },
    }),
  )
  assert.equal(facts[0]?.type === 'CustomerUpdated' && facts[0].data.changes, { name: 'Bea', metadata: { b: 2 } })
  assert.equal(w.state.profile.metadata, { a: 1, b: 2 })
})

test('what is said again by hand is known already: nothing is recorded, and nothing refused', () => {
  const w = shop()
  const save = (name: string) => w.facts({ type: 'SaveCustomer', profile: { source_id: 's', name }, mayCreate: true })
  assert.equal(summary(save('Ann')), ['CustomerCreated'])
  w.wait(HOUR)
  assert.equal(save('Ann'), [])
  assert.equal(summary(save('Bea')), ['CustomerUpdated'])
})

test('the same command gives the same facts with the same ids', () => {
  const w = shop()
  const command = track('bought', { occurredAt: w.now, metadata: { amount: 5 } })
  const other = shop()
  assert.equal(w.facts(command, { key: 'k' }), other.facts(command, { key: 'k' }))
  assert.is.not(w.facts(command, { key: 'l' })[0]?.id, other.facts(command, { key: 'm' })[0]?.id)
})

test('strict mode names every property at fault; lenient mode records and marks', () => {
  const w = shop()
  const wrong = { occurredAt: w.now, metadata: { amount: '5', note: 3 } }
  const refusal = w.refused(track('bought', wrong))
  assert.is(refusal.key, 'metadata_validation_failed')
  assert.match(refusal.details, "amount: must be a number (actual value is '5')")
  assert.match(refusal.details, 'note: must be a string (actual value is 3)')
  assert.match(w.refused(track('sold', { occurredAt: w.now })).details, "no event schema is defined for 'sold'")
  const [, tracked] = w.facts(track('bought', { ...wrong, mode: 'lenient' }))
  assert.is(tracked?.type === 'CustomEventTracked' && tracked.data.faults?.length, 2)
})

test('an unknown customer id is refused, and a source_id cannot change', () => {
  const w = shop()
  assert.is(
    w.refused(track('bought', { occurredAt: w.now, metadata: { amount: 1 }, mayCreate: false })).key,
    'not_found',
  )
  w.facts({ type: 'SaveCustomer', profile: { source_id: 's' }, mayCreate: true })
  assert.is(w.refused({ type: 'SaveCustomer', profile: { source_id: 't' }, mayCreate: false }).key, 'invalid_customer')
})

test('null clears a value; saving what holds already records nothing', () => {
  const w = shop()
  w.facts({
    type: 'SaveCustomer',
    profile: { source_id: 's', name: 'Ann', address: { city: 'Oslo' } },
    mayCreate: true,
  })
  w.facts({ type: 'SaveCustomer', profile: { name: null, address: { city: null } }, mayCreate: false })
  assert.is(w.state.profile.name, undefined)
  assert.is(w.state.profile.address, undefined)
  assert.equal(w.facts({ type: 'SaveCustomer', profile: { name: null, source_id: 's' }, mayCreate: false }), [])
})

test('a deleted customer is gone, and comes back as a new one', () => {
  const w = shop()
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 }, profile: { source_id: 's', name: 'Ann' } }))
  w.facts({ type: 'DeleteCustomer', permanently: false })
  assert.is(w.refused({ type: 'DeleteCustomer', permanently: false }).key, 'not_found')
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 }, profile: { source_id: 's' } }))
  assert.is(w.state.profile.name, undefined)
  assert.is(w.state.occurrences.bought?.count, 1)
})

test('a segment is entered in the same append as its cause, and left when the window ends, at that instant', () => {
  const w = shop()
  w.define('segment', 'seg_keen', {
    name: 'keen',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 2 }, within: 'P30D' },
  })
  const start = w.now
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
  w.wait(HOUR)
  const facts = w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
  assert.equal(summary(facts), ['tracked bought', 'entered seg_keen'])
  assert.is(facts[1]?.causedBy, facts[0]?.id)
  assert.is(w.state.nextDueAt, start + 30 * DAY)
  w.wait(30 * DAY)
  const left = w.facts(advance)
  assert.equal(summary(left), ['left seg_keen'])
  assert.is(left[0]?.data.occurredAt, start + 30 * DAY)
})

test('what fell due comes before the command that finds it, and a node that folds the stream again agrees', () => {
  for (const reload of [false, true]) {
    const w = shop()
    w.define('segment', 'seg_idle', {
      name: 'idle',
      type: 'auto-update',
      condition: { not: { event: 'bought', count: { $more_than: 0 }, within: 'P30D' } },
    })
    assert.equal(summary(w.facts({ type: 'SaveCustomer', profile: { source_id: 's' }, mayCreate: true })), [
      'CustomerCreated',
      'entered seg_idle',
    ])
    const first = w.now
    assert.equal(summary(w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))), [
      'tracked bought',
      'left seg_idle',
    ])
    w.wait(40 * DAY)
    if (reload) w.reload()
    const facts = w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
    assert.equal(summary(facts), ['entered seg_idle', 'tracked bought', 'left seg_idle'], `reload: ${reload}`)
    assert.is(facts[0]?.data.occurredAt, first + 30 * DAY)
  }
})

test('a late event gives the membership that the same events in order give', () => {
  const definition = {
    name: 'keen',
    type: 'auto-update' as const,
    condition: { event: 'bought', count: { $more_than_equal: 2 }, within: 'P1D' },
  }
  const w = shop()
  w.define('segment', 'seg_keen', definition)
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
  const facts = w.facts(track('bought', { occurredAt: w.now - 23 * HOUR, metadata: { amount: 1 } }))
  assert.equal(summary(facts), ['tracked bought', 'entered seg_keen'])
  w.wait(HOUR)
  assert.equal(summary(w.facts(advance)), ['left seg_keen'])
})

test('a new definition reaches a customer without triggering, and a change after it triggers again', () => {
  const w = shop()
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 9 } }))
  w.define('segment', 'seg_big', {
    name: 'big',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 1 }, where: [{ property: 'amount', $more_than: 5 }] },
  })
  w.wait(MINUTE)
  const [entered] = w.facts(advance)
  assert.is(entered?.type === 'SegmentEntered' && entered.data.cause, 'definition')
  assert.is(entered?.type === 'SegmentEntered' && entered.data.triggers, false)
  assert.equal(w.facts(advance), [])
  assert.is(w.remove('segment', 'seg_big'), undefined)
  assert.equal(summary(w.facts(advance)), ['left seg_big'])
})

test('a definition that changed reaches a customer for whom something fell due at the same time', () => {
  const w = shop()
  w.define('segment', 'seg_day', {
    name: 'day',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 1 }, within: 'P1D' },
  })
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
  w.define('segment', 'seg_ever', { name: 'ever', type: 'auto-update', condition: { event: 'bought' } })
  w.wait(2 * DAY)
  assert.equal(summary(w.facts(advance)), ['left seg_day', 'entered seg_ever'])
})

test('a deadline that a new definition moves is recorded, where nothing else is', () => {
  const w = shop()
  const within = (text: string) =>
    w.define('segment', 'seg_1', {
      name: 'recent',
      type: 'auto-update',
      condition: { event: 'bought', count: { $more_than: 0 }, within: text },
    } as never)
  within('P1D')
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
  assert.is(w.state.nextDueAt, w.now + DAY)
  within('P2D')
  assert.equal(summary(w.facts(advance)), ['DeadlineMoved'])
  assert.is(w.state.nextDueAt, w.now + 2 * DAY)
  assert.equal(w.facts(advance), [])
})

test('a segment is said again when the schema of its events makes it mean something else', () => {
  const w = shop()
  w.define('segment', 'seg_1', {
    name: 'large',
    type: 'auto-update',
    condition: { event: 'bought', where: { property: 'amount', $is: 5 } },
  } as never)
  const change = (amount: 'number' | 'string', more: object = {}) => {
    const before = w.rulebook.entries('segment').get('seg_1')!.revision
    w.define('eventSchema', 'ms_bought', { ...bought, schema: { properties: { amount: { type: amount, ...more } } } })
    return w.rulebook.entries('segment').get('seg_1')!.revision !== before
  }
  assert.equal([change('string'), change('string', { optional: true }), change('number')], [true, false, true])
})

test('what a changed time zone makes of memberships sends nothing, what a changed definition does only where it says so', () => {
  const w = shop({ now: Date.parse('2026-03-02T23:30:00Z') })
  const segment = (more: number, trigger_on_rollout: boolean) =>
    w.define('segment', 'seg_1', {
      name: 'today',
      type: 'auto-update',
      trigger_on_rollout,
      condition: { event: 'bought', count: { $more_than: more }, period: 'this_day' },
    } as never)
  const said = (facts = w.facts(advance)) =>
    facts.flatMap(({ type, data }) =>
      'triggers' in data ? [[type, 'cause' in data && data.cause, data.triggers]] : [],
    )
  segment(0, true)
  assert.equal(said(w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))), [
    ['SegmentEntered', 'event', true],
  ])
  w.wait(HOUR)
  assert.equal(said(), [['SegmentLeft', 'time', true]])
  w.rezone('America/New_York')
  assert.equal(said(), [['SegmentEntered', 'time_zone', false]])
  segment(5, true)
  assert.equal(said(), [['SegmentLeft', 'definition', true]])
  segment(0, false)
  assert.equal(said(), [['SegmentEntered', 'definition', false]])
})

test('a clock that goes back takes nobody back: what is decided is as late as what was before', () => {
  const w = shop()
  const at = () => {
    const [fact] = w.facts({ type: 'SaveCustomer', profile: { source_id: 's', name: `${w.now}` }, mayCreate: true })
    return fact!.now - w.now
  }
  assert.is(at(), 0)
  w.wait(-HOUR)
  assert.equal([at(), w.state.now - w.now], [HOUR, HOUR])
  w.wait(2 * HOUR)
  assert.equal([at(), w.state.now - w.now], [0, 0])
})

test('a passive segment changes membership without an internal event', () => {
  const w = shop()
  w.define('segment', 'seg_p', {
    name: 'p',
    type: 'passive',
    filter: { junction: 'and', 'events.bought.count': { conditions: { $more_than: ['0'] } } },
  })
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
  assert.ok(w.state.segments.seg_p)
  assert.is(w.state.occurrences['customer.segment.entered'], undefined)
})

test('a static segment has whom it lists', () => {
  const w = shop()
  w.define('segment', 'seg_s', { name: 's', type: 'static', customers: ['cust_test'] })
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
  w.facts(advance)
  assert.ok(w.state.segments.seg_s)
})

test('a segment of segments follows in the same append', () => {
  const w = shop()
  w.define('segment', 'seg_a', {
    name: 'a',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than: 0 } },
  })
  w.define('segment', 'seg_b', {
    name: 'b',
    type: 'auto-update',
    condition: { all: [{ segment: 'seg_a' }, { attribute: 'metadata.vip', $is: true }] },
  })
  w.facts({ type: 'SaveCustomer', profile: { source_id: 's', metadata: { vip: true } }, mayCreate: true })
  assert.equal(summary(w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))), [
    'tracked bought',
    'entered seg_a',
    'entered seg_b',
  ])
})

test('definitions are refused with the path of the fault; what is in use is not deleted', () => {
  const w = shop()
  const refusal = w.refusalOf('segment', 'seg_x', {
    name: 'x',
    type: 'passive',
    condition: { event: 'sold', count: { $more_than: 0 } },
  })
  assert.is(refusal?.key, 'invalid_payload')
  assert.match(refusal?.details ?? '', /Property \.condition\.event/)
  w.define('segment', 'seg_a', { name: 'a', type: 'passive', condition: { event: 'bought', count: { $more_than: 0 } } })
  assert.match(w.remove('eventSchema', 'ms_bought')?.details ?? '', 'segment seg_a')
  w.define('segment', 'seg_b', { name: 'b', type: 'passive', condition: { segment: 'seg_a' } })
  assert.match(w.remove('segment', 'seg_a')?.details ?? '', 'segment seg_b')
})

test('segments that refer to each other are refused, with the way round', () => {
  const w = shop()
  const on = (segment: string) => ({ name: segment, type: 'passive' as const, condition: { not: { segment } } })
  w.define('segment', 'seg_a', { name: 'a', type: 'passive', condition: { event: 'bought', count: { $more_than: 0 } } })
  w.define('segment', 'seg_b', on('seg_a'))
  w.define('segment', 'seg_c', on('seg_b'))
  const refusal = w.refusalOfChange('segment', 'seg_a', on('seg_c'))
  assert.is(refusal?.key, 'invalid_payload')
  for (const id of ['seg_a', 'seg_b', 'seg_c']) assert.match(refusal?.details ?? '', id)
  assert.match(
    w.refusalOf('segment', 'seg_d', { name: 'd', type: 'passive', condition: { property: 'amount', $more_than: 1 } })
      ?.details ?? '',
    'must NOT ask for the event',
  )
})

test('what the schema of customers asks for has to be there of a new one; of one that is there, what is given is looked at', () => {
  const save = (w: ReturnType<typeof shop>, metadata: Record<string, unknown>) =>
    isRefused(w.when({ type: 'SaveCustomer', profile: { source_id: 's', metadata }, mayCreate: true }))
  const [there, none] = [shop(), shop()]
  save(there, { tier: 'silver' })
  for (const w of [there, none])
    w.define('metadataSchema', 'mds_1', {
      related_object: 'customer',
      properties: { tier: { type: 'string', optional: false }, age: { type: 'number' } },
    })
  for (const [metadata, ofOld, ofNew] of [
    [{ age: 40 }, false, true],
    [{ age: 'old' }, true, true],
    [{ tier: null, age: 40 }, true, true],
    [{ tier: 'gold' }, false, false],
  ] as const)
    assert.equal([save(there, metadata), save(none, metadata)], [ofOld, ofNew], JSON.stringify(metadata))
})

test('a segment of what lies within an object of the metadata follows each change of that object', () => {
  const w = shop()
  w.define('segment', 'seg_high', {
    name: 'high',
    type: 'auto-update',
    filter: { junction: 'and', 'metadata.home.floor': { conditions: { $more_than: [2] } } },
  })
  const says = (metadata: Record<string, unknown>) =>
    w
      .facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 }, profile: { source_id: 's', metadata } }))
      .flatMap(({ type }) => (type === 'SegmentEntered' || type === 'SegmentLeft' ? [type] : []))
  assert.equal(says({ home: { floor: 3 } }), ['SegmentEntered'])
  assert.equal(says({ away: { floor: 1 } }), [])
  assert.equal(says({ home: { floor: 4, lift: true } }), [])
  assert.equal(says({ home: { lift: true } }), ['SegmentLeft'])
  assert.equal(says({ 'home.floor': 5 }), ['SegmentEntered'])
})

test.run()
