// What is left on the gift vouchers that customers hold.
import type { VoucherDocument } from '../../../projections/vouchers.ts'
import type { CustomerState } from '../../domain/customer/state.ts'
import { resolveVoucher } from '../../domain/vouchers/resolve.ts'
import { ReadModelUnavailable } from '../../readmodel/index.ts'
import type { Services } from '../../services.ts'

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

/** The credits left of a customer that a command has just left; undefined while the read model cannot be asked. */
export const creditsLeft = async (services: Services, { id, vouchers }: CustomerState): Promise<number | undefined> => {
  if (Object.keys(vouchers).length === 0) return 0
  try {
    return (await giftBalances(services, [id])).get(id)
  } catch (error) {
    if (error instanceof ReadModelUnavailable) return undefined
    throw error
  }
}
