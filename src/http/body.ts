// Reads a JSON request body within its bounds: type, size, encoding, nesting, keys.
import { isRecord } from '../domain/isRecord.ts'
import { MAX_EVENT_BYTES } from '../domain/size.ts'
import { type Flaw, flawText, namesAtMost, repeatedNames, tooDeep, Walk } from '../exactJson.ts'
import { isRefusedName } from '../refusedNames.ts'
import { type Failure, fail } from './errors.ts'
import { inSlices, isLong, turns } from './longBody.ts'
import { JsonFault, parseInPieces, TooDeep, TooMany } from './longJson.ts'

/** Bytes that a body may have where its route says nothing else. */
export const DEFAULT_BODY_LIMIT = MAX_EVENT_BYTES
/** Levels of objects and arrays within each other where a route says nothing else; the outermost is level 1. */
export const MAX_NESTING = 20

export interface ReadBody {
  /** The parsed JSON value; undefined when no body was sent. */
  readonly value: unknown
  /** How many it had. */
  readonly bytes: number
  /** What is wrong with items that are judged each by itself, by their place. */
  readonly flaws?: ReadonlyMap<number, string> | undefined
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
  fail('payload_too_large', `The body may have at most ${limit} bytes`, { headers: { Connection: 'close' } })

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

/** Bodies beyond so many bytes are looked through in turns of their own. */
const LARGE_BYTES = 256 * 1024

/** Characters that are looked through for repeated names in one go. */
const PIECE = 64 * 1024

/** What a route says of its body. */
interface Reading {
  readonly nesting: number
  readonly each: string | undefined
}

/** What is wrong with items that are judged each by itself. */
class ItemFlaws {
  readonly each: string
  readonly texts = new Map<number, string>()

  constructor(each: string) {
    this.each = each
  }
  /** Takes a flaw that lies within one of the items: only the first of each is told. */
  takes(flaw: Flaw): boolean {
    const [list, item, ...path] = flaw.path
    if (list !== this.each || typeof item !== 'number') return false
    if (!this.texts.has(item)) this.texts.set(item, flawText({ ...flaw, path }))
    return true
  }
}

/** What is wrong with a long list. */
const flawInList = (walk: Walk, list: readonly unknown[]): Promise<Flaw | undefined> =>
  inSlices(list, (slice, from) => {
    const flaw = walk.flawIn(slice)
    return flaw && { ...flaw, path: [from + Number(flaw.path[0]), ...flaw.path.slice(1)] }
  })

/** What is wrong with a body beside its items, which are noted each by itself. */
const flawBeside = async (walk: Walk, value: unknown, items: ItemFlaws): Promise<Flaw | undefined> => {
  const list = isRecord(value) ? value[items.each] : undefined
  if (!isRecord(value) || !Array.isArray(list)) return walk.flawIn(value)
  await inSlices(list, (slice, from) => {
    for (const [n, item] of slice.entries()) {
      const flaw = walk.flawIn(item, [items.each, from + n])
      if (flaw) items.takes(flaw)
    }
    return undefined
  })
  return walk.flawIn({ ...value, [items.each]: [] })
}

/** How many names a large text can have at most. */
const countNames = async (text: string): Promise<number> => {
  let names = 0
  for (let from = 0; from < text.length; from += PIECE) {
    await turns.over()
    names += namesAtMost(text, from, from + PIECE)
  }
  return names
}

/** A name that is given twice, other than within items. */
const repeatedIn = async (text: string, items: ItemFlaws | undefined): Promise<Flaw | undefined> => {
  let found: Flaw | undefined
  const search = repeatedNames(text, (flaw) => {
    if (items?.takes(flaw)) return true
    found = flaw
    return false
  })
  for (let to = PIECE; !search.run(to); to += PIECE) await turns.over()
  return found
}

const parse = async (bytes: Uint8Array | ArrayBuffer, { nesting, each }: Reading): Promise<ReadBody | Failure> => {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    return fail('malformed_json', 'The body is not UTF-8')
  }
  if (text.length === 0) return NO_BODY
  const isLarge = bytes.byteLength > LARGE_BYTES
  if (isLarge) await turns.over()
  let value: unknown
  try {
    value = isLarge ? await parseInPieces(text, nesting) : JSON.parse(text)
  } catch (error) {
    if (error instanceof TooDeep) return fail('invalid_payload', `Payload ${tooDeep(nesting)}`)
    if (error instanceof TooMany) return fail('invalid_payload', `Payload ${error.message}`)
    if (error instanceof JsonFault) return fail('malformed_json', placed(error.position))
    return fail('malformed_json', error instanceof SyntaxError ? reason(error.message) : 'The body is not JSON')
  }
  if (isLarge) await turns.over()
  const walk = new Walk(text, nesting)
  const items = each === undefined ? undefined : new ItemFlaws(each)
  // Most bodies are small, and nothing of them is waited for.
  const flaw = items
    ? await flawBeside(walk, value, items)
    : isLong(value)
      ? await flawInList(walk, value)
      : walk.flawIn(value)
  if (flaw) return fail('invalid_payload', flawText(flaw))
  const most = isLarge ? await countNames(text) : namesAtMost(text)
  const repeated = most === walk.names ? undefined : await repeatedIn(text, items)
  if (repeated) return fail('invalid_payload', flawText(repeated))
  return { value, bytes: bytes.byteLength, flaws: items?.texts }
}

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
 * Reads, bounds (`limit` bytes, `nesting` levels) and parses the body of a request; refuses what would not be taken as it was said.
 * Where `each` names a list in it, what is wrong with one of its items is told beside the value. Rejects only when the connection breaks.
 */
export const readBody = async (
  request: Request,
  limit: number,
  { nesting = MAX_NESTING, each }: Partial<Reading> = {},
): Promise<ReadBody | Failure> => {
  const { headers } = request
  const declared = headers.get('content-length')
  const contentType = headers.get('content-type')
  const fault = formFault(contentType, headers.get('content-encoding'))
  if (fault !== undefined) return (await isSent(request, declared)) ? fail('unsupported_media_type', fault) : NO_BODY
  if (declared !== null) {
    if (Number(declared) > limit) return tooLarge(limit)
    return parse(await request.arrayBuffer(), { nesting, each })
  }
  if (request.body === null) return NO_BODY
  const bytes = await readStream(request.body, limit)
  return 'failed' in bytes ? bytes : parse(bytes, { nesting, each })
}

/** Reads a form: `application/x-www-form-urlencoded` of at most `limit` bytes, each name once. */
export const readForm = async (request: Request, limit: number): Promise<ReadBody | Failure> => {
  const { headers } = request
  const declared = headers.get('content-length')
  const [type = ''] = (headers.get('content-type') ?? '').toLowerCase().split(';')
  if (type.trim() !== 'application/x-www-form-urlencoded' || headers.get('content-encoding') !== null)
    return fail('unsupported_media_type', 'Send the body with Content-Type: application/x-www-form-urlencoded')
  if (Number(declared ?? 0) > limit) return tooLarge(limit)
  const bytes = request.body === null ? new Uint8Array() : await readStream(request.body, limit)
  if ('failed' in bytes) return bytes
  const value: Record<string, string> = {}
  for (const [name, text] of new URLSearchParams(Buffer.from(bytes).toString('utf8'))) {
    if (isRefusedName(name) || Object.hasOwn(value, name))
      return fail('invalid_payload', `In the body ${JSON.stringify(name.slice(0, 100))} may stand once at most`)
    value[name] = text
  }
  return { value, bytes: bytes.byteLength }
}

const NO_BODY: ReadBody = { value: undefined, bytes: 0 }
