// The declarative route registry: what a route says about itself, and the typed call its handler receives.
/*
 * The contract, in short (exact types below):
 *
 *   route({ method, path, also?, summary, description?, tag, permission?, ability?, params?, query?, body?, bodyLimit?,
 *           bodyNesting?, response?, status?, operationId?, handler }): Route
 *   handler: (call: Call<Body, Query, Params>) => Answer | Failure | Refused | Promise<…>
 *
 *   Call   = { body, query, params, key, client?, requestId, channel, audience, consistency, idempotencyKey, ifMatch, now,
 *              signal, headers }
 *   Answer = { status?, body?, headers?, etag?, consistencyToken?, raw? }
 *   Failure builders (errors.ts): fail(key, details?, extras?), notFound(type, id), duplicateFound(type, id, details?),
 *     unavailable(details, retryAfter?), notYetConsistent(waitedMs); a domain `Refused` may be returned as it is.
 *
 *   buildApp(routes: readonly Route[], deps: AppDeps): Hono      (app.ts; test with app.request())
 *
 * Paths: `/v1/customers/{id}`. The audience follows from the prefix: `/v1/` server keys, `/client/v1/` client keys,
 * `/management/v1/` management keys; any other path is public and needs no key. `also` serves the same handler under
 * further paths. Static segments win over parameters whatever the order of routes. A `{projectId}` parameter must be the
 * configured project, else 404: handlers need not look.
 *
 * Schemas are valibot (synchronous). `query` sees text: use the helpers of fields.ts for numbers, times and flags.
 * What a query or a body holds and its schema does not read is refused (shape.ts), at any depth; `v.record`, `v.unknown` and
 * `v.looseObject` leave a place open. Give a schema `v.title('Customer')` to name it in the OpenAPI document.
 */

import * as v from 'valibot'
import type { Permission } from '../domain/access/permissions.ts'
import type { Refused } from '../domain/refusal.ts'
import type { Ability, ApiKey } from '../keys.ts'
import type { Allowance } from './clients.ts'
import type { Failure } from './errors.ts'
import { checkInSlices, isLong } from './longBody.ts'
import { NOTHING, shapeOf, unread, withoutNulls } from './shape.ts'

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** Which pair of headers a path asks for; `public` asks for none. */
export type Audience = 'server' | 'client' | 'management' | 'public'

/** `{ id: string }` for `/v1/customers/{id}`. */
export type PathParams<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [K in Name]: string } & PathParams<Rest>
  : unknown

/** How fresh a query's answer must be: `token` is the position to wait for, at most `waitMs`. */
export interface Consistency {
  readonly token?: bigint
  readonly waitMs: number
}

/** What the request of a client key may do. */
export interface Client extends Allowance {
  /** The `source_id` of the customer whose token came with the request; undefined when none did. */
  readonly customer: string | undefined
  readonly may: (ability: Ability) => boolean
}

/** One authenticated, checked request. */
export interface Call<Body = undefined, Query = undefined, Params = unknown> {
  readonly body: Body
  readonly query: Query
  readonly params: Params
  /** Who asks. On a public path the anonymous key (role `client`, empty `appId`). */
  readonly key: ApiKey
  /** On client paths: what the key and the customer's token let it do. */
  readonly client: Client | undefined
  readonly requestId: string
  /** `X-Voucherify-Channel` as sent, else `API` or `CLIENT_API`. */
  readonly channel: string
  readonly audience: Audience
  readonly consistency: Consistency
  /** The command's name that follows from `Idempotency-Key` and the API key that it came with; absent when none was sent. */
  readonly idempotencyKey: string | undefined
  /** Whether `If-Match` names this revision; undefined when it was not sent. */
  readonly ifMatch: ((revision: string) => boolean) | undefined
  /** When the request was taken up, Unix milliseconds: the `now` of the command. */
  readonly now: number
  /** Aborts when the request's time limit is over. */
  readonly signal: AbortSignal
  readonly headers: Pick<Headers, 'get'>
  /** What is wrong with items of the body's `each`, by their place. */
  readonly flaws: ReadonlyMap<number, string> | undefined
  /** On public paths: whose request it is, as far as its address tells, such as to bound how often one may try. */
  readonly address: string
}

/** What a handler answers when all is well. */
export interface Answer {
  /** Else the route's `status`. */
  readonly status?: number
  /** Sent as JSON; nothing when absent. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** The revision of what is shown, decimal: begins the `ETag`, and is what `If-Match` of a later change is held against. */
  readonly revision?: string
  /** Position that a later query may wait for: becomes `Consistency-Token`. */
  readonly consistencyToken?: bigint
  /** Something other than JSON, instead of `body`. */
  readonly raw?: { readonly contentType: string; readonly content: string | Uint8Array | ReadableStream<Uint8Array> }
}

/** Said of an answer that tells what was done before. */
export const REPLAYED = { 'Idempotent-Replayed': 'true' } as const

export type Outcome = Answer | Failure | Refused

/** What a route declares; `Body`, `Query` and `Params` follow from the schemas. */
export interface RouteDefinition<Path extends string, Body, Query, Params> {
  readonly method: Method
  readonly path: Path
  /** Further paths for the same handler. */
  readonly also?: readonly string[]
  readonly summary: string
  readonly description?: string
  /** The group in the API document. */
  readonly tag: string
  /**
   * What the key must hold; a `/management/v1` path asks for `management.use` as well. Absent on public paths only, which need no
   * key.
   */
  readonly permission?: Permission
  /** What a client key must be allowed to call the route's `/client/v1` paths: every route with one says so. */
  readonly ability?: Ability | 'track'
  readonly params?: v.GenericSchema<unknown, Params>
  readonly query?: v.GenericSchema<unknown, Query>
  readonly body?: v.GenericSchema<unknown, Body>
  /** Bytes; default 1 MiB. */
  readonly bodyLimit?: number
  /** Levels of objects and arrays in the body; default 20. */
  readonly bodyNesting?: number
  /** The list in the body whose items are taken or refused each by itself: what JSON of one cannot be taken is in `flaws`. */
  readonly each?: string
  /** The body comes as `application/x-www-form-urlencoded`, each name once; its values are texts. */
  readonly isForm?: true
  /** The body comes as `multipart/form-data` with a `file`, or is that file as `text/csv`; files are their text. */
  readonly isUpload?: true
  /** The key's pair may come as `Authorization: Basic` as well, as OAuth clients send theirs. */
  readonly takesBasic?: true
  /** The answer's body, for the API document and for tests; of an answer of lines, one line. */
  readonly response?: v.GenericSchema
  /** What kind of content is answered; default `application/json`. */
  readonly contentType?: string
  /** Brings many commands at once: it waits for its turn, and is refused at the door when that would not come soon. */
  readonly isMany?: true
  /** Records nothing although it is no GET: it is answered while the disk is full. */
  readonly records?: false
  /** Takes `If-Match`: the handler refuses when what it changes has another revision. Elsewhere the header is refused. */
  readonly ifMatch?: true
  /** Status of an answer that names none; default 200. */
  readonly status?: number
  /** Only the process that has the background can answer it: with several behind one port, the others hand its requests over. */
  readonly isOfPrimary?: true
  /** Else made from method and path. */
  readonly operationId?: string
  /**
   * The customer whom a request is about, as its body names one: one `Idempotency-Key` names a request of one customer. Default:
   * its `customer`.
   */
  readonly about?: (body: unknown) => unknown
  /** True where what is recorded remembers its `Idempotency-Key` itself, so that nothing need be kept beside it. */
  readonly remembers?: boolean
  /** Its answer holds a secret, which is told once and not kept: a repeat under its `Idempotency-Key` is refused and does nothing. */
  readonly tellsSecret?: true
  readonly handler: (call: Call<Body, Query, Params>) => Outcome | Promise<Outcome>
}

/** A call whose parts are not yet checked against the route's schemas. */
export type RawCall = Call<unknown, unknown, Readonly<Record<string, string>>>

/*
 * A class where a literal would do: a literal with a getter gets a hidden class of its own at every request, which costs
 * more than all the rest of the pipeline.
 */
class CheckedCall<Body, Query, Params> implements Call<Body, Query, Params> {
  readonly body: Body
  readonly query: Query
  readonly params: Params
  readonly key: ApiKey
  readonly requestId: string
  readonly audience: Audience
  readonly now: number
  readonly #raw: RawCall

  constructor(raw: RawCall, params: Params, query: Query, body: Body) {
    this.body = body
    this.query = query
    this.params = params
    this.key = raw.key
    this.requestId = raw.requestId
    this.audience = raw.audience
    this.now = raw.now
    this.#raw = raw
  }
  get client(): Client | undefined {
    return this.#raw.client
  }
  get channel(): string {
    return this.#raw.channel
  }
  get consistency(): Consistency {
    return this.#raw.consistency
  }
  get idempotencyKey(): string | undefined {
    return this.#raw.idempotencyKey
  }
  get ifMatch(): ((revision: string) => boolean) | undefined {
    return this.#raw.ifMatch
  }
  get signal(): AbortSignal {
    return this.#raw.signal
  }
  get headers(): Pick<Headers, 'get'> {
    return this.#raw.headers
  }
  get flaws(): RawCall['flaws'] {
    return this.#raw.flaws
  }
  get address(): string {
    return this.#raw.address
  }
}

/** Where a part of the request broke its schema. */
export interface Invalid {
  readonly invalid: 'params' | 'query' | 'body'
  readonly issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]
}

/** A registered route: the declaration with its types erased, and one function that checks and calls. */
export interface Route extends Omit<RouteDefinition<string, unknown, unknown, unknown>, 'handler' | 'about'> {
  /** `around` is given the checked call, as something that carries it out, and whom it is about. */
  readonly invoke: (raw: RawCall, around?: Around) => Outcome | Invalid | Promise<Outcome | Invalid>
}

/** What may stand between a checked call and its handler. */
export type Around = (carryOut: () => Outcome | Promise<Outcome>, about: unknown) => Outcome | Promise<Outcome>

const customerIn = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && 'customer' in body ? body.customer : undefined

export const isInvalid = (value: object): value is Invalid => 'invalid' in value

export type Checked<T> = { readonly value: T } | { readonly issues: Invalid['issues'] }

/** A value unless there are issues with it. */
const checked = <T>(value: T, issues: readonly v.BaseIssue<unknown>[]): Checked<T> => {
  const [first, ...others] = issues
  return first === undefined ? { value } : { issues: [first, ...others] }
}

/** Values in a body past which only the first thing wrong with it is told: half a million issues take seconds to make. */
const MANY_VALUES = 2_000

/** Whether a parsed value holds more values than are looked at for all that is wrong; goes no further than to know. */
const isMany = (raw: unknown): boolean => {
  let left = MANY_VALUES
  const visit = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null) return false
    if (Array.isArray(value)) {
      left -= value.length
      return left < 0 || value.some(visit)
    }
    for (const key in value) if (--left < 0 || visit((value as Readonly<Record<string, unknown>>)[key])) return true
    return false
  }
  return visit(raw)
}

/**
 * Checks what a caller sent by a schema, and that the schema reads all of it. The only way for input to come in: commands that
 * parse a part of a request by themselves (the items of a batch) use it as well. `isNew`: it makes something, so that a null where
 * none is known counts as absent.
 */
export const checkerOf = <T>(
  schema: v.GenericSchema<unknown, T>,
  { isNew = false }: { readonly isNew?: boolean } = {},
): ((raw: unknown) => Checked<T>) => {
  const run = schema['~run']
  const shape = shapeOf(schema)
  return (raw) => {
    const config = isMany(raw) ? { abortEarly: true } : {}
    const result = run.call(schema, { value: raw }, config)
    const left = unread(shape, raw)
    if (result.issues === undefined) return checked(result.value as T, left)
    const said = isNew ? withoutNulls(shape, raw) : raw
    const again = said === raw ? result : run.call(schema, { value: said }, config)
    return again.issues === undefined
      ? checked(again.value as T, left)
      : checked(result.value as T, [...left, ...result.issues])
  }
}

/** A part without a schema says nothing: its type parameter was then inferred from its default. */
const checker = <T>(
  schema: v.GenericSchema<unknown, T> | undefined,
  how: { readonly isNew?: boolean } = {},
): ((raw: unknown) => Checked<T>) =>
  schema === undefined ? (raw) => checked(raw as T, unread(NOTHING, raw)) : checkerOf(schema, how)

/** The parameters of a path were put there by name: a schema need not read those of every path of its route. */
const paramsChecker = <T>(schema: v.GenericSchema<unknown, T> | undefined): ((raw: unknown) => Checked<T>) => {
  if (schema === undefined) return (raw) => ({ value: raw as T })
  const run = schema['~run']
  return (raw) => {
    const result = run.call(schema, { value: raw }, {})
    return checked(result.value as T, result.issues ?? [])
  }
}

/** How many items a list may have that is nothing but its items; undefined where a body is something else, or has other bounds. */
const mostItems = (schema: v.GenericSchema | undefined): number | undefined => {
  if (schema?.type !== 'array') return undefined
  const steps = 'pipe' in schema && Array.isArray(schema.pipe) ? schema.pipe.slice(1) : []
  return steps.every(({ type }) => type === 'max_length')
    ? Math.min(Number.POSITIVE_INFINITY, ...steps.map(({ requirement }) => Number(requirement)))
    : undefined
}

/** The same routes, answered by the primary alone where there are several processes. */
export const ofPrimary = (routes: readonly Route[]): readonly Route[] =>
  routes.map((one): Route => ({ ...one, isOfPrimary: true }))

/** Declares a route. Pure: nothing is registered until `buildApp` is given the list. */
export const route = <
  const Path extends string,
  Body = undefined,
  Query = undefined,
  Params = PathParams<Path> & Readonly<Record<string, string>>,
>(
  definition: RouteDefinition<Path, Body, Query, Params>,
): Route => {
  const { handler, about = customerIn, ...declared } = definition
  const checkParams = paramsChecker(definition.params)
  const checkQuery = checker(definition.query)
  // Null may be how a change takes something away, so that there it is never passed over.
  const checkBody = checker(definition.body, { isNew: definition.method === 'post' })
  const { body: bodySchema } = definition
  // A list that is nothing but its items can be checked a slice at a time.
  const most = mostItems(bodySchema)
  const checkLength = checkerOf(v.pipe(v.array(v.unknown()), v.maxLength(most ?? 0)))
  return {
    ...declared,
    invoke: (raw, around) => {
      const params = checkParams(raw.params)
      if ('issues' in params) return { invalid: 'params', issues: params.issues }
      const query = checkQuery(raw.query)
      if ('issues' in query) return { invalid: 'query', issues: query.issues }
      const carryOut = (body: Checked<Body>): Outcome | Promise<Outcome> | Invalid => {
        if ('issues' in body) return { invalid: 'body', issues: body.issues }
        const call = new CheckedCall(raw, params.value, query.value, body.value)
        return around ? around(() => handler(call), about(raw.body)) : handler(call)
      }
      if (most === undefined || !isLong(raw.body)) return carryOut(checkBody(raw.body))
      const length = checkLength(raw.body)
      if ('issues' in length) return { invalid: 'body', issues: length.issues }
      return checkInSlices(checkBody, raw.body).then(carryOut)
    },
  }
}

/** Whether a request to the route may lead to facts: what is not done while there is no room for them. */
export const recordsFacts = ({ method, records, path }: Route): boolean =>
  method !== 'get' && records !== false && audienceOf(path) !== 'public'

/** The audience that a path's prefix stands for. */
export const audienceOf = (path: string): Audience => {
  if (path.startsWith('/v1/')) return 'server'
  if (path.startsWith('/client/v1/')) return 'client'
  if (path.startsWith('/management/v1/')) return 'management'
  return 'public'
}
