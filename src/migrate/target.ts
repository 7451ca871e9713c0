// The project that everything comes to: its public API, each change under a name of its own, so that it is made once however often
// the move is begun again.
import { createHash } from 'node:crypto'
import { TributaryError } from '../client/errors.ts'
import { entriesOf, nextQuery } from '../client/pages.ts'
import { createTransport } from '../client/transport.ts'
import type { Connection } from '../import/client.ts'
import { backoffMs, sleep } from '../line/backoff.ts'
import { type Item, isItem } from './item.ts'
import { firstPage, type Query } from './source.ts'

export type Written =
  | { readonly ok: true; readonly body: Item; readonly isReplay: boolean }
  | { readonly ok: false; readonly status: number; readonly key: string; readonly reason: string }

export interface Target {
  /** Carries a change out under a name; a refusal is a value. Throws when the server is unavailable. */
  write(method: 'POST' | 'PUT', path: string, params: readonly string[], body: unknown, name: string): Promise<Written>
  get(path: string, params: readonly string[]): Promise<Item | undefined>
  total(path: string, query: Query): Promise<number | undefined>
  entries(path: string, query: Query): AsyncGenerator<Item>
  /** Waits for a background job, and gives its result. */
  finished(job: string): Promise<Item>
}

export interface TargetOptions {
  readonly connection: Connection
  readonly retryForMs: number
  readonly signal: AbortSignal
  readonly onRetry?: (reason: string, waitMs: number) => void
}

/** Names hold whatever the old project calls its records; a key is plain. */
const keyOf = (name: string): string => `migrate-${createHash('sha256').update(name).digest('base64url')}`

const ENDED: ReadonlySet<unknown> = new Set(['DONE', 'FAILED', 'CANCELED'])
const JOB_WAIT = { baseMs: 50, maxMs: 1_000 }

export const createTarget = ({ connection, retryForMs, signal, onRetry }: TargetOptions): Target => {
  const transport = createTransport({
    ...connection,
    retryForMs,
    channel: 'migration',
    onRetry: (reason, waitMs) => onRetry?.(reason.message, waitMs),
  })
  const ask = async (path: string, params: readonly string[], query: Query = {}): Promise<unknown> =>
    (await transport.send({ method: 'GET', path, params, query, call: { signal, waitSeconds: 10 } })).data
  const get: Target['get'] = async (path, params) => {
    try {
      const body = await ask(path, params)
      return isItem(body) ? body : undefined
    } catch (error) {
      if (error instanceof TributaryError && error.status === 404) return undefined
      throw error
    }
  }
  return {
    get,
    async write(method, path, params, body, name) {
      try {
        const call = { signal, idempotencyKey: keyOf(name) }
        const { data, isReplay } = await transport.send({ method, path, params, body, call })
        // Lists of what was made have one entry.
        const made = Array.isArray(data) ? data[0] : data
        return { ok: true, body: isItem(made) ? made : {}, isReplay }
      } catch (error) {
        if (!(error instanceof TributaryError) || error.status < 400 || error.status >= 500) throw error
        // Without the right to write nothing can be moved: that is no fault of one record.
        if (error.status === 401 || error.status === 403) throw error
        return { ok: false, status: error.status, key: error.key, reason: error.details ?? error.message }
      }
    },
    async total(path, query) {
      const body = await ask(path, [], { ...query, limit: 1 })
      return isItem(body) && typeof body.total === 'number' ? body.total : undefined
    },
    async *entries(path, query) {
      let next: Query | undefined = firstPage(path, query)
      let seen = 0
      while (next !== undefined) {
        const body: unknown = await ask(path, [], next)
        const entries = entriesOf(body).filter(isItem)
        yield* entries
        seen += entries.length
        next = nextQuery(next, body, seen)
      }
    },
    async finished(job) {
      for (let attempt = 1; ; attempt++) {
        const action = await get('/v1/async-actions/{id}', [job])
        if (action !== undefined && ENDED.has(action.status)) return action
        await sleep(backoffMs(attempt, JOB_WAIT), signal)
        signal.throwIfAborted()
      }
    },
  }
}
