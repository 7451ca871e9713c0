// The answer of a part of a condition: a truth and the instant until which it stands, and how answers combine.

export interface Answer {
  readonly holds: boolean
  /** Ms; the truth cannot change before it with nothing new happening. Infinity for never. */
  readonly until: number
}

export const HOLDS: Answer = { holds: true, until: Number.POSITIVE_INFINITY }
export const FAILS: Answer = { holds: false, until: Number.POSITIVE_INFINITY }

export const answer = (holds: boolean, until = Number.POSITIVE_INFINITY): Answer =>
  until === Number.POSITIVE_INFINITY ? (holds ? HOLDS : FAILS) : { holds, until }

/** Holds within `[from, to)`. */
export const during = (from: number, to: number, now: number): Answer =>
  from >= to || now >= to ? FAILS : now < from ? answer(false, from) : answer(true, to)

export const negated = ({ holds, until }: Answer): Answer => answer(!holds, until)

/**
 * Whether all hold. While it holds, the first part to change ends it; while it fails, it goes on failing for as long as any
 * one failing part does, so the latest of their instants counts. Parts past one that fails for ever are not asked.
 */
export const allOf = <T>(parts: readonly T[], ask: (part: T) => Answer): Answer => joined(parts, ask, true)

/** Whether any holds; the mirror image of `allOf`. */
export const anyOf = <T>(parts: readonly T[], ask: (part: T) => Answer): Answer => joined(parts, ask, false)

const joined = <T>(parts: readonly T[], ask: (part: T) => Answer, neutral: boolean): Answer => {
  let earliest = Number.POSITIVE_INFINITY
  let latest = Number.NEGATIVE_INFINITY
  for (const part of parts) {
    const { holds, until } = ask(part)
    if (holds === neutral) {
      earliest = Math.min(earliest, until)
    } else {
      if (until === Number.POSITIVE_INFINITY) return neutral ? FAILS : HOLDS
      latest = Math.max(latest, until)
    }
  }
  return latest === Number.NEGATIVE_INFINITY ? answer(neutral, earliest) : answer(!neutral, latest)
}
