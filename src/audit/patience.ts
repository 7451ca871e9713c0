// What runs long outlives a log or a document store that goes away for a moment.
import type { RawRecord } from '../eventstore/codec.ts'
import { type EventStore, StoreUnavailable } from '../eventstore/index.ts'
import { backoffMs, sleep } from '../line/backoff.ts'
import { ReadModelUnavailable } from '../readmodel/index.ts'

/** A store that goes away for a moment is asked again so many times in a row. */
export const MAX_TRIES = 10

export const isAway = (error: unknown): boolean =>
  error instanceof StoreUnavailable || error instanceof ReadModelUnavailable

const pause = (tries: number, signal?: AbortSignal): Promise<void> =>
  sleep(backoffMs(tries, { baseMs: 100, maxMs: 3_000 }), signal)

/** Does it again from its beginning when a store goes away for a moment; rejects with any other failure. */
export const patiently = async <T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!isAway(error) || signal?.aborted || tries === MAX_TRIES) throw error
      await pause(tries, signal)
    }
  }
}

/** All records after a position, in the order of the log; a read that breaks off goes on after the last record it gave. */
export async function* recordsAfter(
  store: Pick<EventStore, 'readRecords'>,
  after: bigint | undefined,
  signal?: AbortSignal,
): AsyncGenerator<RawRecord, void, undefined> {
  let last = after
  for (let tries = 0; ; ) {
    try {
      for await (const record of store.readRecords({ from: last ?? 'start', signal })) {
        if (last !== undefined && record.position <= last) continue
        yield record
        last = record.position
        tries = 0
      }
      return
    } catch (error) {
      if (!isAway(error) || signal?.aborted || ++tries === MAX_TRIES) throw error
      await pause(tries, signal)
    }
  }
}
