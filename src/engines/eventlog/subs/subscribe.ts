// Catch-up subscriptions: one pump that pulls from the log and, at its end, waits for more. There is no queue of live events.
import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Page } from '../log/reader.ts'
import { revisionOf } from '../log/record.ts'
import type { ServiceContext } from '../services/context.ts'
import { createFilter } from '../services/filter.ts'
import { allStart, asRevision, PAGE_ROWS, readFailure } from '../services/read.ts'
import { createSender, type Sender } from '../services/sender.ts'
import { consumerTooSlow, type RpcError, streamDeleted, unavailable, unknown } from '../wire/errors.ts'
import type { Call } from '../wire/grpc.ts'
import type { ReadRequest } from '../wire/reads.ts'
import { caughtUp, checkpoint, confirmation } from '../wire/responses.ts'
import { createCheckpoints } from './checkpoints.ts'

/** A subscriber that is further behind than this is no longer live; once at the end again it is told so again. */
const LIVE_BUFFER = 32

/** Waits for the log to grow; resolves at once when it has grown since the last wait, and when the call is over. */
const createWakeUp = (call: Call, onWritten: ServiceContext['onWritten']) => {
  let grown = false
  let resolve: (() => void) | undefined
  const wake = () => {
    grown = true
    resolve?.()
    resolve = undefined
  }
  const stop = onWritten(wake)
  call.onOver(() => {
    stop()
    wake()
  })
  return async (): Promise<void> => {
    if (!grown && !call.isOver()) {
      await new Promise<void>((done) => {
        resolve = done
      })
    }
    grown = false
  }
}

/** What a subscription is to: it is asked for more until it is at the end, again and again. */
interface Source {
  /**
   * Adds what is there to the sender and says how many events that were. `live`: the subscriber has had everything up to the
   * last time at the end.
   */
  take(sender: Sender, live: boolean): { readonly taken: number; readonly atEnd: boolean; readonly error?: RpcError }
  /** The end is reached for the first time, or again after the subscriber was behind. */
  reachedEnd(): void
}

const pump = async (call: Call, request: ReadRequest, context: ServiceContext, source: Source): Promise<void> => {
  const moreWritten = createWakeUp(call, context.onWritten)
  const sender = createSender({ call, reader: context.reader, ...request })
  sender.addFrame(confirmation(randomUUID()))
  let live = false
  let sinceEnd = 0
  for (;;) {
    const { taken, atEnd, error } = source.take(sender, live)
    sinceEnd += taken
    if (sinceEnd > LIVE_BUFFER) live = false
    if (atEnd && error === undefined) {
      if (!live) {
        source.reachedEnd()
        sender.addFrame(caughtUp())
      }
      live = true
      sinceEnd = 0
    }
    if (!(await sender.flush())) return
    const dropped = taken > 0 ? context.faults?.ofSubscription() : undefined
    if (error !== undefined) return call.fail(error)
    if (dropped === 'subscription-unavailable') return call.fail(unavailable('The subscription was dropped.'))
    if (dropped === 'subscription-too-slow') return call.fail(consumerTooSlow())
    if (atEnd) await moreWritten()
    // A filter that nothing matches finds the reader always ready: others have their turn between two pages.
    else await nextTurn()
    if (call.isOver()) return
  }
}

type Target<K extends ReadRequest['target']['kind']> = Extract<ReadRequest['target'], { readonly kind: K }>

const allSource = (request: ReadRequest, start: number, skip: number | undefined, context: ServiceContext): Source => {
  const { reader, head } = context
  const filter = request.filter && createFilter(request.filter)
  const checkpoints = filter && createCheckpoints(filter.window, request.filter!.checkpointMultiplier)
  let next = start
  return {
    take: (sender, live) => {
      if (next > head()) return { taken: 0, atEnd: true }
      const page = reader.all(next, PAGE_ROWS)
      let taken = 0
      for (const stored of page.events) {
        const { position } = stored
        const isSent = position !== skip && (filter === undefined || filter.matches(stored.record))
        if (isSent) {
          sender.add(stored)
          taken++
        }
        // A real server searches from the event on that the subscriber has, and counts it.
        const due = live ? checkpoints?.seenLive(position) : checkpoints?.searched(position, isSent)
        if (due !== undefined) sender.addFrame(checkpoint(due))
      }
      next = page.next ?? Math.max(next, head())
      return { taken, atEnd: page.next === undefined }
    },
    reachedEnd: () => checkpoints?.reachedEnd(),
  }
}

const subscribeToAll = (call: Call, request: ReadRequest, { from }: Target<'all'>, context: ServiceContext) => {
  const start = allStart(from, context)
  if ('error' in start) {
    call.send(confirmation(randomUUID()))
    return call.fail(start.error)
  }
  // A position names the last event that the subscriber has: it begins after it.
  const skip = from === 'start' || from === 'end' ? undefined : start.at
  return pump(call, request, context, allSource(request, start.at, skip, context))
}

const subscribeToStream = (call: Call, request: ReadRequest, target: Target<'stream'>, context: ServiceContext) => {
  const { reader } = context
  const { stream, from } = target
  if (stream === '') return call.fail(unknown('Unexpected ReadStreamResult: Error'))
  if (reader.status(stream) === 'deleted') return call.fail(streamDeleted(stream))
  let next = from === 'start' ? 0 : from === 'end' ? reader.lastRevision(stream) + 1 : asRevision(from) + 1
  const nothing: Page = { events: [], next: undefined }
  return pump(call, request, context, {
    take: (sender, live) => {
      const status = reader.status(stream)
      // What is written while a subscriber is live reaches it, even when metadata hides it from readers at once.
      const page = live
        ? reader.live(stream, next, PAGE_ROWS)
        : status === 'not-found'
          ? nothing
          : reader.stream(stream, next, PAGE_ROWS)
      for (const stored of page.events) {
        sender.add(stored)
        next = (revisionOf(stored.record) ?? next) + 1
      }
      const taken = page.events.length
      if (page.next !== undefined) {
        next = page.next
        return { taken, atEnd: false }
      }
      // What is hidden by now, by a deletion or otherwise, stays hidden from a subscriber that is live from here on.
      next = Math.max(next, reader.lastRevision(stream) + 1)
      if (status !== 'deleted') return { taken, atEnd: true }
      const tombstone = reader.tombstone(stream)
      if (tombstone !== undefined) sender.add(tombstone)
      return { taken, atEnd: true, error: streamDeleted(stream) }
    },
    reachedEnd: () => {},
  })
}

export const serveSubscription = async (call: Call, request: ReadRequest, context: ServiceContext): Promise<void> => {
  try {
    const { target } = request
    if (target.kind === 'all') await subscribeToAll(call, request, target, context)
    else await subscribeToStream(call, request, target, context)
  } catch (error) {
    call.fail(readFailure(error))
  }
}
