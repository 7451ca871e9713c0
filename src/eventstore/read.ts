// Reads of a stream or of the whole log as sequences of records, bounded in memory and cut off when the server falls silent.
import type { ResolvedEvent, StreamingRead } from '@eventstore/db-client'
import type { RawRecord } from './codec.ts'
import { isStreamGone, NoAnswer } from './errors.ts'
import type { Generation } from './line.ts'
import { recordOf } from './record.ts'

export interface ReadCall {
  readonly generation: Generation
  readonly open: (client: Generation['client']) => StreamingRead<ResolvedEvent>
  /** The longest silence between two records, ms. */
  readonly silenceMs: number
  readonly signal?: AbortSignal
}

/**
 * Yields what the call gives, in chunks as they are buffered. Nothing for a stream that does not exist. Rejects with the
 * client's own error, with NoAnswer, with LineReplaced, or with the signal's reason.
 */
export async function* readChunks({
  generation,
  open,
  silenceMs,
  signal,
}: ReadCall): AsyncGenerator<readonly RawRecord[]> {
  signal?.throwIfAborted()
  const call = open(generation.client)
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
  const stopListening = generation.onRetired(fail)
  signal?.addEventListener('abort', aborted, { once: true })
  call.on('error', fail)
  call.on('end', () => {
    ended = true
    signalled()
  })
  call.on('readable', signalled)
  try {
    for (;;) {
      const records: RawRecord[] = []
      for (let event: ResolvedEvent | null = call.read(); event !== null; event = call.read()) {
        const record = recordOf(event)
        if (record !== undefined) records.push(record)
      }
      if (records.length > 0) yield records
      else if (failure !== undefined) {
        if (isStreamGone(failure)) return
        throw failure
      } else if (ended) return
      else {
        const timer = setTimeout(() => fail(new NoAnswer(silenceMs)), silenceMs)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        clearTimeout(timer)
      }
    }
  } finally {
    stopListening()
    signal?.removeEventListener('abort', aborted)
    if (!ended) {
      void call.cancel().catch(() => undefined)
      call.destroy()
    }
  }
}
