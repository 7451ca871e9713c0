// Points that a reward of a referral or of another program promises: put on the customer's card, issued when there is none.
import type { Draft } from '../customer/draft.ts'
import type { LoyaltyFactData } from '../customer/loyalty/facts.ts'
import { type Card, cardIn } from '../customer/loyalty/state.ts'
import { issueByRule } from './cards.ts'
import { hasRoom, lotFor, movement } from './ledger.ts'
import { expiryOf, type Program, programsOf } from './programs.ts'

/** Where points are to go: no card means that one is issued for them. */
interface Receiver {
  readonly program: Program
  readonly card: Card | undefined
}

/** The program and card that points would go to, or why they cannot. */
export const receiverOf = (draft: Draft, campaign: string, points: number): Receiver | string => {
  const program = programsOf(draft.rulebook).program.get(campaign)
  if (!program) return `there is no loyalty program ${campaign}`
  if (!program.definition.active) return `the loyalty program ${program.definition.name} is disabled`
  const card = cardIn(draft.state.loyalty, campaign)
  if (card && !card.active) return `card ${card.code} is disabled`
  if (card && !hasRoom(card, points)) return 'the card holds as many points as one may'
  return { program, card }
}

/** Puts points on the customer's card of a program; or says why not. */
export const givePoints = (
  draft: Draft,
  campaign: string,
  points: number,
  { reason, cause }: { readonly reason: string; readonly cause: string },
): { readonly card: Card; readonly moved: LoyaltyFactData<'PointsAdded'> } | string => {
  const found = receiverOf(draft, campaign, points)
  if (typeof found === 'string') return found
  const { program } = found
  const card = found.card ?? issueByRule(draft, program, cause)
  if (!hasRoom(card, points)) return 'the card holds as many points as one may'
  const lot = lotFor(card, points, expiryOf(programsOf(draft.rulebook), program, draft.now))
  const moved = { ...movement('PointsAdded', card, [lot], draft.now), reason, source: 'Automation' }
  draft.emit('PointsAdded', moved, cause)
  return { card, moved }
}
