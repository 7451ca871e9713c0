// The start of what needs both servers, while one of them is starting, failing over or not there yet.
import { StoreUnavailable } from '../eventstore/index.ts'
import { sleep } from '../line/backoff.ts'
import type { Log } from '../line/log.ts'
import { ReadModelUnavailable } from '../readmodel/index.ts'

const PAUSE_MS = 250

/** Rejects with the signal's reason as soon as there is one. */
const untilAborted = (signal: AbortSignal) => {
  let stopListening = () => {}
  const aborted = new Promise<never>((_, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    stopListening = () => signal.removeEventListener('abort', abort)
  })
  aborted.catch(() => undefined)
  return { aborted, stopListening: () => stopListening() }
}

/**
 * Does `start`, again for as long as a server cannot be reached; which one and why is told where that is found out. Rejects with
 * what else goes wrong, and at once with the signal's reason: what is started after that by a server that answers late is given to
 * `undo`.
 */
export const whenReached = async <T>(
  log: Log,
  signal: AbortSignal,
  start: () => Promise<T>,
  undo: (late: T) => unknown = () => undefined,
): Promise<T> => {
  for (;;) {
    signal.throwIfAborted()
    const { aborted, stopListening } = untilAborted(signal)
    const starting = start()
    try {
      return await Promise.race([starting, aborted])
    } catch (error) {
      if (signal.aborted) {
        starting.then(undo).catch(() => undefined)
        throw error
      }
      const passes = error instanceof StoreUnavailable || error instanceof ReadModelUnavailable
      if (!passes) throw error
      log.debug({ err: error }, 'waiting for a server')
      await sleep(PAUSE_MS, signal)
    } finally {
      stopListening()
    }
  }
}
