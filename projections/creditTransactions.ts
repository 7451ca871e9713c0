// Transactions of gift vouchers: credits that were redeemed, given back, added and taken away, one document each.
import { idFrom } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import { projection, type RecordedOf } from './projection.ts'

export interface CreditTransactionDocument {
  readonly _id: string
  readonly code: string
  readonly voucher: string
  readonly campaign: string | null
  readonly type: 'CREDITS_REDEMPTION' | 'CREDITS_REFUND' | 'CREDITS_ADDITION' | 'CREDITS_REMOVAL'
  /** What it does to the balance, minor units. */
  readonly amount: number
  readonly source_id: string | null
  readonly reason: string | null
  readonly source: string | null
  readonly redemption: string | null
  readonly rollback: string | null
  readonly created_at: Date
  /** The place in the log, as sortable text. */
  readonly position: string
}

const NOTHING_SAID = { source_id: null, reason: null, source: null, redemption: null, rollback: null }

/** What a redemption, or its rollback, is as a transaction, but for its id, type and amount. */
const ofRedemption = ({ data, position }: RecordedOf<'RedemptionSucceeded' | 'RedemptionRolledBack'>) => ({
  ...NOTHING_SAID,
  code: data.voucher.code,
  voucher: data.voucher.id,
  campaign: data.campaign?.id ?? null,
  redemption: data.redemption,
  created_at: new Date(data.occurredAt),
  position: sortable(position),
})

export const creditTransactions = projection<CreditTransactionDocument>({
  name: 'creditTransactions',
  version: 1,
  insertOnly: true,
  indexes: [{ key: { code: 1, position: 1 } }, { key: { campaign: 1, position: 1 } }],
  streams: (stream) => stream,
  on: {
    GiftCreditsChanged: [
      ({ data }) => data.transaction,
      (_, { data, position }, { key }) => ({
        _id: key,
        code: data.code,
        voucher: data.voucher,
        campaign: data.campaign?.id ?? null,
        type: data.amount < 0 ? 'CREDITS_REMOVAL' : 'CREDITS_ADDITION',
        amount: data.amount,
        ...NOTHING_SAID,
        source_id: data.sourceId ?? null,
        reason: data.reason ?? null,
        source: data.source ?? null,
        created_at: new Date(data.occurredAt),
        position: sortable(position),
      }),
    ],
    RedemptionSucceeded: [
      ({ data }) => (data.share.credits === 0 ? undefined : idFrom('vtx', data.redemption)),
      (_, fact, { key }) => ({
        _id: key,
        ...ofRedemption(fact),
        type: 'CREDITS_REDEMPTION',
        amount: -fact.data.share.credits,
      }),
    ],
    RedemptionRolledBack: [
      ({ data }) => (data.share.credits === 0 ? undefined : idFrom('vtx', data.rollback)),
      (_, fact, { key }) => ({
        _id: key,
        ...ofRedemption(fact),
        type: 'CREDITS_REFUND',
        amount: fact.data.share.credits,
        reason: fact.data.reason ?? null,
        rollback: fact.data.rollback,
      }),
    ],
  },
})
