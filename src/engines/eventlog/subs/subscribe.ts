// Catch-up subscriptions: one pump that pulls from the log and, at its end, waits for more. There is no queue of live events.
import { randomUUID } from 'node:crypto'
import { revisionOf } from '../log/record.ts'
import { allStart, asRevision, PAGE_ROWS, type ReadContext } from '../services/read.ts'
import { invalidArgument, type RpcError, streamDeleted, unknown } from '../wire/errors.ts'
import type { Call } from '../wire/grpc.ts'
import type { AllPosition, ReadRequest } from '../wire/requests.ts'
import { caughtUp, checkpoint, confirmation } from '../wire/responses.ts'
import { createFilter } from './filter.ts'
import { createSender, type Sender } from './sender.ts'

export interface SubscribeContext extends ReadContext {
  readonly onWritten: (listener: () => void) => () => void
}

/** A subscriber that is further behind than this is no longer live; once at the end again it is told so again. */
const LIVE_BUFFER = 32

/** Waits for the log to grow; resolves at once when it has grown since the last wait, and when the call is over. */
const createWakeUp = (call: Call, onWritten: SubscribeContext['onWritten']) => {
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
  return {
    wait: async (): Promise<void> => {
      if (!grown && !call.isOver()) {
        await new Promise<void>((done) => {
          resolve = done
        })
      }
      grown = false
    },
  }
}

/** Sends what is there and says how many events were sent or skipped; an error ends the subscription. */
type Step = (sender: Sender) => { readonly considered: number; readonly atEnd: boolean; readonly error?: RpcError }

const pump = async (
  call: Call,
  request: ReadRequest,
  context: SubscribeContext,
  step: Step,
  atEnd: (s: Sender) => void,
) => {
  const wakeUp = createWakeUp(call, context.onWritten)
  const sender = createSender({ call, reader: context.reader, ...request })
  sender.addFrame(confirmation(randomUUID()))
  let live = false
  let behind = 0
  for (;;) {
    const taken = step(sender)
    behind += taken.considered
    if (taken.error !== undefined) {
      if (await sender.flush()) call.fail(taken.error)
      return
    }
    if (!taken.atEnd) {
      if (behind > LIVE_BUFFER) live = false
      if (!(await sender.flush())) return
      continue
    }
    if (!live) {
      atEnd(sender)
      sender.addFrame(caughtUp())
      live = true
    }
    behind = 0
    if (!(await sender.flush())) return
    await wakeUp.wait()
    if (call.isOver()) return
  }
}

const subscribeToAll = (
  call: Call,
  request: ReadRequest,
  from: AllPosition | 'start' | 'end',
  context: SubscribeContext,
) => {
  const { reader, head } = context
  const filter = request.filter && createFilter(request.filter)
  const start = allStart(from, false, context)
  if ('error' in start) {
    call.send(confirmation(randomUUID()))
    return call.fail(start.error)
  }
  let next = start.at
  // A position names the last event that the subscriber has: it begins after it.
  const after = from === 'start' || from === 'end' ? undefined : start.at
  let sinceCheckpoint = 0
  let considered: number | undefined
  let said: number | undefined
  const sayCheckpoint = (sender: Sender) => {
    sinceCheckpoint = 0
    if (considered === undefined || considered === said) return
    said = considered
    sender.addFrame(checkpoint(considered))
  }
  const step: Step = (sender) => {
    if (next > head()) return { considered: 0, atEnd: true }
    const page = reader.all(next, false, PAGE_ROWS)
    let count = 0
    for (const stored of page.events) {
      if (stored.position === after) continue
      count++
      considered = stored.position
      if (filter === undefined) sender.add(stored)
      else {
        if (filter.matches(stored.record)) sender.add(stored)
        if (++sinceCheckpoint >= filter.checkpointEvery) sayCheckpoint(sender)
      }
    }
    next = page.next ?? Math.max(next, head())
    return { considered: count, atEnd: page.next === undefined }
  }
  return pump(call, request, context, step, (sender) => {
    if (filter !== undefined) sayCheckpoint(sender)
  })
}

const subscribeToStream = (
  call: Call,
  request: ReadRequest,
  stream: string,
  from: bigint | 'start' | 'end',
  context: SubscribeContext,
) => {
  const { reader } = context
  if (stream === '') return call.fail(unknown('Unexpected ReadStreamResult: Error'))
  if (reader.status(stream) === 'deleted') return call.fail(streamDeleted(stream))
  let next = from === 'start' ? 0 : from === 'end' ? reader.lastRevision(stream) + 1 : asRevision(from) + 1
  const step: Step = (sender) => {
    const status = reader.status(stream)
    if (status === 'not-found') return { considered: 0, atEnd: true }
    const page = reader.stream(stream, next, false, PAGE_ROWS)
    for (const stored of page.events) {
      sender.add(stored)
      next = (revisionOf(stored.record) ?? next) + 1
    }
    if (page.next !== undefined) {
      next = page.next
      return { considered: page.events.length, atEnd: false }
    }
    if (status === 'deleted') {
      const tombstone = reader.tombstone(stream)
      if (tombstone !== undefined) sender.add(tombstone)
      return { considered: page.events.length, atEnd: true, error: streamDeleted(stream) }
    }
    return { considered: page.events.length, atEnd: true }
  }
  return pump(call, request, context, step, () => {})
}

export const serveSubscription = async (call: Call, request: ReadRequest, context: SubscribeContext): Promise<void> => {
  try {
    const { target } = request
    if (target.kind === 'all') await subscribeToAll(call, request, target.from, context)
    else await subscribeToStream(call, request, target.stream, target.from, context)
  } catch (error) {
    call.fail(error instanceof SyntaxError ? invalidArgument(error.message) : unknown(String(error)))
  }
}
