// Transactions of gift vouchers: credits that were redeemed, given back, added and taken away, one document each.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { isRedemptionFact } from '../src/domain/customer/redemptions/facts.ts'
import { idFrom } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import type { RecordedFact } from '../src/domain/recorded.ts'
import { isLedgerFact } from '../src/domain/redemption/ledger.ts'
import type { Projection } from './projection.ts'

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

type Transaction = Omit<CreditTransactionDocument, 'created_at' | 'position'>

const NOTHING_SAID = { source_id: null, reason: null, source: null, redemption: null, rollback: null }

const transactionOf = (fact: RecordedFact): Transaction | undefined => {
  if (isLedgerFact(fact)) {
    if (fact.type !== 'GiftCreditsChanged') return undefined
    const { transaction, code, voucher, campaign, amount, sourceId, reason, source } = fact.data
    return {
      _id: transaction,
      code,
      voucher,
      campaign: campaign?.id ?? null,
      type: amount < 0 ? 'CREDITS_REMOVAL' : 'CREDITS_ADDITION',
      amount,
      ...NOTHING_SAID,
      source_id: sourceId ?? null,
      reason: reason ?? null,
      source: source ?? null,
    }
  }
  if (!isCustomerFact(fact) || !isRedemptionFact(fact)) return undefined
  if (fact.type !== 'RedemptionSucceeded' && fact.type !== 'RedemptionRolledBack') return undefined
  const { voucher, campaign, redemption, share } = fact.data
  if (share.credits === 0) return undefined
  const about = { code: voucher.code, voucher: voucher.id, campaign: campaign?.id ?? null, ...NOTHING_SAID, redemption }
  return fact.type === 'RedemptionSucceeded'
    ? { _id: idFrom('vtx', redemption), ...about, type: 'CREDITS_REDEMPTION', amount: -share.credits }
    : {
        _id: idFrom('vtx', fact.data.rollback),
        ...about,
        type: 'CREDITS_REFUND',
        amount: share.credits,
        reason: fact.data.reason ?? null,
        rollback: fact.data.rollback,
      }
}

export const creditTransactions: Projection<CreditTransactionDocument> = {
  name: 'creditTransactions',
  version: 1,
  insertOnly: true,
  indexes: [{ key: { code: 1, position: 1 } }, { key: { campaign: 1, position: 1 } }],
  types: ['GiftCreditsChanged', 'RedemptionSucceeded', 'RedemptionRolledBack'],
  keys: (fact) => {
    const transaction = transactionOf(fact)
    return transaction ? [transaction._id] : []
  },
  evolve: (before, fact) => {
    const transaction = transactionOf(fact)
    if (!transaction || !(isLedgerFact(fact) || isCustomerFact(fact))) return before
    return { ...transaction, created_at: new Date(fact.data.occurredAt), position: sortable(fact.position) }
  },
}
