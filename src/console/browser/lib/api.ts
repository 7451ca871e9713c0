// The public API as the pages use it: one way to ask and one to change, with paths and parameters checked against the API's
// own document.
import { signal } from '@preact/signals'
import type { Operations } from '../../../client/operations.gen.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
/** The paths that answer a method. */
export type PathOf<M extends Method> = keyof Operations extends infer K
  ? K extends `${M} ${infer P}`
    ? P
    : never
  : never
/** A query is text in the end: numbers and truths may come as such. */
type Loose<Q> = {
  [K in keyof Q]: Extract<Q[K], number | boolean> extends never ? Q[K] : Q[K] | string
}
type QueryOf<M extends Method, P extends string> = `${M} ${P}` extends keyof Operations
  ? Loose<Operations[`${M} ${P}`]['query']>
  : never

/** An answer that is no success, as the API tells it. */
export class ApiError extends Error {
  readonly status: number
  readonly key: string
  readonly details: string
  readonly requestId: string | undefined
  /** The whole answer: what is not well says more in it than that it failed. */
  readonly body: unknown
  constructor(
    status: number,
    key: string,
    message: string,
    details: string,
    requestId: string | undefined,
    body?: unknown,
  ) {
    super(message)
    this.status = status
    this.key = key
    this.details = details
    this.requestId = requestId
    this.body = body
  }
}

/** Counts what this page has changed: whatever is shown is asked for again then. */
export const changes = signal(0)
/** Set when a request says that the session is over. */
export const sessionEnded = signal(false)

let csrf = ''
export const useCsrf = (token: string): void => {
  csrf = token
}

export interface Request {
  readonly method: Method
  /** With parameters filled in, and the query. */
  readonly path: string
  readonly body?: unknown
  /** The tag of what it changes, as it was read: refused when somebody was faster. */
  readonly ifMatch?: string | undefined
  /** A file that is sent in place of a body, as a form of one field. */
  readonly file?: File
  /** The page asks by itself: nobody need be there, so that the session is not used by it. */
  readonly isByItself?: boolean
}

interface ErrorBody {
  readonly key?: string
  readonly message?: string
  readonly details?: string
  readonly request_id?: string
}

const tags = new WeakMap<object, string>()
/**
 * The tag that an answer came with, to be held against what a change of it is sent to. A proxy that compresses calls a tag weak; what
 * is compared of it is the revision alone, which stays.
 */
export const tagOf = (answer: object | undefined): string | undefined => answer && tags.get(answer)

const keepTag = (answer: unknown, { headers }: Response): void => {
  const tag = headers.get('ETag')
  if (tag !== null && typeof answer === 'object' && answer !== null) tags.set(answer, tag.replace(/^W\//, ''))
}

const parsed = async (response: Response): Promise<unknown> => {
  const text = await response.text()
  if (text === '' || !(response.headers.get('content-type') ?? '').includes('json')) return text
  return JSON.parse(text)
}

const failureOf = (status: number, body: unknown): ApiError => {
  const { key, message, details, request_id } = (typeof body === 'object' && body !== null ? body : {}) as ErrorBody
  const words = message ?? `The server answered ${status}`
  return new ApiError(status, key ?? 'unknown', words, details ?? '', request_id, body)
}

const headersOf = ({ method, body, ifMatch, isByItself }: Request): Headers => {
  const headers = new Headers()
  if (method !== 'GET') headers.set('X-CSRF-Token', csrf)
  if (body !== undefined) headers.set('Content-Type', 'application/json')
  if (ifMatch !== undefined) headers.set('If-Match', ifMatch)
  if (isByItself) headers.set('X-By-Itself', '1')
  return headers
}

const bodyOf = ({ body, file }: Request): { readonly body?: string | FormData } => {
  if (file === undefined) return body === undefined ? {} : { body: JSON.stringify(body) }
  const form = new FormData()
  form.set('file', file)
  return { body: form }
}

const shown = new Set<() => void>()
/** Names what is to be done when what is shown is to be asked for again by itself. Gives what takes it back. */
export const onStale = (again: () => void): (() => void) => {
  shown.add(again)
  return () => shown.delete(again)
}

/**
 * What may not show yet what was just changed is asked for again so soon, and each time half as often: a node can be far behind for
 * long. ms.
 */
const STALE_MS = 1_000
const STALE_LONGEST_MS = 60_000
let staleMs = STALE_MS
let askedAgain: ReturnType<typeof setTimeout> | undefined

/** Asks once more, a little later, for all that is shown. */
const askAgainSoon = (): void => {
  askedAgain ??= setTimeout(() => {
    askedAgain = undefined
    staleMs = Math.min(2 * staleMs, STALE_LONGEST_MS)
    for (const again of shown) again()
  }, staleMs)
}

/** Sends one request. Throws `ApiError`, with status 0 when the server cannot be reached. */
export const send = async <T>(request: Request, signal?: AbortSignal): Promise<T> => {
  const { method, path } = request
  let response: Response
  try {
    response = await fetch(path, {
      method,
      headers: headersOf(request),
      ...bodyOf(request),
      ...(signal ? { signal } : {}),
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ApiError(
      0,
      'unreachable',
      'The server cannot be reached',
      'The server may be stopped, or the network is away.',
      undefined,
    )
  }
  const answer = await parsed(response)
  if (response.ok && method === 'GET') keepTag(answer, response)
  if (response.ok && response.headers.get('Stale') === 'true') askAgainSoon()
  if (response.ok) return answer as T
  if (response.status === 401 && path !== '/console/session' && path !== '/console/password') sessionEnded.value = true
  throw failureOf(response.status, answer)
}

export type Values = Readonly<Record<string, string | number | boolean | undefined>>

/** A path with its parameters filled in, and a query of what is there. */
export const filled = (path: string, params: Values = {}, query: Values = {}): string => {
  const named = path.replace(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(String(params[name] ?? '')))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') search.set(name, String(value))
  return search.size === 0 ? named : `${named}?${search}`
}

/** The address of a question, or nothing while it cannot be asked. */
export const at = <P extends PathOf<'GET'>>(
  path: P,
  { params, query }: { readonly params?: Values; readonly query?: QueryOf<'GET', P> & Values } = {},
): string => filled(path, params, query)

/** A request that changes something; what pages show of it is what they send. */
export const change = <M extends Exclude<Method, 'GET'>, P extends PathOf<M>>(
  method: M,
  path: P,
  { params, query, body }: { readonly params?: Values; readonly query?: Values; readonly body?: unknown } = {},
): Request => ({ method, path: filled(path, params, query), body })

/** Says that something was changed: everything shown is asked for again. */
export const changed = (): void => {
  clearTimeout(askedAgain)
  askedAgain = undefined
  staleMs = STALE_MS
  changes.value += 1
}

/** Somebody else changed it since it was read. */
export const isOvertaken = (error: unknown): boolean => error instanceof ApiError && error.status === 412

/** Sends a change, after which everything shown is asked for again; also when somebody else was faster. */
export const carryOut = async <T>(request: Request): Promise<T> => {
  try {
    const answer = await send<T>(request)
    changed()
    return answer
  } catch (error) {
    if (isOvertaken(error)) changed()
    throw error
  }
}

/** What is wrong, in words. */
export const wordsOf = (error: unknown): string =>
  error instanceof ApiError
    ? isOvertaken(error)
      ? 'Somebody else has changed it since you began. Begin again from what it is now.'
      : error.details || error.message
    : error instanceof Error
      ? error.message
      : 'Something went wrong'
