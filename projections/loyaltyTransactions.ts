// Transactions of loyalty cards: one document for each change of a balance, as it was recorded.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { isMovement, MOVEMENTS } from '../src/domain/customer/loyalty/facts.ts'
import { transactionOf } from '../src/domain/customer/loyalty/show.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import { erasedBy, erasedKeys, TRACES_ERASED } from '../src/domain/traces.ts'
import type { Projection } from './projection.ts'

export interface LoyaltyTransactionDocument {
  readonly _id: string
  readonly customer: string
  readonly card: string
  readonly campaign: string
  readonly type: string
  readonly transaction: ReturnType<typeof transactionOf>
  readonly created_at: Date
  /** The place in the log, as sortable text. */
  readonly position: string
}

export const loyaltyTransactions: Projection<LoyaltyTransactionDocument> = {
  name: 'loyaltyTransactions',
  version: 2,
  insertOnly: true,
  indexes: [
    { key: { card: 1, position: 1 } },
    { key: { campaign: 1, position: 1 } },
    { key: { customer: 1, position: 1 } },
  ],
  types: [...Object.keys(MOVEMENTS), TRACES_ERASED],
  keys: (fact) =>
    customerOfStream(fact.stream) !== undefined && isCustomerFact(fact) && isMovement(fact)
      ? [fact.data.transaction]
      : erasedKeys(fact, 'loyaltyTransactions'),
  evolve: (before, fact, key) => {
    if (erasedBy(fact)) return null
    const customer = customerOfStream(fact.stream)
    if (customer === undefined || !isCustomerFact(fact) || !isMovement(fact)) return before
    return {
      _id: key,
      customer,
      card: fact.data.card.id,
      campaign: fact.data.campaign.id,
      type: MOVEMENTS[fact.type].type,
      transaction: transactionOf(fact),
      created_at: new Date(fact.data.occurredAt),
      position: sortable(fact.position),
    }
  },
}
