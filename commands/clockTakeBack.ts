// Taking back, by facts, what was decided while a clock was ahead.
import { type EarlyDecision, earlyDecisions } from '../src/audit/clock.ts'
import type { Telling } from '../src/audit/lines.ts'
import { recordsAfter } from '../src/audit/patience.ts'
import { customerStream } from '../src/domain/ids.ts'
import type { CommandContext } from '../src/runtime/customers.ts'
import type { Services } from '../src/services.ts'
import { TooBusy } from '../src/trouble.ts'

export interface TakenBack extends EarlyDecision {
  readonly outcome: 'taken_back' | 'was_taken_back' | 'stays'
}

/** How many decisions came to what. */
export interface TakeBackReport {
  readonly object: 'clock_take_back'
  readonly taken_back: number
  readonly was_taken_back: number
  readonly stays: number
}

const PREFIX = customerStream('')
/** Points that would have expired at once are given back for so long at least, ms. */
const LEAST_MS = 86_400_000

/** Gives expired points back for the time that they had left; says of everything else why it stays. Twice is once. */
const takeOne = async (
  { customers, clock }: Pick<Services, 'customers' | 'clock'>,
  decision: EarlyDecision,
  context: Pick<CommandContext, 'requestId' | 'actor'>,
): Promise<TakenBack> => {
  const { points, stream, fact } = decision
  if (points === undefined || !stream.startsWith(PREFIX)) return { ...decision, outcome: 'stays' }
  const id = stream.slice(PREFIX.length)
  const { state } = await customers.load(id)
  const now = clock.now()
  // The customer's own time never goes back: what is left is counted from where it stands.
  const at = Math.max(state.now, now) + Math.max(LEAST_MS, points.left_ms)
  try {
    const executed = await customers.execute(
      id,
      {
        type: 'AddPoints',
        card: points.card,
        points: points.points,
        expiry: { type: 'CUSTOM_DATE', at },
        reason: 'expired while a clock was ahead',
      },
      { ...context, now, key: `clock:${fact}` },
    )
    if (executed.kind === 'refused') return { ...decision, outcome: 'stays', stays: executed.refusal.details ?? '' }
    return { ...decision, outcome: executed.kind === 'done' ? 'taken_back' : 'was_taken_back' }
  } catch (error) {
    // One customer holds up none of the others.
    if (error instanceof TooBusy) return { ...decision, outcome: 'stays', stays: 'others were faster: ask again' }
    throw error
  }
}

export type Progress = { readonly facts: number; readonly pass: number }

/**
 * Goes through the whole log and says of each decision what became of it, one at a time and no faster than they are read: a
 * reader that goes away ends it, and what was done stays done. Rejects with the store's own errors.
 */
export const takeBack = async (
  services: Pick<Services, 'store' | 'customers' | 'clock'>,
  context: Pick<CommandContext, 'requestId' | 'actor'>,
  { signal, tell, say }: Telling<Progress> & { readonly signal: AbortSignal },
): Promise<TakeBackReport> => {
  const counts = { taken_back: 0, was_taken_back: 0, stays: 0 }
  const read = () => recordsAfter(services.store, undefined, signal)
  for await (const decision of earlyDecisions(read, { onProgress: tell })) {
    const done = await takeOne(services, decision, context)
    counts[done.outcome]++
    await say(done)
  }
  return { object: 'clock_take_back', ...counts }
}
