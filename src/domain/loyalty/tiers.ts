// Tiers: which one a card's points reach, and the facts that say so when it changes.
import type { Calendar, Period } from '../calendar.ts'
import type { DecidedFact, Draft } from '../customer/draft.ts'
import { isMovement } from '../customer/loyalty/facts.ts'
import type { Card } from '../customer/loyalty/state.ts'
import type { CustomerState } from '../customer/state.ts'
import type { TiersExpiration } from '../rulebook/campaign.ts'
import { dayOf, NO_TALLY } from '../rulebook/limits.ts'
import { tierFor } from '../rulebook/loyaltyTier.ts'
import { refOf } from './ledger.ts'
import { type Program, programsOf } from './programs.ts'

const periodOf = (unit: TiersExpiration['qualification_period'], now: number, calendar: Calendar): Period => {
  switch (unit) {
    case 'MONTH':
      return calendar.period('month', now)
    case 'QUARTER':
      return calendar.period('quarter', now)
    case 'HALF_YEAR': {
      const { year, month } = calendar.civil(now)
      const first = month <= 6 ? 1 : 7
      return { from: calendar.startOfDay(year, first, 1), to: calendar.startOfDay(year, first + 6, 1) }
    }
    case 'YEAR':
    case null:
    case undefined:
      return calendar.period('year', now)
    default:
      return unit satisfies never
  }
}

/** The points that count for tiers now, and the instant until which they do, null for as long as nothing happens. */
const qualifying = (
  state: CustomerState,
  card: Card,
  { id, definition }: Program,
  now: number,
  calendar: Calendar,
): { readonly points: number; readonly until: number | null } => {
  const how = definition.loyalty_tiers_expiration
  if (how?.qualification_type !== 'POINTS_IN_PERIOD') return { points: card.balance, until: null }
  const { from, to } = periodOf(how.qualification_period, now, calendar)
  const [first, end] = [dayOf(from, calendar), dayOf(to, calendar)]
  let points = 0
  for (const [day, [paid]] of Object.entries((state.loyalty.tallies[id] ?? NO_TALLY).days))
    if (day >= first && day < end) points += paid
  return { points, until: to }
}

/** Looks at the tier of every card: records what is another than before. */
const settle = (draft: Draft, causedBy?: string): void => {
  const { program: programs, calendar } = programsOf(draft.rulebook)
  for (const card of Object.values(draft.state.loyalty.cards)) {
    const program = programs.get(card.campaign.id)
    const held = card.tier
    const { points, until } = program
      ? qualifying(draft.state, card, program, draft.now, calendar)
      : { points: card.balance, until: null }
    const target = program && tierFor(program.tiers, points)
    const before = held && program?.tiers.find(({ id }) => id === held.id)
    const base = { card: refOf(card), campaign: card.campaign, points, occurredAt: draft.now }
    const from = held && { id: held.id, name: held.name }
    const to = target && { id: target.id, name: target.definition.name }
    if (!to) {
      if (from) draft.emit('LoyaltyTierLeft', { ...base, from, until: null }, causedBy)
    } else if (!from) draft.emit('LoyaltyTierJoined', { ...base, to, until }, causedBy)
    else if (from.id === to.id) {
      if (held.until !== until) draft.emit('LoyaltyTierProlonged', { ...base, to, until }, causedBy)
    } else if (!before) {
      draft.emit('LoyaltyTierLeft', { ...base, from, until: null }, causedBy)
      draft.emit('LoyaltyTierJoined', { ...base, to, until }, causedBy)
    } else {
      const lower = program.tiers.find((tier) => tier === target || tier === before)
      const up = lower === before
      draft.emit(up ? 'LoyaltyTierUpgraded' : 'LoyaltyTierDowngraded', { ...base, from, to, until }, causedBy)
    }
  }
}

/** After a fact that changes points, or a card's beginning, the tiers are looked at. */
export const settleTiers = (draft: Draft, fact: DecidedFact): void => {
  if (isMovement(fact) || fact.type === 'LoyaltyCardIssued' || fact.type === 'PendingPointsAdded')
    settle(draft, fact.id)
}

/** The end of a qualification period. */
export const advanceTiers = (draft: Draft): void => {
  if (Object.values(draft.state.loyalty.cards).some(({ tier }) => tier?.until != null && tier.until <= draft.now))
    settle(draft)
}

/** Brings the cards under tiers that were made, changed or deleted since they were last looked at. */
export const reconcileTiers = (draft: Draft): void => settle(draft)
