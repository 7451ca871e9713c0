// The start of what needs both servers, while one of them is starting or failing over itself.
import { StoreUnavailable } from '../eventstore/index.ts'
import { sleep } from '../line/backoff.ts'
import type { Log } from '../line/log.ts'
import { ReadModelUnavailable } from '../readmodel/index.ts'

/** How long a start waits for servers in trouble, ms. */
const LIMIT_MS = 30_000
const PAUSE_MS = 250

/** Does `start`, again while a server cannot be reached, for half a minute; then rejects with what was wrong last. */
export const whenReached = async <T>(log: Log, start: () => Promise<T>): Promise<T> => {
  const deadline = Date.now() + LIMIT_MS
  for (;;) {
    try {
      return await start()
    } catch (error) {
      const passes = error instanceof StoreUnavailable || error instanceof ReadModelUnavailable
      if (!passes || Date.now() > deadline) throw error
      log.warn({ err: error }, 'waiting for a server')
      await sleep(PAUSE_MS)
    }
  }
}
