// What an append says to EventStoreDB and what is answered, in protobuf's wire format: the messages BatchAppendReq and BatchAppendResp
// of its Streams service. The client's own are objects that are sized, encoded and copied several times, which made two thirds of
// what it does for an append.
import type { SentFact } from './refuse.ts'
import type { ExpectedRevision } from './types.ts'

/** What came of an append that the server answered: `type` as errors of the client have it. */
export type AppendAnswer =
  | { readonly kind: 'appended'; readonly revision: bigint; readonly position: bigint | undefined }
  | {
      readonly kind: 'failed'
      readonly type: string
      readonly message: string
      readonly actualVersion: bigint | undefined
    }

/** Field numbers with their wire types, as they stand before a field. */
const CORRELATION = 0x0a
const OPTIONS = 0x12
const PROPOSED = 0x1a
const IS_FINAL = 0x20
const UUID_TEXT = 0x12
const STREAM = 0x0a
const STREAM_NAME = 0x1a
const REVISION = 0x10
const EXPECTED = { no_stream: 0x1a, any: 0x22, stream_exists: 0x2a } as const
const DEADLINE = 0x32
const SECONDS = 0x08
const NANOS = 0x10
const ID = 0x0a
const PROPERTY = 0x12
const KEY = 0x0a
const VALUE = 0x12
const METADATA = 0x1a
const DATA = 0x22

const UUID_LENGTH = 36

const sizeOfNumber = (value: number): number => {
  let size = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}
/** A field of so many bytes, with its number and length. */
const sizeOfField = (bytes: number): number => 1 + sizeOfNumber(bytes) + bytes

const sizeOfRevision = (revision: bigint): number => {
  let size = 1
  for (let rest = revision; rest >= 128n; rest >>= 7n) size++
  return size
}

const UUID_FIELD = sizeOfField(sizeOfField(UUID_LENGTH))

/** Writes into a message of a known size. */
const writerOf = (message: Buffer) => {
  let at = 0
  const number = (value: number): void => {
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) message[at++] = (rest % 128) | 128
    message[at++] = rest
  }
  /** Begins a field of so many bytes. */
  const begin = (tag: number, bytes: number): void => {
    message[at++] = tag
    number(bytes)
  }
  return {
    begin,
    value(tag: number, value: number): void {
      message[at++] = tag
      number(value)
    },
    revision(tag: number, revision: bigint): void {
      message[at++] = tag
      let rest = revision
      for (; rest >= 128n; rest >>= 7n) message[at++] = Number(rest & 127n) | 128
      message[at++] = Number(rest)
    },
    text(tag: number, text: string, bytes: number): void {
      begin(tag, bytes)
      at += message.write(text, at, bytes === text.length ? 'latin1' : 'utf8')
    },
    uuid(tag: number, text: string): void {
      begin(tag, sizeOfField(UUID_LENGTH))
      begin(UUID_TEXT, UUID_LENGTH)
      at += message.write(text, at, 'latin1')
    },
    /** Throws when the message is not as long as it was said to be. */
    end(): Buffer {
      if (at !== message.length) throw new Error(`a message of ${at} bytes was to have ${message.length}`)
      return message
    },
  }
}

const propertySize = (key: string, value: string): number => sizeOfField(key.length) + sizeOfField(value.length)

const TYPE = 'type'
const CONTENT = ['content-type', 'application/json'] as const
const CONTENT_SIZE = propertySize(...CONTENT)

const factSize = ({ type, dataBytes, metadataBytes }: SentFact): number =>
  UUID_FIELD +
  sizeOfField(propertySize(TYPE, type)) +
  sizeOfField(CONTENT_SIZE) +
  sizeOfField(metadataBytes) +
  sizeOfField(dataBytes)

/** The id under which an append is answered: its number on the call. */
export const correlationOf = (number: number): string =>
  `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`

const deadlineSize = (seconds: number, nanos: number): number =>
  1 + sizeOfNumber(seconds) + (nanos === 0 ? 0 : 1 + sizeOfNumber(nanos))

/**
 * The message of one append, whole. `deadline` is when the server gives it up, ms since the epoch. Types are ASCII, ids are UUIDs
 * (`checkAppend`).
 */
export const appendMessage = (
  correlation: string,
  stream: string,
  facts: readonly SentFact[],
  expected: ExpectedRevision,
  deadline: number,
): Buffer => {
  const seconds = Math.floor(deadline / 1_000)
  const nanos = (deadline % 1_000) * 1_000_000
  const nameBytes = Buffer.byteLength(stream)
  const identifier = sizeOfField(nameBytes)
  const until = deadlineSize(seconds, nanos)
  const revision = typeof expected === 'bigint' ? 1 + sizeOfRevision(expected) : sizeOfField(0)
  const options = sizeOfField(identifier) + revision + sizeOfField(until)
  const sizes = facts.map(factSize)
  const size = sizes.reduce((sum, one) => sum + sizeOfField(one), UUID_FIELD + sizeOfField(options) + 2)

  const message = writerOf(Buffer.allocUnsafe(size))
  message.uuid(CORRELATION, correlation)
  message.begin(OPTIONS, options)
  message.begin(STREAM, identifier)
  message.text(STREAM_NAME, stream, nameBytes)
  if (typeof expected === 'bigint') message.revision(REVISION, expected)
  else message.begin(EXPECTED[expected], 0)
  message.begin(DEADLINE, until)
  message.value(SECONDS, seconds)
  if (nanos > 0) message.value(NANOS, nanos)
  for (let i = 0; i < facts.length; i++) {
    const { id, type, data, dataBytes, metadata, metadataBytes } = facts[i]!
    message.begin(PROPOSED, sizes[i]!)
    message.uuid(ID, id)
    message.begin(PROPERTY, CONTENT_SIZE)
    message.text(KEY, CONTENT[0], CONTENT[0].length)
    message.text(VALUE, CONTENT[1], CONTENT[1].length)
    message.begin(PROPERTY, propertySize(TYPE, type))
    message.text(KEY, TYPE, TYPE.length)
    message.text(VALUE, type, type.length)
    message.text(METADATA, metadata, metadataBytes)
    message.text(DATA, data, dataBytes)
  }
  message.value(IS_FINAL, 1)
  return message.end()
}

const CUT_OFF = 'the answer to an append is cut off'

/** Reads a message; throws where it is cut off. */
const readerOf = (message: Buffer) => {
  let at = 0
  let end = message.length
  const byte = (): number => {
    if (at >= end) throw new Error(CUT_OFF)
    return message[at++]!
  }
  /** Exact up to 2^53: lengths, tags. */
  const number = (): number => {
    let value = 0
    let scale = 1
    for (let bytes = 0; bytes < 10; bytes++) {
      const one = byte()
      value += (one & 127) * scale
      if (one < 128) return value
      scale *= 128
    }
    throw new Error(CUT_OFF)
  }
  const uint64 = (): bigint => {
    const from = at
    const value = number()
    if (Number.isSafeInteger(value)) return BigInt(value)
    let exact = 0n
    for (let i = at - 1; i >= from; i--) exact = (exact << 7n) | BigInt(message[i]! & 127)
    return BigInt.asUintN(64, exact)
  }
  const skip = (bytes: number): void => {
    at += bytes
    if (at > end) throw new Error(CUT_OFF)
  }
  const each = (read: (field: number) => boolean): void => {
    while (at < end) {
      const tag = number()
      if (read(Math.floor(tag / 8))) continue
      const kind = tag % 8
      if (kind === 0) number()
      else if (kind === 2) skip(number())
      else if (kind === 1 || kind === 5) skip(kind === 1 ? 8 : 4)
      else throw new Error(`the answer to an append has a field of kind ${kind}`)
    }
  }
  return {
    uint64,
    text(): string {
      const bytes = number()
      skip(bytes)
      return message.toString('utf8', at - bytes, at)
    },
    /** Goes over the fields; `read` says whether it has read the one of this number, else it is passed over. */
    each,
    /** The same for the message in a field. */
    inner(read: (field: number) => boolean): void {
      const outer = end
      const size = number()
      if (at + size > outer) throw new Error(CUT_OFF)
      end = at + size
      each(read)
      end = outer
    },
  }
}

type Reader = ReturnType<typeof readerOf>

const NUMBER_BITS = 48

/** The number of an append in its id, which comes back as text or as two halves. */
const readNumber = (reader: Reader): number => {
  let number = Number.NaN
  reader.inner((field) => {
    if (field === 2) number = Number.parseInt(reader.text().slice(-12), 16)
    else if (field === 1)
      reader.inner((half) => {
        if (half === 2) number = Number(BigInt.asUintN(NUMBER_BITS, reader.uint64()))
        return half === 2
      })
    else return false
    return true
  })
  return number
}

const readSuccess = (reader: Reader): AppendAnswer => {
  let revision = 0n
  let position: bigint | undefined
  reader.inner((field) => {
    if (field === 1) revision = reader.uint64()
    else if (field === 3) {
      // A zero is not written.
      position = 0n
      reader.inner((part) => {
        if (part === 1) position = reader.uint64()
        return part === 1
      })
    } else return false
    return true
  })
  return { kind: 'appended', revision, position }
}

/** What the server says in an answer of its own, by the name of the message; every other one is unknown. */
const TYPES: Readonly<Record<string, string>> = {
  WrongExpectedVersion: 'wrong-expected-version',
  StreamDeleted: 'stream-deleted',
  AccessDenied: 'access-denied',
  Timeout: 'deadline-exceeded',
  MaximumAppendSizeExceeded: 'maximum-append-size-exceeded',
}

const readFailure = (reader: Reader): AppendAnswer => {
  let message = ''
  let name = ''
  let actualVersion: bigint | undefined
  reader.inner((field) => {
    if (field === 2) message = reader.text()
    else if (field === 3)
      reader.inner((part) => {
        if (part === 1) name = reader.text().split('.').at(-1) ?? ''
        else if (part === 2 && name === 'WrongExpectedVersion')
          reader.inner((current) => {
            if (current === 1) actualVersion = reader.uint64()
            return current === 1
          })
        else return false
        return true
      })
    else return false
    return true
  })
  return {
    kind: 'failed',
    type: TYPES[name] ?? 'unknown',
    message: message || name || 'an answer that says nothing',
    actualVersion,
  }
}

/** Which append is answered, and how. Throws for what is no answer. */
export const readAnswer = (message: Buffer): { readonly number: number; readonly answer: AppendAnswer } => {
  const reader = readerOf(message)
  let number = Number.NaN
  let answer: AppendAnswer | undefined
  reader.each((field) => {
    if (field === 1) number = readNumber(reader)
    else if (field === 2) answer = readFailure(reader)
    else if (field === 3) answer = readSuccess(reader)
    else return false
    return true
  })
  if (answer === undefined) throw new Error('an answer to an append says nothing')
  return { number, answer }
}
