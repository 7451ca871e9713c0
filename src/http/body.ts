// Reads a JSON request body within its bounds: type, size, encoding, nesting, keys.
import { MAX_EVENT_BYTES } from '../domain/size.ts'
import { type Failure, refuse } from './errors.ts'
import { inSlices, isLong, turns } from './longBody.ts'
import { JsonFault, MAX_ITEMS, MAX_NAMES, parseInPieces, TooDeep, TooMany, tooMany } from './longJson.ts'
import { isRefusedName } from './names.ts'

/** Bytes that a body may have where its route says nothing else. */
export const DEFAULT_BODY_LIMIT = MAX_EVENT_BYTES
/** Levels of objects and arrays within each other where a route says nothing else; the outermost is level 1. */
export const MAX_NESTING = 20

export interface ReadBody {
  /** The parsed JSON value; undefined when no body was sent. */
  readonly value: unknown
  /** How many it had. */
  readonly bytes: number
}

const isJson = (contentType: string): boolean => {
  if (contentType === 'application/json') return true
  const [type = '', ...parameters] = contentType.toLowerCase().split(';')
  const named = type.trim()
  if (named !== 'application/json' && !(named.startsWith('application/') && named.endsWith('+json'))) return false
  const charset = parameters.map((p) => p.trim()).find((p) => p.startsWith('charset='))
  return charset === undefined || /^charset="?utf-?8"?$/.test(charset)
}

const tooLarge = (limit: number): Failure =>
  refuse('payload_too_large', `The body may have at most ${limit} bytes`, { headers: { Connection: 'close' } })

/** Reads chunk by chunk and stops at the first byte over the limit: the rest is never held. */
export const readStream = async (stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array | Failure> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.byteLength
    if (size > limit) return tooLarge(limit)
    chunks.push(chunk)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)
}

const decoder = new TextDecoder('utf-8', { fatal: true })

type Structure = readonly unknown[] | Readonly<Record<string, unknown>>

const isStructure = (value: unknown): value is Structure => typeof value === 'object' && value !== null
const isList = (value: Structure): value is readonly unknown[] => Array.isArray(value)

const TOO_DEEP = 'too deep'

/** The first thing in a parsed value that may not be, or undefined. One walk, no more levels than are `left`. */
const faultIn = (value: unknown, left: number, checkText: boolean): string | undefined => {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'a number is out of range'
  if (typeof value === 'string')
    return checkText && LONE_SURROGATE.test(value) ? 'a text is not well-formed Unicode' : undefined
  if (!isStructure(value)) return undefined
  if (left === 0) return TOO_DEEP
  return isList(value) ? faultInItems(value, left, checkText) : faultInProperties(value, left, checkText)
}

const faultInItems = (items: readonly unknown[], left: number, checkText: boolean): string | undefined => {
  if (items.length > MAX_ITEMS) return tooMany(true)
  for (let i = 0; i < items.length; i++) {
    const fault = faultIn(items[i], left - 1, checkText)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** `for in` rather than `Object.entries`: the value is fresh from `JSON.parse`, and this runs for every body. */
const faultInProperties = (
  properties: Readonly<Record<string, unknown>>,
  left: number,
  checkText: boolean,
): string | undefined => {
  let names = 0
  for (const key in properties) {
    if (++names > MAX_NAMES) return tooMany(false)
    if (isRefusedName(key)) return `the property name ${JSON.stringify(key)} is not allowed`
    const fault = faultIn(properties[key], left - 1, checkText) ?? (checkText ? faultIn(key, 1, true) : undefined)
    if (fault !== undefined) return fault
  }
  return undefined
}

const LONE_SURROGATE = /\p{Surrogate}/u
/** Half a pair can only come from an escape, since the bytes were decoded strictly. */
const SURROGATE_ESCAPE = /\\u[dD]/

/** Bodies beyond so many bytes are looked through in turns of their own. */
const LARGE_BYTES = 256 * 1024

const parse = async (bytes: Uint8Array | ArrayBuffer, nesting: number): Promise<ReadBody | Failure> => {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    return refuse('malformed_json', 'The body is not UTF-8')
  }
  if (text.length === 0) return NO_BODY
  const isLarge = bytes.byteLength > LARGE_BYTES
  if (isLarge) await turns.over()
  let value: unknown
  try {
    value = isLarge ? await parseInPieces(text, nesting) : JSON.parse(text)
  } catch (error) {
    if (error instanceof TooDeep) return tooDeep(nesting)
    if (error instanceof TooMany) return refuse('invalid_payload', `In the body ${error.message}`)
    if (error instanceof JsonFault) return refuse('malformed_json', placed(error.position))
    return refuse('malformed_json', error instanceof SyntaxError ? reason(error.message) : 'The body is not JSON')
  }
  const checkText = SURROGATE_ESCAPE.test(text)
  if (isLarge) await turns.over()
  const fault = isLong(value)
    ? await inSlices(value, (slice) => faultIn(slice, nesting, checkText))
    : faultIn(value, nesting, checkText)
  if (fault === undefined) return { value, bytes: bytes.byteLength }
  return fault === TOO_DEEP ? tooDeep(nesting) : refuse('invalid_payload', `In the body ${fault}`)
}

const tooDeep = (nesting: number): Failure =>
  refuse('invalid_payload', `In the body nesting is deeper than ${nesting} levels`)

/** The engine quotes the text around the mistake; what was sent may be personal, so only the place is kept. */
const reason = (message: string): string => {
  const place = /at position (\d+)/.exec(message)
  return placed(place === null ? undefined : Number(place[1]))
}

const placed = (position: number | undefined): string =>
  position === undefined ? 'The body is not complete JSON' : `The body is not JSON: mistake at position ${position}`

const formFault = (contentType: string | null, encoding: string | null): string | undefined => {
  if (contentType === null) return 'Send the body with Content-Type: application/json'
  if (!isJson(contentType)) return 'The body must be application/json in UTF-8'
  return encoding === null || encoding === 'identity'
    ? undefined
    : 'A compressed body is not supported: send it without Content-Encoding'
}

/** Whether a request has a body at all, of whatever form: a stream may be there and hold nothing. */
const isSent = async ({ body }: Request, declared: string | null): Promise<boolean> => {
  if (declared !== null) return Number(declared) !== 0
  if (body === null) return false
  for await (const chunk of body) if (chunk.byteLength > 0) return true
  return false
}

/**
 * Reads, bounds (`limit` bytes, `nesting` levels) and parses the body of a request. Rejects only when the connection breaks.
 */
export const readBody = async (
  request: Request,
  limit: number,
  nesting: number = MAX_NESTING,
): Promise<ReadBody | Failure> => {
  const { headers } = request
  const declared = headers.get('content-length')
  const contentType = headers.get('content-type')
  const fault = formFault(contentType, headers.get('content-encoding'))
  if (fault !== undefined) return (await isSent(request, declared)) ? refuse('unsupported_media_type', fault) : NO_BODY
  if (declared !== null) {
    if (Number(declared) > limit) return tooLarge(limit)
    return parse(await request.arrayBuffer(), nesting)
  }
  if (request.body === null) return NO_BODY
  const bytes = await readStream(request.body, limit)
  return 'failed' in bytes ? bytes : parse(bytes, nesting)
}

/** Reads a form: `application/x-www-form-urlencoded` of at most `limit` bytes, each name once. */
export const readForm = async (request: Request, limit: number): Promise<ReadBody | Failure> => {
  const { headers } = request
  const declared = headers.get('content-length')
  const [type = ''] = (headers.get('content-type') ?? '').toLowerCase().split(';')
  if (type.trim() !== 'application/x-www-form-urlencoded' || headers.get('content-encoding') !== null)
    return refuse('unsupported_media_type', 'Send the body with Content-Type: application/x-www-form-urlencoded')
  if (Number(declared ?? 0) > limit) return tooLarge(limit)
  const bytes = request.body === null ? new Uint8Array() : await readStream(request.body, limit)
  if ('failed' in bytes) return bytes
  const value: Record<string, string> = {}
  for (const [name, text] of new URLSearchParams(Buffer.from(bytes).toString('utf8'))) {
    if (isRefusedName(name) || Object.hasOwn(value, name))
      return refuse('invalid_payload', `In the body ${JSON.stringify(name.slice(0, 100))} may stand once at most`)
    value[name] = text
  }
  return { value, bytes: bytes.byteLength }
}

const NO_BODY: ReadBody = { value: undefined, bytes: 0 }
