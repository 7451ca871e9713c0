// Reads of a stream or of the whole log as sequences of records, bounded in memory and cut off when the server falls silent.
import type { ResolvedEvent, StreamingRead } from '@eventstore/db-client'
import { LineReplaced, NoAnswer, type UnderWay } from '../line/line.ts'
import { processTime as time } from '../line/time.ts'
import type { RawRecord } from './codec.ts'
import { isDamaged, isReadRefused, isStreamGone } from './errors.ts'
import { recordOf } from './record.ts'

export interface ReadCall {
  /** What is taken of it, as what; all when absent. */
  readonly take?: (event: ResolvedEvent) => RawRecord | undefined
  readonly open: () => StreamingRead<ResolvedEvent>
  /** The longest silence between two records, ms of free time: past it this read is given up. */
  readonly silenceMs?: number
  readonly signal?: AbortSignal
  /** Where the read is under way, and how to learn that its client was given up. */
  readonly line?: { readonly underWay: UnderWay; onRetired(listener: (error: Error) => void): () => void }
}

/**
 * Yields what the call gives, in chunks as they are buffered. Nothing for a stream that does not exist. Rejects with the
 * client's own error, with NoAnswer, with LineReplaced, or with the signal's reason.
 */
export async function* readChunks(read: ReadCall): AsyncGenerator<readonly RawRecord[]> {
  const { open, silenceMs, signal, line, take = recordOf } = read
  signal?.throwIfAborted()
  const call = open()
  let failure: unknown
  let ended = false
  let wake: (() => void) | undefined
  const signalled = () => {
    const waiting = wake
    wake = undefined
    waiting?.()
  }
  const fail = (error: unknown) => {
    failure ??= error
    signalled()
  }
  const aborted = () => fail(signal?.reason)
  const stopListening = line?.onRetired(fail)
  signal?.addEventListener('abort', aborted, { once: true })
  call.on('error', fail)
  call.on('end', () => {
    ended = true
    line?.underWay.answered()
    signalled()
  })
  call.on('readable', () => {
    line?.underWay.heard()
    signalled()
  })
  try {
    for (;;) {
      const records: RawRecord[] = []
      for (let event: ResolvedEvent | null = call.read(); event !== null; event = call.read()) {
        const record = take(event)
        if (record !== undefined) records.push(record)
      }
      if (records.length > 0) yield records
      else if (failure !== undefined) {
        if (isStreamGone(failure) || isReadRefused(failure) || isDamaged(failure)) line?.underWay.answered()
        if (isStreamGone(failure)) return
        // What this side did itself says nothing of the connection.
        const isOwn =
          failure instanceof NoAnswer ||
          failure instanceof LineReplaced ||
          isDamaged(failure) ||
          failure === signal?.reason
        line?.underWay.over(isOwn ? undefined : failure)
        throw failure
      } else if (ended) return
      else {
        const callOff = silenceMs === undefined ? undefined : time.after(silenceMs, () => fail(new NoAnswer(silenceMs)))
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        callOff?.()
      }
    }
  } finally {
    stopListening?.()
    signal?.removeEventListener('abort', aborted)
    line?.underWay.over()
    if (!ended) {
      void call.cancel().catch(() => undefined)
      call.destroy()
    }
  }
}
