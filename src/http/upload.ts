// Reads a file that a request brings: as a form of `multipart/form-data`, or as the body itself.

import { isRefusedName } from '../refusedNames.ts'
import type { ReadBody } from './body.ts'
import { readStream } from './body.ts'
import { type Failure, fail } from './errors.ts'
import { boundaryIn, partsOf } from './multipart.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

const wrong = (details: string): Failure => fail('invalid_payload', details)

/** The text of a file; undefined where it is not UTF-8. */
const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * Reads an upload of at most `limit` bytes: `multipart/form-data` with its fields by name, files as their text, or `text/csv` as the
 * `file`. Rejects only when the connection breaks.
 */
export const readUpload = async (request: Request, limit: number): Promise<ReadBody | Failure> => {
  const { headers } = request
  if (request.body === null) return { value: undefined, bytes: 0 }
  const type = headers.get('content-type') ?? ''
  const isForm = /^multipart\/form-data\s*;/i.test(type)
  if ((!isForm && !/^text\/csv\s*(;|$)/i.test(type)) || headers.get('content-encoding') !== null)
    return fail('unsupported_media_type', 'Send the file as multipart/form-data, or the body as text/csv')
  const bytes = await readStream(request.body, limit)
  if ('failed' in bytes) return bytes
  if (!isForm) {
    const file = textOf(bytes)
    return file === undefined ? wrong('The file is not UTF-8') : { value: { file }, bytes: bytes.byteLength }
  }
  const boundary = boundaryIn(type)
  if (boundary === undefined) return wrong('The content type has no boundary')
  const parts = await partsOf(bytes, boundary)
  if ('failed' in parts) return parts
  const value: Record<string, string> = {}
  for (const { name, content } of parts) {
    if (isRefusedName(name) || Object.hasOwn(value, name))
      return wrong(`In the body ${JSON.stringify(name.slice(0, 100))} may stand once at most`)
    const text = textOf(content)
    if (text === undefined) return wrong(`${name.slice(0, 100)} is not UTF-8`)
    value[name] = text
  }
  return { value, bytes: bytes.byteLength }
}
