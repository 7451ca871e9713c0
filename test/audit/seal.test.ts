// Seals: what is changed, removed, added or put elsewhere after sealing is noticed, and its block is named.
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { BLOCK, Block, checkSeal, sealLines, sealOf } from '../../src/audit/seal.ts'
import { factRegistry } from '../../src/domain/registry.ts'
import { startEngines } from '../../src/engines/start.ts'
import { createCodec, type RawRecord } from '../../src/eventstore/codec.ts'
import { createEventStore, type EventStore, StoreUnavailable } from '../../src/eventstore/index.ts'

const records = Array.from(
  { length: 2 * BLOCK + 500 },
  (_, i): RawRecord => ({
    stream: `customer-${i % 7}`,
    revision: BigInt(Math.floor(i / 7)),
    position: BigInt(i * 100),
    id: `id-${i}`,
    type: 'CustomEventTracked',
    created: i,
    data: { amount: i },
    metadata: { $correlationId: `r${i}` },
  }),
)

const blocksOf = async function* (log: readonly RawRecord[], until?: bigint) {
  const store = {
    async *readRecords() {
      yield* log
    },
    head: async () => log.at(-1)?.position,
  }
  for await (const line of sealLines(store as unknown as EventStore, until)) {
    const block = v.safeParse(Block, JSON.parse(line))
    if (block.success) yield block.output
  }
}

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

const test = suite('seal')

test('holds for what was sealed, also when more came since', async () => {
  const sealed = sealOf(await collect(blocksOf(records.slice(0, BLOCK + 3))))
  assert.equal(
    sealed.blocks.map(({ upTo }) => upTo),
    [BLOCK, BLOCK + 3],
  )
  const until = BigInt(sealed.blocks.at(-1)!.position)
  assert.equal(await checkSeal(blocksOf(records, until), sealed), { holds: true, events: BLOCK + 3 })
})

test('breaks, and names the block, for one byte, a removed event, and two that changed places', async () => {
  const sealed = sealOf(await collect(blocksOf(records)))
  const at = BLOCK + 345
  const changed = records.map((r, i) => (i === at ? { ...r, data: { amount: at + 1 } } : r))
  const removed = records.filter((_, i) => i !== at)
  const swapped = records.map((r, i) =>
    i === at
      ? { ...records[at + 1]!, position: r.position }
      : i === at + 1
        ? { ...records[at]!, position: r.position }
        : r,
  )
  for (const log of [changed, removed, swapped]) {
    const check = await checkSeal(blocksOf(log, records.at(-1)!.position), sealed)
    assert.is(check.holds, false)
    assert.equal('block' in check && [check.block, check.from, check.upTo], [1, BLOCK, 2 * BLOCK])
  }
})

test('on the embedded log: one byte changed in its file, with nothing running, is named where the seal is checked', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-seal-'))
  /** Opens the log, with no server before it. */
  const withLog = async <T>(work: (store: EventStore) => Promise<T>): Promise<T> => {
    const engines = await startEngines({ dir }, { eventStoreUrl: undefined, mongodbUrl: 'none' })
    const store = createEventStore({ url: engines.eventStoreUrl, codec: createCodec(factRegistry) })
    try {
      return await work(store)
    } finally {
      await store.close()
      await engines.stop()
    }
  }
  const blocks = async (store: EventStore, until?: bigint): Promise<Block[]> => {
    const found: Block[] = []
    for await (const line of sealLines(store, until)) {
      const block = v.safeParse(Block, JSON.parse(line))
      if (block.success) found.push(block.output)
    }
    return found
  }
  const asStream = async function* (all: readonly Block[]) {
    yield* all
  }
  const told = BLOCK + 42
  try {
    const sealed = await withLog(async (store) => {
      for (let first = 0; first < BLOCK + 500; first += 1_500)
        await store.appendRecords(
          `customer-${first}`,
          Array.from({ length: 1_500 }, (_, i) => ({
            id: randomUUID(),
            type: 'CustomEventTracked',
            data: { note: `event number ${first + i}.` },
            metadata: { $correlationId: 'r' } as never,
          })),
          'no_stream',
        )
      const made = sealOf(await blocks(store))
      assert.is((await checkSeal(asStream(await blocks(store)), made)).holds, true)
      return made
    })
    assert.is(sealed.blocks.length, 2)

    const file = join(dir, 'events', 'data.mdb')
    const bytes = await readFile(file)
    const wanted = Buffer.from(`event number ${told}.`)
    let changed = 0
    // Pages that were left behind may hold the event, too.
    for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1), changed++) bytes[at] = 0x45
    assert.ok(changed > 0)
    await writeFile(file, bytes)
    const until = BigInt(sealed.blocks.at(-1)!.position)
    const said = await withLog((store) => blocks(store, until)).then(
      () => 'nothing',
      (error: Error) => error.message,
    )
    assert.match(
      said,
      new RegExp(`revision ${told % 1_500} of stream customer-${told - (told % 1_500)}\\).* is damaged`),
    )
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})

test('a read that breaks off goes on after the last event: the seal is the same', async () => {
  const whole = await collect(blocksOf(records))
  let reads = 0
  const store = {
    async *readRecords({ from }: { readonly from: bigint | 'start' }) {
      reads++
      let given = 0
      for (const record of records) {
        if (from !== 'start' && record.position < from) continue
        if (reads < 3 && ++given > BLOCK / 2) throw new StoreUnavailable('the read broke off')
        yield record
      }
    },
    head: async () => records.at(-1)?.position,
  }
  const lines = await collect(sealLines(store as unknown as EventStore))
  assert.is(reads, 3)
  assert.equal(
    lines.slice(0, -1).map((line) => JSON.parse(line)),
    whole,
  )
})

test.run()
