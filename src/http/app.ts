// Builds the HTTP application from routes: routing, keys, limits, bodies, errors, logs and metrics of every request.

import { Hono } from 'hono'
import { recordsAnything } from '../domain/access/permissions.ts'
import { printOf } from '../domain/print.ts'
import { createAdmission } from './admission.ts'
import type { App, AppDeps, AppEnv, Asked } from './appDeps.ts'
import { readBody, readForm } from './body.ts'
import { corsHeaders, preflightHeaders } from './cors.ts'
import { bySpecificity, checkedEndpoints, type Endpoint, PARAMETER } from './endpoints.ts'
import { asFailure, type Failure, fail, isFailure, unavailable } from './errors.ts'
import { createReplier, discarded, Exchange } from './exchange.ts'
import { createFreshness } from './fresh.ts'
import { readHeaders } from './headers.ts'
import { describeIssues } from './issues.ts'
import { isLong, printInSlices } from './longBody.ts'
import { isOfficial, takenForAnother } from './official.ts'
import { apiDocument } from './openapi.ts'
import { operationRoutes, PAGES, pageOf } from './operation.ts'
import { decodable, rawPath } from './paths.ts'
import { parseQuery, queryOf } from './query.ts'
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
import { readUpload } from './upload.ts'

export type { App, AppDeps } from './appDeps.ts'

const DEFAULT_TIME_LIMIT_MS = 30_000

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
  fail(issues.every(isOfFormat) ? 'invalid_code_config' : INVALID_KEYS[invalid], describeIssues(issues))

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
  const freshness = createFreshness(deps.whenShown ?? (() => Promise.resolve(true)), deps.sharedFreshness)
  const replier = createReplier({ ...deps, acknowledged: freshness.acknowledged })
  const { admit, admitClient, addressIn } = createAdmission(deps)
  const app = new Hono<AppEnv>({ getPath: rawPath })

  const begin = (request: Request, template: string, audience: Audience): Exchange => {
    const exchange = new Exchange(request, template, audience, clock())
    if (audience === 'client') exchange.cors = corsHeaders(deps.keys, request.headers.get('origin'))
    return exchange
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
          return fail('not_found', `Nothing has a ${name} of over ${MAX_NAME_BYTES} bytes`)
      const { projectId } = exchange.params
      if (projectId !== undefined && projectId !== deps.projectId)
        return fail('not_found', `Cannot find project with id ${projectId}`, { resourceType: 'project' })
    }
    const read = readHeaders(exchange.headers)
    if ('failed' in read) return read
    exchange.conditional = read
    if (read.ifMatch !== undefined && !endpoint.route.ifMatch && endpoint.method !== 'GET')
      return fail('invalid_header', 'If-Match is not supported here: only changes of definitions take it')
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
        {
          key,
          customer: customerOf?.(about),
          route,
          print,
          tellsSecret: endpoint.route.tellsSecret,
          requestId,
          actor,
          now,
          deadline: now + timeLimitMs,
        },
        carryOut,
      )
  }

  /** Authenticates, reads and checks a request, then calls its handler. */
  const handle = async (exchange: Exchange, endpoint: Endpoint, c: Asked): Promise<Outcome> => {
    const { route } = endpoint
    if (endpoint.audience === 'public') exchange.address = addressIn(c, exchange.headers)
    // Before the key is looked at: it may have been made, or have ended, a moment ago.
    const step = deps.inStep?.()
    if (step !== undefined) await step
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
          : readBody(exchange.request, endpoint.bodyLimit, { nesting: endpoint.bodyNesting, each: route.each }))
      exchange.reading = false
      if ('failed' in body) return body
      const over = takeBytes(exchange, body.bytes - declared)
      if (over !== undefined) return over
      exchange.body = body.value
      exchange.flaws = body.flaws
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
      ? fail('request_timeout', `The body did not arrive within ${timeLimitMs} ms`, {
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
      return replier.failure(exchange, fail('invalid_path', 'The path is not valid percent-encoded UTF-8'))
    try {
      const outcome = asFailure<Answer>(await withinTime(handle(exchange, endpoint, c), exchange))
      return isFailure(outcome)
        ? replier.failure(exchange, outcome)
        : replier.answer(exchange, outcome, endpoint.route.status ?? 200)
    } catch (error) {
      const failure = exchange.reading
        ? fail('invalid_request', 'The body ended before it was complete')
        : replier.thrown(exchange, error)
      return replier.failure(exchange, failure)
    }
  }

  let document: ReturnType<typeof apiDocument> | undefined
  const operation = operationRoutes({
    readiness: deps.readiness,
    scrape: deps.scrape ?? (() => metrics.registry.metrics()),
    contentType: metrics.registry.contentType,
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
      fail('not_served', `${c.req.method} ${path.slice(0, 200)} is not served here`),
    )
  const endpoints = checkedEndpoints([...routes, ...operation])
  const { handOver } = deps
  const served = endpoints.map((one) => ({
    ...one,
    serve: (c: Asked) => (one.route.isOfPrimary && handOver ? handOver(c.env) : serveEndpoint(one, c)),
  }))
  const unserved = takenForAnother(endpoints).map((one) => ({ ...one, serve: (c: Asked) => notServed(c, one.path) }))
  for (const { method, path, serve } of [...served, ...unserved].toSorted(bySpecificity))
    app.on(method, path.replace(PARAMETER, ':$1'), serve)

  const { consolePages } = deps
  if (consolePages) {
    const answered = (c: Asked, template: string, outcome: Outcome): Response => {
      if (handOver) return handOver(c.env)
      const exchange = begin(c.req.raw, template, 'public')
      const answer = asFailure<Answer>(outcome)
      return isFailure(answer) ? replier.failure(exchange, answer) : replier.answer(exchange, answer, 200)
    }
    app.get('/', (c) => answered(c, '/', { status: 302, headers: { Location: '/console' } }))
    app.get('/console/*', (c) => answered(c, '/console/*', consolePages.answer(c.req.path, c.req.raw.headers)))
  }

  app.notFound((c) => {
    // Who starts knows no routes yet; the primary does, or says that it starts too.
    if (deps.isStarting && handOver) return handOver(c.env)
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
      : replier.failure(exchange, fail('method_not_allowed', `This path answers ${allow}`, { headers }))
  })

  app.onError((error, c) => {
    const exchange = begin(c.req.raw, 'unmatched', 'public')
    return replier.failure(exchange, replier.thrown(exchange, error))
  })

  return app
}
