// Customers who leave memory: their snapshots bring them back as they were without a look at the stream, also between nodes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { newCustomer, savedState, stateOf } from '../../src/domain/customer/state.ts'
import { customerIdFrom } from '../../src/domain/ids.ts'
import { startDocumentStore } from '../../src/engines/documents/index.ts'
import type { EventStore } from '../../src/eventstore/index.ts'
import { createReadModel } from '../../src/readmodel/index.ts'
import { createCustomerRuntime } from '../../src/runtime/customers.ts'
import { NO_KEYS } from '../../src/runtime/keys.ts'
import { createCustomers } from '../../src/runtime/loader.ts'
import { createRevisions } from '../../src/runtime/revisions.ts'
import {
  createSnapshotStore,
  SNAPSHOTS,
  type Snapshot,
  type SnapshotDocument,
  type WeighedSnapshot,
} from '../../src/runtime/snapshots.ts'
import fc from '../fc.ts'
import { T0, track, type World, world } from '../given.ts'
import { type Disk, fuse, newDisk, storeOver } from '../referrals/memory.ts'
import { times } from '../soak.ts'
import { until } from '../until.ts'

const NAMES = ['ann', 'bob', 'cid', 'dan', 'eve']
const idOf = (name: string) => customerIdFrom(name, 'key')

const shop = (): World => {
  const w = world()
  w.define('eventSchema', 'ms_bought', { name: 'bought', schema: { properties: { amount: { type: 'number' } } } })
  w.define('segment', 'seg_often', {
    name: 'often',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 2 }, within: 'P1D' },
  })
  return w
}

/** A node over a log and snapshots that others may share, with little memory. */
const nodeOver = (w: World, disk: Disk, saved: Map<string, string>, cacheSize: number, hasRoom = () => true) => {
  const whole = storeOver(disk, fuse(-1))
  const count = { reads: 0, conflicts: 0 }
  const store: EventStore = {
    ...whole,
    readStream(stream, options) {
      count.reads++
      return whole.readStream(stream, options)
    },
    async append(...args) {
      const result = await whole.append(...args)
      if (result.kind === 'conflict') count.conflicts++
      return result
    },
  }
  const load = async (id: string): Promise<Snapshot | undefined> => {
    const text = saved.get(id)
    if (text === undefined) return undefined
    const { revision, position, ...rest } = JSON.parse(text)
    return { ...rest, revision: BigInt(revision), position: BigInt(position) }
  }
  const save = (id: string, { revision, position, ...rest }: Snapshot) => {
    if (!hasRoom()) return false
    saved.set(id, JSON.stringify({ ...rest, revision: String(revision), position: String(position) }))
    return true
  }
  const snapshots = {
    load,
    loadMany: async () => new Map(),
    save,
    async saveAll(all: Iterable<WeighedSnapshot>, signal: AbortSignal) {
      for (const [id, snapshot] of all) if (!signal.aborted) save(id, snapshot)
    },
    erase: async (id: string) => void saved.delete(id),
  }
  let keys = 0
  const customers = createCustomerRuntime({
    store,
    head: disk.log.at(-1)?.position ?? -1n,
    customers: createCustomers({ store, snapshots, cacheSize }),
    rulebook: () => w.rulebook,
    wasUsed: async () => false,
    randomKey: () => `${disk.log.length}-${keys++}-${cacheSize}`,
    sleep: async () => {},
    random: () => 0.5,
  })
  const buy = (name: string, key: string) =>
    customers.execute(
      idOf(name),
      track('bought', { occurredAt: T0, metadata: { amount: 1 }, profile: { source_id: name } }),
      { requestId: 'r', actor: { name: 'a', role: 'b' }, now: T0, key },
    )
  return { customers, buy, count }
}

test('who left memory comes back without a look at the stream, and without an append in vain', async () => {
  const node = nodeOver(shop(), newDisk(), new Map(), 2)
  for (let round = 0; round < 4; round++) for (const name of NAMES) await node.buy(name, `${round} ${name}`)
  assert.equal(node.count, { reads: 0, conflicts: 0 })
  assert.is((await node.customers.load(idOf('ann'))).state.occurrences.bought?.count, 4)
  assert.is((await node.buy('bob', '0 bob')).kind, 'repeated', 'the keys come back as well')
})

const buyAll = async ({ buy }: ReturnType<typeof nodeOver>, round: number) => {
  for (const name of NAMES) assert.is((await buy(name, `${round} ${name}`)).kind, 'done')
}

/** How often each bought, as the log has it. */
const boughtIn = async (w: World, disk: Disk) => {
  const { customers } = nodeOver(w, disk, new Map(), 10)
  return Promise.all(NAMES.map(async (name) => (await customers.load(idOf(name))).state.occurrences.bought?.count ?? 0))
}

test('who was in memory when a node stopped comes back after the start without a look at the stream', async () => {
  const w = shop()
  const disk = newDisk()
  const saved = new Map<string, string>()
  const before = nodeOver(w, disk, saved, 10)
  for (let round = 0; round < 3; round++) await buyAll(before, round)
  assert.is(saved.size, 0)
  await before.customers.leave(new AbortController().signal)
  const after = nodeOver(w, disk, saved, 10)
  await buyAll(after, 3)
  assert.equal(after.count, { reads: 0, conflicts: NAMES.length }, 'who is taken for new is found out by the append')
  assert.is((await after.buy('ann', '1 ann')).kind, 'repeated')
  assert.equal(await boughtIn(w, disk), [4, 4, 4, 4, 4])
})

test('a snapshot for which there was no room is written once there is some', async () => {
  const saved = new Map<string, string>()
  let room = 0
  const node = nodeOver(shop(), newDisk(), saved, 10, () => room-- > 0)
  for (let n = 0; n < 40; n++) await node.buy('ann', `${n}`)
  assert.is(saved.size, 0)
  room = 1
  await node.buy('ann', '40')
  const first = saved.get(idOf('ann'))
  assert.ok(first)
  room = 1
  await node.buy('ann', '41')
  assert.is(saved.get(idOf('ann')), first, 'and then not with each fact')
})

test('a snapshot that is not the newest is found out, by an append or before a no, a repeat or a look', async () => {
  const w = shop()
  const disk = newDisk()
  const saved = new Map<string, string>()
  const before = nodeOver(w, disk, saved, 10)
  await buyAll(before, 0)
  await before.customers.leave(new AbortController().signal)
  // It ends without a word after these.
  await buyAll(before, 1)
  const after = nodeOver(w, disk, saved, 10)
  // The snapshot does not know this event, and the log takes it for the same.
  assert.is((await after.buy('ann', '1 ann')).kind, 'repeated')
  assert.is((await after.customers.load(idOf('bob'))).state.occurrences.bought?.count, 2)
  const unknown = track('bought', { occurredAt: T0, metadata: { amount: 'x' }, profile: { source_id: 'cid' } })
  const context = { requestId: 'r', actor: { name: 'a', role: 'b' }, now: T0 }
  const refused = await after.customers.execute(idOf('cid'), unknown, context)
  assert.ok(refused.kind === 'refused' && refused.state.occurrences.bought?.count === 2)
  for (const name of ['dan', 'eve']) assert.is((await after.buy(name, `2 ${name}`)).kind, 'done')
  assert.equal(await boughtIn(w, disk), [2, 2, 2, 3, 3])
})

test('nodes that share snapshots and remember little decide as one that reads every stream', async () => {
  const step = fc.record({ node: fc.nat(1), name: fc.constantFrom(...NAMES), key: fc.nat(8) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const w = shop()
      const disk = newDisk()
      const saved = new Map<string, string>()
      const nodes = [nodeOver(w, disk, saved, 1), nodeOver(w, disk, saved, 2)]
      const said = new Map<string, Set<number>>()
      for (const { node, name, key } of steps) {
        const before = said.get(name) ?? new Set()
        const { kind } = await nodes[node]!.buy(name, `key ${key}`)
        // The same event from another node can be taken for the first: the store knows its facts by their ids.
        assert.ok(kind === 'done' || (kind === 'repeated' && before.has(key)), kind)
        said.set(name, before.add(key))
      }
      const fresh = nodeOver(w, disk, new Map(), 10)
      for (const [name, keys] of said) {
        const { state } = await fresh.customers.load(idOf(name))
        assert.is(state.occurrences.bought?.count, keys.size)
        assert.is(Object.hasOwn(state.segments, 'seg_often'), keys.size >= 2)
      }
    }),
    { numRuns: times(100, 3_000) },
  )
})

test('a table of revisions knows what a map knows, or nothing', () => {
  const step = fc.tuple(fc.constantFrom('set', 'set', 'set', 'forget'), fc.nat(9_000), fc.nat(5))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 0, max: 4_000 }), (steps, others) => {
      const table = createRevisions(1 << 13)
      const map = new Map<string, bigint>()
      for (let n = 0; n < others; n++) table.set(`other ${n}`, 1n)
      for (const [kind, id, revision] of steps) {
        if (kind === 'set') {
          table.set(`cust_${id}`, BigInt(revision))
          map.set(`cust_${id}`, BigInt(revision))
        } else {
          table.forget(`cust_${id}`)
          map.delete(`cust_${id}`)
        }
      }
      for (let id = 0; id <= 9_000; id++) {
        const known = table.get(`cust_${id}`)
        if (known !== undefined) assert.is(known, map.get(`cust_${id}`))
      }
      if (others + steps.length < 2_000) for (const [id, revision] of map) assert.is(table.get(id), revision)
    }),
    { numRuns: 50 },
  )
})

test('an older snapshot never takes the place of a newer one, nor of what was erased', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-snapshots-'))
  const engine = await startDocumentStore({ access: 'open', dir })
  const readModel = createReadModel({ url: engine.url, database: 'snapshots' })
  const log = { warn: (_: unknown, message: string) => assert.unreachable(message) }
  const stores = [1, 2].map(() => createSnapshotStore(readModel, log))
  const [one, two] = [stores[0]!, stores[1]!]
  const at = (position: bigint, id = 'cust_a'): Snapshot => ({
    state: newCustomer(id),
    revision: position,
    position,
    keys: NO_KEYS,
  })
  const stored = async () => (await readModel.plain<SnapshotDocument>(SNAPSHOTS).findOne({ _id: 'cust_a' }))?.revision
  try {
    // As an earlier program left it.
    const old = { _id: 'cust_a', stateVersion: -1, revision: '1', position: '1', state: '', keys: '' }
    await readModel.plain(SNAPSHOTS).insertOne(old)
    one.save('cust_a', at(10n))
    one.save('cust_b', at(10n, 'cust_b'))
    assert.is((await one.load('cust_a'))?.revision, 10n, 'before it is written')
    assert.is((await one.loadMany(['cust_a', 'cust_b'])).size, 2)
    await until(async () => (await stored()) === '10')
    two.save('cust_a', at(9n))
    two.save('cust_c', at(9n, 'cust_c'))
    await until(async () => (await one.load('cust_c')) !== undefined)
    assert.is((await one.load('cust_a'))?.revision, 10n)
    await two.erase('cust_a', 20n)
    one.save('cust_a', at(19n))
    one.save('cust_d', at(19n, 'cust_d'))
    await until(async () => (await two.load('cust_d')) !== undefined)
    assert.is(await two.load('cust_a'), undefined)
    two.save('cust_a', at(21n))
    await until(async () => (await stored()) === '21')
    // At the end: what waits, and what is given, is written once it says so.
    const count = () => readModel.plain(SNAPSHOTS).count({ _id: { $gte: 'last' } })
    function* all(): Generator<WeighedSnapshot> {
      for (let n = 0; n < 1_001; n++) yield [`last_${n}`, at(30n, `last_${n}`), n === 0 ? 8 * 1024 * 1024 : 500]
    }
    one.save('last', at(30n, 'last'))
    await one.saveAll(all(), AbortSignal.abort())
    assert.is(await count(), 1, 'there is no time for more')
    await one.saveAll(all(), new AbortController().signal)
    assert.is(await count(), 1_002)
  } finally {
    await readModel.close()
    await engine.stop()
    rmSync(dir, { recursive: true })
  }
})

test('what is as it is of nobody is not written down, and takes no memory of its own when it comes back', () => {
  const w = shop()
  w.facts(track('bought', { occurredAt: T0, metadata: { amount: 1 } }))
  const saved = savedState(w.state)
  const nobody = newCustomer('')
  const parts = ['loyalty', 'vouchers', 'redemptions', 'orders', 'referrals', 'consents'] as const
  for (const part of parts) assert.not(part in saved, part)
  for (const part of ['id', 'status', 'profile', 'occurrences', 'derived', 'createdAt']) assert.ok(part in saved, part)
  const back = stateOf(JSON.parse(JSON.stringify(saved)))
  assert.equal(back, JSON.parse(JSON.stringify(w.state)))
  for (const part of parts) assert.is(back[part], nobody[part], part)
})

test.run()
