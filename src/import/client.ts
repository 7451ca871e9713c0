// Talks to a running node over HTTP for an import: one request, tried again while trying again can help.
import * as v from 'valibot'
import { backoffMs, sleep } from '../line/backoff.ts'
import { Interrupted, KeyError, ServerError } from './errors.ts'
import { spellSeconds } from './progress.ts'

export interface Connection {
  /** Where the node listens, without a path. */
  readonly url: string
  readonly appId: string
  readonly token: string
}

export interface ClientOptions {
  readonly connection: Connection
  /** How long one request is tried again while the node does not answer or says "later", ms. */
  readonly retryForMs: number
  /** Ends waiting and trying again; a request under way is let finish. */
  readonly signal: AbortSignal
  /** Is told of each try that failed, before the wait. */
  readonly onRetry?: (reason: string) => void
}

export interface Answer {
  readonly status: number
  /** Parsed JSON; undefined when the body is none. */
  readonly body: unknown
  /** True when an earlier try may have been carried out although no answer came. */
  readonly unclear: boolean
  /** True when the node says that it answers as it did to the same key before. */
  readonly isReplay: boolean
}

export interface Client {
  /** Sends and returns the node's answer. Throws `ServerError`, `KeyError` (401, 403) or `Interrupted`. */
  send(method: 'GET' | 'POST' | 'DELETE', path: string, json?: string, idempotencyKey?: string): Promise<Answer>
}

/** A node answers within its own time limit, 30 s by default; a silent line is given up after this. */
const REQUEST_LIMIT_MS = 120_000
const BACKOFF = { baseMs: 200, maxMs: 5_000 }
/** What a node or a proxy before it says when asking again later is worth while. */
const LATER = new Set([408, 429, 502, 503, 504, 507])
const MAX_RETRY_AFTER_MS = 60_000

const ErrorBody = v.object({ message: v.optional(v.string()), details: v.optional(v.string()) })

/** The reason in an error body of the API, in words. */
export const reasonIn = (body: unknown): string | undefined => {
  const parsed = v.safeParse(ErrorBody, body)
  if (!parsed.success) return undefined
  const { message, details } = parsed.output
  return details === undefined ? message : message === undefined ? details : `${message}: ${details}`
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the host name cannot be looked up',
}

const causeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${REQUEST_LIMIT_MS / 1000} s`
  const { cause } = error
  if (cause instanceof Error && 'code' in cause) return WORDS[String(cause.code)] ?? String(cause.code)
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

interface Later {
  readonly reason: string
  readonly afterMs?: number
}

export const createClient = ({ connection, retryForMs, signal, onRetry }: ClientOptions): Client => {
  const headers = {
    'X-App-Id': connection.appId,
    'X-App-Token': connection.token,
    Accept: 'application/json',
  }

  const once = async (
    method: string,
    path: string,
    json: string | undefined,
    idempotencyKey: string | undefined,
  ): Promise<Omit<Answer, 'unclear'> | Later> => {
    let response: Response
    let text: string
    try {
      response = await fetch(new URL(path, connection.url), {
        method,
        headers: {
          ...headers,
          ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
        },
        body: json,
        signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
      })
      text = await response.text()
    } catch (error) {
      return { reason: causeOf(error) }
    }
    const body = parseJson(text)
    const { status } = response
    if (status === 401 || status === 403)
      throw new KeyError(
        `${connection.url} refuses the key ${connection.appId} (${status}): ${reasonIn(body) ?? 'no reason given'}`,
      )
    if (!LATER.has(status)) return { status, body, isReplay: response.headers.get('idempotent-replayed') === 'true' }
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
    return {
      reason: `${status} ${reasonIn(body) ?? response.statusText}`.trim(),
      ...(Number.isFinite(seconds) ? { afterMs: Math.min(Math.max(0, seconds * 1000), MAX_RETRY_AFTER_MS) } : {}),
    }
  }

  return {
    async send(method, path, json, idempotencyKey) {
      const started = performance.now()
      for (let attempt = 1; ; attempt++) {
        const answer = await once(method, path, json, idempotencyKey)
        if ('status' in answer) return { ...answer, unclear: attempt > 1 }
        if (signal.aborted) throw new Interrupted()
        const wait = Math.max(answer.afterMs ?? 0, backoffMs(attempt, BACKOFF))
        if (performance.now() + wait - started > retryForMs)
          throw new ServerError(
            retryForMs === 0
              ? `${connection.url} does not answer (${answer.reason})`
              : `${connection.url} did not answer for ${spellSeconds(retryForMs / 1000)} (${answer.reason})`,
          )
        onRetry?.(answer.reason)
        await sleep(wait, signal)
        if (signal.aborted) throw new Interrupted()
      }
    },
  }
}
