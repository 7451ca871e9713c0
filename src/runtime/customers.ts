// Executes commands about customers: load, decide, append with the exact revision; those that wait together go in one append.

import type { DecidedFact } from '../domain/customer/draft.ts'
import type { CustomerState } from '../domain/customer/state.ts'
import type { CustomerCommand } from '../domain/decider/commands.ts'
import { customerIdFrom, customerStream, isCustomerId } from '../domain/ids.ts'
import type { NewFact, RecordedFact } from '../domain/recorded.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import { AppendRefused } from '../eventstore/errors.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { AppendResult } from '../eventstore/types.ts'
import { backoffMs } from '../line/backoff.ts'
import { createTurns } from '../line/turns.ts'
import { TooBusy } from '../trouble.ts'
import type { LogPart } from './foreseen.ts'
import type { KeyRange } from './keys.ts'
import type { Loaded, Customers as LoadedCustomers } from './loader.ts'
import { createPresumption } from './presumption.ts'
import { createQueues } from './queues.ts'
import { type Basis, decideRound, type Job, type Round } from './round.ts'

/** Who asks, in which request, and under which key a repeat is recognised. */
export interface CommandContext {
  /** Names the command; asking again with it does nothing again. Absent: every asking is a new command. */
  readonly key?: string
  /** What the command says, as a fingerprint: under the same key another is refused as `idempotency_key_reused`. */
  readonly print?: string
  /** The same where nothing is recorded, so that it is only made where the key was used before. */
  readonly printIfKnown?: () => string
  readonly requestId: string
  readonly actor: { readonly name: string; readonly role: string }
  /** ms since the epoch. */
  readonly now: number
  /** ms since the epoch: past it the answer is that the store is unavailable. */
  readonly deadline?: number
  readonly dryRun?: boolean
  /**
   * One of many customers that are looked at one after the other: what was read ahead will do, and memory is left to others.
   * Only for a command that has nothing to say itself.
   */
  readonly inPassing?: boolean
  /** ms since the epoch: what was not begun by then is not begun any more: `NotTried`. */
  readonly tryUntil?: number
}

export type Executed =
  | {
      readonly kind: 'done'
      readonly facts: readonly DecidedFact[]
      readonly state: CustomerState
      readonly position: bigint | undefined
    }
  | {
      readonly kind: 'repeated'
      readonly range: KeyRange
      readonly state: CustomerState
      readonly position: bigint | undefined
    }
  | {
      readonly kind: 'refused'
      readonly refusal: Refusal
      readonly state: CustomerState
      /** Where the key was used before: for another content. */
      readonly known?: KeyRange
    }

export interface CustomerRuntime {
  /** Decides and records one command; rejects with the store's own errors when it is unavailable, `TooBusy` when others are faster. */
  execute(id: string, command: CustomerCommand, context: CommandContext): Promise<Executed>
  /** The customer's state after everything that is recorded, as this node knows it; `fresh`: as the stream says now. */
  load(id: string, options?: { readonly fresh?: boolean }): Promise<Loaded>
  /** Of these, those that cannot be asked for without a read. */
  unready(ids: readonly string[]): readonly string[]
  /** Says that these, at most 1,000, are about to be asked for one by one: what is read of them in one go is read now. */
  foresee(ids: readonly string[]): Promise<void>
  /**
   * The same for any number, out of the log, which is read once: for many at a time. Rejects, with nothing read, when that
   * does not succeed.
   */
  readAhead(part: Omit<LogPart, 'rulebook'>): Promise<void>
  /** What was read ahead is not needed any more. */
  forgetForeseen(): void
  /** Leaves snapshots of those in memory, for the next start; those asked for last come first. Ends when `signal` says so. */
  leave(signal: AbortSignal): Promise<void>
  /** The stream that an id or `source_id` leads to, whether or not the customer is there (any more). */
  resolve(name: string): Promise<string>
  /** The facts that a key once recorded, oldest first. */
  factsOf(id: string, range: KeyRange): Promise<readonly RecordedFact[]>
  /** Commands waiting or under way. */
  readonly pending: number
  /** Commands ever asked. */
  readonly asked: number
}

export interface CustomerRuntimeOptions {
  readonly store: EventStore
  /** The position of the log's newest fact at the start. */
  readonly head: bigint
  readonly customers: LoadedCustomers
  readonly rulebook: () => Rulebook
  /** Whether an explicit key that memory has forgotten was used before; asked only for customers with over 1,000 keys. */
  readonly wasUsed: (customer: string, key: string, upTo: bigint) => Promise<boolean>
  readonly randomKey: () => string
  readonly sleep: (ms: number) => Promise<void>
  readonly random: () => number
  /** ms since the epoch. */
  readonly now?: () => number
}

/** How often a command is decided again after a conflict. */
const MAX_ATTEMPTS = 5
/** Waits after a conflict, ms. */
const CONFLICT = { baseMs: 20, maxMs: 320 }
/** How many commands go into one append, if they have room in it. */
const MAX_TOGETHER = 128
/** Bytes of JSON that the state of a customer may have before no more events and profiles are taken in. */
const MAX_STATE_BYTES = 4 * 1024 * 1024
/**
 * Whether a customer may be taken as it was read ahead, without a look at its stream. Had somebody appended since, an append
 * would find out by its revision, and all is decided again on what is there. With nothing to append nobody finds out, and need
 * not: on what was read, nothing was left to be done under the rulebook of that reading, and whoever appended since decided
 * under one as new, in whose definitions the customer arrived first like with any decision. (On this node that is certain, for
 * an append drops what was read ahead. A node that does not know a definition yet while others pass by with it can append
 * before or after they have passed: the customer comes under it with the next decision.)
 */
const isInPassing = ({ command, context }: Job): boolean =>
  context.inPassing === true && command.type === 'AdvanceClock'

/** Whether a command may be the first of its customer, so that it is worth a try without reading. */
const mayBeFirst = ({ command, context }: Job): boolean =>
  !context.dryRun && (command.type === 'TrackEvent' || command.type === 'SaveCustomer') && command.mayCreate

/** Whether a command is likely to append, which finds out whether its snapshot was the newest. */
const mayGuess = ({ command, context }: Job): boolean =>
  !context.dryRun && (command.type === 'TrackEvent' || command.type === 'SaveCustomer')

/**
 * Where a round's basis is from: memory or the stream, what was read ahead, or a guess: that there is no such customer yet, or
 * that nothing was recorded since the snapshot.
 */
interface KnownBasis extends Basis {
  readonly from: 'known' | 'foreseen' | 'presumed' | 'snapshot'
  readonly passing: { readonly inPassing: boolean }
}

type Recording =
  /** Everything that the round answers is in the log up to here. */
  | { readonly kind: 'recorded'; readonly position: bigint | undefined }
  /** It is to be decided again; `isSurprise` where somebody else was faster, and not only the basis a guess. */
  | { readonly kind: 'again'; readonly isSurprise: boolean }
  | { readonly kind: 'refused'; readonly error: AppendRefused }

const partition = <T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] => [
  items.filter(test),
  items.filter((item) => !test(item)),
]

export const createCustomerRuntime = (options: CustomerRuntimeOptions): CustomerRuntime => {
  const { store, customers, rulebook: currentRulebook, wasUsed, randomKey, sleep, random, now = Date.now } = options
  const turns = createTurns()
  const guesses = { presumed: createPresumption(), snapshot: createPresumption() }
  const guessOf = ({ from }: KnownBasis) => (from === 'presumed' || from === 'snapshot' ? guesses[from] : undefined)
  let pending = 0
  let asked = 0
  /** The newest position in the log that this node knows of. */
  let newestPosition = options.head

  /** Appends; what the store refuses is an answer. */
  const appended = async (
    id: string,
    facts: readonly NewFact[],
    expected: bigint | 'no_stream',
    deadline: number,
  ): Promise<AppendResult | { readonly kind: 'refused'; readonly error: AppendRefused }> => {
    try {
      return await store.append(customerStream(id), facts, expected, deadline > 0 ? { deadline } : {})
    } catch (error) {
      if (error instanceof AppendRefused) return { kind: 'refused', error }
      throw error
    }
  }

  /** What the jobs are decided on: at first what was read ahead, or guesses, one after the other; else memory or the stream. */
  const basisFor = async (id: string, jobs: readonly Job[], before?: KnownBasis['from']): Promise<KnownBasis> => {
    const isFirst = before === undefined
    const rulebook = currentRulebook()
    const passing = { inPassing: jobs.every(isInPassing) }
    const foreseen = isFirst && passing.inPassing ? customers.foreseen(id, rulebook) : undefined
    const maybeNew = isFirst && jobs.every(mayBeFirst) ? customers.presume(id, rulebook) : undefined
    const presumed = maybeNew && guesses.presumed.isWorthIt() ? maybeNew : undefined
    const ahead = foreseen ?? presumed
    const isOpen = !ahead && (isFirst || before === 'presumed')
    const mayBeBehind = isOpen && jobs.every(mayGuess) && guesses.snapshot.isWorthIt()
    const held = ahead ? undefined : await customers.load(id, rulebook, { ...passing, mayBeBehind })
    const loaded = ahead ?? held!
    const isFull = customers.weightOf(id) > MAX_STATE_BYTES
    const from = foreseen ? 'foreseen' : presumed ? 'presumed' : held!.current ? 'known' : 'snapshot'
    return { id, loaded, rulebook, isFull, passing, from }
  }

  /** Those of the jobs that are this stream's own; the others go where it leads to. */
  const sentOn = (jobs: readonly Job[], linkedTo: string | undefined): readonly Job[] => {
    if (linkedTo === undefined) return jobs
    const [own, others] = partition(jobs, ({ command }) => command.type === 'LinkCustomer')
    for (const { command, context, resolve, reject } of others)
      execute(linkedTo, command, context).then(resolve, reject)
    return own
  }

  /** Whether other nodes have appended since what was decided on was read. */
  const isBehind = async ({ id, rulebook, loaded }: KnownBasis): Promise<boolean> => {
    customers.doubt(id)
    return (await customers.load(id, rulebook)).revision !== loaded.revision
  }

  /** Appends what a round decided, and keeps it in memory. */
  const record = async (basis: KnownBasis, jobs: readonly Job[], round: Round): Promise<Recording> => {
    const { id, loaded, from, passing } = basis
    const { facts, bytes, state } = round
    const guess = guessOf(basis)
    if (facts.length === 0) {
      // Memory does not hold the customer, or knows that it may be behind: what is loaded next comes from the stream.
      if (guess) return { kind: 'again', isSurprise: false }
      if (state !== loaded.state) customers.derived(id, loaded, state)
      return { kind: 'recorded', position: loaded.position }
    }
    const newest = newestPosition
    const deadline = Math.max(...jobs.map((job) => job.context.deadline ?? 0))
    const result = await appended(id, facts, loaded.revision < 0n ? 'no_stream' : loaded.revision, deadline)
    if (result.kind === 'refused') {
      customers.forget(id)
      return result
    }
    // An old position is that of facts that were there already: the customer has done this before, which the guess did not know.
    const isRepeat = guess !== undefined && result.kind === 'appended' && result.position <= newest
    if (result.kind === 'conflict' || isRepeat) {
      customers.forget(id)
      guess?.wasWrong()
      return { kind: 'again', isSurprise: from === 'known' }
    }
    guess?.wasRight()
    const { position, revision } = result
    if (position > newestPosition) newestPosition = position
    customers.appended(id, loaded, { state, revision, position, facts, bytes }, passing)
    return { kind: 'recorded', position }
  }

  /** Decides the jobs one after the other, each on the state that the one before leaves, and records them in one append. */
  const together = async (id: string, waiting: readonly Job[]): Promise<void> => {
    let jobs = waiting
    let doubted = false
    let from: KnownBasis['from'] | undefined
    for (let attempt = 1; ; attempt++) {
      const basis = await basisFor(id, jobs, from)
      from = basis.from
      jobs = sentOn(jobs, basis.loaded.state.linkedTo)
      if (jobs.length === 0) return
      const round = await decideRound(basis, jobs, { wasUsed, randomKey, turns, now })
      // An append finds out by itself whether memory is behind other nodes; a "no" is not said before the stream was asked.
      if (round.hasRefusal && round.facts.length === 0 && !guessOf(basis) && !doubted) {
        doubted = true
        if (await isBehind(basis)) continue
      }
      const recording = await record(basis, jobs, round)
      if (recording.kind === 'recorded') {
        for (const answer of round.answers) answer(recording.position)
        if (round.left.length > 0) await tried(id, round.left)
        return
      }
      if (recording.kind === 'refused') {
        if (jobs.length === 1) throw recording.error
        // It is one command's fault, and the others are not to be refused with it.
        for (const job of jobs) await tried(id, [job])
        return
      }
      // What was guessed comes from the stream in the end.
      if (guessOf(basis) && round.facts.length === 0) doubted = true
      if (!recording.isSurprise) continue
      if (attempt >= MAX_ATTEMPTS) throw new TooBusy(`customer ${id}`)
      await sleep(backoffMs(attempt, CONFLICT, random))
    }
  }

  /** The same; what goes wrong is told to those who wait. */
  const tried = async (id: string, jobs: readonly Job[]): Promise<void> => {
    try {
      await together(id, jobs)
    } catch (error) {
      // What of an append whose outcome is unknown was stored shows when the stream is read again.
      customers.forget(id)
      for (const job of jobs) job.reject(error)
    }
  }

  const queues = createQueues<Job>(MAX_TOGETHER, async (id, jobs) => {
    await tried(id, jobs)
    pending -= jobs.length
  })

  const execute: CustomerRuntime['execute'] = (id, command, context) =>
    new Promise((resolve, reject) => {
      pending++
      asked++
      queues.push(id, { command, context, resolve, reject })
    })

  return {
    execute,
    async load(id, { fresh = false } = {}) {
      const load = (of: string) => {
        if (fresh) customers.doubt(of)
        return customers.load(of, currentRulebook())
      }
      const loaded = await load(id)
      return loaded.state.linkedTo === undefined ? loaded : load(loaded.state.linkedTo)
    },
    unready: (ids) => customers.unready(ids, currentRulebook()),
    foresee: (ids) => customers.foresee(ids, currentRulebook()),
    readAhead: (part) => customers.readLog({ ...part, rulebook: currentRulebook() }),
    forgetForeseen: customers.forgetForeseen,
    leave: customers.leave,
    async resolve(name) {
      const derived = customerIdFrom(name, currentRulebook().project.customerKey)
      for (const id of isCustomerId(name) ? [name, derived] : [derived]) {
        const { state, revision } = await customers.load(id, currentRulebook())
        if (revision >= 0n) return state.linkedTo ?? id
      }
      return isCustomerId(name) ? name : derived
    },
    async factsOf(id, { first, count }) {
      const facts: RecordedFact[] = []
      if (count === 0) return facts
      for await (const fact of store.readStream(customerStream(id), { from: first, maxCount: count })) facts.push(fact)
      return facts
    },
    get pending() {
      return pending
    },
    get asked() {
      return asked
    },
  }
}
