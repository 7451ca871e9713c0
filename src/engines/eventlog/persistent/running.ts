// One group at work: reads ahead, hands out, writes down. What is to be done it hears from the pure state of the group.
import { randomUUID } from 'node:crypto'
import type { Page } from '../log/reader.ts'
import { dataOf, idOf, messageOf, metadataOf, revisionOf, streamOf, typeOf } from '../log/record.ts'
import type { Stored } from '../log/store.ts'
import type { Outcome } from '../log/writer.ts'
import type { ServiceContext } from '../services/context.ts'
import { createFilter } from '../services/filter.ts'
import { readFailure } from '../services/read.ts'
import { persistentDropped, tooManySubscribers } from '../wire/errors.ts'
import type { Call } from '../wire/grpc.ts'
import { withStructuredId } from '../wire/structuredId.ts'
import { createGroup, type Effect, type Message } from './group.ts'
import { type Entry, type Kept, parkedStream } from './kept.ts'
import { ALL, type ConsumerMessage } from './requests.ts'
import { delivered, type GroupInfo, joined } from './responses.ts'
import { rulesOf } from './settings.ts'

export interface Running {
  readonly entry: Entry
  /** Takes a consumer in, or ends its call with the reason. */
  join(
    call: Call,
    asked: Extract<ConsumerMessage, { readonly kind: 'connect' }>,
  ): ((answer: ConsumerMessage) => void) | undefined
  /** Parked messages before the revision `stopAt` of their stream, or all, are sent again. */
  replay(stopAt: number | undefined): void
  /** Does what is due: the log has grown, or time has passed. */
  work(): void
  info(): GroupInfo
  /** All consumers are told that the group is gone. */
  drop(): void
  /** The server stops: nothing more is done. */
  halt(): void
}

interface Consumer {
  readonly call: Call
  readonly structuredIds: boolean
}

const NOTHING = Buffer.alloc(0)
/** Rows that are read at a time. */
const PAGE = 256
/** A consumer has at most so many messages at a time: each is a place in memory. */
const MOST_SLOTS = 100_000
/** A write of the group's own that failed is tried again after so long, ms. */
const AGAIN_MS = 1_000

const connectionName = (call: Call): string => String(call.headers['connection-name'] ?? '')
const username = (call: Call): string => {
  const basic = /^Basic (.+)$/i.exec(String(call.headers.authorization ?? ''))?.[1]
  return basic === undefined ? 'anonymous' : Buffer.from(basic, 'base64').toString('utf8').split(':')[0]!
}

/** The text of `$correlationId` in an event's metadata, or nothing. */
const correlationOf = (record: Buffer): string => {
  try {
    const parsed: unknown = JSON.parse(metadataOf(record).toString('utf8'))
    return typeof parsed === 'object' && parsed !== null && '$correlationId' in parsed
      ? String(parsed.$correlationId)
      : ''
  } catch {
    return ''
  }
}

export const startGroup = (entry: Entry, kept: Kept, context: ServiceContext): Running => {
  const { reader, head } = context
  const isAll = entry.stream === ALL
  const rules = rulesOf(entry.settings)
  const filter = entry.filter && createFilter({ ...entry.filter, window: entry.filter.window })
  const checkpoint = kept.checkpoint(entry)
  const group = createGroup(rules, checkpoint)
  const consumers = new Map<string, Consumer>()
  const startedAt = context.now()
  let checkpointed = checkpoint
  /** The next revision or, in `$all`, position to read. */
  let next = checkpoint === undefined ? entry.began : checkpoint + 1
  let isLive = false
  let replaying: { next: number; readonly stopAt: number } | undefined
  let dropped = false

  const pinOf = (record: Buffer): string => {
    if (rules.strategy === 'PinnedByCorrelation') return correlationOf(record)
    if (typeOf(record) !== '$>') return streamOf(record)
    return /^\d+@(.+)$/s.exec(dataOf(record).toString('utf8'))?.[1] ?? streamOf(record)
  }
  const messageOfRow = ({ position, record }: Stored, place: number | undefined): Message => ({
    id: idOf(record),
    place,
    position,
    pin: pinOf(record),
    retries: 0,
  })

  const readStream = (limit: number): Page =>
    reader.status(entry.stream) === 'readable'
      ? reader.stream(entry.stream, next, limit)
      : { events: [], next: undefined }
  /** False when there is no more to read now. */
  const readOn = (limit: number): boolean => {
    if (isAll && next > head()) return false
    const page = isAll ? reader.all(next, limit) : readStream(limit)
    const wanted = filter === undefined ? page.events : page.events.filter(({ record }) => filter.matches(record))
    const placeOf = ({ position, record }: Stored) => (isAll ? position : (revisionOf(record) ?? 0))
    group.offer(wanted.map((stored) => messageOfRow(stored, placeOf(stored))))
    const last = page.events.at(-1)
    if (last !== undefined) {
      if (isAll) group.skipTo(last.position)
      next = placeOf(last) + 1
    }
    next = Math.max(next, page.next ?? (isAll ? head() : next))
    return page.next !== undefined
  }
  const readAhead = () => {
    isLive = false
    for (let room = group.room(); room > 0; room = group.room()) {
      if (readOn(Math.min(PAGE, room))) continue
      isLive = true
      return
    }
  }
  const readParked = () => {
    if (replaying === undefined || group.status().retrying > rules.bufferSize) return
    const stream = parkedStream(entry)
    const { events } = reader.stream(stream, replaying.next, PAGE)
    const due = events.filter(({ record }) => (revisionOf(record) ?? 0) < replaying!.stopAt)
    group.replay(due.map((stored) => messageOfRow(stored, undefined)))
    const last = due.at(-1)
    if (last !== undefined) replaying.next = (revisionOf(last.record) ?? 0) + 1
    if (last !== undefined && due.length === events.length && replaying.next < replaying.stopAt) return
    void kept.forgetParked(entry, replaying.stopAt)
    replaying = undefined
  }

  const send = (key: string, { position, place, retries }: Message) => {
    const consumer = consumers.get(key)
    const record = reader.record(position)
    if (consumer === undefined || record === undefined) return
    const encoded = (one: Buffer) => (consumer.structuredIds ? withStructuredId(messageOf(one)) : messageOf(one))
    // What was parked is found through its link, whatever the group does with others.
    const target = entry.settings.resolveLinks || place === undefined ? reader.resolve(record) : undefined
    const frame =
      target === undefined
        ? delivered(encoded(record), NOTHING, position, retries)
        : delivered(target === null ? NOTHING : encoded(target), encoded(record), position, retries)
    if (consumer.call.send(frame)) return
    group.hold(key)
    void consumer.call.drained().then(() => {
      group.letGo(key)
      work()
    })
  }
  const parkRecord = async (position: number, reason: string): Promise<Outcome> => {
    try {
      const record = reader.record(position)
      if (record === undefined) return { kind: 'failed', reason: 'there is no such record' }
      return await kept.park(entry, record, reason)
    } catch (error) {
      return { kind: 'failed', reason: String(error) }
    }
  }
  const park = async (message: Message, reason: string): Promise<void> => {
    const outcome = await parkRecord(message.position, reason)
    if (dropped) return
    if (outcome.kind !== 'written') {
      setTimeout(() => void park(message, reason), AGAIN_MS).unref()
      return
    }
    group.parked(message)
    work()
  }
  const saveCheckpoint = async (place: number) => {
    const outcome = await kept.saveCheckpoint(entry, place)
    // One that was not written is followed by the next.
    if (outcome.kind === 'written') checkpointed = place
  }
  const perform = (effect: Effect) => {
    switch (effect.kind) {
      case 'send':
        return send(effect.consumer, effect.message)
      case 'park':
        return void park(effect.message, effect.reason)
      case 'checkpoint':
        return void saveCheckpoint(effect.place)
      default:
        return effect satisfies never
    }
  }
  /** Whoever waits is told of what cannot be read, and may come again; the group goes on where it is. */
  const work = () => {
    if (dropped) return
    try {
      goOn()
    } catch (error) {
      for (const { call } of [...consumers.values()]) call.fail(readFailure(error))
    }
  }
  const goOn = () => {
    // Nobody asks: nothing is read ahead, but what is due is still written down.
    if (consumers.size > 0) {
      readParked()
      readAhead()
    }
    let sent = 0
    for (const effect of group.next(context.now())) {
      perform(effect)
      if (effect.kind === 'send') sent++
    }
    // There may be more: what is handed out in one step is bounded.
    if (sent > 0) setImmediate(work)
  }

  const place = (at: number | undefined): string => (at === undefined ? '' : isAll ? `C:${at}/P:${at}` : String(at))

  return {
    entry,
    work,
    join: (call, { bufferSize, structuredIds }) => {
      const key = randomUUID()
      if (!group.connect(key, Math.min(Math.max(1, bufferSize), MOST_SLOTS))) {
        call.fail(tooManySubscribers(entry.stream, entry.group))
        return undefined
      }
      consumers.set(key, { call, structuredIds })
      call.onOver(() => {
        consumers.delete(key)
        group.disconnect(key)
        work()
      })
      call.send(joined(entry))
      setImmediate(work)
      return (answer) => {
        if (answer.kind === 'ack') group.ack(key, answer.ids, context.now())
        else if (answer.kind === 'nack') group.nack(key, answer.ids, answer.action, answer.reason, context.now())
        work()
      }
    },
    replay: (stopAt) => {
      const range = kept.parkedRange(entry)
      if (range === undefined) return
      const end = Math.min(stopAt ?? Number.POSITIVE_INFINITY, range.last + 1)
      if (end > range.first) replaying = { next: range.first, stopAt: end }
      work()
    },
    info: () => {
      const status = group.status()
      const range = kept.parkedRange(entry)
      return {
        stream: entry.stream,
        group: entry.group,
        settings: entry.settings,
        startFrom: entry.startFrom,
        isLive: isLive || status.lastKnown === undefined,
        status,
        consumers: status.consumers.flatMap((one) => {
          const call = consumers.get(one.key)?.call
          return call === undefined
            ? []
            : [{ ...one, from: call.peer, username: username(call), connectionName: connectionName(call) }]
        }),
        lastKnown: place(status.lastKnown),
        lastCheckpointed: place(checkpointed),
        parked: range === undefined ? 0 : range.last - range.first + 1,
        runningS: (context.now() - startedAt) / 1_000,
      }
    },
    halt: () => {
      dropped = true
    },
    drop: () => {
      dropped = true
      for (const { call } of [...consumers.values()]) call.fail(persistentDropped(entry.stream, entry.group))
    },
  }
}
