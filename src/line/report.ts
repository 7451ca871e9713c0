// Tells the operator when a server goes and when it is back: one line each, however many lines lead to it.
import type { Log } from './log.ts'
import { reasonOf } from './reason.ts'

export interface Report {
  turned(line: string, up: boolean, error: unknown): void
  replaced(line: string, reason: string): void
}

/** `server` is what it is called, `address` where it is looked for. */
export const createReport = (server: string, address: string, log: Log, now: () => number = Date.now): Report => {
  const down = new Set<string>()
  let since = now()
  return {
    turned(line, up, error) {
      const before = down.size
      if (up) down.delete(line)
      else down.add(line)
      if (before === 0 && down.size === 1) {
        since = now()
        log.warn({ server, address, reason: reasonOf(error) }, 'server is down')
      } else if (before > 0 && down.size === 0) log.info({ server, address, afterMs: now() - since }, 'server is back')
    },
    replaced(line, reason) {
      log.warn({ server, address, line, reason }, 'a dead connection was replaced')
    },
  }
}
