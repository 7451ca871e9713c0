// Customers read ahead out of the log: the same states as from their streams, for fewer reads, and never instead of what is there.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CustomerCommand } from '../../src/domain/decider/commands.ts'
import { customerIdFrom, customerStream } from '../../src/domain/ids.ts'
import type { Rulebook } from '../../src/domain/rulebook/rulebook.ts'
import type { EventStore } from '../../src/eventstore/index.ts'
import { createCustomerRuntime } from '../../src/runtime/customers.ts'
import { createCustomers } from '../../src/runtime/loader.ts'
import fc from '../fc.ts'
import { DAY, HOUR, MINUTE, T0, track, type World, world } from '../given.ts'
import { type Disk, fuse, newDisk, storeOver } from '../referrals/memory.ts'
import { times } from '../soak.ts'
import { NO_SNAPSHOTS } from './noSnapshots.ts'

const signal = new AbortController().signal
const streams = [customerStream('cust_')]

/** A node over a log, whose reads of streams and appends are counted. */
const nodeOver = (disk: Disk, rulebook: () => Rulebook, { cacheSize = 100, before = async () => {} } = {}) => {
  const whole = storeOver(disk, fuse(-1))
  const count = { reads: 0, appends: 0 }
  const store: EventStore = {
    ...whole,
    readStream(stream, options) {
      count.reads++
      return whole.readStream(stream, options)
    },
    async append(...args) {
      count.appends++
      await before()
      return whole.append(...args)
    },
  }
  const loader = createCustomers({ store, snapshots: NO_SNAPSHOTS, cacheSize })
  let keys = 0
  const customers = createCustomerRuntime({
    store,
    head: -1n,
    customers: loader,
    rulebook,
    wasUsed: async () => false,
    randomKey: () => `${disk.log.length}-${keys++}-${cacheSize}`,
    sleep: async () => {},
    random: () => 0.5,
  })
  const execute = (id: string, command: CustomerCommand, now = T0, inPassing = false) =>
    customers.execute(id, command, { requestId: 'r', actor: { name: 'a', role: 'b' }, now, inPassing })
  return {
    store,
    customers,
    loader,
    execute,
    count,
    pass: (id: string) => execute(id, { type: 'AdvanceClock' }, T0, true),
  }
}

const idOf = (name: string) => customerIdFrom(name, 'key')

const shop = (): World => {
  const w = world()
  w.define('eventSchema', 'ms_bought', { name: 'bought', schema: { properties: { amount: { type: 'number' } } } })
  return w
}
const conditions: Readonly<Record<string, Record<string, unknown>>> = {
  seg_often: { event: 'bought', count: { $more_than_equal: 2 }, within: 'P1D' },
  seg_big: { event: 'bought', count: { $more_than: 0 }, where: [{ property: 'amount', $more_than: 5 }] },
  seg_spent: { event: 'bought', sum: { property: 'amount', $more_than_equal: 10 } },
  seg_new: { not: { event: 'bought', count: { $more_than: 2 } } },
}
const define = (w: World, ids = Object.keys(conditions)) => {
  for (const id of ids) w.define('segment', id, { name: id, type: 'auto-update', condition: conditions[id]! })
}
const buy = (name: string, occurredAt: number, amount: number) =>
  track('bought', { occurredAt, metadata: { amount }, profile: { source_id: name } })

const step = fc.record({
  who: fc.constantFrom('ann', 'bob', 'cid'),
  kind: fc.constantFrom('buy', 'buy', 'buy', 'again', 'delete', 'wait'),
  ago: fc.constantFrom(0, HOUR, DAY - 1, DAY, 3 * DAY),
  amount: fc.integer({ min: 0, max: 9 }),
})

test('what was read ahead, and the rest of the stream, make the state that the whole stream makes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.nat(20), fc.nat(20), async (steps, readAt, definedAt) => {
      const w = shop()
      const disk = newDisk()
      const node = nodeOver(disk, () => w.rulebook)
      const cold = nodeOver(disk, () => w.rulebook)
      const ids = ['ann', 'bob', 'cid'].map(idOf)
      let now = T0
      const read = () =>
        Promise.all([node, cold].map(({ customers }) => customers.readAhead({ ids: new Set(ids), streams, signal })))
      for (const [n, { who, kind, ago, amount }] of steps.entries()) {
        // The node that appends has these in memory, without the accumulators of what is defined now; the other has nothing.
        if (n === definedAt) define(w)
        if (n === definedAt + readAt) await read()
        if (kind === 'wait') now += MINUTE + ago
        else if (kind === 'delete') await node.execute(idOf(who), { type: 'DeleteCustomer', permanently: false }, now)
        else
          for (let times = kind === 'again' ? 2 : 1; times > 0; times--)
            await node.execute(idOf(who), buy(who, now - ago, amount), now)
      }
      if (steps.length <= definedAt) define(w)
      if (steps.length <= definedAt + readAt) await read()
      const fresh = nodeOver(disk, () => w.rulebook)
      for (const id of ids) {
        const expected = await fresh.customers.load(id)
        for (const { customers } of [node, cold]) {
          const { state, revision, position } = await customers.load(id)
          assert.equal(
            { state, revision, position },
            {
              state: expected.state,
              revision: expected.revision,
              position: expected.position,
            },
          )
        }
      }
    }),
    { numRuns: times(100, 3_000) },
  )
})

/** Customers who have bought, before there were segments. */
const buyers = async (w: World, disk: Disk, names: readonly string[]) => {
  const node = nodeOver(disk, () => w.rulebook)
  for (const name of names) await node.execute(idOf(name), buy(name, T0, 7))
  return node
}

const entriesOf = (disk: Disk, name: string, segment: string) =>
  disk.log.filter(
    ({ stream, type, data }) =>
      stream === customerStream(idOf(name)) &&
      type === 'SegmentEntered' &&
      (data as { segment: { id: string } }).segment.id === segment,
  ).length

test('who was read ahead is looked at without a read, in memory or not, and is not brought into memory', async () => {
  const w = shop()
  const disk = newDisk()
  const hot = await buyers(w, disk, ['ann', 'bob', 'cid'])
  const cold = nodeOver(disk, () => w.rulebook)
  define(w, ['seg_big'])
  const ids = ['ann', 'bob', 'cid'].map(idOf)
  for (const node of [hot, cold]) {
    assert.equal(node.customers.unready(ids), ids)
    node.count.reads = 0
    await node.customers.readAhead({ ids: new Set(ids), streams, signal })
    for (const id of ids) await node.pass(id)
    assert.is(node.count.reads, 0)
  }
  assert.is(hot.count.appends, 6)
  assert.equal(
    ['ann', 'bob', 'cid'].map((name) => entriesOf(disk, name, 'seg_big')),
    [1, 1, 1],
  )
  assert.equal(hot.customers.unready(ids), [], 'in memory before and after')
  assert.equal(cold.customers.unready(ids), ids, 'not in memory before or after')
})

test('another node that appends between the reading and the look is found out: one entry each', async () => {
  const w = shop()
  const disk = newDisk()
  const names = ['ann', 'bob', 'cid']
  const other = await buyers(w, disk, names)
  const node = nodeOver(disk, () => w.rulebook)
  define(w, ['seg_big', 'seg_often'])
  await node.customers.readAhead({ ids: new Set(names.map(idOf)), streams, signal })
  await other.pass(idOf('ann'))
  await other.execute(idOf('bob'), buy('bob', T0, 1))
  for (const name of names) await node.pass(idOf(name))
  assert.equal(
    names.map((name) => [entriesOf(disk, name, 'seg_big'), entriesOf(disk, name, 'seg_often')]),
    [
      [1, 0],
      [1, 1],
      [1, 0],
    ],
  )
})

test('with nothing to append, whoever appended since has brought the customer under the definitions', async () => {
  const w = shop()
  const disk = newDisk()
  const other = await buyers(w, disk, ['ann'])
  const node = nodeOver(disk, () => w.rulebook)
  // Nothing holds for ann until the other node records a second purchase.
  define(w, ['seg_often'])
  await node.customers.readAhead({ ids: new Set([idOf('ann')]), streams, signal })
  await other.execute(idOf('ann'), buy('ann', T0, 1))
  await node.pass(idOf('ann'))
  assert.is(node.count.reads, 0)
  assert.is(entriesOf(disk, 'ann', 'seg_often'), 1)
})

test('what this node appends itself, also while the log is being read, takes the place of what was read ahead', async () => {
  const w = shop()
  const disk = newDisk()
  await buyers(w, disk, ['ann', 'bob'])
  const node = nodeOver(disk, () => w.rulebook, { cacheSize: 1 })
  const ids = new Set(['ann', 'bob'].map(idOf))
  const reading = node.customers.readAhead({ ids, streams, signal })
  await node.execute(idOf('ann'), buy('ann', T0, 1))
  await reading
  // Bob takes ann's place in memory.
  await node.execute(idOf('bob'), buy('bob', T0, 1))
  node.count.reads = 0
  define(w, ['seg_often'])
  for (const name of ['ann', 'bob']) await node.pass(idOf(name))
  assert.ok(node.count.reads >= 1)
  assert.equal(
    ['ann', 'bob'].map((name) => entriesOf(disk, name, 'seg_often')),
    [1, 1],
  )
})

test('what was read under other definitions is not taken without a look at the stream', async () => {
  const w = shop()
  const disk = newDisk()
  const other = await buyers(w, disk, ['ann'])
  const node = nodeOver(disk, () => w.rulebook)
  await node.customers.readAhead({ ids: new Set([idOf('ann')]), streams, signal })
  await other.execute(idOf('ann'), buy('ann', T0, 1))
  define(w, ['seg_often'])
  await node.pass(idOf('ann'))
  assert.is(entriesOf(disk, 'ann', 'seg_often'), 1)
})

test('a customer with a fact that cannot be read is left out, and so is everybody when the reading is ended', async () => {
  const w = shop()
  const disk = newDisk()
  await buyers(w, disk, ['ann', 'bob', 'bob'])
  // As if the second fact of bob were of a type that this program does not know.
  const gap = disk.log.findIndex(({ stream, revision }) => stream === customerStream(idOf('bob')) && revision === 1n)
  disk.log.splice(gap, 1)
  const node = nodeOver(disk, () => w.rulebook)
  define(w, ['seg_big'])
  const ids = new Set(['ann', 'bob'].map(idOf))
  await node.customers.readAhead({ ids, streams, signal })
  const held = () => [...ids].map((id) => node.loader.foreseen(id, w.rulebook) !== undefined)
  assert.equal(held(), [true, false])
  const ended = new AbortController()
  const reading = node.customers.readAhead({ ids, streams, signal: ended.signal })
  ended.abort()
  const [outcome] = await Promise.allSettled([reading])
  assert.is(outcome.status, 'rejected')
  assert.equal(held(), [false, false])
})

test('a definition that is taken back and made again counts what happened meanwhile', async () => {
  const w = shop()
  const disk = newDisk()
  define(w, ['seg_often'])
  const node = await buyers(w, disk, ['ann'])
  w.remove('segment', 'seg_often')
  await node.execute(idOf('ann'), buy('ann', T0, 1))
  define(w, ['seg_often'])
  await node.pass(idOf('ann'))
  assert.is(entriesOf(disk, 'ann', 'seg_often'), 1)
})

test.run()
