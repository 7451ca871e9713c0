// The client: a method for every operation, built from the table that is made of the API document.
import { BROWSER, MANAGEMENT, type Operations, SERVER, WITHOUT_BODY } from './operations.gen.ts'
import { allOf, pagesOf } from './pages.ts'
import {
  CALL_OPTIONS,
  type CallOptions,
  createTransport,
  type Reply,
  type Transport,
  type TransportOptions,
} from './transport.ts'

export type OperationName = keyof Operations

/** The query of an operation together with what a call may say beside it. */
export type OptionsOf<O extends OperationName> = Operations[O]['query'] & CallOptions

type BodyOf<O extends OperationName> = Operations[O]['body'] extends undefined
  ? []
  : Record<never, never> extends Operations[O]['body']
    ? [body?: Operations[O]['body']]
    : [body: Operations[O]['body']]

/** The parameters of the path in their order, the body where there is one, then the query and options of the call. */
export type ArgumentsOf<O extends OperationName> = [
  ...Operations[O]['params'],
  ...BodyOf<O>,
  ...(Record<never, never> extends Operations[O]['query'] ? [options?: OptionsOf<O>] : [options: OptionsOf<O>]),
]

/** An entry of a list. */
export type EntryOf<A> = A extends { data_ref: infer R extends string }
  ? R extends keyof A
    ? A[R] extends readonly (infer T)[]
      ? T
      : never
    : never
  : A extends { data: readonly (infer T)[] }
    ? T
    : unknown

export type Method<O extends OperationName> = (...args: ArgumentsOf<O>) => Promise<Operations[O]['answer']>

/** A method that lists, with its pages and entries as async iterators. */
export interface ListMethod<O extends OperationName> extends Method<O> {
  /** Page after page, from that of the query on. */
  pages(...args: ArgumentsOf<O>): AsyncGenerator<Operations[O]['answer'], void, undefined>
  /** Entry after entry, from the page of the query on; each page is asked for when it is needed. */
  all(...args: ArgumentsOf<O>): AsyncGenerator<EntryOf<Operations[O]['answer']>, void, undefined>
}

/** The methods of a table of operations. */
export type Methods<T> = {
  readonly [K in keyof T]: T[K] extends OperationName
    ? K extends `list${string}`
      ? ListMethod<T[K]>
      : Method<T[K]>
    : Methods<T[K]>
}

type NamesIn<P extends string> = P extends `${string}{${infer N}}${infer Rest}` ? N | NamesIn<Rest> : never

export type RequestOf<O extends OperationName> = CallOptions & {
  readonly query?: Operations[O]['query']
  readonly body?: Operations[O]['body']
} & ([NamesIn<O>] extends [never] ? unknown : { readonly params: { readonly [N in NamesIn<O>]: string } })

/** What is common to the clients of servers and browsers. */
export interface Common {
  /** Sends one request and gives the whole answer, with what its headers say: `etag`, `consistencyToken`, `requestId`, … */
  request<O extends OperationName>(
    operation: O,
    ...request: [NamesIn<O>] extends [never] ? [request?: RequestOf<O>] : [request: RequestOf<O>]
  ): Promise<Reply<Operations[O]['answer']>>
  /** The newest position that this client has written. Hand it to another client, and its reads show what this one wrote. */
  consistencyToken: string
}

export type ServerClient = Common &
  Methods<typeof SERVER> & {
    /** Below `/management/v1`. */
    readonly management: Methods<typeof MANAGEMENT>
    /** Why something is so: `GET /v1/audit/explain`. */
    readonly explain: Method<'GET /v1/audit/explain'>
  }

export type BrowserClient = Common & Methods<typeof BROWSER>

/** Forms are taken by this one alone. */
const isForm = (operation: string): boolean => operation.includes('/v1/oauth/')

const split = (operation: string): { readonly method: string; readonly path: string } => {
  const at = operation.indexOf(' ')
  return { method: operation.slice(0, at), path: operation.slice(at + 1) }
}

/** The last argument of a call: what is an option of it, and the query. */
const sorted = (options: Readonly<Record<string, unknown>> = {}) => {
  const call: Record<string, unknown> = {}
  const query: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) (CALL_OPTIONS.has(name) ? call : query)[name] = value
  return { call: call as CallOptions, query }
}

const methodOf = (transport: Transport, name: string, operation: string) => {
  const { method, path } = split(operation)
  const count = path.split('{').length - 1
  const hasBody = (method === 'POST' || method === 'PUT') && !WITHOUT_BODY.has(operation)
  const request = (args: readonly unknown[]) => ({
    method,
    path,
    params: args.slice(0, count) as string[],
    ...(hasBody ? { body: args[count] ?? {}, isForm: isForm(operation) } : {}),
    ...sorted(args[count + (hasBody ? 1 : 0)] as Readonly<Record<string, unknown>> | undefined),
  })
  const call = async (...args: readonly unknown[]): Promise<unknown> => (await transport.send(request(args))).data
  if (!name.startsWith('list')) return call
  const asking = (args: readonly unknown[]) => {
    const first = request(args)
    const ask = async (query: Readonly<Record<string, unknown>>) => (await transport.send({ ...first, query })).data
    return [ask, first.query] as const
  }
  return Object.assign(call, {
    pages: (...args: readonly unknown[]) => pagesOf(...asking(args)),
    all: (...args: readonly unknown[]) => allOf(...asking(args)),
  })
}

interface Table {
  readonly [name: string]: string | Table
}

const methodsOf = (transport: Transport, table: Table): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(table).map(([name, one]) => [
      name,
      typeof one === 'string' ? methodOf(transport, name, one) : methodsOf(transport, one),
    ]),
  )

const commonOf = (transport: Transport): Common => ({
  async request(operation, ...[request]) {
    const {
      params = {},
      query,
      body,
      ...call
    } = (request ?? {}) as {
      params?: Record<string, string>
      query?: Record<string, unknown>
      body?: unknown
    }
    const { method, path } = split(operation)
    const named = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => params[name!]!)
    const reply = await transport.send({
      method,
      path,
      params: named,
      call,
      query,
      ...(body === undefined ? {} : { body, isForm: isForm(operation) }),
    })
    // What the document says of the answer is what the server keeps to.
    return reply as Reply<never>
  },
  get consistencyToken() {
    return transport.consistencyToken
  },
  set consistencyToken(token) {
    transport.consistencyToken = token
  },
})

/** Own properties with their getters, which a spread would read once. */
const joined = (common: Common, ...more: readonly object[]): object => Object.assign(common, ...more)

/** A client for servers: `/v1` by a key's `appId` and `token`, or by an `accessToken`. */
export const createClient = (options: TransportOptions): ServerClient => {
  const transport = createTransport(options)
  const methods = methodsOf(transport, SERVER)
  const management = methodsOf(transport, MANAGEMENT)
  const explain = methodOf(transport, 'explain', 'GET /v1/audit/explain')
  return joined(commonOf(transport), methods, { management, explain }) as ServerClient
}

/** A client for browsers: `/client/v1` by a client key, and by a customer's token where there is one. */
export const createBrowserClient = (options: TransportOptions): BrowserClient => {
  const transport = createTransport(options)
  return joined(commonOf(transport), methodsOf(transport, BROWSER)) as BrowserClient
}
