// One request on its way through the pipeline, and the one place where its reply is written.
import { callerKey, keyOwner } from '../domain/callerKeys.ts'
import type { ApiKey } from '../keys.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { ANONYMOUS } from './auth.ts'
import { errorBody, type Failure, fail, newRequestId, Unavailable } from './errors.ts'
import { type ConditionalHeaders, etagOf, PLAIN } from './headers.ts'
import { type RateState, UNLIMITED_RATE } from './limits.ts'
import type { Answer, Audience, Client, Consistency, RawCall } from './route.ts'

const NO_PARAMS: Readonly<Record<string, string>> = {}

/**
 * The state of one request, filled in step by step; also the unchecked call that a route is invoked with.
 * A class without inner functions, since this is made for every request.
 */
export class Exchange implements RawCall {
  readonly request: Request
  /** The path template, or `unmatched`. */
  readonly template: string
  readonly audience: Audience
  readonly requestId = newRequestId()
  readonly startedAt = performance.now()
  readonly now: number
  params = NO_PARAMS
  query: unknown = undefined
  body: unknown = undefined
  flaws: RawCall['flaws'] = undefined
  key: ApiKey = ANONYMOUS
  address = ''
  client: Client | undefined = undefined
  conditional: ConditionalHeaders = PLAIN
  rate: RateState = UNLIMITED_RATE
  cors: Readonly<Record<string, string>> | undefined = undefined
  /** The answer may not show yet what this node has acknowledged to the key. */
  isStale = false
  /** True while the body is being received: a failure then is the sender's. */
  reading = false
  /** The fingerprint of the request's content, where one is taken. */
  print: string | undefined = undefined
  #abort: AbortController | undefined

  constructor(request: Request, template: string, audience: Audience, now: number) {
    this.request = request
    this.template = template
    this.audience = audience
    this.now = now
  }
  get headers(): Headers {
    return this.request.headers
  }
  get channel(): string {
    return this.request.headers.get('x-voucherify-channel') ?? (this.audience === 'client' ? 'CLIENT_API' : 'API')
  }
  get consistency(): Consistency {
    return this.conditional.consistency
  }
  get idempotencyKey(): string | undefined {
    const { idempotencyKey: sent } = this.conditional
    return sent === undefined ? undefined : callerKey(keyOwner(this), sent, this.print)
  }
  get ifMatch(): ((revision: string) => boolean) | undefined {
    return this.conditional.ifMatch
  }
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }
  /** Tells a handler that asked for the signal to stop. */
  abort(): void {
    this.#abort?.abort(new Error('The time limit of the request is over'))
  }
}

type Content = NonNullable<Answer['raw']>['content'] | null

/** Ends what is streamed and nobody is going to read. */
export const discarded = (content: Content): null => {
  if (content instanceof ReadableStream) void content.cancel(new Error('nobody reads it')).catch(() => undefined)
  return null
}

/** Writes replies, with their log line and metric. */
export interface Replier {
  readonly answer: (exchange: Exchange, answer: Answer, usualStatus: number) => Response
  readonly failure: (exchange: Exchange, failure: Failure) => Response
  /** The failure that an exception stands for. Its text is never told to the caller, but logged under the request id. */
  readonly thrown: (exchange: Exchange, error: unknown) => Failure
}

export interface ReplierDeps {
  readonly log: Logger
  readonly metrics: Metrics
  readonly mapError?: (error: unknown) => Failure | undefined
  /** Told of every position that a key is given. */
  readonly acknowledged?: (appId: string, position: bigint) => void
}

/** The headers of every reply. A GET answer is the caller's own and may be kept only to be asked for again. */
const headersOf = (exchange: Exchange, contentType: string | undefined): Record<string, string> => {
  const { rate } = exchange
  const headers: Record<string, string> = {
    'X-Request-Id': exchange.requestId,
    'X-Rate-Limit-Limit': rate.limit,
    'X-Rate-Limit-Remaining': rate.remaining,
    'X-Rate-Limit-Retry': rate.retry,
  }
  if (contentType !== undefined) headers['Content-Type'] = contentType
  if (exchange.isStale) headers.Stale = 'true'
  return headers
}

export const createReplier = ({ log, metrics, mapError, acknowledged }: ReplierDeps): Replier => {
  const note = (exchange: Exchange, status: number): void => {
    const { request, template, requestId, key } = exchange
    const seconds = (performance.now() - exchange.startedAt) / 1000
    metrics.observeRequest(request.method, template, status, seconds)
    log.info(
      {
        requestId,
        method: request.method,
        route: template,
        status,
        ms: Math.round(seconds * 1e5) / 100,
        key: key === ANONYMOUS ? undefined : key.name,
      },
      'request',
    )
  }

  const send = (
    exchange: Exchange,
    status: number,
    headers: Record<string, string>,
    body: Content,
    more: Readonly<Record<string, string>> | undefined,
  ): Response => {
    note(exchange, status)
    // Nobody reads the body of an answer to HEAD: what would have made it is told to stop.
    const content = exchange.request.method === 'HEAD' ? discarded(body) : body
    if (exchange.cors !== undefined) Object.assign(headers, exchange.cors)
    if (more !== undefined) Object.assign(headers, more)
    return new Response(content, { status, headers })
  }

  const answer: Replier['answer'] = (exchange, given, usualStatus) => {
    const status = given.status ?? usualStatus
    const { revision, raw } = given
    const json = raw === undefined && given.body !== undefined ? JSON.stringify(given.body) : undefined
    const headers = headersOf(exchange, raw?.contentType ?? (json === undefined ? undefined : 'application/json'))
    if (given.consistencyToken !== undefined) {
      headers['Consistency-Token'] = given.consistencyToken.toString()
      acknowledged?.(exchange.key.appId, given.consistencyToken)
    }
    const isRead = exchange.request.method === 'GET' || exchange.request.method === 'HEAD'
    if (isRead) headers['Cache-Control'] = 'private, no-cache'
    if (json !== undefined && status === 200 && (isRead || revision !== undefined)) {
      const etag = etagOf(json, revision)
      headers.ETag = `"${etag}"`
      if (isRead && exchange.conditional.ifNoneMatch?.(etag) === true)
        return send(exchange, 304, headers, null, given.headers)
    }
    return send(exchange, status, headers, raw?.content ?? json ?? null, given.headers)
  }

  const failure: Replier['failure'] = (exchange, given) => {
    const headers = headersOf(exchange, 'application/json')
    headers['Cache-Control'] = 'no-store'
    // A refusal can be a record, such as a redemption that failed: whoever was told of it finds it too.
    const position = given.headers?.['Consistency-Token']
    if (position !== undefined) acknowledged?.(exchange.key.appId, BigInt(position))
    if (given.retryAfter !== undefined) headers['Retry-After'] = String(given.retryAfter)
    const body = JSON.stringify(errorBody(given, exchange.requestId))
    return send(exchange, given.status, headers, body, given.headers)
  }

  const thrown: Replier['thrown'] = (exchange, error) => {
    const unavailable =
      error instanceof Unavailable ? fail('unavailable', error.message, { retryAfter: error.retryAfter }) : undefined
    const known = mapError?.(error) ?? unavailable
    if (known !== undefined && known.status < 500) return known
    log.error({ requestId: exchange.requestId, route: exchange.template, err: error }, 'request failed')
    const told = `Unexpected error: the log of this server tells more under ${exchange.requestId}`
    return known ?? fail('internal_error', told)
  }

  return { answer, failure, thrown }
}
