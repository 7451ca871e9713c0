// A stream's metadata: what hides its events, read from the newest event of its metastream.

export interface StreamMetadata {
  readonly maxCount: number | undefined
  readonly maxAgeMs: number | undefined
  /** Events before this revision are hidden. */
  readonly truncateBefore: number | undefined
  /** `$tb` is the largest number there is: the stream is deleted until somebody writes to it again. */
  readonly softDeleted: boolean
}

export const NO_METADATA: StreamMetadata = {
  maxCount: undefined,
  maxAgeMs: undefined,
  truncateBefore: undefined,
  softDeleted: false,
}
/** Of a metastream only the newest event is shown. */
export const METASTREAM_METADATA: StreamMetadata = { ...NO_METADATA, maxCount: 1 }

export const isMetastream = (stream: string): boolean => stream.startsWith('$$')
export const metastreamOf = (stream: string): string => `$$${stream}`
export const streamOfMetastream = (metastream: string): string => metastream.slice(2)

/** 2^63-1 is no exact JavaScript number, so it is looked for in the text. */
const SOFT_DELETE = /"\$tb"\s*:\s*9223372036854775807\s*[,}]/
export const SOFT_DELETE_METADATA = '{"$tb":9223372036854775807}'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Malformed metadata is none: a field of a wrong type or out of its range makes the whole of it void. */
export const parseMetadata = (data: Buffer): StreamMetadata => {
  const text = data.toString('utf8')
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return NO_METADATA
  }
  if (!isRecord(parsed)) return NO_METADATA
  const softDeleted = SOFT_DELETE.test(text)
  const integer = (key: string, least: number): number | undefined | null => {
    const value = parsed[key]
    if (value === undefined) return undefined
    return Number.isInteger(value) && Number(value) >= least ? Number(value) : null
  }
  const maxCount = integer('$maxCount', 1)
  const maxAge = integer('$maxAge', 1)
  const truncateBefore = softDeleted ? undefined : integer('$tb', 0)
  if (maxCount === null || maxAge === null || truncateBefore === null) return NO_METADATA
  return { maxCount, maxAgeMs: maxAge === undefined ? undefined : maxAge * 1000, truncateBefore, softDeleted }
}

/**
 * The metadata that brings a deleted stream back: the given one with `$tb` at the first new revision. Undefined when the
 * given one is no JSON object.
 */
export const revivalMetadata = (data: Uint8Array, truncateBefore: number): Buffer | undefined => {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(data).toString('utf8'))
    return isRecord(parsed) ? Buffer.from(JSON.stringify({ ...parsed, $tb: truncateBefore })) : undefined
  } catch {
    return undefined
  }
}

/** The first revision that a reader may see; `last` is the newest one. */
export const firstReadable = ({ truncateBefore = 0, maxCount }: StreamMetadata, last: number): number =>
  Math.max(truncateBefore, maxCount === undefined ? 0 : last - maxCount + 1, 0)
