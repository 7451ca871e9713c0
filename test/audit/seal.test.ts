// Seals: what is changed, removed, added or put elsewhere after sealing is noticed, and its block is named.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { BLOCK, Block, checkSeal, sealLines, sealOf } from '../../src/audit/seal.ts'
import type { RawRecord } from '../../src/eventstore/codec.ts'
import { type EventStore, StoreUnavailable } from '../../src/eventstore/index.ts'

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
