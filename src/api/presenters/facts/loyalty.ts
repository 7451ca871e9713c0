// How facts about cards show: in the activity log, and as transactions.
import {
  type CardRef,
  isMovement,
  type LoyaltyFact,
  loyaltyFacts,
  MOVEMENTS,
  type MovementFact,
} from '../../../domain/customer/loyalty/facts.ts'
import { campaignIn, signedPoints } from '../../../domain/customer/loyalty/happening.ts'
import type { Activity } from './entry.ts'

/** The contract's event type of each fact; undefined for those that are only bookkeeping. */
const eventOf = ({ type }: LoyaltyFact): string | undefined => loyaltyFacts[type].event

const isAsked = ({ type }: LoyaltyFact): boolean => loyaltyFacts[type].category === 'ACTION'

const iso = (ms: number): string => new Date(ms).toISOString()

const campaignShown = ({ id, name }: { readonly id: string; readonly name: string }) => ({
  id,
  name,
  campaign_type: 'LOYALTY_PROGRAM',
  object: 'campaign',
})

const voucherShown = ({ id, code }: CardRef, campaign: { readonly id: string; readonly name: string }) => ({
  id,
  code,
  type: 'LOYALTY_CARD',
  campaign: campaign.name,
  campaign_id: campaign.id,
  object: 'voucher',
})

/** The balance after a change, as the contract shows it. */
export const balanceShown = (fact: MovementFact) => ({
  type: 'loyalty_card' as const,
  points: signedPoints(fact),
  total: fact.data.total,
  balance: fact.data.balance.after,
  object: 'balance' as const,
  operation_type: isAsked(fact) ? ('MANUAL' as const) : ('AUTOMATIC' as const),
  related_object: { type: 'voucher' as const, id: fact.data.card.id },
})

const earningShown = (fact: LoyaltyFact) => {
  if (fact.type !== 'PointsEarned' && fact.type !== 'PendingPointsAdded') return {}
  const { rule, cause, tier } = fact.data
  return {
    earning_rule: { id: rule.id, revision: rule.revision, source: { banner: rule.banner ?? null } },
    event: { id: cause.fact, type: cause.schema === undefined ? cause.type : 'customer.custom_event' },
    custom_event: cause.schema === undefined ? undefined : { id: cause.fact, type: cause.type },
    event_schema: cause.schema === undefined ? undefined : { id: cause.schema, name: cause.type },
    segment: cause.segment,
    order: cause.order === undefined ? undefined : { id: cause.order, source_id: null },
    holder_loyalty_tier: tier,
  }
}

const transferShown = (fact: LoyaltyFact) => {
  if (!isMovement(fact)) return {}
  const own = voucherShown(fact.data.card, fact.data.campaign)
  switch (fact.type) {
    case 'PointsTransferredOut':
    case 'PointsTransferReturned':
      return { source_voucher: own, destination_voucher: voucherShown(fact.data.to.card, fact.data.to.campaign) }
    case 'PointsTransferredIn':
      return { source_voucher: voucherShown(fact.data.from.card, fact.data.from.campaign), destination_voucher: own }
    default:
      return {}
  }
}

const rewardShown = (fact: LoyaltyFact) => {
  if (fact.type !== 'PointsSpent' && fact.type !== 'PointsRefunded' && fact.type !== 'RewardDeclined') return {}
  const { reward, redemption, assignment } = fact.data
  return {
    reward: { id: reward.id, name: reward.name, type: reward.type, assignment_id: assignment },
    redemption: { id: redemption },
  }
}

/** What a transaction is called and who asked for it, where its details stand beside it. */
const transactionBriefly = (fact: MovementFact) => ({
  id: fact.data.transaction,
  source_id: ('sourceId' in fact.data ? fact.data.sourceId : undefined) ?? null,
  source: ('source' in fact.data ? fact.data.source : undefined) ?? (isAsked(fact) ? null : 'Automation'),
  reason: ('reason' in fact.data ? fact.data.reason : undefined) ?? null,
  type: MOVEMENTS[fact.type].type,
  related_transaction_id: ('related' in fact.data ? fact.data.related : undefined) ?? null,
})

/** A change of a balance as a transaction of the contract. */
export const transactionOf = (fact: MovementFact) => ({
  ...transactionBriefly(fact),
  voucher_id: fact.data.card.id,
  campaign_id: fact.data.campaign.id,
  details: {
    balance: balanceShown(fact),
    ...earningShown(fact),
    ...transferShown(fact),
    ...rewardShown(fact),
    ...(fact.type === 'PendingPointsActivated' ? { pending_points: { id: fact.data.pending } } : {}),
    ...('order' in fact.data && fact.data.order !== undefined
      ? { order: { id: fact.data.order, source_id: null } }
      : {}),
    buckets: fact.data.lots.map(({ bucket, points, expiresAt }) => ({
      id: bucket,
      points,
      expires_at: expiresAt === null ? null : iso(expiresAt),
    })),
  },
  related_transaction_id: ('related' in fact.data ? fact.data.related : undefined) ?? null,
  created_at: iso(fact.data.occurredAt),
})

const tierShown = (fact: LoyaltyFact) => ({
  ...('to' in fact.data && 'name' in fact.data.to
    ? { loyalty_tier_to: { ...fact.data.to, object: 'loyalty_tier' } }
    : {}),
  ...('from' in fact.data && 'name' in fact.data.from
    ? { loyalty_tier_from: { ...fact.data.from, object: 'loyalty_tier' } }
    : {}),
})

const pendingShown = (fact: LoyaltyFact) => {
  if (!('pending' in fact.data) || typeof fact.data.pending !== 'object') return {}
  const { id, points, activatesAt } = fact.data.pending
  return { pending_points: { id, points, activates_at: iso(activatesAt) } }
}

/** The entry that a fact makes in the activity log; undefined for facts that are only bookkeeping. */
export const loyaltyActivity = (fact: LoyaltyFact): Activity | undefined => {
  const type = eventOf(fact)
  if (type === undefined) return undefined
  const campaign = campaignIn(fact)
  const card = typeof fact.data.card === 'string' ? { id: fact.data.card, code: '' } : fact.data.card
  return {
    type,
    category: isAsked(fact) ? 'ACTION' : 'EFFECT',
    data: {
      ...(campaign ? { campaign: campaignShown(campaign), voucher: voucherShown(card, campaign) } : { voucher: card }),
      ...(isMovement(fact) ? { balance: balanceShown(fact), transaction: transactionBriefly(fact) } : {}),
      ...earningShown(fact),
      ...transferShown(fact),
      ...rewardShown(fact),
      ...pendingShown(fact),
      ...tierShown(fact),
      ...('because' in fact.data ? { because: fact.data.because } : {}),
      ...(fact.type === 'RewardDeclined' ? { failure_code: fact.data.key, failure_message: fact.data.reason } : {}),
    },
  }
}
