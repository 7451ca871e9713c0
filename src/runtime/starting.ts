// The start of what needs both servers, while one of them is starting, failing over or not there yet.
import { StoreUnavailable } from '../eventstore/index.ts'
import { sleep } from '../line/backoff.ts'
import type { Log } from '../line/log.ts'
import { ReadModelUnavailable } from '../readmodel/index.ts'

const PAUSE_MS = 250

/**
 * Does `start`, again for as long as a server cannot be reached; which one and why is told where that is found out. Rejects with
 * what else goes wrong, and with the signal's reason.
 */
export const whenReached = async <T>(log: Log, signal: AbortSignal, start: () => Promise<T>): Promise<T> => {
  for (;;) {
    signal.throwIfAborted()
    try {
      return await start()
    } catch (error) {
      const passes = error instanceof StoreUnavailable || error instanceof ReadModelUnavailable
      if (!passes) throw error
      log.debug({ err: error }, 'waiting for a server')
      await sleep(PAUSE_MS, signal)
    }
  }
}
