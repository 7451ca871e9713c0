// Commands about a customer as such: deleting, erasing, linking, consents; and how old is too old to send anything.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CustomerCommand } from '../../src/domain/decider/commands.ts'
import { isHistorical } from '../../src/domain/decider/commands.ts'
import { decide } from '../../src/domain/decider/decide.ts'
import { firstFactIds } from '../../src/domain/ids.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import { DAY, summary, track, type World, world } from '../given.ts'

const told = (w: World, command: CustomerCommand): string => {
  const decided = w.when(command)
  return isRefused(decided) ? decided.refused.key : summary(decided.facts).join(' ')
}
const save: CustomerCommand = { type: 'SaveCustomer', profile: { source_id: 's' }, mayCreate: true }
const erase: CustomerCommand = { type: 'DeleteCustomer', permanently: true }
const remove: CustomerCommand = { type: 'DeleteCustomer', permanently: false }

test('the first fact of a command has an id by which its key is found, whoever asked; a redemption is known by its own', () => {
  const w = world()
  w.define('eventSchema', 'ms_1', { name: 'bought', schema: { properties: {} } })
  const beginnings = (command: CustomerCommand) =>
    ['node one', 'node two'].map((asking) => {
      const decided = decide(w.state, command, w.rulebook, { now: w.now, key: 'k', asking })
      if (isRefused(decided)) throw new Error(decided.refused.key)
      const { least, greatest } = firstFactIds(w.state.id, 'k')
      return decided.facts.map(({ id }) => least <= id && id <= greatest)
    })
  const [one, two] = beginnings(track('bought', { occurredAt: w.now }))
  assert.is(one![0], true)
  assert.equal(one!.slice(1).filter(Boolean), [])
  assert.equal(two, one)
})

test('an event, or an order, is historical beyond the horizon, and what is imported always', () => {
  const event = (ago: number) => isHistorical(track('e', { occurredAt: 1_000 - ago, triggerHorizonMs: 10 }), 1_000)
  assert.equal([event(10), event(11)], [false, true])
  const order = (more: object) =>
    isHistorical(
      {
        type: 'SaveOrder',
        order: 'o',
        patch: {},
        mustExist: false,
        by: 'request',
        triggerHorizonMs: 10,
        profile: {},
        mayCreate: true,
        ...more,
      } as CustomerCommand,
      1_000,
    )
  assert.equal(
    [order({}), order({ createdAt: 990 }), order({ createdAt: 989 }), order({ by: 'import' })],
    [false, false, true, true],
  )
  assert.not(isHistorical(save, 1_000))
})

test('who is deleted is gone, who is erased is so once, deleted before or not', () => {
  const w = world()
  assert.equal([told(w, remove), told(w, erase)], ['not_found', 'not_found'])
  w.facts(save)
  assert.is(told(w, erase), 'CustomerDeleted CustomerErased')
  assert.equal([told(w, erase), told(w, remove)], ['', 'not_found'])
  const other = world()
  other.facts(save)
  assert.equal(
    [told(other, remove), told(other, remove), told(other, erase), told(other, erase)],
    ['CustomerDeleted', 'not_found', 'CustomerErased', ''],
  )
})

test('an erasure says how much there was', () => {
  const w = world()
  w.define('eventSchema', 'ms_1', { name: 'bought', schema: { properties: {} } })
  w.define('segment', 'seg_1', {
    name: 'all',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 1 } },
  })
  w.facts(track('bought', { occurredAt: w.now }))
  w.facts(track('bought', { occurredAt: w.now }))
  w.facts({
    type: 'SaveOrder',
    order: 'ord_1',
    patch: { amount: 1, status: 'PAID' },
    mustExist: false,
    by: 'request',
    triggerHorizonMs: DAY,
    profile: { source_id: 's' },
    mayCreate: true,
  })
  const erased = w.facts(erase).find(({ type }) => type === 'CustomerErased')
  const { events, customerEvents, segments, orders, orderEvents } = erased!.data as Record<string, unknown>
  // Two of its own, one of being created, one of the segment, two of the order.
  assert.equal(
    { events, customerEvents, segments, orders, orderEvents },
    { events: 6, customerEvents: 2, segments: 1, orders: 1, orderEvents: 2 },
  )
})

test('who did something since is not deleted for want of activity', () => {
  const at = (unlessActiveAfter: (now: number) => number) => {
    const w = world()
    w.facts(save)
    return told(w, { ...remove, unlessActiveAfter: unlessActiveAfter(w.now) } as CustomerCommand)
  }
  assert.equal([at((now) => now - 1), at((now) => now)], ['', 'CustomerDeleted'])
})

test('a stream is linked once, and never that of a customer', () => {
  const w = world()
  const link = (to: string): CustomerCommand => ({ type: 'LinkCustomer', to })
  assert.equal([told(w, link('a')), told(w, link('a')), told(w, link('b'))], ['CustomerLinked', '', 'duplicate_found'])
  const other = world()
  other.facts(save)
  assert.is(told(other, link('a')), 'duplicate_found')
})

test('consents are recorded where they differ, with the opt-out that a refusal is', () => {
  const w = world()
  const say = (consents: object): string => told(w, { type: 'SaveConsents', consents, source: 'form', by: 'shop' })
  assert.is(say({ email: 'given' }), 'not_found')
  w.facts(save)
  assert.equal([say({ email: 'given' }), say({ email: 'given' }), say({})], ['ConsentChanged', '', ''])
  assert.equal([say({ email: 'refused' }), w.state.profile.unsubscribed], ['ConsentChanged CustomerUpdated', ['email']])
  assert.equal([say({ sms: null }), say({ email: null })], ['', 'ConsentChanged CustomerUpdated'])
})

test('an event says no more than there is: what is personal, at fault, historical, said of the customer', () => {
  const w = world()
  w.facts(save)
  w.define('eventSchema', 'ms_1', {
    name: 'bought',
    schema: { properties: { phone: { type: 'string', optional: true, personal: true } } },
  })
  const said = (more: Partial<Parameters<typeof track>[1]> = {}) => {
    const [fact] = w.facts(track('bought', { occurredAt: w.now, ...more }))
    assert.is(fact?.type, 'CustomEventTracked')
    return Object.keys(fact!.data).filter((name) => !['event', 'occurredAt', 'metadata', 'schema'].includes(name))
  }
  assert.equal(said(), [])
  assert.equal(said({ metadata: { phone: '1' } }), ['personal'])
  assert.equal(said({ metadata: { phone: 1 }, mode: 'lenient' }), ['personal', 'faults'])
  assert.equal(said({ occurredAt: w.now - 4 * DAY }), ['historical'])
})

test.run()
