// Appends: the classic one (one call an append) and the batched one (one call for all appends of a client).
import { isAcceptable } from '../log/record.ts'
import type { NewEvent, Outcome, Writer } from '../log/writer.ts'
import {
  appendSizeExceeded,
  type BatchError,
  batchError,
  invalidArgument,
  missingMetadata,
  type RpcError,
  streamDeleted,
  unavailable,
  unknown,
} from '../wire/errors.ts'
import type { Call } from '../wire/grpc.ts'
import {
  type BatchChunk,
  type ProposedEvent,
  readAppendRequest,
  readBatchChunk,
  type StreamOptions,
} from '../wire/requests.ts'
import { appendSuccess, appendWrongVersion, batchFailure, batchSuccess } from '../wire/responses.ts'

/** The largest append, bytes of data (a real server of this version counts data alone). */
export const MAX_APPEND = 1024 * 1024
/** Longest time that the server takes over an append, whatever the client asks for, ms. */
export const WRITE_TIMEOUT_MS = 2_000

export interface AppendContext {
  readonly writer: Writer
  readonly now: () => number
}

type Checked =
  | { readonly ok: true; readonly events: readonly NewEvent[] }
  | { readonly ok: false; readonly why: 'too large' | 'bad event' | 'missing metadata' }

const check = (events: readonly ProposedEvent[]): Checked => {
  let size = 0
  const fit: NewEvent[] = []
  for (const event of events) {
    if (event.type === undefined || event.contentType === undefined) return { ok: false, why: 'missing metadata' }
    if (!isAcceptable(event)) return { ok: false, why: 'bad event' }
    size += event.data.length
    if (size > MAX_APPEND) return { ok: false, why: 'too large' }
    const { id, type, metadata, data } = event
    fit.push({ id, type, json: event.contentType === 'application/json', metadata, data })
  }
  return { ok: true, events: fit }
}

/** The name is none that an event can be written to. */
const isBadStream = (stream: string): boolean => stream === '' || stream === '$all'

const refusal = (why: 'too large' | 'bad event' | 'missing metadata'): RpcError =>
  why === 'too large'
    ? appendSizeExceeded(MAX_APPEND)
    : why === 'bad event'
      ? unknown('Exception was thrown by handler.')
      : missingMetadata()

export const serveAppend = (call: Call, { writer }: AppendContext): void => {
  let options: StreamOptions | undefined
  const events: ProposedEvent[] = []
  let size = 0
  call.onMessage((payload) => {
    try {
      const request = readAppendRequest(payload)
      if (request.kind === 'options') options = request.options
      else {
        size += request.event.data.length
        if (size > MAX_APPEND) return call.fail(appendSizeExceeded(MAX_APPEND))
        events.push(request.event)
      }
    } catch (error) {
      call.fail(invalidArgument(String(error)))
    }
  })
  call.onEnd(() => {
    if (call.isOver()) return
    if (options === undefined || isBadStream(options.stream))
      return call.fail(unknown('Exception was thrown by handler.'))
    const checked = check(events)
    if (!checked.ok) return call.fail(refusal(checked.why))
    const { stream, expected } = options
    writer.submit({ kind: 'append', stream, expected, events: checked.events }, (outcome) => {
      if (outcome.kind === 'deleted') return call.fail(streamDeleted(stream))
      if (outcome.kind === 'failed') return call.fail(unavailable(outcome.reason))
      call.send(
        outcome.kind === 'written'
          ? appendSuccess(outcome)
          : appendWrongVersion(expected, outcome.current === undefined ? undefined : BigInt(outcome.current)),
      )
      call.finish()
    })
  })
}

/** A batched append whose chunks are still coming, or whose outcome is. */
interface Open {
  readonly correlation: Buffer
  readonly options: StreamOptions
  readonly events: ProposedEvent[]
  timer: NodeJS.Timeout | undefined
  answered: boolean
}

const batchRefusal = (why: 'too large' | 'bad event' | 'missing metadata'): BatchError =>
  why === 'too large' ? batchError.appendSizeExceeded(MAX_APPEND) : batchError.badRequest(why)

const answerFrame = (open: Open, outcome: Outcome): Buffer => {
  const { stream, expected } = open.options
  switch (outcome.kind) {
    case 'written':
      return batchSuccess(open.correlation, stream, outcome)
    case 'wrong-version':
      return batchFailure(
        open.correlation,
        stream,
        batchError.wrongExpectedVersion(expected, outcome.current === undefined ? undefined : BigInt(outcome.current)),
      )
    case 'deleted':
      return batchFailure(open.correlation, stream, batchError.streamDeleted(Buffer.from(stream)))
    case 'failed':
      return batchFailure(open.correlation, stream, batchError.internal(outcome.reason))
    default:
      return outcome satisfies never
  }
}

export const serveBatchAppend = (call: Call, { writer, now }: AppendContext): void => {
  const opens = new Map<string, Open>()
  let waiting = 0
  let halfClosed = false
  let frames: Buffer[] = []

  // Answers of one commit leave in one write.
  const send = (frame: Buffer) => {
    frames.push(frame)
    if (frames.length === 1) {
      queueMicrotask(() => {
        const all = frames
        frames = []
        call.send(all.length === 1 ? all[0]! : Buffer.concat(all))
        closeIfDone()
      })
    }
  }
  const closeIfDone = () => {
    if (halfClosed && waiting === 0 && frames.length === 0) call.finish()
  }

  const refuse = (open: Open, error: BatchError) => send(batchFailure(open.correlation, open.options.stream, error))

  const submit = (id: string, open: Open) => {
    const checked = check(open.events)
    if (isBadStream(open.options.stream) || (!checked.ok && checked.why !== 'too large')) {
      // A real server answers at once, and when the time is up again. The second answer breaks this client; see README.
      refuse(open, batchError.badRequest('the request is not valid'))
      return
    }
    clearTimeout(open.timer)
    if (!checked.ok) {
      opens.delete(id)
      return refuse(open, batchRefusal(checked.why))
    }
    const { stream, expected } = open.options
    waiting++
    const timeLeft = setTimeout(() => {
      open.answered = true
      refuse(open, batchError.timeout())
    }, WRITE_TIMEOUT_MS)
    writer.submit({ kind: 'append', stream, expected, events: checked.events }, (outcome) => {
      clearTimeout(timeLeft)
      waiting--
      opens.delete(id)
      if (open.answered) closeIfDone()
      else send(answerFrame(open, outcome))
    })
  }

  const begin = (chunk: BatchChunk): Open | undefined => {
    if (chunk.options === undefined) return undefined
    const open: Open = {
      correlation: chunk.correlationBytes,
      options: chunk.options,
      events: [...chunk.events],
      timer: undefined,
      answered: false,
    }
    const timeoutMs = Math.min(chunk.options.timeoutMs ?? WRITE_TIMEOUT_MS, WRITE_TIMEOUT_MS)
    if (timeoutMs <= 0) {
      refuse(open, batchError.timeout())
      return undefined
    }
    opens.set(chunk.correlation, open)
    open.timer = setTimeout(() => {
      opens.delete(chunk.correlation)
      refuse(open, batchError.timeout())
    }, timeoutMs)
    return open
  }

  call.onMessage((payload) => {
    let chunk: BatchChunk
    try {
      chunk = readBatchChunk(payload, now())
    } catch (error) {
      return call.fail(invalidArgument(String(error)))
    }
    const known = opens.get(chunk.correlation)
    // Chunks of an append that is answered already, or of none that was begun, are of no interest.
    const open = known ?? begin(chunk)
    if (open === undefined) return
    if (known !== undefined) open.events.push(...chunk.events)
    if (chunk.isFinal) submit(chunk.correlation, open)
  })
  call.onEnd(() => {
    halfClosed = true
    closeIfDone()
  })
  call.onOver(() => {
    for (const open of opens.values()) clearTimeout(open.timer)
    opens.clear()
  })
}
