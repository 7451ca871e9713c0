// Builds the HTTP application from routes: routing, keys, limits, bodies, errors, logs and metrics of every request.

import { type Context, Hono } from 'hono'
import { recordsAnything } from '../domain/access/permissions.ts'
import { printOf } from '../domain/print.ts'
import type { ApiKey, KeyRing } from '../keys.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { authenticate, authorizeClient, basicHeaders, bearerKey, bearerOf } from './auth.ts'
import { readBody, readForm } from './body.ts'
import { comesWithCookie, sessionKey } from './browser.ts'
import { addressOf, CLIENT_LIMITS, type ClientLimits, clientBounds, networkAllowed, wholeAddressOf } from './clients.ts'
import { corsHeaders, preflightHeaders } from './cors.ts'
import { bySpecificity, checkedEndpoints, type Endpoint, PARAMETER } from './endpoints.ts'
import {
  type Failure,
  insufficientStorage,
  isFailure,
  overloaded,
  refuse,
  settleRefusal,
  unavailable,
} from './errors.ts'
import { createReplier, discarded, Exchange } from './exchange.ts'
import { createFreshness, type WhenShown } from './fresh.ts'
import { readHeaders } from './headers.ts'
import { describeIssues } from './issues.ts'
import { rateLimiter } from './limits.ts'
import { isLong, printInSlices } from './longBody.ts'
import { isOfficial, takenForAnother } from './official.ts'
import { apiDocument } from './openapi.ts'
import { operationRoutes, PAGES, type Page, pageOf, type Readiness } from './operation.ts'
import { parseQuery, queryOf } from './query.ts'
import type { NamedRequests } from './requests.ts'
import {
  type Answer,
  type Around,
  type Audience,
  audienceOf,
  type Invalid,
  isInvalid,
  type Outcome,
  type Route,
} from './route.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'
import { readUpload } from './upload.ts'

/** What the application is built on. */
export interface AppDeps {
  readonly keys: KeyRing
  readonly log: Logger
  readonly metrics: Metrics
  readonly readiness: () => Promise<Readiness>
  /** The one project served: another `{projectId}` in a path is 404. */
  readonly projectId: string
  /** Errors that layers below throw, as failures; undefined for what it does not know (then 500). */
  readonly mapError?: (error: unknown) => Failure | undefined
  /** When a position can be read; absent: everything can at once. */
  readonly whenShown?: WhenShown
  /** There are no routes yet: what is asked for meanwhile is told to come back. */
  readonly isStarting?: boolean
  /** Seconds after which a command, or a request of many, is worth sending again, when there is more to do than can be done soon. */
  readonly busyFor?: (isMany: boolean) => number | undefined
  /** Why nothing can be recorded now; undefined when it can. */
  readonly shortage?: () => string | undefined
  /** Milliseconds a request may take, body included; default 30,000. */
  readonly requestTimeLimitMs?: number
  /** Requests a minute and key; no limit when absent. */
  readonly rateLimitPerMinute?: number
  /** What a client key may use up from one address in a minute; has defaults. */
  readonly clientLimits?: ClientLimits
  /** Proxies of our own in front, each of which appends to `X-Forwarded-For`; default none. */
  readonly proxies?: number
  /** The pages of operation that are answered beside health; default all. */
  readonly pages?: readonly Page[]
  /** What the API document describes; default the routes served. */
  readonly documented?: readonly Route[]
  /** Carries out requests that came with an `Idempotency-Key` once; without it their handlers are called as they come. */
  readonly requests?: NamedRequests
  /** The customer that an id or `source_id` leads to. */
  readonly customerOf?: (named: unknown) => string | undefined
  /** What OAuth tokens stand for; without it only keys are known. */
  readonly tokens?: Tokens
  /** What a cookie stands for that comes instead of a key; without it only keys are known. */
  readonly sessions?: Sessions
  /** The pages at and below /console, where `/` leads to. */
  readonly consolePages?: { answer(path: string, headers: Pick<Headers, 'get'>): Outcome }
  /** Unix milliseconds; default the system's clock. */
  readonly clock?: () => number
}

const DEFAULT_TIME_LIMIT_MS = 30_000

/** The path as sent, undecoded so that `%2F` stays in its segment, without a trailing slash (SDKs send one). */
const rawPath = (request: Request): string => {
  const { url } = request
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const mark = url.indexOf('?', start)
  const end = mark === -1 ? url.length : mark
  return url.slice(start, end > start + 1 && url.charCodeAt(end - 1) === SLASH ? end - 1 : end)
}
const SLASH = 47

const decodable = (path: string): boolean => {
  if (!path.includes('%')) return true
  try {
    return !decodeURIComponent(path).includes('\u0000')
  } catch {
    return false
  }
}

/** Whether a request comes with JSON although its route asks for none: it is read, so that what it says is refused by name. */
const saysSomething = ({ request, audience, headers }: Exchange): boolean =>
  audience !== 'public' &&
  request.method !== 'GET' &&
  request.method !== 'HEAD' &&
  request.body !== null &&
  (headers.get('content-type')?.includes('json') ?? false)

const INVALID_KEYS = { params: 'invalid_path', query: 'invalid_query_params', body: 'invalid_payload' } as const

/** The contract has a key of its own for codes that cannot be made in the way that a body asks for. */
const isOfFormat = ({ path }: Invalid['issues'][number]): boolean =>
  path?.some(({ key }) => key === 'code_config') ?? false

const invalidFailure = ({ invalid, issues }: Invalid): Failure =>
  refuse(issues.every(isOfFormat) ? 'invalid_code_config' : INVALID_KEYS[invalid], describeIssues(issues))

/** What the server tells beside the request: on which connection it came. */
interface Connection {
  readonly incoming?: { readonly socket: { readonly remoteAddress?: string } }
}
export type App = Hono<{ Bindings: Connection }>
type Asked = Context<{ Bindings: Connection }>

/** Names in a path: more bytes than any name that is taken anywhere, fewer than the stores take in a key. */
const MAX_NAME_BYTES = 1_000

const isDryRun = (query: unknown): boolean =>
  typeof query === 'object' && query !== null && 'dry_run' in query && query.dry_run !== 'false'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Builds the application. Throws at once when two routes claim one path or a route has no permission that its path asks for. */
export const buildApp = (routes: readonly Route[], deps: AppDeps): App => {
  const { metrics } = deps
  const clock = deps.clock ?? Date.now
  const timeLimitMs = deps.requestTimeLimitMs ?? DEFAULT_TIME_LIMIT_MS
  const limiter = rateLimiter(deps.rateLimitPerMinute)
  const freshness = createFreshness(deps.whenShown ?? (() => Promise.resolve(true)))
  const replier = createReplier({ ...deps, acknowledged: freshness.acknowledged })
  const bounds = clientBounds(deps.clientLimits ?? CLIENT_LIMITS)
  const app = new Hono<{ Bindings: Connection }>({ getPath: rawPath })

  const begin = (request: Request, template: string, audience: Audience): Exchange => {
    const exchange = new Exchange(request, template, audience, clock())
    if (audience === 'client') exchange.cors = corsHeaders(deps.keys, request.headers.get('origin'))
    return exchange
  }

  /** The key that a request comes with, however it comes: as a pair, as a token, or as the cookie of a session. */
  const keyOf = (
    { headers, now }: Exchange,
    { audience, permissions, method, path, route }: Endpoint & { readonly audience: Exclude<Audience, 'public'> },
  ): Promise<ApiKey | Failure> | ApiKey | Failure => {
    const bearer = deps.tokens && audience === 'server' ? bearerOf(headers) : undefined
    if (deps.tokens && bearer !== undefined)
      return bearerKey(deps.tokens, { bearer, path, permissions, now, gives: route.takesBasic === true })
    if (deps.sessions && comesWithCookie(audience, headers))
      return sessionKey(deps.sessions, audience, permissions, method, headers)
    return authenticate(deps.keys, audience, permissions, route.takesBasic ? basicHeaders(headers) : headers)
  }

  /** Who asks, and whether the key may send another request now. */
  const admit = async (exchange: Exchange, endpoint: Endpoint, c: Asked): Promise<Failure | undefined> => {
    if (endpoint.audience === 'public') return undefined
    const { headers } = exchange
    const key = await keyOf(exchange, { ...endpoint, audience: endpoint.audience })
    if ('failed' in key) return key
    exchange.key = key
    if (key.networks) {
      const socket = c.env?.incoming?.socket.remoteAddress
      const address = wholeAddressOf(socket, headers.get('x-forwarded-for'), deps.proxies ?? 0)
      if (!networkAllowed(key, address)) return refuse('forbidden', 'This key may not be used from this address')
    }
    const shortage = endpoint.records ? deps.shortage?.() : undefined
    if (shortage !== undefined) return insufficientStorage(shortage)
    if (endpoint.audience === 'client') return undefined
    exchange.rate = limiter(key.appId, exchange.now)
    if (exchange.rate.refused !== undefined) return exchange.rate.refused
    // Here, where nothing has been spent on it: not even its body is read.
    const seconds = endpoint.method === 'GET' ? undefined : deps.busyFor?.(endpoint.route.isMany ?? false)
    return seconds === undefined ? undefined : overloaded(seconds)
  }

  const addressIn = (c: Asked, headers: Pick<Headers, 'get'>): string =>
    addressOf(c.env?.incoming?.socket.remoteAddress, headers.get('x-forwarded-for'), deps.proxies ?? 0)

  /** What a client key's request may do and use up. Its address first: one that asks too often leaves the key to others. */
  const admitClient = async (exchange: Exchange, { route }: Endpoint, c: Asked): Promise<Failure | undefined> => {
    const { key, headers, now } = exchange
    const address = addressIn(c, headers)
    exchange.rate = bounds.request(key, address, now)
    const refused = exchange.rate.refused ?? limiter(key.appId, now).refused
    if (refused !== undefined) return refused
    const may = await authorizeClient(deps.keys, key, route.ability ?? 'track', headers, now)
    if ('failed' in may) return may
    exchange.client = { ...may, ...bounds.allowance(key, address, now) }
    return undefined
  }

  /** Counts the bytes of a client key's body: as declared before it is read, the rest after. */
  const takeBytes = ({ client }: Exchange, bytes: number): Failure | undefined =>
    bytes > 0 ? client?.take('bytes', bytes) : undefined

  /** What the path, the headers and the query say. */
  const readHead = (exchange: Exchange, endpoint: Endpoint, c: Asked): Failure | undefined => {
    if (endpoint.takesParams) {
      exchange.params = c.req.param()
      for (const [name, value] of Object.entries(exchange.params))
        if (Buffer.byteLength(value) > MAX_NAME_BYTES)
          return refuse('not_found', `Nothing has a ${name} of over ${MAX_NAME_BYTES} bytes`)
      const { projectId } = exchange.params
      if (projectId !== undefined && projectId !== deps.projectId)
        return refuse('not_found', `Cannot find project with id ${projectId}`, { resourceType: 'project' })
    }
    const read = readHeaders(exchange.headers)
    if ('failed' in read) return read
    exchange.conditional = read
    if (read.ifMatch !== undefined && !endpoint.route.ifMatch && endpoint.method !== 'GET')
      return refuse('invalid_header', 'If-Match is not supported here: only changes of definitions take it')
    const text = queryOf(exchange.request.url)
    // Who calls a public path may be a probe with parameters of its own.
    if (endpoint.route.query === undefined && (text === '' || endpoint.audience === 'public')) return undefined
    const query = parseQuery(text)
    if ('failed' in query) return query
    exchange.query = query.value
    return undefined
  }

  /**
   * A request that its caller named is carried out once. A dry run records nothing, nor does who may only read, so that no name
   * is taken.
   */
  const around = async (exchange: Exchange, endpoint: Endpoint): Promise<Around | undefined> => {
    const { requests, customerOf } = deps
    const { request, query } = exchange
    const { idempotencyKey: key } = exchange
    if (!requests || key === undefined || endpoint.method === 'GET' || endpoint.route.remembers) return undefined
    if (isDryRun(query) || !recordsAnything(exchange.key)) return undefined
    const route = `${endpoint.method} ${rawPath(request)}`
    const { body } = exchange
    const print = isLong(body) ? await printInSlices(route, query, body) : printOf([route, query, body])
    exchange.print = print
    const { requestId, now, key: apiKey } = exchange
    const actor = { name: apiKey.name, role: apiKey.role }
    return (carryOut, about) =>
      requests.once(
        { key, customer: customerOf?.(about), route, print, requestId, actor, now, deadline: now + timeLimitMs },
        carryOut,
      )
  }

  /** Authenticates, reads and checks a request, then calls its handler. */
  const handle = async (exchange: Exchange, endpoint: Endpoint, c: Asked): Promise<Outcome> => {
    const { route } = endpoint
    if (endpoint.audience === 'public') exchange.address = addressIn(c, exchange.headers)
    const refused =
      (await admit(exchange, endpoint, c)) ??
      (endpoint.audience === 'client' ? await admitClient(exchange, endpoint, c) : undefined) ??
      readHead(exchange, endpoint, c)
    if (refused !== undefined) return refused
    if (route.body !== undefined || saysSomething(exchange)) {
      const declared = Number(exchange.headers.get('content-length') ?? 0)
      const full = takeBytes(exchange, declared)
      if (full !== undefined) return full
      exchange.reading = true
      const body = await (route.isUpload
        ? readUpload(exchange.request, endpoint.bodyLimit)
        : route.isForm
          ? readForm(exchange.request, endpoint.bodyLimit)
          : readBody(exchange.request, endpoint.bodyLimit, endpoint.bodyNesting))
      exchange.reading = false
      if ('failed' in body) return body
      const over = takeBytes(exchange, body.bytes - declared)
      if (over !== undefined) return over
      exchange.body = body.value
    }
    if (endpoint.method === 'GET' && endpoint.audience !== 'public') {
      const waited = await freshness.wait(exchange.key.appId, exchange.consistency)
      if (typeof waited === 'object') return waited
      exchange.isStale = waited === 'stale'
    }
    const outcome = await route.invoke(exchange, await around(exchange, endpoint))
    return isInvalid(outcome) ? invalidFailure(outcome) : outcome
  }

  /** Past the time limit the caller gets its answer, and what still runs is told to stop. */
  const late = (exchange: Exchange): Failure => {
    exchange.abort()
    return exchange.reading
      ? refuse('request_timeout', `The body did not arrive within ${timeLimitMs} ms`, {
          headers: { Connection: 'close' },
        })
      : unavailable(`No answer within ${timeLimitMs} ms: whether it was done is unknown, ask again`)
  }

  const withinTime = (work: Promise<Outcome>, exchange: Exchange): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        resolve(late(exchange))
      }, timeLimitMs)
      work.then(
        (outcome) => {
          clearTimeout(timer)
          if (isLate && 'raw' in outcome) discarded(outcome.raw?.content ?? null)
          resolve(outcome)
        },
        (error: unknown) => {
          clearTimeout(timer)
          reject(error)
        },
      )
    })

  const serveEndpoint = async (endpoint: Endpoint, c: Asked): Promise<Response> => {
    const exchange = begin(c.req.raw, endpoint.path, endpoint.audience)
    if (!decodable(c.req.path))
      return replier.failure(exchange, refuse('invalid_path', 'The path is not valid percent-encoded UTF-8'))
    try {
      const settled = settleRefusal<Answer>(await withinTime(handle(exchange, endpoint, c), exchange))
      return isFailure(settled)
        ? replier.failure(exchange, settled)
        : replier.answer(exchange, settled, endpoint.route.status ?? 200)
    } catch (error) {
      const failure = exchange.reading
        ? refuse('invalid_request', 'The body ended before it was complete')
        : replier.thrown(exchange, error)
      return replier.failure(exchange, failure)
    }
  }

  let document: ReturnType<typeof apiDocument> | undefined
  const operation = operationRoutes({
    readiness: deps.readiness,
    metrics,
    document: () => {
      document ??= apiDocument([...(deps.documented ?? routes), ...operation])
      return document
    },
  }).filter(({ path }) => {
    const page = pageOf(path)
    return page === undefined || (deps.pages ?? PAGES).includes(page)
  })

  const notServed = (c: Asked, path: string): Response =>
    replier.failure(
      begin(c.req.raw, 'unmatched', audienceOf(path)),
      refuse('not_served', `${c.req.method} ${path.slice(0, 200)} is not served here`),
    )
  const endpoints = checkedEndpoints([...routes, ...operation])
  const served = endpoints.map((one) => ({ ...one, serve: (c: Asked) => serveEndpoint(one, c) }))
  const unserved = takenForAnother(endpoints).map((one) => ({ ...one, serve: (c: Asked) => notServed(c, one.path) }))
  for (const { method, path, serve } of [...served, ...unserved].toSorted(bySpecificity))
    app.on(method, path.replace(PARAMETER, ':$1'), serve)

  const { consolePages } = deps
  if (consolePages) {
    const settled = (c: Asked, template: string, outcome: Outcome): Response => {
      const exchange = begin(c.req.raw, template, 'public')
      const answer = settleRefusal<Answer>(outcome)
      return isFailure(answer) ? replier.failure(exchange, answer) : replier.answer(exchange, answer, 200)
    }
    app.get('/', (c) => settled(c, '/', { status: 302, headers: { Location: '/console' } }))
    app.get('/console/*', (c) => settled(c, '/console/*', consolePages.answer(c.req.path, c.req.raw.headers)))
  }

  app.notFound((c) => {
    const { path, method } = c.req
    const exchange = begin(c.req.raw, 'unmatched', audienceOf(path))
    const known = METHODS.filter((one) => app.router.match(one, path)[0].length > 0)
    if (known.length === 0 && deps.isStarting)
      return replier.failure(exchange, unavailable('The node is starting; /health/ready says what it waits for', 1))
    if (known.length === 0 || isOfficial(method, path)) return notServed(c, path)
    const allow = [...known, ...(known.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
    const headers = { Allow: allow }
    return method === 'OPTIONS'
      ? replier.answer(exchange, { headers: { ...headers, ...preflightHeaders(exchange.cors, allow) } }, 204)
      : replier.failure(exchange, refuse('method_not_allowed', `This path answers ${allow}`, { headers }))
  })

  app.onError((error, c) => {
    const exchange = begin(c.req.raw, 'unmatched', 'public')
    return replier.failure(exchange, replier.thrown(exchange, error))
  })

  return app
}
