// Whether the machine's clock is to be believed, and what time it is when it is not. Pure: the clocks are read elsewhere.

/** A clock that is off by more than this (ms), against what it was or against the stores, is not believed. */
export const STEP_MS = 5 * 60_000
/**
 * A clock that is believed may drift, and be set a little: the line follows it by so much of the time that passes. Small steps
 * that come faster add up, and together are not believed either.
 */
const FOLLOW_SHARE = 0.01

/** One look at the machine's clocks, ms. */
export interface Reading {
  /** Since the epoch, by the clock that people and programs set. */
  readonly wall: number
  /** Since some beginning, by a clock that nobody sets and that goes on while the machine sleeps. */
  readonly boot: number
}

/** What the clock of another machine said, ms since the epoch, when `boot` was read here. */
export interface Testimony {
  readonly time: number
  readonly boot: number
}

export type DistrustKind =
  /** The clock was set, forwards or back. */
  | 'stepped'
  /** At the start it was behind the newest fact of the log: either it is behind, or it was ahead then. */
  | 'behind_log'
  /** The document store's clock, on another machine, says something else. */
  | 'differs_from_store'

export interface Distrust {
  readonly kind: DistrustKind
  /** The time that is gone by, when it began, ms since the epoch. */
  readonly since: number
  /** How far the machine's clock is ahead of the time that is gone by, ms; negative: behind. */
  readonly aheadMs: number
}

export interface Trust {
  /** The time that is gone by while the clock is not believed, ms since the epoch, as of `boot`. */
  readonly line: number
  readonly boot: number
  readonly distrust?: Distrust
  /** The other machine's clock as it was first seen: its time less our `boot`. */
  readonly witness?: { readonly offset: number; readonly isOverruled?: true }
}

const lineAt = ({ line, boot }: Trust, at: number): number => line + (at - boot)

const believe = ({ witness }: Trust, line: number, boot: number): Trust => ({
  line,
  boot,
  witness,
})

/**
 * The first look. `newest` is when the newest fact of the log was recorded (ms): an idle shop's may be as old as it likes, but a
 * clock that is behind it is not believed, and time goes on from there.
 */
export const firstLook = ({ wall, boot }: Reading, newest?: number): Trust =>
  newest !== undefined && wall < newest - STEP_MS
    ? { line: newest, boot, distrust: { kind: 'behind_log', since: newest, aheadMs: wall - newest } }
    : { line: wall, boot }

/** The next look: notices a step, and its end. */
export const look = (trust: Trust, { wall, boot }: Reading): Trust => {
  const line = lineAt(trust, boot)
  const aheadMs = wall - line
  const { distrust } = trust
  // All that was wrong with it was that it was behind: what it says now is as good as at a start.
  if (distrust?.kind === 'behind_log' && aheadMs >= -STEP_MS) return believe(trust, wall, boot)
  if (Math.abs(aheadMs) > STEP_MS)
    return { ...trust, line, boot, distrust: { kind: 'stepped', since: line, ...distrust, aheadMs } }
  const most = Math.max(0, boot - trust.boot) * FOLLOW_SHARE
  return believe(trust, line + Math.max(-most, Math.min(most, aheadMs)), boot)
}

/**
 * What another machine's clock says: it decides, for that is the time of the stores. One that was itself set since it was first
 * seen, or that shares this machine's clock and moved with it, says nothing.
 */
export const testify = (trust: Trust, { time, boot }: Testimony, reading: Reading): Trust => {
  const offset = time - boot
  const { witness } = trust
  const line = lineAt(trust, boot)
  const agrees = Math.abs(time - line) <= STEP_MS
  if (witness?.isOverruled) return agrees ? look({ ...trust, witness: { offset } }, reading) : look(trust, reading)
  if (witness && Math.abs(offset - witness.offset) > STEP_MS) return look(trust, reading)
  const heard: Trust = { ...trust, witness: { offset: witness?.offset ?? offset } }
  if (agrees) return look(heard, reading)
  const { distrust, ...rest } = heard
  const next = look({ ...rest, line: time, boot }, reading)
  return next.distrust
    ? {
        ...next,
        distrust: { ...next.distrust, kind: 'differs_from_store', since: distrust?.since ?? next.distrust.since },
      }
    : next
}

/** Somebody who has looked says that the machine's clock is right. */
export const confirm = ({ witness }: Trust, { wall, boot }: Reading): Trust => ({
  line: wall,
  boot,
  ...(witness ? { witness: { ...witness, isOverruled: true } } : {}),
})

/** The time to go by, ms since the epoch, at a reading that `look` has taken in. */
export const timeOf = (trust: Trust, { wall, boot }: Reading): number =>
  trust.distrust ? Math.round(lineAt(trust, boot)) : wall

const spanOf = (ms: number): string => {
  const seconds = Math.round(Math.abs(ms) / 1_000)
  const units = [
    [86_400, 'days'],
    [3_600, 'hours'],
    [60, 'minutes'],
  ] as const
  for (const [size, name] of units) if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${name}`
  return `${seconds} seconds`
}

const WHAT: Readonly<Record<DistrustKind, string>> = {
  stepped: 'was set',
  behind_log: 'is behind the newest fact of the log',
  differs_from_store: 'differs from that of the document store',
}

/** Why the clock is not believed, and what to do, for an operator. */
export const whyNot = ({ kind, aheadMs, since }: Distrust): string =>
  `The machine's clock ${WHAT[kind]}: it is ${spanOf(aheadMs)} ${aheadMs > 0 ? 'ahead' : 'behind'} ` +
  `since ${new Date(since).toISOString()}. Commands go by the time before, and timed work stands still. ` +
  'Set the clock right, or say that it is with `tributary clock confirm`'
