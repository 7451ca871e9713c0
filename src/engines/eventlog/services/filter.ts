// Filters of $all: by stream name or event type, by prefixes or a regular expression, looked at on the record itself.
import { streamOf, typeOf } from '../log/record.ts'
import type { FilterRequest } from '../wire/reads.ts'

export interface Filter {
  matches(record: Buffer): boolean
  /** Events that are searched at a time. */
  readonly window: number
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

/**
 * Whether a text begins with one of the prefixes. Every event of the log is asked that, perhaps of dozens of prefixes: it is
 * looked up, byte by byte and once for each length that they have, instead of held against one after the other.
 */
const beginningIn = (
  prefixes: readonly string[],
): { readonly longest: number; readonly test: (beginning: string) => boolean } => {
  const byLength = new Map<number, Set<string>>()
  for (const prefix of prefixes) {
    const bytes = Buffer.from(prefix).toString('latin1')
    byLength.set(bytes.length, (byLength.get(bytes.length) ?? new Set()).add(bytes))
  }
  const lengths = [...byLength]
  return {
    longest: Math.max(...byLength.keys()),
    test: (beginning) => lengths.some(([length, known]) => known.has(beginning.slice(0, length))),
  }
}

/** Throws when the regular expression is none that this server understands. */
export const createFilter = (request: FilterRequest): Filter => {
  const subject = request.on === 'stream' ? streamOf : typeOf
  const window = request.window ?? DEFAULT_WINDOW
  if (request.prefixes.length > 0) {
    const { longest, test } = beginningIn(request.prefixes)
    return { window, matches: (record) => test(subject(record, 'latin1', longest)) }
  }
  const pattern = toRegExp(request.regex)
  return { window, matches: (record) => pattern.test(subject(record)) }
}
