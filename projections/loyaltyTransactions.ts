// Transactions of loyalty cards: one document for each change of a balance, as it was recorded.

import { transactionOf } from '../src/api/presenters/facts/loyalty.ts'
import { MOVEMENTS, type MovementType } from '../src/domain/customer/loyalty/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import { erasing, projection, toEach } from './projection.ts'

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

export const loyaltyTransactions = projection<LoyaltyTransactionDocument>({
  name: 'loyaltyTransactions',
  version: 2,
  insertOnly: true,
  indexes: [
    { key: { card: 1, position: 1 } },
    { key: { campaign: 1, position: 1 } },
    { key: { customer: 1, position: 1 } },
  ],
  streams: customerOfStream,
  on: {
    ...toEach(
      Object.keys(MOVEMENTS) as MovementType[],
      ({ data }) => data.transaction,
      (_: LoyaltyTransactionDocument | null, fact, { key, owner }) => ({
        _id: key,
        customer: owner,
        card: fact.data.card.id,
        campaign: fact.data.campaign.id,
        type: MOVEMENTS[fact.type].type,
        transaction: transactionOf(fact),
        created_at: new Date(fact.data.occurredAt),
        position: sortable(fact.position),
      }),
    ),
    ...erasing('loyaltyTransactions'),
  },
})
