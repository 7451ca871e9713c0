// What is left on the gift vouchers that customers hold.
import type { VoucherDocument } from '../projections/vouchers.ts'
import { resolveVoucher } from '../src/domain/vouchers/resolve.ts'
import type { Services } from '../src/runtime/services.ts'

/** How many codes of all the customers together are looked at. */
const MAX_CODES = 10_000

/** The credits left by customer, minor units; 0 for whoever holds no gift voucher. */
export const giftBalances = async (
  { readModel, rulebook }: Services,
  customers: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const balances = new Map(customers.map((id) => [id, 0]))
  const current = rulebook.current()
  const found = await readModel
    .collection<VoucherDocument>('vouchers')
    .find({ customer: { $in: [...customers] } }, { limit: MAX_CODES })
  for (const { customer, state, sums } of found) {
    const voucher = resolveVoucher(state, current)
    if (customer === null || voucher?.type !== 'GIFT_VOUCHER' || !voucher.gift) continue
    const left = Math.max(0, voucher.gift.amount + sums.added - sums.taken)
    balances.set(customer, (balances.get(customer) ?? 0) + left)
  }
  return balances
}
