// Where the log's own times go back: the records before that were made while a clock was ahead. Pure, one look in the order of
// the log, bounded memory.

/** Times that differ by less say nothing, ms. */
export const STEP_MS = 5 * 60_000

/** What is looked at of a record. */
export interface Timed {
  readonly position: bigint
  /** When the store recorded it, ms. */
  readonly created: number
}

/** Records between two positions, both included, whose recorded times are ahead of what followed, or behind what went before. */
export interface Period {
  readonly kind: 'ahead' | 'behind'
  readonly from: bigint
  readonly to: bigint
  readonly records: number
  /** The recorded time just after the period, ms: what was decided for later than that was decided too early. */
  readonly right: number
  /** By how much the times step at its end, ms. */
  readonly stepMs: number
}

interface Gap {
  /** The first record after the gap, and the recorded time of the last one before it. */
  readonly position: bigint
  readonly before: number
  readonly index: number
}

/** Gaps that are remembered: a period that began before so many of them begins at the oldest one known. */
const MAX_GAPS = 10_000
/** Periods that are told. */
const MAX_PERIODS = 1_000

/** Where nothing but one jump back is known, what is shorter is what was wrong: a clock is right for longer than it is not. */
export const createStepFinder = () => {
  const gaps: Gap[] = []
  const periods: Period[] = []
  /** The newest period that may yet turn out to be the right time, followed by one that is behind. */
  let doubtful:
    | { readonly period: Period; readonly high: number; readonly since: number; readonly start: bigint }
    | undefined
  let last: Timed | undefined
  let first: bigint | undefined
  let index = 0

  const keep = (period: Period): void => {
    if (periods.length < MAX_PERIODS) periods.push(period)
  }
  const settle = (): void => {
    if (doubtful) keep(doubtful.period)
    doubtful = undefined
  }

  return {
    see(record: Timed): void {
      const { position, created } = record
      first ??= position
      if (last && created < last.created - STEP_MS) {
        settle()
        let start = first
        let startIndex = 0
        while (gaps.length > 0) {
          const gap = gaps.pop()!
          start = gap.position
          startIndex = gap.index
          if (gap.before <= created + STEP_MS) break
          if (gaps.length === 0) {
            start = first
            startIndex = 0
          }
        }
        const period: Period = {
          kind: 'ahead',
          from: start,
          to: last.position,
          records: index - startIndex,
          right: created,
          stepMs: last.created - created,
        }
        doubtful = { period, high: last.created, since: index, start: position }
      } else if (last && created > last.created + STEP_MS) {
        if (doubtful && created >= doubtful.high - STEP_MS && index - doubtful.since < doubtful.period.records) {
          keep({
            kind: 'behind',
            from: doubtful.start,
            to: last.position,
            records: index - doubtful.since,
            right: created,
            stepMs: created - last.created,
          })
          doubtful = undefined
        } else {
          gaps.push({ position, before: last.created, index })
          if (gaps.length > MAX_GAPS) gaps.shift()
        }
      }
      last = record
      index++
    },
    end(): readonly Period[] {
      settle()
      return periods
    },
  }
}
