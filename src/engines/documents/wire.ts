// The wire protocol's messages: framing, OP_MSG, and the old OP_QUERY that a client may greet with.
import { rawField } from './bson.ts'
import { type Encodable, encode } from './bson-encode.ts'

const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013

/** Largest message in bytes. */
export const MAX_MESSAGE = 48_000_000

/** Bytes that are no message: the connection cannot go on. */
export class ProtocolError extends Error {}

export interface Request {
  readonly id: number
  readonly kind: 'message' | 'query'
  /** The command, as a raw document. */
  readonly body: Buffer
  /** Documents sent beside the command, by the name of the field they belong to. */
  readonly sequences: ReadonlyMap<string, readonly Buffer[]>
  /** The client does not wait for an answer. */
  readonly silent: boolean
  /** The client takes further answers to the same request, until it ends the connection. */
  readonly exhaust: boolean
  /** It has been answered, and is to be answered again. */
  readonly answered?: boolean
  /** Of an OP_QUERY: its collection, `database.$cmd` for a command. */
  readonly collection?: string
}

const CHECKSUM = 1
const MORE_TO_COME = 2
/** Of the flags that need not be known: further answers are taken. */
const EXHAUST_ALLOWED = 1 << 16
const KNOWN_REQUIRED = CHECKSUM | MORE_TO_COME

const documentAt = (bytes: Buffer, at: number): Buffer => {
  if (at + 5 > bytes.length) throw new ProtocolError('a document is cut off')
  const length = bytes.readInt32LE(at)
  if (length < 5 || at + length > bytes.length) throw new ProtocolError('a document has a wrong length')
  return bytes.subarray(at, at + length)
}

const textEnd = (bytes: Buffer, at: number): number => {
  const end = bytes.indexOf(0, at)
  if (end < 0) throw new ProtocolError('a name has no end')
  return end
}

const parseMessage = (id: number, whole: Buffer): Request => {
  if (whole.length < 20) throw new ProtocolError('an OP_MSG is cut off')
  const flags = whole.readUInt32LE(16)
  if ((flags & 0xffff & ~KNOWN_REQUIRED) !== 0) throw new ProtocolError('an OP_MSG has unknown required flags')
  const bytes = flags & CHECKSUM ? whole.subarray(0, whole.length - 4) : whole
  const sequences = new Map<string, readonly Buffer[]>()
  let body: Buffer | undefined
  let at = 20
  while (at < bytes.length) {
    const kind = bytes[at]!
    at += 1
    if (kind === 0) {
      if (body !== undefined) throw new ProtocolError('an OP_MSG has two bodies')
      body = documentAt(bytes, at)
      at += body.length
    } else if (kind === 1) {
      if (at + 4 > bytes.length) throw new ProtocolError('a section is cut off')
      const end = at + bytes.readInt32LE(at)
      if (end > bytes.length || end < at + 5) throw new ProtocolError('a section has a wrong length')
      const nameEnd = textEnd(bytes, at + 4)
      const name = bytes.toString('utf8', at + 4, nameEnd)
      const documents: Buffer[] = []
      at = nameEnd + 1
      while (at < end) {
        const document = documentAt(bytes, at)
        documents.push(document)
        at += document.length
      }
      if (at !== end) throw new ProtocolError('a section has a wrong length')
      sequences.set(name, documents)
    } else throw new ProtocolError(`an OP_MSG has a section of unknown kind ${kind}`)
  }
  if (body === undefined) throw new ProtocolError('an OP_MSG has no body')
  return {
    id,
    kind: 'message',
    body,
    sequences,
    silent: (flags & MORE_TO_COME) !== 0,
    exhaust: (flags & EXHAUST_ALLOWED) !== 0,
  }
}

const parseQuery = (id: number, bytes: Buffer): Request => {
  if (bytes.length < 30) throw new ProtocolError('an OP_QUERY is cut off')
  const nameEnd = textEnd(bytes, 20)
  const collection = bytes.toString('utf8', 20, nameEnd)
  const query = documentAt(bytes, nameEnd + 9)
  const wrapped = rawField(query, '$query')
  const body = wrapped ? query.subarray(wrapped.start, wrapped.end) : query
  return { id, kind: 'query', body, sequences: new Map(), silent: false, exhaust: false, collection }
}

/** Parses one whole message. */
export const parseRequest = (bytes: Buffer): Request => {
  const id = bytes.readInt32LE(4)
  const operation = bytes.readInt32LE(12)
  if (operation === OP_MSG) return parseMessage(id, bytes)
  if (operation === OP_QUERY) return parseQuery(id, bytes)
  throw new ProtocolError(`unknown operation ${operation}`)
}

let lastId = 0

/** The bytes of an answer; with `more` another one to the same request follows. */
export const answerTo = (
  request: Request,
  reply: { readonly [name: string]: Encodable },
  { more = false }: { readonly more?: boolean } = {},
): Buffer[] => {
  const body = encode(reply)
  lastId = (lastId + 1) & 0x7fffffff
  const message = request.kind === 'message'
  const head = Buffer.alloc(message ? 21 : 36)
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(lastId, 4)
  head.writeInt32LE(request.id, 8)
  head.writeInt32LE(message ? OP_MSG : OP_REPLY, 12)
  if (more) head.writeUInt32LE(MORE_TO_COME, 16)
  if (!message) {
    head.writeInt32LE(8, 16)
    head.writeInt32LE(1, 32)
  }
  return [head, body]
}

/** The id of an answer, which the next one to the same request refers to. */
export const idOfAnswer = (bytes: readonly Buffer[]): number => bytes[0]!.readInt32LE(4)

/** Cuts a stream of bytes into messages of at most as many bytes as `longest` says at the time. */
export const createFramer = (longest: () => number): ((chunk: Buffer) => Buffer[]) => {
  let held: Buffer[] = []
  let size = 0
  const join = (): Buffer => {
    const all = held.length === 1 ? held[0]! : Buffer.concat(held, size)
    held = [all]
    return all
  }
  return (chunk) => {
    held.push(chunk)
    size += chunk.length
    const out: Buffer[] = []
    while (size >= 16) {
      const first = held[0]!.length >= 16 ? held[0]! : join()
      const length = first.readInt32LE(0)
      if (length < 16 || length > longest()) throw new ProtocolError(`a message of ${length} bytes`)
      if (size < length) break
      const all = join()
      out.push(all.subarray(0, length))
      held = length === size ? [] : [all.subarray(length)]
      size -= length
    }
    return out
  }
}
