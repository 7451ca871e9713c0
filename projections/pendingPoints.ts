// Points of cards that become spendable later: one document each, while they wait.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { isLoyaltyFact, type LoyaltyFact } from '../src/domain/customer/loyalty/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import type { RecordedFact } from '../src/domain/recorded.ts'
import { erasedBy, erasedKeys, TRACES_ERASED } from '../src/domain/traces.ts'
import type { Projection } from './projection.ts'

export interface PendingPointsDocument {
  readonly _id: string
  readonly customer: string
  readonly card: string
  readonly campaign: string
  readonly points: number
  readonly rule: string
  /** The event that they were earned by, and the order where it was one. */
  readonly cause: { readonly fact: string; readonly type: string; readonly order: string | null }
  readonly activates_at: Date
  readonly created_at: Date
  /** The place in the log, as sortable text. */
  readonly position: string
}

type About = Extract<LoyaltyFact, { readonly type: `PendingPoints${string}` }>

const isAbout = (fact: LoyaltyFact): fact is About => fact.type.startsWith('PendingPoints')

const pendingIn = (fact: RecordedFact): { readonly customer: string; readonly fact: About } | undefined => {
  const customer = customerOfStream(fact.stream)
  return customer !== undefined && isCustomerFact(fact) && isLoyaltyFact(fact) && isAbout(fact)
    ? { customer, fact }
    : undefined
}

const idIn = ({ data: { pending } }: About): string => (typeof pending === 'string' ? pending : pending.id)

export const pendingPoints: Projection<PendingPointsDocument> = {
  name: 'pendingPoints',
  version: 1,
  indexes: [
    { key: { campaign: 1, activates_at: 1, _id: 1 } },
    { key: { campaign: 1, position: 1 } },
    { key: { customer: 1, position: 1 } },
  ],
  types: [
    'PendingPointsAdded',
    'PendingPointsUpdated',
    'PendingPointsCanceled',
    'PendingPointsActivated',
    TRACES_ERASED,
  ],
  keys: (recorded) => {
    const about = pendingIn(recorded)
    return about ? [idIn(about.fact)] : erasedKeys(recorded, 'pendingPoints')
  },
  evolve: (before, recorded, key) => {
    if (erasedBy(recorded)) return null
    const about = pendingIn(recorded)
    if (!about) return before
    const { customer, fact } = about
    switch (fact.type) {
      case 'PendingPointsAdded': {
        const { card, campaign, pending, rule, cause, occurredAt } = fact.data
        return {
          _id: key,
          customer,
          card: card.id,
          campaign: campaign.id,
          points: pending.points,
          rule: rule.id,
          cause: { fact: cause.fact, type: cause.type, order: cause.order ?? null },
          activates_at: new Date(pending.activatesAt),
          created_at: new Date(occurredAt),
          position: sortable(recorded.position),
        }
      }
      case 'PendingPointsUpdated':
        return before && { ...before, points: fact.data.pending.points }
      default:
        return null
    }
  },
}
