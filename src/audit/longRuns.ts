// Answers that read the whole log: lines of JSON as they come, and only so many at a time.
import { type Failure, unavailable } from '../http/errors.ts'
import type { Answer } from '../http/route.ts'
import { bodyOfLines } from './lines.ts'

/** The kind of content of such an answer. */
export const LINES = 'application/x-ndjson'

/** Each reads with the log's own speed: more of them would be slower together than one after the other. */
const MAX_RUNS = 8
/** Seconds after which it is worth asking again. */
const AGAIN = 10

export interface LongRuns {
  /** An answer of lines; 503 while there are too many on this node. The signal aborts when its reader has gone. */
  answer(make: (signal: AbortSignal) => AsyncIterable<string>): Answer | Failure
  /** How many are under way. */
  readonly active: number
}

export const createLongRuns = (): LongRuns => {
  let active = 0
  return {
    answer(make) {
      if (active >= MAX_RUNS)
        return unavailable(`${MAX_RUNS} answers that read the whole log are under way on this node; ask again`, AGAIN)
      active++
      const onEnd = (): void => {
        active--
      }
      return { raw: { contentType: LINES, content: bodyOfLines(make, { onEnd }) } }
    },
    get active() {
      return active
    },
  }
}
