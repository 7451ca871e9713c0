// Accumulators: what a condition must remember of past events to be answered at any later instant without reading them again.
import { calendarOf, type Unit } from '../calendar.ts'
import { insert, keepAfter, keepNewest, newest, type Series } from './series.ts'
import { AHEAD_MS, type Occurrence } from './subject.ts'
import { addToTally, EMPTY_TALLY, type Tally } from './tally.ts'

/** What an accumulator keeps; plain JSON, never changed in place. */
export type AccumulatorState =
  | ({ readonly kind: 'tally' } & Tally)
  | { readonly kind: 'series'; readonly series: Series }
  | { readonly kind: 'periods'; readonly periods: readonly PeriodTally[] }

/** What happened in the calendar period that begins at `from` (ms). */
export interface PeriodTally {
  readonly from: number
  readonly tally: Tally
}

export interface AccumulatorSpec {
  /** The same for leaves that need the same, in whichever definitions. */
  readonly key: string
  /** Event types that it listens to. */
  readonly types: readonly string[]
  readonly initial: () => AccumulatorState
  /** The state with one more event, in any order of `occurredAt`; the very same state when the event does not matter. */
  readonly add: (state: AccumulatorState, occurrence: Occurrence) => AccumulatorState
}

/** Which events matter and what each adds to a sum (millionths; undefined where nothing is summed). */
export interface Intake {
  readonly key: string
  readonly type: string
  readonly takes: (occurrence: Occurrence) => boolean
  readonly amount?: (occurrence: Occurrence) => number
}

/** Sums are kept in millionths: exact for amounts below a thousand million, and for sums of cents below 10^11. */
export const SUM_SCALE = 1_000_000

const initialOf = (state: AccumulatorState) => () => state

/** The instant before which nothing will be asked any more, as far as an event tells. */
const askedFrom = ({ occurredAt, recordedAt }: Occurrence, newestTime: number): number =>
  Math.max(recordedAt ?? Number.NEGATIVE_INFINITY, occurredAt - AHEAD_MS, newestTime - AHEAD_MS)

/** Everything that matters over all time. */
export const tallySpec = ({ key, type, takes, amount }: Intake): AccumulatorSpec => ({
  key,
  types: [type],
  initial: initialOf({ kind: 'tally', ...EMPTY_TALLY }),
  add: (state, occurrence) => {
    if (!takes(occurrence)) return state
    const tally = state.kind === 'tally' ? state : EMPTY_TALLY
    return {
      kind: 'tally',
      ...addToTally(tally, occurrence.occurredAt, occurrence.recordedAt, amount?.(occurrence)),
    }
  },
})

/**
 * What a rolling window of `length` ms needs: the times inside it, and of those that have come only the newest `most` where a
 * test tells no greater counts apart.
 */
export const rollingSpec = ({ key, type, takes, amount }: Intake, length: number, most?: number): AccumulatorSpec => ({
  key,
  types: [type],
  initial: initialOf({ kind: 'series', series: [] }),
  add: (state, occurrence) => {
    if (!takes(occurrence)) return state
    const series = state.kind === 'series' ? state.series : []
    const asked = askedFrom(occurrence, newest(series))
    if (occurrence.occurredAt <= asked - length) return state
    const grown = keepAfter(insert(series, occurrence.occurredAt, amount?.(occurrence)), asked - length)
    return { kind: 'series', series: most === undefined ? grown : keepNewest(grown, most, asked) }
  },
})

/** What the calendar period that holds now, or with `shift` -1 the one before it, needs. */
export const periodSpec = (
  { key, type, takes, amount }: Intake,
  unit: Unit,
  shift: 0 | -1,
  timeZone: string,
): AccumulatorSpec => {
  const calendar = calendarOf(timeZone)
  return {
    key,
    types: [type],
    initial: initialOf({ kind: 'periods', periods: [] }),
    add: (state, occurrence) => {
      if (!takes(occurrence)) return state
      const { occurredAt, recordedAt } = occurrence
      const periods = state.kind === 'periods' ? state.periods : []
      const newestTime = periods[periods.length - 1]?.tally.last ?? Number.NEGATIVE_INFINITY
      const keptFrom = calendar.period(unit, askedFrom(occurrence, newestTime), shift).from
      const { from } = calendar.period(unit, occurredAt)
      if (from < keptFrom) return state
      const kept = periods.filter((period) => period.from >= keptFrom)
      const index = kept.findIndex((period) => period.from >= from)
      const before = index >= 0 && kept[index]!.from === from ? kept[index] : undefined
      const tally = addToTally(before?.tally ?? EMPTY_TALLY, occurredAt, recordedAt, amount?.(occurrence))
      kept.splice(index < 0 ? kept.length : index, before ? 1 : 0, { from, tally })
      return { kind: 'periods', periods: kept }
    },
  }
}
