// Earning: each fact is shown to the rules that it sets off; each pays once for it, or the reason why not is kept.

import { askedAll, type Check, type Checks, conclude, no, ruled, timely, yes } from '../check.ts'
import type { Compiled } from '../conditions/compile.ts'
import type { Occurrence, Order } from '../conditions/subject.ts'
import { subjectOf } from '../customer/conditions.ts'
import type { DecidedFact, Draft } from '../customer/draft.ts'
import type { LoyaltyFactData } from '../customer/loyalty/facts.ts'
import { type Card, cardByCode, cardIn } from '../customer/loyalty/state.ts'
import { occurrenceOf } from '../customer/occurrence.ts'
import { isOrderFact } from '../customer/orders/facts.ts'
import { orderAsked } from '../customer/orders/happening.ts'
import type { CustomerState } from '../customer/state.ts'
import { idFrom } from '../ids.ts'
import { metadataAt } from '../metadataPath.ts'
import { MAX_POINTS, multiplied, proportional } from '../points.ts'
import type { EarningRule } from '../rulebook/earningRule.ts'
import { allowance, dayOf, NO_TALLY } from '../rulebook/limits.ts'
import { tierFor } from '../rulebook/loyaltyTier.ts'
import { isOfOrder, orderValue } from '../rulebook/orderEarning.ts'
import { issueByRule } from './cards.ts'
import { hasRoom, lotFor, movement, refOf } from './ledger.ts'
import { expiryOf, keyOf, type PreparedRule, type Programs, programsOf, triggerKey } from './programs.ts'

type Earned = Pick<LoyaltyFactData<'PointsEarned'>, 'rule' | 'cause' | 'day' | 'at' | 'tier' | 'because'>

const DAY_MS = 86_400_000

interface Amount {
  readonly points: number
  /** What a proportional rule was applied to. */
  readonly value?: number
}

const inProportion = (
  value: number,
  { every, points: each }: { readonly every: number; readonly points: number },
  named: string,
): Amount | string => {
  const points = proportional(value, every, each)
  if (points === undefined) return `${value} would give more than ${MAX_POINTS} points`
  return points === 0 ? `${named} of ${value} does not hold ${every} once` : { points, value }
}

/** What a rule gives before tier and bounds, or why nothing. */
const amountOf = (
  { loyalty }: EarningRule,
  event: Readonly<Record<string, unknown>>,
  customer: Readonly<Record<string, unknown>>,
  order: Order | undefined,
): Amount | string => {
  if (loyalty.type === 'FIXED') return { points: loyalty.points }
  if (isOfOrder(loyalty)) {
    const { value, share, named } = orderValue(loyalty, order)
    return value === undefined ? `there is no ${named}` : inProportion(value, share, named)
  }
  const [source, share, name] =
    loyalty.calculation_type === 'CUSTOM_EVENT_METADATA'
      ? ([event, loyalty.custom_event.metadata, "the event's"] as const)
      : ([customer, loyalty.customer.metadata, "the customer's"] as const)
  const value = metadataAt(source, share.property)
  if (typeof value !== 'number') return `${name} metadata has no number ${share.property}`
  return inProportion(value, share, share.property)
}

/** What a fact names beside its event: the segment entered, the tier joined or left. */
const namedBy = (fact: DecidedFact): string | undefined => {
  switch (fact.type) {
    case 'SegmentEntered':
    case 'SegmentLeft':
      return fact.data.segment.id
    case 'LoyaltyTierJoined':
    case 'LoyaltyTierUpgraded':
    case 'LoyaltyTierDowngraded':
    case 'LoyaltyTierProlonged':
      return fact.data.to.id
    case 'LoyaltyTierLeft':
      return fact.data.from.id
    default:
      return undefined
  }
}

const rulesFor = ({ rules }: Programs, fact: DecidedFact, type: string): readonly PreparedRule[] => {
  const any = rules.get(type)
  const name = namedBy(fact)
  const named = name === undefined ? undefined : rules.get(triggerKey(type, name))
  if (!named) return any ?? []
  return any ? [...any, ...named].sort((a, b) => a.place - b.place) : named
}

/** The card that a rule pays to, or why there is none; undefined when one is still to be issued. */
const cardFor = (
  { loyalty }: CustomerState,
  fact: DecidedFact,
  { program }: PreparedRule,
): Card | undefined | string => {
  const code = fact.type === 'CustomEventTracked' ? fact.data.loyalty?.code : undefined
  const asked = code === undefined ? undefined : cardByCode(loyalty, code)
  if (code !== undefined && !asked) return `loyalty.code ${code} is no card of this customer`
  const card = asked?.campaign.id === program.id ? asked : cardIn(loyalty, program.id)
  if (card && !card.active) return `card ${card.code} is disabled`
  if (!card && !program.definition.auto_join)
    return 'the customer has no card, and the program does not issue one by itself'
  return card
}

/** The points of a rule in the tier that the card is in. */
const inTier = (points: number, { entry, program }: PreparedRule, card: Card | undefined): number | undefined => {
  const tier = card?.tier ? program.tiers.find(({ id }) => id === card.tier?.id) : tierFor(program.tiers, 0)
  const mapping = tier?.definition.earning_rules[entry.id]
  if (!mapping) return points
  return mapping.type === 'CUSTOM' ? mapping.points : multiplied(points, mapping.multiplier)
}

type Judge = (id: string, condition: Compiled) => ReturnType<Compiled['evaluate']>

/** Evaluates conditions for one event, each once for as long as the customer stays the same: rules often share them. */
const judgeOf = (draft: Draft, event: Occurrence, order: Order | undefined): Judge => {
  const context = { event, ...(order ? { order } : {}) }
  let { state } = draft
  let subject = subjectOf(state)
  const verdicts = new Map<string, ReturnType<Compiled['evaluate']>>()
  return (id, condition) => {
    if (state !== draft.state) {
      state = draft.state
      subject = subjectOf(state)
      verdicts.clear()
    }
    const told = verdicts.get(id)
    if (told) return told
    const verdict = condition.evaluate(subject, context, draft.now)
    verdicts.set(id, verdict)
    return verdict
  }
}

/** One event, and what it takes to ask rules about it. */
interface Asked {
  readonly fact: DecidedFact
  readonly occurrence: Occurrence
  readonly programs: Programs
  readonly judge: Judge
}

/** What a rule that said yes gives. */
interface Payment {
  /** Absent when one is still to be issued. */
  readonly card: Card | undefined
  readonly amount: Amount
  /** In the tier, within the bounds. */
  readonly points: number
  /** The truth table of its first validation rule. */
  readonly gate: unknown
}

/** The questions that a rule asks before it pays for an event. Ends at once with undefined where going on makes no sense. */
function* checksOf(
  { fact, occurrence, programs, judge }: Asked,
  rule: PreparedRule,
  state: CustomerState,
): Checks<Payment | undefined> {
  const { entry, program, gates } = rule
  const { definition, id } = entry
  const at = occurrence.occurredAt
  yield timely('the program is in force', program.inForce(at), 'the program is not in force at that time')
  yield timely('the earning rule is in force', rule.inForce(at), 'the rule is not in force at that time')
  let gate: unknown
  for (const { rule: named, condition } of gates) {
    const evaluation = judge(named, condition)
    yield ruled(named, evaluation)
    gate ??= evaluation.because
  }
  const found = cardFor(state, fact, rule)
  const card = typeof found === 'string' ? undefined : found
  const isCard = 'there is a card to pay to, or one may be issued'
  yield typeof found === 'string' ? no(isCard, found) : yes(isCard, () => card?.code ?? null)
  const amount = amountOf(definition, occurrence.metadata, state.profile.metadata, orderAsked(fact))
  const isWorth = 'the event is worth points'
  if (typeof amount === 'string') {
    yield no(isWorth, amount)
    return undefined
  }
  yield yes(isWorth, () => amount.points)
  const mapped = inTier(amount.points, rule, card)
  const isTier = 'the tier gives points'
  if (mapped === undefined) {
    yield no(isTier, `the tier would give more than ${MAX_POINTS} points`)
    return undefined
  }
  let points = mapped
  for (const [scope, whose, limits] of [
    [id, 'earning rule', definition],
    [program.id, 'program', program.definition],
  ] as const) {
    const tally = state.loyalty.tallies[scope] ?? NO_TALLY
    const allowed = allowance(limits, tally, at, programs.calendar)
    const isWithin = `the limits of the ${whose} leave room`
    const paid = () => `paid ${tally.points} points in ${tally.times} times`
    if ('reason' in allowed) yield no(isWithin, scope === id ? allowed.reason : `program: ${allowed.reason}`, paid)
    else {
      yield yes(isWithin, paid)
      points = Math.min(points, allowed.points)
    }
  }
  yield points === 0 ? no(isTier, 'the tier gives nothing') : yes(isTier, () => mapped)
  const isRoom = 'the card has room for the points'
  yield card && !hasRoom(card, points) ? no(isRoom, 'the card holds as many points as one may') : yes(isRoom)
  return { card, amount, points, gate }
}

/** Pays what a rule that said yes gives. */
const pay = (
  draft: Draft,
  { fact, occurrence, programs }: Asked,
  rule: PreparedRule,
  { card: found, amount, points, gate }: Payment,
): void => {
  const { entry, program } = rule
  const { definition, id, revision } = entry
  const at = occurrence.occurredAt
  const card = found ?? issueByRule(draft, program, fact.id)
  const { pending_points: pending } = definition
  const custom = fact.type === 'CustomEventTracked'
  const banner = definition.source?.banner
  const earned: Earned = {
    rule: { id, revision, ...(banner ? { banner } : {}) },
    cause: {
      fact: fact.id,
      type: occurrence.type,
      ...(custom && fact.data.schema ? { schema: fact.data.schema.id } : {}),
      ...(fact.type === 'SegmentEntered' ? { segment: fact.data.segment } : {}),
      ...(isOrderFact(fact) ? { order: fact.data.order } : {}),
    },
    day: dayOf(at, programs.calendar),
    at,
    ...(card.tier ? { tier: { id: card.tier.id, name: card.tier.name } } : {}),
    because: {
      points: amount.points,
      ...(amount.value === undefined ? {} : { value: amount.value }),
      ...(gate === undefined ? {} : { rule: gate }),
    },
  }
  if (pending)
    draft.emit(
      'PendingPointsAdded',
      {
        card: refOf(card),
        campaign: card.campaign,
        pending: {
          id: idFrom('lopp', card.id, id, fact.id),
          points,
          activatesAt: draft.now + pending.period_value * DAY_MS,
        },
        ...earned,
        occurredAt: draft.now,
      },
      fact.id,
    )
  else {
    const lot = lotFor(card, points, expiryOf(programs, program, draft.now, definition.expiration_rules))
    draft.emit('PointsEarned', { ...movement('PointsEarned', card, [lot], draft.now), ...earned }, fact.id)
  }
}

/** Whether a rule may not be set off by a fact although the event is its own: points that it paid itself, tiers of others. */
const isNone = ({ entry, program }: PreparedRule, fact: DecidedFact): boolean => {
  if (fact.type === 'PointsEarned' || fact.type === 'PendingPointsAdded') return fact.data.rule.id === entry.id
  return (
    fact.type.startsWith('LoyaltyTier') &&
    'campaign' in fact.data &&
    (fact.data.campaign as { id?: string }).id !== program.id
  )
}

/** Asks rules in their order about one event; gives the programs that are closed by an exclusive rule that has paid. */
const askInOrder = (draft: Draft, asked: Asked, rules: readonly PreparedRule[]): ReadonlySet<string> => {
  const { fact } = asked
  const closed = new Set<string>()
  for (const rule of rules) {
    if (isNone(rule, fact)) continue
    const { entry, program } = rule
    const decline = (reason: string) => draft.decline({ kind: 'earning_rule', definition: entry.id, reason })
    if (closed.has(program.id)) {
      decline(CLOSED)
      continue
    }
    const { failed, made } = conclude(checksOf(asked, rule, draft.state))
    if (failed) decline(failed.reason ?? failed.is)
    else if (made) {
      pay(draft, asked, rule, made)
      if (entry.definition.stacking.exclusive) closed.add(program.id)
    }
  }
  return closed
}

const CLOSED = 'an exclusive rule has paid for this event'

/** Asks every earning rule that a fact sets off, in their order. Nothing is earned twice for a fact by one rule. */
export const earn = (draft: Draft, fact: DecidedFact): void => {
  if (draft.state.status !== 'active') return
  // What is imported is over, and was paid for where it comes from.
  if (isOrderFact(fact) && fact.data.by === 'import') return
  const programs = programsOf(draft.rulebook)
  if (programs.rules.size === 0) return
  const occurrence = occurrenceOf(fact.id, fact, fact.now)
  if (!occurrence) return
  const asked = { fact, occurrence, programs, judge: judgeOf(draft, occurrence, orderAsked(fact)) }
  askInOrder(draft, asked, rulesFor(programs, fact, occurrence.type))
}

/** Whether a fact sets off an earning rule, be the rule active or not. */
export const setsOff = (fact: DecidedFact, rule: PreparedRule): boolean => {
  const type = occurrenceOf(fact.id, fact, fact.now)?.type
  if (type === undefined || isNone(rule, fact)) return false
  const key = keyOf(rule.entry.definition)
  const name = namedBy(fact)
  return key === type || (name !== undefined && key === triggerKey(type, name))
}

/**
 * What a rule would say to an event if it had come just now, question by question; the rules before it are let pay first,
 * into the draft, which is to be thrown away. `points` is given when all hold.
 */
export const explainEarning = (
  draft: Draft,
  fact: DecidedFact,
  rule: PreparedRule,
): { readonly checks: readonly Check[]; readonly points?: number } => {
  const known = occurrenceOf(fact.id, fact, fact.now)
  if (!known) return { checks: [] }
  const programs = programsOf(draft.rulebook)
  const occurrence = { ...known, occurredAt: draft.now }
  const asked = { fact, occurrence, programs, judge: judgeOf(draft, occurrence, orderAsked(fact)) }
  const earlier = rulesFor(programs, fact, occurrence.type).filter(({ place }) => place < rule.place)
  const isOpen = 'no exclusive rule of the program pays first'
  const isClosed = askInOrder(draft, asked, earlier).has(rule.program.id)
  const { checks, made } = askedAll(checksOf(asked, rule, draft.state))
  const all = [isClosed ? no(isOpen, CLOSED) : yes(isOpen), ...checks]
  return made && !isClosed ? { checks: all, points: made.points } : { checks: all }
}
