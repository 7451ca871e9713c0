// Builds the HTTP application from routes: routing, keys, limits, bodies, errors, logs and metrics of every request.
import { Hono } from 'hono'
import type { KeyRing, Role } from '../keys.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { ANONYMOUS, AUDIENCE_ROLES, authenticate } from './auth.ts'
import { DEFAULT_BODY_LIMIT, readBody } from './body.ts'
import { corsHeaders, preflightHeaders } from './cors.ts'
import { errorBody, type Failure, isFailure, newRequestId, refuse, settleRefusal, Unavailable } from './errors.ts'
import { type ConditionalHeaders, readHeaders } from './headers.ts'
import { describeIssues } from './issues.ts'
import { type RateLimiter, rateLimiter } from './limits.ts'
import { apiDocument } from './openapi.ts'
import { operationRoutes, type Readiness } from './operation.ts'
import { parseQuery, queryOf } from './query.ts'
import {
  type Answer,
  type Audience,
  audienceOf,
  type Invalid,
  isInvalid,
  type Outcome,
  type RawCall,
  type Route,
} from './route.ts'

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
  /** Milliseconds a request may take, body included; default 30,000. */
  readonly requestTimeLimitMs?: number
  /** Requests a minute and key; no limit when absent. */
  readonly rateLimitPerMinute?: number
  /** Unix milliseconds; default the system's clock. */
  readonly clock?: () => number
}

const DEFAULT_TIME_LIMIT_MS = 30_000

/** One path of one route, with all that can be known before the first request. */
interface Endpoint {
  readonly route: Route
  readonly path: string
  readonly audience: Audience
  readonly method: string
  readonly roles: ReadonlySet<Role>
  readonly bodyLimit: number
  readonly takesParams: boolean
  readonly takesProject: boolean
}

const PARAMETER = /\{([^{}/]+)\}/g

const parameterNames = (path: string): readonly string[] => [...path.matchAll(PARAMETER)].map((match) => match[1]!)

const endpointsOf = (route: Route): readonly Endpoint[] => {
  const fail = (path: string, why: string): never => {
    throw new Error(`Route ${route.method.toUpperCase()} ${path}: ${why}`)
  }
  const wanted = parameterNames(route.path)
  return [route.path, ...(route.also ?? [])].map((path) => {
    const audience = audienceOf(path)
    const names = parameterNames(path)
    const roles = route.roles.filter((role) => AUDIENCE_ROLES[audience].includes(role))
    if (audience !== 'public' && roles.length === 0) fail(path, `none of its roles may use a ${audience} path`)
    if (audience === 'public' && route.roles.length > 0) fail(path, 'a public path has no roles')
    const missing = wanted.find((name) => !names.includes(name))
    if (missing !== undefined) fail(path, `lacks the parameter {${missing}} of ${route.path}`)
    return {
      route,
      path,
      audience,
      method: route.method.toUpperCase(),
      roles: new Set(roles),
      bodyLimit: route.bodyLimit ?? DEFAULT_BODY_LIMIT,
      takesParams: names.length > 0,
      takesProject: names.includes('projectId'),
    }
  })
}

/** Static segments before parameters, so that `/v1/events/rejected` never reads as `/v1/events/{id}`. */
const bySpecificity = (a: Endpoint, b: Endpoint): number => {
  const left = a.path.split('/')
  const right = b.path.split('/')
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = Number(left[i]!.startsWith('{')) - Number(right[i]!.startsWith('{'))
    if (difference !== 0) return difference
  }
  return 0
}

const checkedEndpoints = (routes: readonly Route[]): readonly Endpoint[] => {
  const endpoints = routes.flatMap(endpointsOf)
  const seen = new Set<string>()
  for (const { method, path } of endpoints) {
    const shape = `${method} ${path.replace(PARAMETER, '{}')}`
    if (seen.has(shape)) throw new Error(`Route ${method} ${path} is declared twice`)
    seen.add(shape)
  }
  return endpoints.toSorted(bySpecificity)
}

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

const INVALID_KEYS = { params: 'invalid_path', query: 'invalid_query_params', body: 'invalid_payload' } as const

const invalidFailure = ({ invalid, issues }: Invalid): Failure => refuse(INVALID_KEYS[invalid], describeIssues(issues))

/** The part of one request's state that outlives its handling: what its reply, log line and metric need. */
interface Exchange {
  readonly requestId: string
  readonly method: string
  readonly template: string
  readonly startedAt: number
  readonly cors: Readonly<Record<string, string>> | undefined
  conditional: ConditionalHeaders | undefined
  rate: Readonly<Record<string, string>> | undefined
  keyName: string | undefined
}

type Content = NonNullable<Answer['raw']>['content']

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Builds the application. Throws at once when two routes claim one path or a route's roles cannot use its path. */
export const buildApp = (routes: readonly Route[], deps: AppDeps): Hono => {
  const { log, metrics } = deps
  const clock = deps.clock ?? Date.now
  const timeLimitMs = deps.requestTimeLimitMs ?? DEFAULT_TIME_LIMIT_MS
  const limiter: RateLimiter = rateLimiter(deps.rateLimitPerMinute)
  const freeRate = rateLimiter(undefined)('', 0).headers
  const app = new Hono({ getPath: rawPath })

  const begin = (request: Request, template: string, audience: Audience): Exchange => ({
    requestId: newRequestId(),
    method: request.method,
    template,
    startedAt: performance.now(),
    cors: audience === 'client' ? corsHeaders(deps.keys, request.headers.get('origin')) : undefined,
    conditional: undefined,
    rate: undefined,
    keyName: undefined,
  })

  /** The one place where replies are written: status, headers, log line and metric. */
  const reply = (
    exchange: Exchange,
    answer: Answer,
    status: number,
    body: Content | null,
    contentType?: string,
  ): Response => {
    const seconds = (performance.now() - exchange.startedAt) / 1000
    metrics.observeRequest(exchange.method, exchange.template, status, seconds)
    log.info(
      {
        requestId: exchange.requestId,
        method: exchange.method,
        route: exchange.template,
        status,
        ms: Math.round(seconds * 1e5) / 100,
        key: exchange.keyName,
      },
      'request',
    )
    const headers: Record<string, string> = {
      'X-Request-Id': exchange.requestId,
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': answer.etag === undefined ? 'no-store' : 'private, no-cache',
      ...(exchange.rate ?? freeRate),
      ...exchange.cors,
    }
    if (contentType !== undefined) headers['Content-Type'] = contentType
    if (answer.etag !== undefined) headers.ETag = `"${answer.etag}"`
    if (answer.consistencyToken !== undefined) headers['Consistency-Token'] = answer.consistencyToken.toString()
    if (answer.headers !== undefined) Object.assign(headers, answer.headers)
    return new Response(body, { status, headers })
  }

  const replyAnswer = (exchange: Exchange, answer: Answer, usualStatus: number): Response => {
    const status = answer.status ?? usualStatus
    if (answer.etag !== undefined && exchange.conditional?.ifNoneMatch?.(answer.etag) === true)
      return reply(exchange, answer, 304, null)
    if (answer.raw !== undefined) return reply(exchange, answer, status, answer.raw.content, answer.raw.contentType)
    if (answer.body === undefined) return reply(exchange, answer, status, null)
    return reply(exchange, answer, status, JSON.stringify(answer.body), 'application/json')
  }

  const replyFailure = (exchange: Exchange, failure: Failure): Response => {
    const headers = {
      ...(failure.retryAfter === undefined ? {} : { 'Retry-After': String(failure.retryAfter) }),
      ...failure.headers,
    }
    const body = JSON.stringify(errorBody(failure, exchange.requestId))
    return reply(exchange, { headers }, failure.status, body, 'application/json')
  }

  /** An exception is never told to the caller: it is logged under the request id that the caller gets. */
  const thrownFailure = (exchange: Exchange, error: unknown): Failure => {
    const known =
      deps.mapError?.(error) ??
      (error instanceof Unavailable
        ? refuse('unavailable', error.message, { retryAfter: error.retryAfter })
        : undefined)
    if (known !== undefined && known.status < 500) return known
    log.error({ requestId: exchange.requestId, route: exchange.template, err: error }, 'request failed')
    return (
      known ??
      refuse('internal_error', `Unexpected error: the log of this server tells more under ${exchange.requestId}`)
    )
  }

  /** Authenticates, reads and checks a request, then calls its handler. */
  const handle = async (
    request: Request,
    params: () => Readonly<Record<string, string>>,
    endpoint: Endpoint,
    exchange: Exchange,
    progress: { reading: boolean; abort: AbortController | undefined },
  ): Promise<Outcome> => {
    const { route, audience } = endpoint
    const header = (name: string): string | undefined => request.headers.get(name) ?? undefined
    const key = audience === 'public' ? ANONYMOUS : authenticate(deps.keys, audience, endpoint.roles, header)
    if ('failed' in key) return key
    const now = clock()
    if (audience !== 'public') {
      exchange.keyName = key.name
      const allowance = limiter(key.appId, now)
      exchange.rate = allowance.headers
      if (allowance.refused !== undefined) return allowance.refused
    }
    const pathParams = endpoint.takesParams ? params() : NO_PARAMS
    if (endpoint.takesProject && pathParams.projectId !== deps.projectId)
      return refuse('not_found', `Cannot find project with id ${pathParams.projectId}`, { resourceType: 'project' })
    const read = readHeaders(header)
    if ('failed' in read) return read
    exchange.conditional = read
    const query = route.query === undefined ? NOTHING : parseQuery(queryOf(request.url))
    if ('failed' in query) return query
    let body: { readonly value: unknown } = NOTHING
    if (route.body !== undefined) {
      progress.reading = true
      const got = await readBody(request, header, endpoint.bodyLimit)
      progress.reading = false
      if ('failed' in got) return got
      body = got
    }
    const call: RawCall = {
      body: body.value,
      query: query.value,
      params: pathParams,
      key,
      requestId: exchange.requestId,
      channel: header('x-voucherify-channel') ?? (audience === 'client' ? 'CLIENT_API' : 'API'),
      audience,
      consistency: read.consistency,
      idempotencyKey: read.idempotencyKey,
      now,
      get signal() {
        progress.abort ??= new AbortController()
        return progress.abort.signal
      },
      header,
    }
    const outcome = await route.invoke(call)
    return isInvalid(outcome) ? invalidFailure(outcome) : outcome
  }

  /** Bounds the time of a request: past it the caller gets its answer, and what still runs is told to stop. */
  const withinTime = (work: Promise<Outcome>, onLate: () => Failure): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(onLate()), timeLimitMs)
      work.then(
        (outcome) => {
          clearTimeout(timer)
          resolve(outcome)
        },
        (error: unknown) => {
          clearTimeout(timer)
          reject(error)
        },
      )
    })

  const serveEndpoint = async (
    request: Request,
    params: () => Readonly<Record<string, string>>,
    endpoint: Endpoint,
  ): Promise<Response> => {
    const exchange = begin(request, endpoint.path, endpoint.audience)
    const progress: { reading: boolean; abort: AbortController | undefined } = { reading: false, abort: undefined }
    try {
      const outcome = await withinTime(handle(request, params, endpoint, exchange, progress), () => {
        progress.abort ??= new AbortController()
        progress.abort.abort(new Error('The time limit of the request is over'))
        return progress.reading
          ? refuse('request_timeout', `The body did not arrive within ${timeLimitMs} ms`, {
              headers: { Connection: 'close' },
            })
          : refuse('unavailable', `No answer within ${timeLimitMs} ms: whether it was done is unknown, ask again`, {
              retryAfter: 1,
            })
      })
      const settled = settleRefusal<Answer>(outcome)
      return isFailure(settled)
        ? replyFailure(exchange, settled)
        : replyAnswer(exchange, settled, endpoint.route.status ?? 200)
    } catch (error) {
      const failure = progress.reading
        ? refuse('invalid_request', 'The body ended before it was complete')
        : thrownFailure(exchange, error)
      return replyFailure(exchange, failure)
    }
  }

  let document: string | undefined
  const operation = operationRoutes({
    readiness: deps.readiness,
    metrics,
    document: () => {
      document ??= JSON.stringify(apiDocument([...routes, ...operation]))
      return document
    },
  })

  for (const endpoint of checkedEndpoints([...routes, ...operation])) {
    const pattern = endpoint.path.replace(PARAMETER, ':$1')
    app.on(endpoint.method, pattern, (c) => {
      const { path } = c.req
      if (!decodable(path))
        return replyFailure(
          begin(c.req.raw, endpoint.path, endpoint.audience),
          refuse('invalid_path', 'The path is not valid percent-encoded UTF-8'),
        )
      return serveEndpoint(c.req.raw, () => c.req.param(), endpoint)
    })
  }

  app.notFound((c) => {
    const { path, method } = c.req
    const audience = audienceOf(path)
    const exchange = begin(c.req.raw, 'unmatched', audience)
    const known = METHODS.filter((one) => app.router.match(one, path)[0].length > 0)
    if (known.length === 0) return replyFailure(exchange, refuse('not_found', `There is no path ${path.slice(0, 200)}`))
    const allow = [...known, ...(known.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
    if (method === 'OPTIONS')
      return reply(exchange, { headers: { Allow: allow, ...preflightHeaders(exchange.cors, allow) } }, 204, null)
    return replyFailure(
      exchange,
      refuse('method_not_allowed', `This path answers ${allow}`, { headers: { Allow: allow } }),
    )
  })

  app.onError((error, c) => {
    const exchange = begin(c.req.raw, 'unmatched', 'public')
    return replyFailure(exchange, thrownFailure(exchange, error))
  })

  return app
}

const NO_PARAMS: Readonly<Record<string, string>> = {}
const NOTHING: { readonly value: undefined } = { value: undefined }
