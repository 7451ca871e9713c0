// What was decided while a clock was wrong: found in the log by its times alone, with what can be taken back.
import type { RawRecord } from '../eventstore/codec.ts'
import { createStepFinder, type Period, STEP_MS } from './clockSteps.ts'
import { dataAt, dataOf, listAt, numberAt, textAt } from './laws/read.ts'

/** What becomes of a decision that time alone led to. */
const TIMED: Readonly<Record<string, string | undefined>> = {
  SegmentLeft:
    "the customer's own time does not go back: the customer enters again by the next event without an `occurred_at`, or as the right " +
    'time comes near that one',
  SegmentEntered: 'the customer leaves again when the condition ends',
  PointsExpired: undefined,
  PendingPointsActivated:
    'points that are active are not made to wait again; take them away by hand where that is wanted',
  LoyaltyTierLeft: 'the tier is looked at again with the next change of points',
  LoyaltyTierDowngraded: 'the tier is looked at again with the next change of points',
  LoyaltyTierProlonged: 'the tier ends later than it should; it is looked at again with the next change of points',
  RedemptionReleased: 'the place may have been taken since',
  MessageRequested: 'what was sent is sent',
}

export interface EarlyDecision {
  readonly position: string
  readonly stream: string
  readonly fact: string
  readonly type: string
  /** ISO times: what it was decided for, and the time that it was then, as far as the log tells. */
  readonly decided_for: string
  readonly right_time: string
  /** The points that can be given back, and until when they would have been there (ISO; null: for ever). */
  readonly points?: { readonly card: string; readonly points: number; readonly left_ms: number }
  /** Why it cannot be taken back; absent when it can. */
  readonly stays?: string
}

export interface ClockReport {
  readonly periods: readonly {
    readonly kind: Period['kind']
    readonly from: string
    readonly to: string
    readonly records: number
    readonly step_seconds: number
    readonly right_time: string
  }[]
  /** What was decided for times that had not come: by type, all of it. */
  readonly counts: Readonly<Record<string, number>>
  /** Of that, what time led to by itself: the first `MAX_NAMED`. */
  readonly decisions: readonly EarlyDecision[]
  readonly facts: number
  readonly holds: boolean
}

const MAX_NAMED = 1_000
const PROGRESS_EVERY = 10_000

const isoOf = (ms: number): string => new Date(ms).toISOString()

const decisionOf = ({ position, stream, id, type, data }: RawRecord, now: number, right: number): EarlyDecision => {
  const base = {
    position: String(position),
    stream,
    fact: id,
    type,
    decided_for: isoOf(now),
    right_time: isoOf(right),
  }
  const stays = TIMED[type]
  if (stays !== undefined) return { ...base, stays }
  const said = dataOf(data)
  const card = textAt(dataAt(said, 'card'), 'id')
  const points = numberAt(said, 'points')
  const expired = numberAt(dataOf(listAt(said, 'lots')[0]), 'expiresAt') ?? now
  if (card === undefined || points === undefined) return { ...base, stays: 'the fact does not say of which card' }
  return { ...base, points: { card, points, left_ms: Math.max(0, expired - right) } }
}

/** Reads the log once: what is known before any single decision is looked at. */
interface Steps {
  readonly periods: readonly Period[]
  readonly facts: number
}

interface ClockOptions {
  readonly onProgress?: ((progress: { readonly facts: number; readonly pass: number }) => void) | undefined
}

const stepsIn = async (read: () => AsyncIterable<RawRecord>, { onProgress }: ClockOptions): Promise<Steps> => {
  const finder = createStepFinder()
  let facts = 0
  for await (const record of read()) {
    finder.see(record)
    if (++facts % PROGRESS_EVERY === 0) onProgress?.({ facts, pass: 1 })
  }
  return { periods: finder.end(), facts }
}

/** A record that was decided for a time that had not come. */
interface Early {
  readonly record: RawRecord
  /** What it was decided for, and the time that it was then, ms. */
  readonly now: number
  readonly right: number
}

/** What was decided by a node whose clock was ahead: for a time well after its own recording, or after the right time. */
async function* decidedEarly(
  read: () => AsyncIterable<RawRecord>,
  { periods, facts }: Steps,
  { onProgress }: ClockOptions,
): AsyncGenerator<Early, void, undefined> {
  const ahead = periods.filter(({ kind }) => kind === 'ahead')
  let at = 0
  let seen = 0
  for await (const record of read()) {
    if (++seen > facts) return
    if (seen % PROGRESS_EVERY === 0) onProgress?.({ facts: seen, pass: 2 })
    while (at < ahead.length && ahead[at]!.to < record.position) at++
    const period = ahead[at]
    const now = numberAt(dataOf(record.metadata), 'now')
    if (now === undefined) continue
    const right = period && record.position >= period.from ? Math.min(period.right, record.created) : record.created
    if (now > right + STEP_MS) yield { record, now, right }
  }
}

/**
 * Reads the log twice: where its recorded times step back by more than 5 minutes, and what was decided for times that had not
 * come.
 */
export const auditClock = async (
  read: () => AsyncIterable<RawRecord>,
  options: ClockOptions = {},
): Promise<ClockReport> => {
  const steps = await stepsIn(read, options)
  const counts: Record<string, number> = {}
  const decisions: EarlyDecision[] = []
  for await (const { record, now, right } of decidedEarly(read, steps, options)) {
    counts[record.type] = (counts[record.type] ?? 0) + 1
    if (record.type in TIMED && decisions.length < MAX_NAMED) decisions.push(decisionOf(record, now, right))
  }
  return {
    periods: steps.periods.map(({ kind, from, to, records, stepMs, right }) => ({
      kind,
      from: String(from),
      to: String(to),
      records,
      step_seconds: Math.round(stepMs / 1_000),
      right_time: isoOf(right),
    })),
    counts,
    decisions,
    facts: steps.facts,
    holds: Object.keys(counts).length === 0,
  }
}

/** The decisions that time alone led to, for times that had not come: all of them, one by one, in the order of the log. */
export async function* earlyDecisions(
  read: () => AsyncIterable<RawRecord>,
  options: ClockOptions = {},
): AsyncGenerator<EarlyDecision, void, undefined> {
  const steps = await stepsIn(read, options)
  for await (const { record, now, right } of decidedEarly(read, steps, options))
    if (record.type in TIMED) yield decisionOf(record, now, right)
}
