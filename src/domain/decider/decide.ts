// The decision: a command about one customer, under one rulebook, at one instant, gives facts or a refusal. Pure.

import {
  type DecidedFact,
  type Declined,
  type Draft,
  MAX_FACTS,
  MAX_ROUNDS,
  type OpenDraft,
  openDraft,
} from '../customer/draft.ts'
import type { CustomerState } from '../customer/state.ts'
import { reactWithMessages } from '../distributions/react.ts'
import { firstFactId, uuidFrom } from '../ids.ts'
import { earn } from '../loyalty/earn.ts'
import { giveReward } from '../loyalty/rewardGifts.ts'
import { rezoneCards } from '../loyalty/rezone.ts'
import { takeBackPoints } from '../loyalty/takeBack.ts'
import { reconcileTiers, settleTiers } from '../loyalty/tiers.ts'
import { advanceLoyalty, dueLoyalty } from '../loyalty/timed.ts'
import { followOrder } from '../orders/react.ts'
import { refer } from '../referrals/react.ts'
import { isRefused, type Refused } from '../refusal.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { advanceSegments, dueSegments, reconcileSegments, settleSegments } from '../segments/membership.ts'
import { type CustomerCommand, isHistorical, perform } from './commands.ts'

/**
 * What may follow from a fact at once, asked in this order for each fact in turn. A capability (earning points, referrals, …)
 * is a function here; it emits what follows into the draft.
 */
type Reaction = (draft: Draft, fact: DecidedFact) => void
const reactions: readonly Reaction[] = [followOrder, earn, takeBackPoints, refer, giveReward, settleTiers]

/** Asked once nothing else follows, fact by fact; what they emit is followed up like any other fact. */
const lastReactions: readonly Reaction[] = [reactWithMessages]

/** What the passing of time makes true: the next instant that matters to a customer, and what happens at it. */
interface Timed {
  /** The earliest instant, ms, at which something of this customer falls due; null for never. */
  readonly due: (state: CustomerState) => number | null
  /** Emits what becomes true at `draft.now`; must move its own `due` beyond that instant. */
  readonly advance: (draft: Draft) => void
}
const timed: readonly Timed[] = [
  { due: dueSegments, advance: advanceSegments },
  { due: dueLoyalty, advance: advanceLoyalty },
]

/** How many instants that fell due one command catches up with; the clock comes back for the rest. */
const MAX_INSTANTS = 1_000

export interface Decision {
  readonly facts: readonly DecidedFact[]
  readonly state: CustomerState
  readonly declined: readonly Declined[]
}

/** The earliest instant at which this customer changes with nothing new happening, ms; null for never. */
export const nextDueAt = (state: CustomerState): number | null => {
  let earliest: number | null = null
  for (const { due } of timed) {
    const at = due(state)
    if (at !== null && (earliest === null || at < earliest)) earliest = at
  }
  return earliest
}

/**
 * Follows up every fact that was not followed up yet: reactions fact by fact, then segments, until nothing new comes; then the
 * last reactions, which see the customer settled, and again from the start for what they emit.
 */
const followUp = (draft: OpenDraft): void => {
  let round = 0
  const settled: DecidedFact[] = []
  const closing: DecidedFact[] = []
  for (;;) {
    for (let fact = draft.take(); fact; fact = draft.take()) {
      settled.push(fact)
      closing.push(fact)
      for (const react of reactions) if (!draft.isFull()) react(draft, fact)
    }
    if (settled.length === 0) {
      if (closing.length === 0) return
      for (const fact of closing.splice(0)) for (const react of lastReactions) if (!draft.isFull()) react(draft, fact)
      continue
    }
    if (draft.isFull() || round++ >= MAX_ROUNDS) {
      draft.emit('CascadeHalted', { occurredAt: draft.now, rounds: round, facts: draft.facts.length }, settled[0]?.id)
      return
    }
    settleSegments(draft, settled)
    settled.length = 0
  }
}

/** Records what fell due up to `until`, instant by instant and in order. */
const catchUp = (draft: OpenDraft, until: number): void => {
  for (let n = 0; n < MAX_INSTANTS && draft.facts.length < MAX_FACTS / 2; n++) {
    const due = nextDueAt(draft.state)
    if (due === null || due > until) break
    draft.at(Math.max(due, draft.state.now), 'time')
    for (const { advance } of timed) advance(draft)
    followUp(draft)
  }
}

/** Lets the customer reach `now`: what fell due, then what changed in the rulebook. */
const arrive = (draft: OpenDraft, now: number): void => {
  if (draft.state.status !== 'active') return
  // Facts of what fell due are recorded under today's rulebook: what changed is what changed before them.
  const since = draft.state.rulebook
  catchUp(draft, now)
  draft.at(now, 'time')
  rezoneCards(draft, since)
  reconcileSegments(draft, since)
  reconcileTiers(draft)
  followUp(draft)
}

/** Ends a decision: with nothing else to record, a deadline that moved is. */
const close = (draft: OpenDraft, before: CustomerState, now: number): Decision => {
  followUp(draft)
  const due = nextDueAt(draft.state)
  if (draft.facts.length === 0 && due !== before.nextDueAt && before.status === 'active')
    draft.emit('DeadlineMoved', { occurredAt: now })
  return {
    facts: draft.facts,
    state: { ...draft.state, nextDueAt: draft.facts.length > 0 ? due : before.nextDueAt },
    declined: draft.declined,
  }
}

/** When a command is decided, by which name its decision is known, and who asks: two who ask under one key may decide differently. */
export interface DecidedAt {
  readonly now: number
  readonly key: string
  readonly asking?: string
}

/**
 * Ids of a decision's facts. The log takes facts whose ids it has at their place for a repeat of what it has recorded, so that ids
 * are the same for the same decision alone: they say by whose request, under which definitions and when it was made. A redemption is
 * known by its own id.
 */
const idsOf = (
  customer: string,
  { type }: CustomerCommand,
  { revision }: Rulebook,
  { key, asking, now }: DecidedAt,
) => {
  if (asking === undefined) return (phase: string, n: number) => uuidFrom('customer', customer, key, phase, String(n))
  const decision = `${asking}/${revision}/${now}`
  return (phase: string, n: number) =>
    phase === 'command' && n === 0 && type !== 'RedeemVouchers'
      ? firstFactId(customer, key, decision)
      : uuidFrom('customer', customer, key, phase, String(n), decision)
}

/**
 * Decides one command. `state` must carry what `derive` makes for this rulebook; `now` is in ms and is taken as no earlier than
 * the customer's last decision. The same arguments always give the same facts with the same ids.
 */
export const decide = (
  state: CustomerState,
  command: CustomerCommand,
  rulebook: Rulebook,
  at: DecidedAt,
): Decision | Refused => {
  const now = Math.max(at.now, state.now)
  const draft = openDraft({
    state,
    rulebook,
    now,
    idOf: idsOf(state.id, command, rulebook, at),
    historical: isHistorical(command, now),
  })
  arrive(draft, now)
  draft.at(now, 'command')
  const refused = perform(draft, command)
  return isRefused(refused) ? refused : close(draft, state, now)
}

/**
 * Decides a recorded decision again: takes what its command said (the facts without a cause) as it is and lets today's rules
 * say what follows, under the ids that were recorded, so that the two can be compared fact by fact.
 */
export const redecide = (
  state: CustomerState,
  recorded: readonly DecidedFact[],
  rulebook: Rulebook,
  at: { readonly now: number; readonly historical: boolean },
): Decision => {
  const draft = openDraft({
    state,
    rulebook,
    now: at.now,
    idOf: (phase, n, index) =>
      recorded[index]?.id ?? uuidFrom('again', state.id, recorded[0]?.id ?? String(at.now), phase, String(n)),
    historical: at.historical,
  })
  arrive(draft, at.now)
  draft.at(at.now, 'command')
  // Type and data belong together in every recorded fact; the pairing is lost to the compiler by taking them apart.
  for (const fact of recorded) if (fact.root) draft.emit(fact.type, fact.data as never)
  return close(draft, state, at.now)
}
