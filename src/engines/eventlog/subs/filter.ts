// Filters of $all: by stream name or event type, by prefixes or a regular expression, looked at on the record itself.
import { streamOf, typeOf } from '../log/record.ts'
import type { FilterRequest } from '../wire/requests.ts'

export interface Filter {
  matches(record: Buffer): boolean
  /** Events considered between two checkpoints. */
  readonly checkpointEvery: number
}

/** How many events are searched at a time when the client does not say. */
const DEFAULT_WINDOW = 32

/**
 * The real server's expressions are .NET's. What both have is taken as it is, with .NET's `(?i)` at the beginning; what only
 * .NET has is refused rather than misread.
 */
const toRegExp = (text: string): RegExp => {
  const ignoreCase = text.startsWith('(?i)')
  const pattern = ignoreCase ? text.slice(4) : text
  // Like .NET without surrogate pairs, unless classes of characters are asked for.
  return new RegExp(pattern, `${/\\p\{/i.test(pattern) ? 'u' : ''}${ignoreCase ? 'i' : ''}`)
}

/** Throws when the regular expression is none that this server understands. */
export const createFilter = (request: FilterRequest): Filter => {
  const subject = request.on === 'stream' ? streamOf : typeOf
  const checkpointEvery = (request.window ?? DEFAULT_WINDOW) * request.checkpointMultiplier
  if (request.prefixes.length > 0) {
    return {
      checkpointEvery,
      matches: (record) => {
        const text = subject(record)
        return request.prefixes.some((prefix) => text.startsWith(prefix))
      },
    }
  }
  const pattern = toRegExp(request.regex)
  return { checkpointEvery, matches: (record) => pattern.test(subject(record)) }
}
