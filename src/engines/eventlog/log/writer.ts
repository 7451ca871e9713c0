// All writes: those that arrive in one turn of the event loop, or while a crowd is gathered (`pace.ts`), are decided one after
// the other and committed together.

import { randomUUID } from 'node:crypto'
import { errorText } from '../../errorText.ts'
import type { Expected } from '../wire/errors.ts'
import { isDamage } from './damage.ts'
import { decide, type KnownIds, type StreamSituation } from './decide.ts'
import type { IdCache } from './idCache.ts'
import {
  isMetastream,
  metastreamOf,
  parseMetadata,
  revivalMetadata,
  SOFT_DELETE_METADATA,
  streamOfMetastream,
} from './metadata.ts'
import { createPace } from './pace.ts'
import type { Reader } from './reader.ts'
import { encodeRecord, isHidden, recordSpan } from './record.ts'
import { FIRST_POSITION, newestData, type Store, storedId } from './store.ts'
import { TOMBSTONE_INDEX } from './streamIndex.ts'
import type { StreamState, Streams } from './streams.ts'

/** An event that is fit to be stored. */
export interface NewEvent {
  readonly id: string
  readonly type: string
  readonly json: boolean
  readonly metadata: Uint8Array
  readonly data: Uint8Array
}

export type Command =
  | {
      readonly kind: 'append'
      readonly stream: string
      readonly expected: Expected
      readonly events: readonly NewEvent[]
      /** What it holds in memory, about, bytes. */
      readonly bytes: number
    }
  | { readonly kind: 'delete' | 'tombstone'; readonly stream: string; readonly expected: Expected }

export type Outcome =
  /** `revision` is undefined when the stream has none; `position` when a repeat cannot be read any more. */
  | { readonly kind: 'written'; readonly revision: number | undefined; readonly position: number | undefined }
  | { readonly kind: 'wrong-version'; readonly current: number | undefined }
  | { readonly kind: 'deleted' }
  /** Not known in time; it may have been written. */
  | { readonly kind: 'timed-out' }
  /** Nothing was written: the disk is full, or the like. */
  | { readonly kind: 'failed'; readonly reason: string }

export interface Writer {
  /** Answers when the outcome is on disk. */
  submit(command: Command, answer: (outcome: Outcome) => void): void
  /** Position of the next record: everything before it can be read. */
  head(): number
  /** Called after each commit that wrote something. */
  onWritten(listener: () => void): () => void
  /** Resolves when all that was submitted is answered. */
  idle(): Promise<void>
}

interface Pending {
  readonly command: Command
  readonly answer: (outcome: Outcome) => void
}

/** No more appends are added to a commit that holds so much, bytes in memory. */
const COMMIT_BYTES = 16 * 1024 * 1024

export interface WriterOptions {
  readonly store: Store
  readonly streams: Streams
  readonly ids: IdCache
  readonly reader: Reader
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
}

export const createWriter = ({ store, streams, ids, reader, now }: WriterOptions): Writer => {
  let head = store.head()
  let lastTicks = 0n
  const queue: Pending[] = []
  let scheduled = false
  /** Set while a commit waits for others to come along. */
  let gathering: NodeJS.Timeout | undefined
  const pace = createPace()
  const listeners = new Set<() => void>()
  let idleWaiters: (() => void)[] = []

  /** 100-ns ticks since the Unix epoch; never goes back, so that the order of `created` is the order of the log. */
  const ticks = (): bigint => {
    const wanted = BigInt(Math.floor(now())) * 10_000n
    lastTicks = wanted > lastTicks ? wanted : lastTicks + 1n
    return lastTicks
  }

  const put = (stream: StreamState, name: Buffer, revision: number | null, event: NewEvent): number => {
    const position = head
    // Views are made once: an event may give new ones each time it is asked.
    const { id, type, json, data, metadata } = event
    const span = recordSpan(name.length, type.length, data.length, metadata.length)
    const record = encodeRecord(
      { id, type, json, data, metadata, position, span, revision, stream: name, ticks: ticks() },
      isHidden(stream.name, event.type),
    )
    store.putRecord(position, record)
    store.putIndex(stream.no, revision ?? TOMBSTONE_INDEX, position)
    head += span
    return position
  }

  const append = (stream: StreamState, events: readonly NewEvent[]): number => {
    let position = head
    const name = Buffer.from(stream.name)
    for (const event of events) {
      stream.last++
      position = put(stream, name, stream.last, event)
      ids.put(event.id, { streamNo: stream.no, revision: stream.last }, stream.name.length)
    }
    const newest = events.at(-1)
    if (newest !== undefined && isMetastream(stream.name)) {
      streams.metadataChanged(stream.name, parseMetadata(Buffer.from(newest.data)))
    }
    return position
  }

  /** A write without events takes a position, too. */
  const moveOn = (stream: string): number => {
    const position = head
    head += recordSpan(Buffer.byteLength(stream), 0, 0, 0)
    store.putHead(head)
    return position
  }

  const setMetadata = (stream: string, data: Buffer): number =>
    append(streams.findOrCreate(metastreamOf(stream)), [
      { id: randomUUID(), type: '$metadata', json: true, metadata: Buffer.alloc(0), data },
    ])

  const situationOf = (name: string): StreamSituation => {
    const stream = streams.find(name)
    return {
      no: stream?.no,
      last: stream?.last ?? -1,
      tombstoned: streams.isTombstoned(name),
      softDeleted: streams.metadata(name).softDeleted,
      hasMetadata: streams.hasMetadata(name),
    }
  }

  const run = (command: Command): Outcome => {
    const situation = situationOf(command.stream)
    const known: KnownIds = {
      recent: ids.get,
      stored: (revision) => (situation.no === undefined ? undefined : storedId(store, situation.no, revision)),
    }
    const newIds = command.kind === 'append' ? command.events.map(({ id }) => id) : [randomUUID()]
    const decision = decide(situation, command.expected, newIds, known)
    const current = situation.last < 0 ? undefined : situation.last
    switch (decision.kind) {
      case 'deleted':
        return { kind: 'deleted' }
      case 'wrong-version':
        return { kind: 'wrong-version', current }
      case 'repeated':
        return {
          kind: 'written',
          revision: decision.revision,
          position: reader.readablePosition(command.stream, decision.revision),
        }
      case 'write':
        return write(command, situation, current)
      default:
        return decision satisfies never
    }
  }

  /** A command that meets a damaged record before it writes anything fails alone. */
  const runOrRefuse = (command: Command): Outcome => {
    const before = head
    try {
      return run(command)
    } catch (error) {
      if (!isDamage(error) || head !== before) throw error
      return { kind: 'failed', reason: error.message }
    }
  }

  const write = (command: Command, situation: StreamSituation, current: number | undefined): Outcome => {
    switch (command.kind) {
      case 'append': {
        const revived = isMetastream(command.stream) ? streamOfMetastream(command.stream) : undefined
        const revives = revived !== undefined && streams.metadata(revived).softDeleted
        // Without events a stream that is not known stays unknown.
        const position =
          command.events.length === 0
            ? moveOn(command.stream)
            : append(streams.findOrCreate(command.stream), command.events)
        const last = situation.last + command.events.length
        if (situation.softDeleted) revive(command.stream, situation.last + 1)
        // Metadata that is written by hand to a deleted stream brings it back, too.
        if (revives) revive(revived, (streams.find(revived)?.last ?? -1) + 1)
        return { kind: 'written', revision: last < 0 ? undefined : last, position }
      }
      case 'delete': {
        if (current === undefined && !situation.hasMetadata) return { kind: 'wrong-version', current }
        const position = setMetadata(command.stream, Buffer.from(SOFT_DELETE_METADATA))
        return { kind: 'written', revision: current, position }
      }
      case 'tombstone': {
        const stream = streams.findOrCreate(command.stream)
        const position = put(stream, Buffer.from(stream.name), null, {
          id: randomUUID(),
          type: '$streamDeleted',
          json: false,
          metadata: Buffer.alloc(0),
          data: Buffer.alloc(0),
        })
        stream.tombstoned = true
        store.putStream(stream.name, { no: stream.no, tombstoned: true })
        return { kind: 'written', revision: current, position }
      }
      default:
        return command satisfies never
    }
  }

  const revive = (name: string, truncateBefore: number) => {
    const metastream = streams.find(metastreamOf(name))
    const newest = metastream && newestData(store, metastream.no, metastream.last)
    const revived = newest && revivalMetadata(newest, truncateBefore)
    if (revived !== undefined) setMetadata(name, revived)
  }

  /** What is committed together is bounded, so that neither memory nor the time until others have their turn grows with a burst. */
  const nextBatch = (): readonly Pending[] => {
    let bytes = 0
    let count = 0
    while (count < queue.length && bytes < COMMIT_BYTES) {
      const { command } = queue[count++]!
      bytes += command.kind === 'append' ? command.bytes : 0
    }
    return queue.splice(0, count)
  }

  const schedule = () => {
    const ms = pace.restMs(performance.now(), queue.length)
    if (ms > 0) {
      gathering ??= setTimeout(begin, ms)
      return
    }
    clearTimeout(gathering)
    gathering = undefined
    if (scheduled) return
    scheduled = true
    setImmediate(commit)
  }
  const begin = () => {
    gathering = undefined
    if (scheduled) return
    scheduled = true
    commit()
  }

  const commit = () => {
    const began = performance.now()
    const batch = nextBatch()
    scheduled = queue.length > 0
    if (scheduled) setImmediate(commit)
    const before = head
    const outcomes: Outcome[] = []
    try {
      store.commit(() => {
        for (const { command } of batch) outcomes.push(runOrRefuse(command))
      })
    } catch (error) {
      // Memory ran ahead of the disk: what this batch put there is taken back, the rest is read again when needed.
      head = before
      ids.takeBack()
      streams.clear()
      const reason = `the event log could not be written: ${errorText(error)}`
      outcomes.splice(0, outcomes.length, ...batch.map((): Outcome => ({ kind: 'failed', reason })))
    }
    pace.committed(began, performance.now(), batch.length)
    ids.keep()
    streams.trim()
    for (const [i, { answer }] of batch.entries()) answer(outcomes[i]!)
    if (head !== before) for (const listener of listeners) listener()
    if (queue.length === 0) for (const resolve of idleWaiters.splice(0)) resolve()
  }

  // A real log begins with the server's own records: a reader of $all has to cope with them from the first day.
  if (head === FIRST_POSITION) {
    store.commit(() => {
      setMetadata('$scavenges', Buffer.from('{"$maxAge":2592000}'))
    })
    ids.keep()
  }

  return {
    submit: (command, answer) => {
      queue.push({ command, answer })
      if (!scheduled) schedule()
    },
    head: () => head,
    onWritten: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    idle: () =>
      queue.length === 0 && !scheduled && gathering === undefined
        ? Promise.resolve()
        : new Promise((resolve) => {
            idleWaiters = [...idleWaiters, resolve]
          }),
  }
}
