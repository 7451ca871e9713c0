// Earning: each fact is shown to the rules that it sets off; each pays once for it, or the reason why not is kept.
import type { Compiled } from '../conditions/compile.ts'
import type { Occurrence, Subject } from '../conditions/subject.ts'
import type { DecidedFact, Draft } from '../customer/draft.ts'
import { occurrenceOf } from '../customer/occurrence.ts'
import type { CustomerState } from '../customer/state.ts'
import { idFrom } from '../ids.ts'
import type { EarningRule } from '../rulebook/earningRule.ts'
import { tierFor } from '../rulebook/loyaltyTier.ts'
import { subjectOf } from '../segments/conditions.ts'
import { issueByRule } from './cards.ts'
import type { LoyaltyFactData } from './facts.ts'
import { hasRoom, lotFor, movement, refOf } from './ledger.ts'
import { allowance, dayOf, NO_TALLY } from './limits.ts'
import { MAX_POINTS, multiplied, proportional } from './points.ts'
import { expiryOf, type PreparedRule, type Programs, programsOf, triggerKey } from './programs.ts'
import { type Card, cardByCode, cardIn } from './state.ts'

type Earned = Pick<LoyaltyFactData<'PointsEarned'>, 'rule' | 'cause' | 'day' | 'at' | 'tier' | 'because'>

const DAY_MS = 86_400_000

interface Amount {
  readonly points: number
  /** What a proportional rule was applied to. */
  readonly value?: number
}

/** What a rule gives before tier and bounds, or why nothing. */
const amountOf = (
  { loyalty }: EarningRule,
  event: Readonly<Record<string, unknown>>,
  customer: Readonly<Record<string, unknown>>,
): Amount | string => {
  if (loyalty.type === 'FIXED') return { points: loyalty.points }
  const [source, share, name] =
    loyalty.calculation_type === 'CUSTOM_EVENT_METADATA'
      ? ([event, loyalty.custom_event.metadata, "the event's"] as const)
      : ([customer, loyalty.customer.metadata, "the customer's"] as const)
  const value = Object.hasOwn(source, share.property) ? source[share.property] : undefined
  if (typeof value !== 'number') return `${name} metadata has no number ${share.property}`
  const points = proportional(value, share.every, share.points)
  if (points === undefined) return `${value} would give more than ${MAX_POINTS} points`
  return points === 0 ? `${share.property} of ${value} does not hold ${share.every} once` : { points, value }
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
const cardFor = (draft: Draft, fact: DecidedFact, { program }: PreparedRule): Card | undefined | string => {
  const { loyalty } = draft.state
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
const judgeOf = (draft: Draft, event: Occurrence): Judge => {
  let state: CustomerState | undefined
  let subject: Subject | undefined
  const verdicts = new Map<string, ReturnType<Compiled['evaluate']>>()
  return (id, condition) => {
    if (state !== draft.state || !subject) {
      state = draft.state
      subject = subjectOf(state)
      verdicts.clear()
    }
    const told = verdicts.get(id)
    if (told) return told
    const verdict = condition.evaluate(subject, { event }, draft.now)
    verdicts.set(id, verdict)
    return verdict
  }
}

/** Asks one rule. Pays and answers undefined, or answers why not. */
const ask = (
  draft: Draft,
  fact: DecidedFact,
  occurrence: Occurrence,
  rule: PreparedRule,
  programs: Programs,
  judge: Judge,
): string | undefined => {
  const { entry, program, gates } = rule
  const { definition, id, revision } = entry
  const { state } = draft
  const at = occurrence.occurredAt
  if (!program.inForce(at).holds) return 'the program is not in force at that time'
  if (!rule.inForce(at).holds) return 'the rule is not in force at that time'
  let gate: unknown
  for (const [named, condition] of gates) {
    const { holds, because } = judge(named, condition)
    if (!holds) return `validation rule ${named} does not hold`
    gate ??= because
  }
  const found = cardFor(draft, fact, rule)
  if (typeof found === 'string') return found
  const amount = amountOf(definition, occurrence.metadata, state.profile.metadata)
  if (typeof amount === 'string') return amount
  const mapped = inTier(amount.points, rule, found)
  if (mapped === undefined) return `the tier would give more than ${MAX_POINTS} points`
  let points = mapped
  for (const [scope, limits] of [
    [id, definition],
    [program.id, program.definition],
  ] as const) {
    const allowed = allowance(limits, state.loyalty.tallies[scope] ?? NO_TALLY, at, programs.calendar)
    if ('reason' in allowed) return scope === id ? allowed.reason : `program: ${allowed.reason}`
    points = Math.min(points, allowed.points)
  }
  if (points === 0) return 'the tier gives nothing'
  if (found && !hasRoom(found, points)) return 'the card holds as many points as one may'
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
  return undefined
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

/** Asks every earning rule that a fact sets off, in their order. Nothing is earned twice for a fact by one rule. */
export const earn = (draft: Draft, fact: DecidedFact): void => {
  if (draft.state.status !== 'active') return
  const programs = programsOf(draft.rulebook)
  if (programs.rules.size === 0) return
  const occurrence = occurrenceOf(fact.id, fact, fact.now)
  if (!occurrence) return
  const closed = new Set<string>()
  const judge = judgeOf(draft, occurrence)
  for (const rule of rulesFor(programs, fact, occurrence.type)) {
    if (isNone(rule, fact)) continue
    const { entry, program } = rule
    const reason = closed.has(program.id)
      ? 'an exclusive rule has paid for this event'
      : ask(draft, fact, occurrence, rule, programs, judge)
    if (reason !== undefined) draft.decline({ kind: 'earning_rule', definition: entry.id, reason })
    else if (entry.definition.stacking.exclusive) closed.add(program.id)
  }
}
