// Taking back, by facts, what was decided while a clock was ahead.
import { auditClock, type EarlyDecision } from '../src/audit/clock.ts'
import { recordsAfter } from '../src/audit/patience.ts'
import { customerStream } from '../src/domain/ids.ts'
import type { CommandContext } from '../src/runtime/customers.ts'
import type { Services } from '../src/services.ts'

export interface TakenBack extends EarlyDecision {
  readonly outcome: 'taken_back' | 'was_taken_back' | 'stays'
}

const PREFIX = customerStream('')
/** Points that would have expired at once are given back for so long at least, ms. */
const LEAST_MS = 86_400_000

/** Gives expired points back for the time that they had left; says of everything else why it stays. Twice is once. */
export const takeBack = async (
  { store, customers }: Pick<Services, 'store' | 'customers'>,
  context: Pick<CommandContext, 'requestId' | 'actor' | 'now'>,
): Promise<readonly TakenBack[]> => {
  const { decisions } = await auditClock(() => recordsAfter(store, undefined))
  const done: TakenBack[] = []
  for (const decision of decisions) {
    const { points, stream, fact } = decision
    if (points === undefined || !stream.startsWith(PREFIX)) {
      done.push({ ...decision, outcome: 'stays' })
      continue
    }
    const id = stream.slice(PREFIX.length)
    const { state } = await customers.load(id)
    // The customer's own time never goes back: what is left is counted from where it stands.
    const at = Math.max(state.now, context.now) + Math.max(LEAST_MS, points.left_ms)
    const executed = await customers.execute(
      id,
      {
        type: 'AddPoints',
        card: points.card,
        points: points.points,
        expiry: { type: 'CUSTOM_DATE', at },
        reason: 'expired while a clock was ahead',
      },
      { ...context, key: `clock:${fact}` },
    )
    if (executed.kind === 'refused') done.push({ ...decision, outcome: 'stays', stays: executed.refusal.details ?? '' })
    else if (executed.kind === 'busy')
      done.push({ ...decision, outcome: 'stays', stays: 'others were faster: ask again' })
    else done.push({ ...decision, outcome: executed.kind === 'done' ? 'taken_back' : 'was_taken_back' })
  }
  return done
}
