// Takes `multipart/form-data` apart (RFC 7578, RFC 2046 section 5.1): a few parts with a few headers, in turns of their own. What
// parsers for everything do with a hundred thousand parts, or with headers of megabytes, takes them seconds.
import { type Failure, fail } from './errors.ts'
import { turns } from './longBody.ts'

/** Parts of one body at most, and bytes that the headers of one may have. */
const MAX_PARTS = 20
const MAX_HEADER_BYTES = 4_096
/** Bytes that are searched in one go, and how many beginnings of a line may turn out to be no delimiter before others have their turn. */
const WINDOW = 1024 * 1024
const TRIES = 5_000

export interface Part {
  readonly name: string
  readonly content: Uint8Array
}

const BREAK = '\r\n'
/**
 * A token, or a text in quotes as browsers and curl send names. A browser escapes quotes as `%22` and leaves backslashes as they are
 * (HTML, 4.10.21.8), older senders write `\"`: a backslash belongs to a quote unless that quote is where the text ends.
 */
const PARAMETER = /;[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:"((?:\\"(?![ \t]*(?:;|$))|[^"])*)"|([^\s;"]*))[ \t]*/gy
const BOUNDARY = /^multipart\/form-data\s*;(?:[^"]*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i

/** The boundary that a content type names (1 to 70 characters); undefined where it names none. */
export const boundaryIn = (contentType: string): string | undefined => {
  const [, quoted, bare] = BOUNDARY.exec(contentType) ?? []
  return quoted ?? bare
}

const wrong = (details: string): Failure => fail('invalid_payload', `The body is not multipart/form-data: ${details}`)

/** The parameter of a header's value; undefined where it has none, or is not well-formed. */
const parameterOf = (value: string, wanted: string): string | undefined => {
  let found: string | undefined
  PARAMETER.lastIndex = value.indexOf(';')
  if (PARAMETER.lastIndex < 0) return undefined
  for (let at = PARAMETER.lastIndex; at < value.length; at = PARAMETER.lastIndex) {
    const [, name, quoted, bare] = PARAMETER.exec(value) ?? []
    if (name === undefined) return undefined
    if (name.toLowerCase() === wanted) found ??= quoted?.replaceAll('\\"', '"') ?? bare
  }
  return found
}

/** The name of a part by its headers, or what is wrong with them. */
const nameIn = (headers: string): { readonly name: string } | { readonly fault: string } => {
  const values = new Map<string, string>()
  for (const line of headers.split(BREAK)) {
    const colon = line.indexOf(':')
    if (colon < 1) return { fault: 'a header of a part has no colon' }
    const name = line.slice(0, colon).trim().toLowerCase()
    if (values.has(name)) return { fault: `a part has ${JSON.stringify(name)} twice` }
    values.set(name, line.slice(colon + 1).trim())
  }
  const encoding = values.get('content-transfer-encoding')?.toLowerCase() ?? 'binary'
  if (!['7bit', '8bit', 'binary'].includes(encoding))
    return { fault: 'send the bytes of a file as they are, without Content-Transfer-Encoding' }
  const disposition = values.get('content-disposition') ?? ''
  const name = /^form-data\s*;/i.test(disposition) ? parameterOf(disposition, 'name') : undefined
  return name === undefined || name === '' ? { fault: 'a part has no name' } : { name }
}

/** Where the content that begins at `from` ends, before the delimiter; -1 where none follows. */
const endOf = async (bytes: Buffer, from: number, boundary: Buffer): Promise<number> => {
  const start = `${BREAK}--`
  let tries = 0
  for (let [at, limit] = [from, from + WINDOW]; ; ) {
    const window = bytes.subarray(0, limit)
    for (let found = window.indexOf(start, at, 'latin1'); found >= 0; found = window.indexOf(start, at, 'latin1')) {
      at = found + start.length
      const end = at + boundary.length
      if (end <= bytes.length && boundary.compare(bytes, at, end) === 0) return found
      if (++tries % TRIES === 0) await turns.over()
    }
    if (limit >= bytes.length) return -1
    await turns.over()
    // What begins in the last bytes of this window is found in the next.
    at = Math.max(at, limit - start.length + 1)
    limit += WINDOW
  }
}

/** The parts of a body, in their order. Anything that is not as it should be refuses the whole. */
export const partsOf = async (given: Uint8Array, boundary: string): Promise<readonly Part[] | Failure> => {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
  const mark = Buffer.from(boundary, 'latin1')
  const parts: Part[] = []
  let at = 2 + mark.length
  if (bytes.toString('latin1', 0, at) !== `--${boundary}`) return wrong('it does not begin with its boundary')
  for (;;) {
    if (bytes.toString('latin1', at, at + 2) === '--') return parts
    // Padding that a transport may have added.
    while (bytes[at] === 0x20 || bytes[at] === 0x09) at++
    if (bytes.toString('latin1', at, at + 2) !== BREAK) return wrong('it is cut off')
    if (parts.length === MAX_PARTS) return wrong(`it has more than ${MAX_PARTS} parts`)
    at += 2
    const length = bytes.subarray(at, at + MAX_HEADER_BYTES + 4).indexOf(BREAK + BREAK, 0, 'latin1')
    if (length < 0) return wrong(`the headers of a part do not end within ${MAX_HEADER_BYTES} bytes`)
    const read = nameIn(bytes.toString('utf8', at, at + length))
    if ('fault' in read) return wrong(read.fault)
    const from = at + length + 4
    const end = await endOf(bytes, from, mark)
    if (end < 0) return wrong('its last boundary is missing')
    parts.push({ name: read.name, content: bytes.subarray(from, end) })
    at = end + 4 + mark.length
  }
}
