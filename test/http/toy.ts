// A small application for the HTTP tests: keys of every role, a handful of routes, and what they saw.
import * as v from 'valibot'
import { ROLES } from '../../src/domain/access/permissions.ts'
import { type AppDeps, buildApp } from '../../src/http/app.ts'
import { notFound, Unavailable } from '../../src/http/errors.ts'
import { isoTime, pageLimit, queryFlag } from '../../src/http/fields.ts'
import { type Route, route } from '../../src/http/route.ts'
import { type GeneratedKey, keyRing } from '../../src/keys.ts'
import { createLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'

export const keys: readonly GeneratedKey[] = [
  ...ROLES.map((role) => ({
    name: `test ${role}`,
    role,
    appId: `app-${role}`,
    token: `token-of-${role}-0123456789`,
    ...(role === 'client' ? { origins: ['https://shop.test'] } : {}),
  })),
  { name: 'anywhere', role: 'client', appId: 'app-anywhere', token: 'token-of-anywhere-0123', origins: ['*'] },
]

const keyOf = (role: string): GeneratedKey => keys.find((key) => key.appId === `app-${role}`)!

/** The header pair of a server key. */
export const serverKey = (role: string): Record<string, string> => {
  const { appId, token } = keyOf(role)
  return { 'X-App-Id': appId, 'X-App-Token': token }
}
export const clientKey = (name = 'client'): Record<string, string> => {
  const { appId, token } = keyOf(name)
  return { 'X-Client-Application-Id': appId, 'X-Client-Token': token }
}
export const managementKey = (role = 'admin'): Record<string, string> => {
  const { appId, token } = keyOf(role)
  return { 'X-Management-Id': appId, 'X-Management-Token': token }
}
export const json = { 'Content-Type': 'application/json' }

export const eventBody = v.pipe(
  v.object({
    event: v.pipe(v.string(), v.minLength(1), v.maxLength(300)),
    customer: v.object({ source_id: v.string() }),
    metadata: v.optional(v.record(v.string(), v.unknown())),
    referral: v.optional(v.object({ code: v.string() })),
    occurred_at: v.optional(isoTime),
  }),
  v.title('Event'),
)

/** Routes that use every feature of the registry; `seen` receives what handlers were called with. */
export const toyRoutes = (seen: unknown[] = []): readonly Route[] => [
  route({
    method: 'post',
    path: '/v1/events',
    also: ['/client/v1/events'],
    summary: 'Track',
    tag: 'events',
    permission: 'events.write',
    ability: 'track',
    query: v.object({ dry_run: v.optional(queryFlag) }),
    body: eventBody,
    handler: ({ body, query, key, requestId, channel, audience, idempotencyKey, consistency, now }) => {
      seen.push({ body, query, key, requestId, channel, audience, idempotencyKey, consistency, now })
      return { body: { object: 'event', type: body.event }, consistencyToken: 42n }
    },
  }),
  route({
    method: 'post',
    path: '/v1/events/batch',
    summary: 'Track many',
    tag: 'events',
    permission: 'events.write',
    bodyLimit: 10 * 1024 * 1024,
    body: v.object({ events: v.pipe(v.array(v.unknown()), v.minLength(1)) }),
    each: 'events',
    handler: ({ body, flaws }) => ({ body: { count: body.events.length, flaws: [...(flaws ?? [])] } }),
  }),
  route({
    method: 'get',
    path: '/v1/customers/{id}',
    summary: 'One customer',
    tag: 'customers',
    permission: 'customers.read',
    handler: ({ params, consistency }) => {
      seen.push({ params, consistency })
      if (params.id === 'missing') return notFound('customer', params.id)
      return { body: { id: params.id }, revision: '7' }
    },
  }),
  route({
    method: 'get',
    path: '/v1/customers/new',
    summary: 'A static path beside a parameter',
    tag: 'customers',
    permission: 'customers.read',
    handler: () => ({ body: { static: true } }),
  }),
  route({
    method: 'delete',
    path: '/v1/customers/{id}',
    summary: 'Delete',
    tag: 'customers',
    permission: 'customers.delete',
    status: 204,
    handler: () => ({}),
  }),
  route({
    method: 'get',
    path: '/v1/customers',
    summary: 'Customers',
    tag: 'customers',
    permission: 'customers.read',
    query: v.object({ limit: pageLimit, filters: v.optional(v.unknown()) }),
    handler: ({ query }) => ({ body: query }),
  }),
  route({
    method: 'put',
    path: '/management/v1/projects/{projectId}/things/{thing}',
    also: ['/v1/projects/{projectId}/things/{thing}'],
    summary: 'Thing',
    tag: 'things',
    permission: 'webhooks.write',
    handler: ({ params }) => ({ body: params }),
  }),
  route({
    method: 'post',
    path: '/v1/trouble/{kind}',
    summary: 'Fails as asked',
    tag: 'trouble',
    permission: 'projections.manage',
    handler: async ({ params, signal }) => {
      if (params.kind === 'unavailable') throw new Unavailable('The event store does not answer', { retryAfter: 3 })
      if (params.kind === 'mapped') throw new RangeError('mapped')
      if (params.kind === 'refused')
        return { refused: { key: 'resource_in_use', details: 'used by seg_1', resource: { type: 'segment', id: 'x' } } }
      if (params.kind === 'slow')
        await new Promise((resolve) => signal.addEventListener('abort', () => resolve(seen.push('aborted'))))
      throw new Error('a secret of the inside')
    },
  }),
]

export interface Toy {
  readonly app: ReturnType<typeof buildApp>
  readonly seen: unknown[]
  /** Parsed log lines. */
  readonly logged: Record<string, unknown>[]
}

/** The application over the toy routes, in memory. */
export const toyApp = (deps: Partial<AppDeps> = {}, routes?: readonly Route[]): Toy => {
  const seen: unknown[] = []
  const logged: Record<string, unknown>[] = []
  const app = buildApp(routes ?? toyRoutes(seen), {
    keys: keyRing(keys),
    log: createLogger('info', { write: (line) => void logged.push(JSON.parse(line)) }),
    metrics: createMetrics(),
    readiness: async () => ({ ok: true, checks: {} }),
    projectId: 'proj_main',
    ...deps,
  })
  return { app, seen, logged }
}

const errorSchema = v.strictObject({
  code: v.number(),
  key: v.string(),
  message: v.string(),
  details: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => !/\bat .*:\d+:\d+|node_modules|\.ts\b/.test(text)),
    ),
  ),
  request_id: v.pipe(v.string(), v.regex(/^v-[0-9a-f]{18}$/)),
  resource_id: v.optional(v.string()),
  resource_type: v.optional(v.string()),
  error: v.optional(v.object({ message: v.string() })),
})

/** The error body of a reply: it must have the reference's form and repeat the status; anything else throws. */
export const errorOf = async (res: Response): Promise<v.InferOutput<typeof errorSchema>> => {
  const body = v.parse(errorSchema, await res.json())
  if (body.code !== res.status) throw new Error(`code ${body.code} in a reply with status ${res.status}`)
  return body
}
