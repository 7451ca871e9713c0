// How the transactions of gift vouchers show.
import type { CreditTransactionDocument } from '../../../projections/creditTransactions.ts'
import { isoOf } from '../shapes.ts'

export const showCredits = (transaction: CreditTransactionDocument, balance: number, total: number) => ({
  id: transaction._id,
  source_id: transaction.source_id,
  voucher_id: transaction.voucher,
  campaign_id: transaction.campaign,
  source: transaction.source,
  reason: transaction.reason,
  type: transaction.type,
  details: {
    balance: {
      type: 'gift_voucher' as const,
      total,
      amount: transaction.amount,
      balance,
      object: 'balance' as const,
      ...(transaction.redemption === null ? { operation_type: 'MANUAL' as const } : {}),
      related_object: { id: transaction.voucher, type: 'voucher' as const },
    },
    ...(transaction.redemption === null ? {} : { redemption: { id: transaction.redemption } }),
    ...(transaction.rollback === null ? {} : { rollback: { id: transaction.rollback } }),
  },
  related_transaction_id: null,
  created_at: isoOf(transaction.created_at.getTime()),
})
