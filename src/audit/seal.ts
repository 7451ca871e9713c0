// Seals: a hash chain over the log, kept elsewhere, that proves later that nothing sealed was changed, removed or reordered.
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import type { RawRecord } from '../eventstore/codec.ts'
import type { EventStore } from '../eventstore/index.ts'
import { recordsAfter } from './patience.ts'

/** Events in one block of the chain. */
export const BLOCK = 10_000

export const Block = v.object({
  /** The place of its last event in the log, from 1, among all that are not the server's own. */
  upTo: v.number(),
  /** The position of its last event, as decimal text. */
  position: v.string(),
  hash: v.string(),
})
export type Block = v.InferOutput<typeof Block>

export const Seal = v.object({
  version: v.literal(1),
  algorithm: v.literal('sha256'),
  block: v.literal(BLOCK),
  /** The last block may be short: it ends at what was the head. */
  blocks: v.array(Block),
})
export type Seal = v.InferOutput<typeof Seal>

/** What is sealed of an event: everything that an auditor relies on, as one line of JSON. */
const sealed = ({ stream, revision, id, type, created, data, metadata }: RawRecord): string =>
  JSON.stringify([stream, String(revision), id, type, created, data, metadata])

/** Walks the log up to a position and gives each block when it is full, and what is left at the end. */
async function* blocksOf(store: EventStore, until: bigint, signal?: AbortSignal): AsyncGenerator<Block> {
  let previous = ''
  let count = 0
  let hash = createHash('sha256').update(previous)
  let position = 0n
  const closed = () => {
    previous = hash.digest('hex')
    hash = createHash('sha256').update(previous)
    return { upTo: count, position: String(position), hash: previous }
  }
  for await (const record of recordsAfter(store, undefined, signal)) {
    if (record.position > until) break
    hash.update(sealed(record)).update('\n')
    position = record.position
    count++
    if (count % BLOCK === 0) yield closed()
  }
  if (count % BLOCK !== 0) yield closed()
}

/** The blocks up to a position, else to the head, as lines of JSON; the last line is `{"end": {"blocks": …}}`. */
export async function* sealLines(
  store: EventStore,
  until?: bigint,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  let blocks = 0
  for await (const block of blocksOf(store, until ?? (await store.head()) ?? -1n, signal)) {
    blocks++
    yield JSON.stringify(block)
  }
  yield JSON.stringify({ end: { blocks } })
}

export const sealOf = (blocks: readonly Block[]): Seal => ({
  version: 1,
  algorithm: 'sha256',
  block: BLOCK,
  blocks: [...blocks],
})

export type SealCheck =
  | { readonly holds: true; readonly events: number }
  /** `block` counts from 0; its events are those after `from` up to and including `upTo`, by place in the log. */
  | {
      readonly holds: false
      readonly block: number
      readonly from: number
      readonly upTo: number
      readonly why: string
    }

/** Compares blocks, made anew up to the seal's last position, with a seal: the first block that differs is named. */
export const checkSeal = async (blocks: AsyncIterable<Block>, kept: Seal): Promise<SealCheck> => {
  const last = kept.blocks.at(-1)
  if (!last) return { holds: true, events: 0 }
  let index = 0
  const broken = (why: string): SealCheck => ({
    holds: false,
    block: index,
    from: kept.blocks[index - 1]?.upTo ?? 0,
    upTo: kept.blocks[index]?.upTo ?? last.upTo,
    why,
  })
  for await (const block of blocks) {
    const expected = kept.blocks[index]
    if (!expected) return broken('there are more events than were sealed')
    if (block.upTo !== expected.upTo)
      return broken(`${expected.upTo} events were sealed up to here, there are ${block.upTo}`)
    if (block.position !== expected.position) return broken('its last event stands elsewhere in the log')
    if (block.hash !== expected.hash) return broken('an event in it was changed, removed or reordered')
    index++
  }
  return index === kept.blocks.length ? { holds: true, events: last.upTo } : broken('its events are not in the log')
}
