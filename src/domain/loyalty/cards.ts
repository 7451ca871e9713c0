// Issuing cards: by request with a code reserved before, or by a rule that calls for one.
import type { Draft } from '../customer/draft.ts'
import type { LoyaltyFactData } from '../customer/loyalty/facts.ts'
import type { Card } from '../customer/loyalty/state.ts'
import { idFrom } from '../ids.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { secretCode } from '../vouchers/secret.ts'
import { lotFor, movement } from './ledger.ts'
import { expiryOf, type Program, programsOf } from './programs.ts'

/** Records the card and the points that it begins with. */
export const issueCard = (
  draft: Draft,
  program: Program,
  issued: Omit<LoyaltyFactData<'LoyaltyCardIssued'>, 'campaign' | 'occurredAt'>,
  { causedBy, points }: { readonly causedBy?: string; readonly points?: number } = {},
): Card => {
  const { now } = draft
  const campaign = { id: program.id, name: program.definition.name }
  draft.emit('LoyaltyCardIssued', { ...issued, campaign, occurredAt: now }, causedBy)
  const initial = points ?? program.definition.voucher?.loyalty_card?.points ?? 0
  if (initial > 0) {
    const card = draft.state.loyalty.cards[issued.card.id]!
    const lot = lotFor(card, initial, expiryOf(programsOf(draft.rulebook), program, now))
    draft.emit('PointsAdded', { ...movement('PointsAdded', card, [lot], now), reason: 'initial points' }, causedBy)
  }
  return draft.state.loyalty.cards[issued.card.id]!
}

/** The code of a card that a rule calls for: a decision draws no random numbers, and nobody else can work it out. */
export const ruleCode = (rulebook: Rulebook, program: Program | undefined, card: string, attempt: number): string =>
  secretCode(program?.definition.voucher?.code_config ?? {}, rulebook.project.customerKey, card, attempt)

/** The id of the card that a rule issues to a customer for a cause. */
export const ruleCard = (customer: string, program: string, cause: string): string =>
  idFrom('v', customer, program, cause)

/** Issues the card that a rule calls for; a process then reserves its code, and replaces it if it is another's. */
export const issueByRule = (draft: Draft, program: Program, cause: string): Card => {
  const id = ruleCard(draft.state.id, program.id, cause)
  return issueCard(
    draft,
    program,
    { card: { id, code: ruleCode(draft.rulebook, program, id, 0) }, by: 'rule' },
    { causedBy: cause },
  )
}
