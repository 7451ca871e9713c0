// Knows whether the server can be reached: after trouble it asks again and again with a cheap question until one is answered.
import { sleep } from './backoff.ts'
import type { Log } from './log.ts'

export interface CircuitOptions {
  readonly name: string
  /** The cheap question; rejects when the server is not to be had. It bounds its own time. */
  readonly probe: () => Promise<void>
  readonly log: Log
  /** Time between two questions while the server is down, ms. */
  readonly probeEveryMs: number
  /** A question is asked when nothing has been heard for so long, so that a silent line is noticed, ms. */
  readonly heartbeatMs: number
}

export interface Circuit {
  readonly up: boolean
  /** Something went wrong: look whether the server is there. */
  suspect(error: unknown): void
  /** The server answered. */
  answered(): void
  /** Resolves true once the server is there, false when `deadline` (epoch ms) passes first. */
  whenUp(deadline: number): Promise<boolean>
  health(): { readonly ok: boolean; readonly since: number; readonly error?: string }
  close(): void
}

export const createCircuit = ({ name, probe, log, probeEveryMs, heartbeatMs }: CircuitOptions): Circuit => {
  let up = true
  let since = Date.now()
  let heardAt = Date.now()
  let lastError: unknown
  let checking = false
  const closing = new AbortController()
  const waiting = new Set<() => void>()

  const turn = (to: boolean) => {
    if (up === to) return
    up = to
    log[to ? 'info' : 'warn'](
      { server: name, afterMs: Date.now() - since, err: lastError },
      to ? 'server is back' : 'server is down',
    )
    since = Date.now()
    if (!to) return
    lastError = undefined
    for (const wake of [...waiting]) wake()
  }

  const check = async () => {
    if (checking) return
    checking = true
    while (!closing.signal.aborted) {
      try {
        await probe()
        heardAt = Date.now()
        turn(true)
        break
      } catch (error) {
        if (closing.signal.aborted) break
        lastError = error
        turn(false)
        await sleep(probeEveryMs * (0.75 + Math.random() / 2), closing.signal)
      }
    }
    checking = false
  }

  const heartbeat = setInterval(() => {
    if (Date.now() - heardAt >= heartbeatMs) void check()
  }, heartbeatMs / 2)
  heartbeat.unref()

  return {
    get up() {
      return up
    },
    suspect(error) {
      lastError = error
      void check()
    },
    answered() {
      heardAt = Date.now()
    },
    whenUp(deadline) {
      if (up) return Promise.resolve(true)
      return new Promise((resolve) => {
        const end = (result: boolean) => {
          clearTimeout(timer)
          waiting.delete(wake)
          resolve(result)
        }
        const wake = () => end(up)
        const timer = setTimeout(() => end(false), Math.max(0, deadline - Date.now()))
        waiting.add(wake)
      })
    },
    health: () => ({
      ok: up,
      since,
      ...(up ? {} : { error: lastError instanceof Error ? lastError.message : String(lastError) }),
    }),
    close() {
      clearInterval(heartbeat)
      closing.abort()
      for (const wake of [...waiting]) wake()
    },
  }
}
