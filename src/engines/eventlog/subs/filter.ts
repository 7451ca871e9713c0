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
  const pattern = new RegExp(request.regex, 'u')
  return { checkpointEvery, matches: (record) => pattern.test(subject(record)) }
}
