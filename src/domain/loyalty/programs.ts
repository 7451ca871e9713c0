// Loyalty programs as decisions need them: compiled once for each revision of the rulebook, earning rules by what sets them off.

import { type Calendar, calendarOf } from '../calendar.ts'
import type { Answer } from '../conditions/answer.ts'
import { type Gate, gatesBefore } from '../gates.ts'
import { addTo } from '../grouped.ts'
import type { Campaign } from '../rulebook/campaign.ts'
import { ANY_TIER, type EarningRule } from '../rulebook/earningRule.ts'
import { type ExpirationRules, expiresAt } from '../rulebook/expiration.ts'
import type { Entry } from '../rulebook/kind.ts'
import { type LoyaltyTier, tiersOf } from '../rulebook/loyaltyTier.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { compileValidity } from '../validity.ts'

export interface Program {
  readonly id: string
  readonly definition: Campaign
  readonly inForce: (at: number) => Answer
  /** From the lowest up. */
  readonly tiers: readonly Entry<LoyaltyTier>[]
}

export interface PreparedRule {
  readonly entry: Entry<EarningRule>
  readonly program: Program
  readonly inForce: (at: number) => Answer
  /** All must hold: the rule that it names, and those assigned to it. */
  readonly gates: readonly Gate[]
  /** Its place among all rules. */
  readonly place: number
}

export interface Programs {
  readonly calendar: Calendar
  readonly program: ReadonlyMap<string, Program>
  /** Event type, or type and segment or tier → the rules that it sets off, in the order in which they pay. */
  readonly rules: ReadonlyMap<string, readonly PreparedRule[]>
  /** Every rule of a program by its id, those that are not active too. */
  readonly rule: ReadonlyMap<string, PreparedRule>
}

/** The key of an event that names a segment or a tier. */
export const triggerKey = (type: string, id?: string): string => (id === undefined ? type : `${type}:${id}`)

/** What sets a rule off. */
export const keyOf = ({ event, segment, loyalty_tier: tier }: EarningRule): string =>
  triggerKey(event, segment?.id ?? (tier && tier.id !== ANY_TIER ? tier.id : undefined))

const prepare = (rulebook: Rulebook): Programs => {
  const calendar = calendarOf(rulebook.project.timeZone)
  const program = new Map<string, Program>()
  for (const { id, definition } of rulebook.entries('campaign').values())
    if (definition.campaign_type === 'LOYALTY_PROGRAM')
      program.set(id, {
        id,
        definition,
        inForce: compileValidity(definition, calendar),
        tiers: tiersOf(id, rulebook.definitions).filter((tier) => !rulebook.isOff('loyaltyTier', tier.id)),
      })
  const inOrder = [...rulebook.entries('earningRule').values()].sort(
    (a, b) =>
      (a.definition.campaign_id < b.definition.campaign_id
        ? -1
        : Number(a.definition.campaign_id !== b.definition.campaign_id)) ||
      a.definition.stacking.order - b.definition.stacking.order ||
      // Those of one instant stay in the order of the stream.
      a.createdAt - b.createdAt,
  )
  const rules = new Map<string, PreparedRule[]>()
  const rule = new Map<string, PreparedRule>()
  for (const [place, entry] of inOrder.entries()) {
    const { definition } = entry
    const home = program.get(definition.campaign_id)
    if (!home) continue
    const target = { type: 'earning_rule', names: [entry.id] } as const
    const gates = gatesBefore(rulebook, [target], [definition.validation_rule_id])
    const prepared = { entry, program: home, inForce: compileValidity(definition, calendar), gates, place }
    rule.set(entry.id, prepared)
    if (!definition.active || !home.definition.active) continue
    addTo(rules, keyOf(definition), prepared)
  }
  return { calendar, program, rules, rule }
}

/** The loyalty programs of a rulebook, prepared once. */
export const programsOf = (rulebook: Rulebook): Programs => rulebook.prepared(prepare)

/** When points that a program, or a rule with rules of its own, gives at `now` expire; null for never. */
export const expiryOf = (
  { calendar }: Programs,
  program: Program | undefined,
  now: number,
  own?: ExpirationRules | null,
): number | null => expiresAt(own ?? program?.definition.voucher?.loyalty_card?.expiration_rules, now, calendar)
