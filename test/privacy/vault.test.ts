// Keys of personal data over a real log: made once, found again, destroyed for good; one project key under any master key.
import { randomBytes } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { factRegistry } from '../../src/domain/registry.ts'
import { createCodec, createEventStore, type EventStore } from '../../src/eventstore/index.ts'
import { MasterKeyError } from '../../src/privacy/masterKey.ts'
import { createVault } from '../../src/privacy/vault.ts'
import { type Engine, startEventLogEngine } from '../projector/engines.ts'

let engine: Engine & { end(): Promise<void> }
const stores: EventStore[] = []
const NOW = Date.UTC(2026, 5, 1)
const KEY = { id: 'a', key: randomBytes(32) }
const PROFILE = { source_id: 'ann', name: 'Ann Marked-4711' }

test.before(async () => {
  engine = await startEventLogEngine()
})
test.after(async () => {
  await Promise.all(stores.map((store) => store.close()))
  await engine.end()
})

const node = async (masterKeys = [KEY]) => {
  const vault = createVault({ masterKeys, now: () => NOW })
  const store = createEventStore({ url: engine.url, codec: createCodec(factRegistry, vault) })
  stores.push(store)
  await vault.open(store)
  return { vault, store }
}
type TestNode = Awaited<ReturnType<typeof node>>

let made = 0
const freshId = () => `cust_${String(++made).padStart(24, '0')}`
const created = (id: string, n = 0) => ({
  id: `00000000-0000-4000-8000-${id.slice(-11)}${n}`,
  type: 'CustomerCreated',
  data: { id, profile: PROFILE, occurredAt: NOW },
  metadata: { $correlationId: 'c' },
})
const profilesIn = async ({ store }: TestNode, id: string) => {
  const found: unknown[] = []
  for await (const { data, metadata } of store.readStream(`customer-${id}`))
    found.push(metadata.erased ? 'erased' : (data as { profile: unknown }).profile)
  return found
}
const rawOf = async ({ store }: TestNode, id: string): Promise<string> => {
  const lines: string[] = []
  for await (const record of store.readRecords({ from: 'start' }))
    if (record.stream.includes(id)) lines.push(JSON.stringify([record.data, record.metadata]))
  return lines.join('\n')
}

test('keys that come by in the log are not read from their streams', async () => {
  const a = await node()
  const ids = [freshId(), freshId(), freshId()]
  for (const id of ids) await a.store.append(`customer-${id}`, [created(id)], 'no_stream')
  const readsOf = async (streams: readonly string[]): Promise<number> => {
    const { vault, store } = await node()
    let reads = 0
    await vault.open({
      ...store,
      readStream(...asked) {
        if (asked[0].startsWith('key-')) reads++
        return store.readStream(...asked)
      },
    })
    const source = await store.subscribeAll({ from: 'start', streams })
    const shown: unknown[] = []
    for (let isOver = false; !isOver; ) {
      const { facts, caughtUp } = await source.next(100)
      for (const { type, data } of facts)
        if (type === 'CustomerCreated') shown.push((data as { profile: unknown }).profile)
      isOver = caughtUp
    }
    await source.close()
    assert.equal(
      shown,
      ids.map(() => PROFILE),
    )
    return reads
  }
  const own = ids.map((id) => `customer-${id}`)
  assert.is(await readsOf(own), 3)
  assert.is(await readsOf([...own, ...ids.map((id) => `key-${id}`)]), 0)
})

test('the log holds no word of a profile, and every node with the master key reads it', async () => {
  const [a, b, id] = [await node(), await node(), freshId()]
  await a.store.append(`customer-${id}`, [created(id)], 'no_stream')
  assert.not.match(await rawOf(a, id), 'Marked')
  assert.not.match(await rawOf(a, id), '"ann"')
  assert.equal(await profilesIn(a, id), [PROFILE])
  assert.equal(await profilesIn(b, id), [PROFILE])
})

test('what is destroyed is read by nobody any more; whoever comes back has a key of their own', async () => {
  const [a, b, id] = [await node(), await node(), freshId()]
  await a.store.append(`customer-${id}`, [created(id)], 'no_stream')
  assert.equal(await profilesIn(b, id), [PROFILE])
  assert.is(await a.vault.destroy(id), 1)
  assert.is(await a.vault.destroy(id), 0)
  assert.equal(await profilesIn(a, id), ['erased'])
  assert.equal(await profilesIn(await node(), id), ['erased'])
  await a.store.append(`customer-${id}`, [created(id, 1)], 0n)
  assert.equal(await profilesIn(a, id), ['erased', PROFILE])
  assert.equal(await profilesIn(await node(), id), ['erased', PROFILE])
})

const erased = (id: string) => ({
  id: `00000000-0000-4000-8000-${id.slice(-11)}9`,
  type: 'CustomerErased',
  data: { events: 0, customerEvents: 0, segments: 0, orders: 0, orderEvents: 0, occurredAt: NOW },
  metadata: { $correlationId: 'e' },
})
const erase = async ({ store }: TestNode, id: string): Promise<bigint> => {
  const result = await store.append(`customer-${id}`, [erased(id)], 0n)
  if (result.kind !== 'appended') throw new Error(result.kind)
  return result.position
}
const whoCameBack = async (one: TestNode, id: string) => (await profilesIn(one, id)).at(-1)

test('an erasure that is carried out again leaves the key of whoever came back', async () => {
  const [a, b, id] = [await node(), await node(), freshId()]
  await a.store.append(`customer-${id}`, [created(id)], 'no_stream')
  const erasedAt = await erase(a, id)
  assert.is(await a.vault.destroy(id, erasedAt), 1)
  await a.store.append(`customer-${id}`, [created(id, 1)], 1n)
  for (const one of [a, b, await node()]) {
    assert.is(await one.vault.destroy(id, erasedAt), 0)
    assert.equal(await whoCameBack(one, id), PROFILE)
  }
  assert.equal((await profilesIn(await node(), id))[0], 'erased')
})

test('whoever comes back before the keys are destroyed has a new key, on the node that erased and on others', async () => {
  for (const isOther of [false, true]) {
    const [a, b, id] = [await node(), await node(), freshId()]
    await a.store.append(`customer-${id}`, [created(id)], 'no_stream')
    // The other node holds the old key, and learns of the erasure as it reads the stream.
    assert.equal(await profilesIn(b, id), [PROFILE])
    const erasedAt = await erase(a, id)
    const back = isOther ? b : a
    if (isOther) await profilesIn(back, id)
    await back.store.append(`customer-${id}`, [created(id, 1)], 1n)
    await a.vault.destroy(id, erasedAt)
    for (const one of [a, b, await node()]) {
      assert.equal(await whoCameBack(one, id), PROFILE, `other node: ${isOther}`)
      assert.equal((await profilesIn(one, id))[0], 'erased')
    }
  }
})

test('nodes that erase at once, while the person comes back, leave one new key', async () => {
  const [a, b, id] = [await node(), await node(), freshId()]
  await a.store.append(`customer-${id}`, [created(id)], 'no_stream')
  const erasedAt = await erase(a, id)
  await Promise.all([
    b.vault.destroy(id, erasedAt),
    a.store.append(`customer-${id}`, [created(id, 1)], 1n),
    a.vault.destroy(id, erasedAt),
    b.vault.destroy(id, erasedAt),
  ])
  for (const one of [a, b, await node()]) assert.equal(await whoCameBack(one, id), PROFILE)
})

test('a subscription from the beginning learns no key that was destroyed, though the log still shows it', async () => {
  const [a, id] = [await node(), freshId()]
  await a.store.append(`customer-${id}`, [created(id)], 'no_stream')
  await a.vault.destroy(id)
  const late = await node()
  const source = await late.store.subscribeAll({ from: 'start' })
  const seen: (boolean | undefined)[] = []
  for (let caughtUp = false; !caughtUp; ) {
    const batch = await source.next(1_000)
    for (const { stream, metadata } of batch.facts) if (stream === `customer-${id}`) seen.push(metadata.erased)
    caughtUp = batch.caughtUp
  }
  await source.close()
  assert.equal(seen, [true])
})

test('a new master key takes over without touching what it protects; the wrong one opens nothing', async () => {
  const [a, id, next] = [await node(), freshId(), { id: 'b', key: randomBytes(32) }]
  await a.store.append(`customer-${id}`, [created(id)], 'no_stream')
  const rotated = await node([next, KEY])
  assert.equal(await profilesIn(rotated, id), [PROFILE])
  assert.equal(await profilesIn(await node([next]), id), [PROFILE])
  const wrong = await node([KEY]).catch((error: unknown) => error)
  assert.instance(wrong, MasterKeyError)
  assert.match((wrong as Error).message, 'MASTER_KEY_FILE')
})

test('a node without a master key says what it lacks instead of showing half a fact', async () => {
  const id = freshId()
  const rotated = await node([{ id: 'c', key: randomBytes(32) }, { id: 'b', key: randomBytes(32) }, KEY]).catch(
    () => undefined,
  )
  assert.is(rotated, undefined)
  const store = createEventStore({ url: engine.url, codec: createCodec(factRegistry) })
  stores.push(store)
  const codec = createCodec(factRegistry)
  assert.throws(
    () =>
      codec.decode({
        ...created(id),
        stream: `customer-${id}`,
        revision: 0n,
        position: 1n,
        created: NOW,
        metadata: { $correlationId: '', personal: { key: '0', text: 'AAAA' } },
      }),
    /no master key is given/,
  )
})

test.run()
