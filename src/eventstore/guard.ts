// Keeps the process alive when the event store's client throws outside any promise, as it does on an answer it did not expect.

type Listener = (error: Error) => void

const listeners = new Set<Listener>()

/** Its packages, or the file that the build makes of them (`clientApart` in src/build.js). */
const OF_CLIENT = /[\\/](@eventstore[\\/]db-client[\\/]|@grpc[\\/]grpc-js[\\/]|eventstore-client\.js)/

/** The first own line of the stack decides: a fault in a caller's callback passes through the client's frames as well. */
const thrownByClient = (error: unknown): error is Error => {
  if (!(error instanceof Error) || error.stack === undefined) return false
  const frame = error.stack.split('\n').find((line) => /^\s+at /.test(line) && !line.includes('node:'))
  return frame !== undefined && OF_CLIENT.test(frame)
}

/** A call that was cut off with its client: whoever gave the client up knows. */
const isCutOff = (error: Error): boolean =>
  'code' in error && error.code === CANCELLED && 'details' in error && error.details === 'Cancelled on client'
const CANCELLED = 1

const LAST_WORDS_MS = 1_000

const onUncaught = (error: unknown): void => {
  if (thrownByClient(error)) {
    if (isCutOff(error)) return
    for (const listener of [...listeners]) listener(error)
    return
  }
  // Somebody else's fault, and nobody else listens: end as the process would have ended without this guard.
  if (process.listenerCount('uncaughtException') > 1) return
  console.error(error)
  process.exit(1)
}

/**
 * Calls `listener` for errors that the client throws outside a promise, but for those of calls that were cut off with their
 * client, which say nothing about the next one; every other error ends the process as usual.
 * Unhandled rejections arrive here too, as long as nobody listens to `unhandledRejection`. Returns how to stop.
 */
export const guardAgainstClient = (listener: Listener): (() => void) => {
  if (!process.listeners('uncaughtException').includes(onUncaught)) process.on('uncaughtException', onUncaught)
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    // Calls that a close has cut off end a moment after it.
    setTimeout(() => {
      if (listeners.size === 0) process.off('uncaughtException', onUncaught)
    }, LAST_WORDS_MS).unref()
  }
}
