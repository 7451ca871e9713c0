// One round: commands that wait for the same customer, each decided on the state that the one before leaves.
import { formerKey } from '../domain/callerKeys.ts'
import { gatherDeclined } from '../domain/customer/declined.ts'
import type { DecidedFact } from '../domain/customer/draft.ts'
import type { CustomerState } from '../domain/customer/state.ts'
import type { CustomerCommand } from '../domain/decider/commands.ts'
import { type Decision, decide } from '../domain/decider/decide.ts'
import { present } from '../domain/present.ts'
import type { NewFact } from '../domain/recorded.ts'
import { isRefused, type Refusal, refuse } from '../domain/refusal.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import { CUSTOMER_ERASED } from '../eventstore/personal.ts'
import type { Turns } from '../line/turns.ts'
import { NotTried } from '../trouble.ts'
import type { CommandContext, Executed } from './customers.ts'
import type { KeyRange } from './keys.ts'
import type { Loaded } from './loader.ts'

/**
 * How many facts, and bytes of facts, go into one append: the store's own limits are 10,000 facts and 1 MiB. A command whose own
 * facts are more goes alone, and is refused alone.
 */
const MAX_FACTS_TOGETHER = 1_000
const MAX_BYTES = 600_000
/** A fact's metadata as sent, without what rules declined. */
const METADATA_BYTES = 500

const KEY_REUSED: Refusal = {
  key: 'idempotency_key_reused',
  details: 'This key was used for another content before',
}

export interface Job {
  readonly command: CustomerCommand
  readonly context: CommandContext
  readonly resolve: (executed: Executed) => void
  readonly reject: (error: unknown) => void
}

/** Bytes of a decision's facts as they are sent, near enough. */
const bytesOf = ({ facts, declined }: Decision): number => {
  let bytes = declined.length > 0 ? Buffer.byteLength(JSON.stringify(declined)) : 0
  for (const { data } of facts) bytes += METADATA_BYTES + Buffer.byteLength(JSON.stringify(data))
  return bytes
}

const metadataOf = (
  fact: DecidedFact,
  index: number,
  before: CustomerState,
  decision: Decision,
  rulebook: Rulebook,
  { key, print, requestId, actor }: CommandContext,
): NewFact['metadata'] => ({
  $correlationId: requestId,
  ...(fact.causedBy === undefined ? {} : { $causationId: fact.causedBy }),
  ...(key === undefined ? {} : { commandKey: key }),
  ...(key === undefined || print === undefined ? {} : { print }),
  rulebook: rulebook.revision,
  actor,
  now: fact.now,
  ...(fact.root ? { root: true } : {}),
  // The first fact of a decision has no number: a decision goes on for as long as numbers do.
  ...(index > 0 ? { n: index } : {}),
  // Absent where there was no deadline and is none: most customers never have one.
  ...(decision.state.nextDueAt === null && before.nextDueAt === null ? {} : { nextDueAt: decision.state.nextDueAt }),
  ...(fact.type === 'CustomEventTracked' && decision.declined.length > 0
    ? { declined: gatherDeclined(decision.declined) }
    : {}),
})

/** What a round is decided on. */
export interface Basis {
  readonly id: string
  readonly loaded: Loaded
  readonly rulebook: Rulebook
  /** The customer's history is so long that no more events and profiles are taken in. */
  readonly isFull: boolean
}

/** Tells whoever waits for a job, once the round is recorded, up to that position in the log. */
type Answer = (position: bigint | undefined) => void

export interface Round {
  readonly facts: readonly NewFact[]
  readonly bytes: number
  readonly state: CustomerState
  readonly answers: readonly Answer[]
  /** For the next round: those that are too much for this append, and a repeat of what is first to be recorded. */
  readonly left: readonly Job[]
  readonly hasRefusal: boolean
}

export interface RoundTools {
  readonly wasUsed: (customer: string, key: string, upTo: bigint) => Promise<boolean>
  readonly randomKey: () => string
  readonly turns: Turns
  /** ms since the epoch. */
  readonly now: () => number
}

/** What a key answers that was used before; undefined: it was not. */
const repeatOf = async (
  { id, loaded: { keys } }: Basis,
  key: string,
  { print: ownPrint, printIfKnown }: CommandContext,
  wasUsed: RoundTools['wasUsed'],
): Promise<{ readonly range: KeyRange; readonly isOther: boolean } | undefined> => {
  const former = formerKey(key)
  const range = keys.find(key) ?? (former === undefined ? undefined : keys.find(former))
  if (range) {
    const print = range.print === undefined ? undefined : (ownPrint ?? printIfKnown?.())
    return { range, isOther: print !== undefined && range.print !== print }
  }
  const forgotten = keys.forgottenUpTo
  if (forgotten === undefined) return undefined
  for (const one of former === undefined ? [key] : [key, former])
    if (await wasUsed(id, one, forgotten)) return { range: { first: 0n, count: 0 }, isOther: false }
  return undefined
}

const decidedOn = (
  { id, rulebook, isFull }: Basis,
  state: CustomerState,
  { command, context }: Job,
  randomKey: () => string,
) =>
  isFull && (command.type === 'TrackEvent' || command.type === 'SaveCustomer')
    ? refuse('invalid_customer', `The history of customer ${id} is too large to take in more`)
    : decide(state, command, rulebook, {
        now: context.now,
        key: context.key ?? randomKey(),
        ...present({ asking: context.key === undefined ? undefined : context.requestId }),
      })

/** Decides the jobs in their order, until one has to wait for the next round: those after it wait with it. */
export const decideRound = async (
  basis: Basis,
  jobs: readonly Job[],
  { wasUsed, randomKey, turns, now }: RoundTools,
): Promise<Round> => {
  let { state } = basis.loaded
  let bytes = 0
  let hasRefusal = false
  const facts: NewFact[] = []
  const answers: Answer[] = []
  const usedHere = new Set<string>()

  /** Decides one; false: it has to wait. */
  const take = async (job: Job): Promise<boolean> => {
    const { context } = job
    const { key } = context
    const before = state
    const settle = (answer: Answer): true => {
      answers.push(answer)
      return true
    }
    const answer = (executed: (position: bigint | undefined) => Executed): true =>
      settle((position) => job.resolve(executed(position)))
    for (let pause = turns.over(); pause; pause = turns.over()) await pause
    if (context.tryUntil !== undefined && now() > context.tryUntil) return settle(() => job.reject(new NotTried()))
    if (key !== undefined) {
      // Is answered as a repeat once the first is recorded.
      if (usedHere.has(key)) return false
      const repeat = await repeatOf(basis, key, context, wasUsed)
      if (repeat?.isOther)
        return answer(() => ({ kind: 'refused', refusal: KEY_REUSED, state: before, known: repeat.range }))
      if (repeat) return answer((position) => ({ kind: 'repeated', range: repeat.range, state: before, position }))
    }
    const decided = decidedOn(basis, state, job, randomKey)
    if (isRefused(decided)) {
      hasRefusal = true
      return answer(() => ({ kind: 'refused', refusal: decided.refused, state: before }))
    }
    const { facts: made, state: after } = decided
    if (context.dryRun) return answer(() => ({ kind: 'done', facts: made, state: after, position: undefined }))
    const size = bytesOf(decided)
    const isTooMuch = bytes + size > MAX_BYTES || facts.length + made.length > MAX_FACTS_TOGETHER
    if (isTooMuch && facts.length > 0) return false
    bytes += size
    state = after
    for (const [index, fact] of made.entries()) {
      const metadata = metadataOf(fact, index, before, decided, basis.rulebook, context)
      facts.push({ id: fact.id, type: fact.type, data: fact.data, metadata })
    }
    if (key !== undefined && made.length > 0) usedHere.add(key)
    return answer((position) => ({ kind: 'done', facts: made, state: after, position }))
  }

  let taken = 0
  for (const job of jobs) {
    if (!(await take(job))) break
    taken++
    // What one append holds of a person is under one key, and who comes back after an erasure has another.
    if (facts.at(-1)?.type === CUSTOMER_ERASED) break
  }
  return { facts, bytes, state, answers, left: jobs.slice(taken), hasRefusal }
}
