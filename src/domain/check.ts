// The questions that a definition asks one by one before it acts. A decision goes through them up to the first no, an
// explanation through all of them: so the two cannot disagree.
import type { Answer } from './conditions/answer.ts'
import type { Evaluation, Json } from './conditions/compile.ts'

export interface Check {
  /** What must be so, in words. */
  readonly is: string
  readonly holds: boolean
  /** Why it does not hold, as it is recorded. */
  readonly reason?: string | undefined
  /** What was looked at; may be costly to make, so it is made when it is read. */
  readonly value?: (() => Json) | undefined
  /** The instant, ms, at which it changes by time alone; absent for never. */
  readonly until?: number | undefined
  /** The validation rule that was asked, with its own truth table. */
  readonly rule?: { readonly id: string; readonly evaluation: Evaluation } | undefined
}

/** Questions in their order, then what follows when all were answered with yes. */
export type Checks<T> = Generator<Check, T, undefined>

// Decisions make one for every question of every rule: plain objects of one shape, which cost the least.

export const yes = (is: string, value?: () => Json): Check => ({ is, holds: true, value })

export const no = (is: string, reason: string, value?: () => Json): Check => ({ is, holds: false, reason, value })

/** A question about time alone. */
export const timely = (is: string, { holds, until }: Answer, reason: string): Check => ({
  is,
  holds,
  reason: holds ? undefined : reason,
  until: until === Number.POSITIVE_INFINITY ? undefined : until,
})

export const ruled = (id: string, evaluation: Evaluation): Check => ({
  is: `validation rule ${id} holds`,
  holds: evaluation.holds,
  reason: evaluation.holds ? undefined : `validation rule ${id} does not hold`,
  rule: { id, evaluation },
})

/** What follows when all questions are answered with yes, else the first that was not. */
export const conclude = <T>(
  checks: Checks<T>,
): { readonly failed: Check; readonly made?: never } | { readonly failed?: never; readonly made: T } => {
  for (;;) {
    const step = checks.next()
    if (step.done) return { made: step.value }
    if (!step.value.holds) return { failed: step.value }
  }
}

/** Every question with its answer. Those that make no sense after a no are left out; `made` is given when all hold. */
export const askedAll = <T>(checks: Checks<T>): { readonly checks: readonly Check[]; readonly made?: T } => {
  const asked: Check[] = []
  for (;;) {
    const step = checks.next()
    if (!step.done) asked.push(step.value)
    else return asked.every(({ holds }) => holds) ? { checks: asked, made: step.value } : { checks: asked }
  }
}
