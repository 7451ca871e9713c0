// One request to the API: what is sent with it, when it is asked again, and what is read from its answer.
import { TributaryError } from './errors.ts'
import { jsonLines, streamedEvents } from './lines.ts'

export type Awaitable<T> = T | Promise<T>

export interface TransportOptions {
  /** Where the server is, such as `https://tributary.shop.example`. A path is kept. */
  readonly url: string
  /** Id of the API key, with `token`. */
  readonly appId?: string
  readonly token?: string
  /** In place of a key: an OAuth token, or what gets one. Asked before every try. */
  readonly accessToken?: string | (() => Awaitable<string>)
  /** Of browsers: says for which customer they speak. Asked before every try. */
  readonly customerToken?: string | (() => Awaitable<string | undefined>)
  /** Shown as the source of what is done. */
  readonly channel?: string
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** One try ends after this, ms; default 60,000. */
  readonly timeoutMs?: number
  /** So long a request is tried again while the server is away, busy or over its limits, ms; default 60,000. 0: never. */
  readonly retryForMs?: number
  /** Told of each try that failed, before the wait. */
  readonly onRetry?: (reason: TributaryError, waitMs: number) => void
  /** Whether reads wait for what this client has written; default true. */
  readonly readYourWrites?: boolean
  /** What was written before, by another client: see `consistencyToken`. */
  readonly consistencyToken?: string
  /** Default: the global one. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
}

/** What one call may say beside its parameters. */
export interface CallOptions {
  readonly signal?: AbortSignal
  /** Names the request; default: made anew for each call, and the same for all its tries. */
  readonly idempotencyKey?: string
  /** The `etag` of an earlier answer: the change is refused (412) when somebody was faster. */
  readonly ifMatch?: string
  /** The `etag` of an earlier answer: `data` is undefined and `status` 304 while it still holds. For `request`. */
  readonly ifNoneMatch?: string
  /** Waits for this position in place of what this client wrote; '' waits for nothing. */
  readonly consistencyToken?: string
  /** Seconds that a read may wait for it; default 2, at most 10. */
  readonly waitSeconds?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Names of `CallOptions`: whatever else a call's last argument holds goes into the query. */
export const CALL_OPTIONS: ReadonlySet<string> = new Set([
  'signal',
  'idempotencyKey',
  'ifMatch',
  'ifNoneMatch',
  'consistencyToken',
  'waitSeconds',
  'headers',
] satisfies readonly (keyof CallOptions)[])

/** An answer with what its headers say. */
export interface Reply<T> {
  readonly data: T
  readonly status: number
  readonly etag: string | undefined
  /** Of a change: what a read waits for in order to show it. */
  readonly consistencyToken: string | undefined
  readonly requestId: string | undefined
  /** The request was carried out before, under the same key. */
  readonly isReplay: boolean
  /** The answer may not show yet what was written. */
  readonly isStale: boolean
  readonly headers: Headers
}

export interface Request {
  readonly method: string
  /** `/v1/customers/{id}`. */
  readonly path: string
  readonly params?: readonly string[]
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
  readonly isForm?: boolean
  readonly call?: CallOptions
}

export interface Transport {
  /** Throws `TributaryError`, or the reason of the call's signal. */
  send(request: Request): Promise<Reply<unknown>>
  /** The newest position that this client has written, decimal; '' before it has. */
  consistencyToken: string
}

const TIMEOUT_MS = 60_000
const RETRY_FOR_MS = 60_000
const BACKOFF_MS = { first: 200, most: 5_000 }
/** What a server, or a proxy before it, says when asking again is worth while. */
const LATER: ReadonlySet<number> = new Set([408, 429, 502, 503, 504])

const KEY_HEADERS = [
  ['/client/', 'X-Client-Application-Id', 'X-Client-Token'],
  ['/management/', 'X-Management-Id', 'X-Management-Token'],
  ['/', 'X-App-Id', 'X-App-Token'],
] as const

/** `a[b][0]=c` for what is nested; what is undefined or null is left out. */
const parameters = (name: string, value: unknown): readonly (readonly [string, string])[] => {
  if (value === undefined || value === null) return []
  if (value instanceof Date) return [[name, value.toISOString()]]
  if (typeof value !== 'object') return [[name, String(value)]]
  return Object.entries(value).flatMap(([key, inner]) => parameters(`${name}[${key}]`, inner))
}

/** A path with its parameters filled in, in their order, and a query of what is there. Throws where a parameter is missing. */
export const addressOf = (
  path: string,
  params: readonly string[] = [],
  query: Readonly<Record<string, unknown>> = {},
): string => {
  let at = 0
  const filled = path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = params[at++]
    // An empty or dotted part would name another path.
    if (typeof value !== 'string' || /^\.{0,2}$/.test(value))
      throw new TypeError(`${path}: ${name} must be a text that is not empty`)
    return encodeURIComponent(value)
  })
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const pair of parameters(name, value)) search.append(...(pair as [string, string]))
  return search.size === 0 ? filled : `${filled}?${search}`
}

/** Seconds that `Retry-After` says, as a number or a date; undefined when it says nothing. */
const secondsOf = (header: string | null, now: number): number | undefined => {
  if (header === null || header.trim() === '') return undefined
  const seconds = Number(header)
  if (Number.isFinite(seconds)) return Math.max(0, seconds)
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now) / 1000)
}

const parsed = (content: string): unknown => {
  try {
    return JSON.parse(content)
  } catch {
    return content
  }
}

const bodyOf = async (response: Response): Promise<unknown> => {
  const kind = response.headers.get('content-type') ?? ''
  if (response.ok && response.body !== null) {
    if (kind.includes('ndjson')) return jsonLines(response.body)
    if (kind.includes('event-stream')) return streamedEvents(response.body)
  }
  const content = await response.text()
  if (content === '') return undefined
  return kind.includes('json') ? parsed(content) : content
}

/** A file, whose kind of content `fetch` says itself, a form, or JSON. */
const contentOf = (body: unknown, isForm: boolean | undefined): string | FormData | undefined => {
  if (body === undefined || body instanceof FormData) return body
  return isForm ? new URLSearchParams(body as Record<string, string>).toString() : JSON.stringify(body)
}
const contentTypeOf = (body: unknown, isForm: boolean | undefined): string | undefined => {
  if (body === undefined || body instanceof FormData) return undefined
  return isForm ? 'application/x-www-form-urlencoded' : 'application/json'
}

/** Waits, unless the signal ends it. */
const wait = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })

/** The later of two positions, decimal. */
const later = (a: string, b: string): string => (a === '' || (b !== '' && BigInt(b) > BigInt(a)) ? b : a)

const settled = <T>(value: T | (() => Awaitable<T>) | undefined): Awaitable<T | undefined> =>
  typeof value === 'function' ? (value as () => Awaitable<T>)() : value

export const createTransport = (options: TransportOptions): Transport => {
  const { timeoutMs = TIMEOUT_MS, retryForMs = RETRY_FOR_MS, readYourWrites = true } = options
  const base = options.url.replace(/\/+$/, '')
  const ask = options.fetch ?? ((url, init) => fetch(url, init))
  let token = options.consistencyToken ?? ''

  const keyHeaders = async (path: string): Promise<Record<string, string>> => {
    const bearer = await settled(options.accessToken)
    const customer = path.startsWith('/client/') ? await settled(options.customerToken) : undefined
    const [, id, secret] = KEY_HEADERS.find(([prefix]) => path.startsWith(prefix))!
    return {
      ...(bearer !== undefined
        ? { Authorization: `Bearer ${bearer}` }
        : options.appId === undefined || options.token === undefined
          ? {}
          : { [id]: options.appId, [secret]: options.token }),
      ...(customer === undefined ? {} : { 'X-Customer-Token': customer }),
    }
  }

  const headersOf = ({ method, body, isForm, call = {} }: Request, key: string | undefined): Record<string, string> => {
    const position = method === 'GET' ? (call.consistencyToken ?? (readYourWrites ? token : '')) : ''
    const said: readonly (readonly [string, string | undefined])[] = [
      ['Content-Type', contentTypeOf(body, isForm)],
      ['X-Voucherify-Channel', options.channel],
      ['Idempotency-Key', key],
      ['Consistency-Token', position === '' ? undefined : position],
      ['Prefer', call.waitSeconds === undefined ? undefined : `wait=${call.waitSeconds}`],
      ['If-Match', call.ifMatch],
      ['If-None-Match', call.ifNoneMatch],
    ]
    return {
      Accept: 'application/json',
      ...options.headers,
      ...call.headers,
      ...Object.fromEntries(said.filter((one): one is readonly [string, string] => one[1] !== undefined)),
    }
  }

  const replyOf = async (response: Response): Promise<Reply<unknown>> => {
    const { headers } = response
    const written = headers.get('consistency-token') ?? undefined
    if (written !== undefined && /^\d+$/.test(written)) token = later(token, written)
    const data = await bodyOf(response)
    if (!response.ok && response.status !== 304)
      throw new TributaryError(response.status, data, { retryAfter: secondsOf(headers.get('retry-after'), Date.now()) })
    return {
      data,
      status: response.status,
      etag: headers.get('etag') ?? undefined,
      consistencyToken: written,
      requestId: headers.get('x-request-id') ?? undefined,
      isReplay: headers.get('idempotent-replayed') === 'true',
      isStale: headers.get('stale') === 'true',
      headers,
    }
  }

  /** One try. The time limit ends with the headers of an answer of lines, which may take as long as it likes. */
  const once = async (url: string, init: RequestInit, signal: AbortSignal | undefined): Promise<Reply<unknown>> => {
    const limit = new AbortController()
    const timer = setTimeout(() => limit.abort(), timeoutMs)
    try {
      return await replyOf(
        await ask(url, { ...init, signal: signal ? AbortSignal.any([signal, limit.signal]) : limit.signal }),
      )
    } catch (error) {
      if (error instanceof TributaryError) throw error
      signal?.throwIfAborted()
      const body = limit.signal.aborted
        ? { key: 'timeout', message: `There was no answer within ${timeoutMs} ms`, details: base }
        : { key: 'unreachable', message: 'The server cannot be reached', details: base }
      throw new TributaryError(0, body, { cause: error })
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    get consistencyToken() {
      return token
    },
    set consistencyToken(value: string) {
      token = value
    },
    async send(request) {
      const { method, path, params, query, body, isForm, call = {} } = request
      const url = base + addressOf(path, params, query)
      const content = contentOf(body, isForm)
      // One name for all tries: the server carries it out once.
      const key = method === 'GET' ? undefined : (call.idempotencyKey ?? crypto.randomUUID())
      const headers = headersOf(request, key)
      const started = performance.now()
      for (let attempt = 0; ; attempt++) {
        call.signal?.throwIfAborted()
        try {
          const init = { method, headers: { ...headers, ...(await keyHeaders(path)) } }
          return await once(url, content === undefined ? init : { ...init, body: content }, call.signal)
        } catch (error) {
          if (!(error instanceof TributaryError) || (error.status !== 0 && !LATER.has(error.status))) throw error
          const backoff = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** attempt) * (0.5 + Math.random() / 2)
          const waitMs = Math.max(backoff, (error.retryAfter ?? 0) * 1000)
          if (performance.now() + waitMs - started > retryForMs) throw error
          options.onRetry?.(error, waitMs)
          await wait(waitMs, call.signal)
        }
      }
    },
  }
}
