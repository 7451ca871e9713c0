// The batched append: one call for all appends of a client, told apart by their correlation ids.
import type { Outcome } from '../log/writer.ts'
import { type BatchError, batchError, invalidArgument, notLeader } from '../wire/errors.ts'
import type { Call } from '../wire/grpc.ts'
import { type BatchChunk, readBatchChunk, type StreamOptions } from '../wire/requests.ts'
import { batchFailure, batchSuccess } from '../wire/responses.ts'
import { TOO_MUCH } from './append.ts'
import { type ServiceContext, WRITE_TIMEOUT_MS } from './context.ts'
import { createProposal, isBadStream, MAX_APPEND, type Proposal } from './propose.ts'

/** An append whose chunks are still coming. */
interface Open {
  readonly correlation: Buffer
  readonly options: StreamOptions
  readonly proposal: Proposal
  /** What it has taken of what may be in flight. */
  bytes: number
  readonly timer: NodeJS.Timeout
}

/** Bytes of appends without an outcome above which a client is not listened to until there are fewer. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024

const frameOf = (correlation: Buffer, { stream, expected }: StreamOptions, outcome: Outcome): Buffer => {
  const failure = (error: BatchError) => batchFailure(correlation, stream, error)
  switch (outcome.kind) {
    case 'written':
      return batchSuccess(correlation, stream, outcome)
    case 'wrong-version':
      return failure(
        batchError.wrongExpectedVersion(expected, outcome.current === undefined ? undefined : BigInt(outcome.current)),
      )
    case 'deleted':
      return failure(batchError.streamDeleted(stream))
    case 'timed-out':
      return failure(batchError.timeout())
    case 'failed':
      return failure(batchError.internal(outcome.reason))
    default:
      return outcome satisfies never
  }
}

export const serveBatchAppend = (call: Call, { submit, faults, identity, now, inFlight }: ServiceContext): void => {
  const opens = new Map<string, Open>()
  let waiting = 0
  let waitingBytes = 0
  let halfClosed = false
  let frames: Buffer[] = []

  /** A client with too much under way, or that does not take its answers, is not listened to for a while. */
  let takesAnswers = true
  const listenOrNot = () => {
    const isTight = inFlight.isTight()
    if (takesAnswers && waitingBytes <= MAX_WAITING_BYTES && !isTight) call.resume()
    else call.pause()
    if (isTight && !call.isOver()) inFlight.whenEased(listenOrNot)
  }
  const closeIfDone = () => {
    if (halfClosed && waiting === 0 && frames.length === 0) call.finish()
  }
  // Answers of one commit leave in one write.
  const send = (frame: Buffer) => {
    if (frames.push(frame) > 1) return
    queueMicrotask(() => {
      const all = frames
      frames = []
      if (!call.send(all.length === 1 ? all[0]! : Buffer.concat(all)) && takesAnswers) {
        takesAnswers = false
        listenOrNot()
        void call.drained().then(() => {
          takesAnswers = true
          listenOrNot()
        })
      }
      closeIfDone()
    })
  }

  const write = ({ correlation, options, proposal, bytes }: Omit<Open, 'timer'>) => {
    const refuse = (error: BatchError) => {
      inFlight.give(bytes)
      send(batchFailure(correlation, options.stream, error))
    }
    if (isBadStream(options.stream)) return refuse(batchError.badRequest('the stream has no valid name'))
    if (faults?.refuses()) return refuse(batchError.notReady())
    const fault = faults?.ofAppend()
    if (fault?.kind === 'not-leader') {
      inFlight.give(bytes)
      return call.fail(notLeader(identity().host, identity().port))
    }
    if (fault?.kind === 'not-ready') return refuse(batchError.notReady())
    waiting++
    waitingBytes += bytes
    if (waitingBytes > MAX_WAITING_BYTES || inFlight.isTight()) listenOrNot()
    submit({ kind: 'append', ...options, events: proposal.events(), bytes }, fault?.delayMs ?? 0, (outcome) => {
      waiting--
      const tooMuch = waitingBytes > MAX_WAITING_BYTES
      waitingBytes -= bytes
      inFlight.give(bytes)
      if (tooMuch) listenOrNot()
      if (fault?.kind === 'lost-answer') return call.disconnect()
      if (fault?.kind === 'never-answered') return
      send(frameOf(correlation, options, outcome))
      if (fault?.kind === 'answered-twice')
        setTimeout(() => send(frameOf(correlation, options, outcome)), fault.delayMs)
    })
  }

  const take = (chunk: BatchChunk) => {
    const known = opens.get(chunk.correlation)
    // Chunks of an append that has its answer, or of none that was begun, are of no interest.
    const options = known?.options ?? chunk.options
    if (options === undefined) return
    const correlation = known?.correlation ?? chunk.correlationBytes
    const refuse = (error: BatchError) => send(batchFailure(correlation, options.stream, error))
    const timeoutMs = Math.min(chunk.options?.timeoutMs ?? WRITE_TIMEOUT_MS, WRITE_TIMEOUT_MS)
    if (known === undefined && timeoutMs <= 0) return refuse(batchError.timeout())
    const proposal = known?.proposal ?? createProposal()
    const before = known?.bytes ?? 0
    let bytes = before
    const keepOpen = () => {
      if (known !== undefined) {
        known.bytes = bytes
        return
      }
      const timer = setTimeout(() => {
        inFlight.give(opens.get(chunk.correlation)?.bytes ?? 0)
        opens.delete(chunk.correlation)
        refuse(batchError.timeout())
      }, timeoutMs)
      opens.set(chunk.correlation, { correlation, options, proposal, bytes, timer })
    }
    const forget = () => {
      if (known === undefined) return
      clearTimeout(known.timer)
      opens.delete(chunk.correlation)
    }
    /** Nothing of it is kept. */
    const drop = (error: BatchError) => {
      forget()
      inFlight.give(bytes)
      return refuse(error)
    }
    for (const event of chunk.events) {
      const why = proposal.add(event)
      if (why === undefined) continue
      if (why === 'too large') return drop(batchError.appendSizeExceeded(MAX_APPEND))
      // A real server answers, keeps the append open, and answers again when its time is up. The second answer breaks the
      // official client, which is why the application never sends such an event.
      keepOpen()
      return refuse(batchError.badRequest(why))
    }
    if (!inFlight.take(proposal.bytes() - before)) return drop(batchError.exhausted(TOO_MUCH))
    bytes = proposal.bytes()
    if (!chunk.isFinal) return keepOpen()
    forget()
    write({ correlation, options, proposal, bytes })
  }

  call.onMessage((payload) => {
    try {
      take(readBatchChunk(payload, now()))
    } catch (error) {
      call.fail(invalidArgument(String(error)))
    }
  })
  call.onEnd(() => {
    halfClosed = true
    closeIfDone()
  })
  call.onOver(() => {
    for (const { timer, bytes } of opens.values()) {
      clearTimeout(timer)
      inFlight.give(bytes)
    }
    opens.clear()
  })
}
