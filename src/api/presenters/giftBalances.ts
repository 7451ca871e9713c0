// What is left on the gift vouchers that customers hold.
import type { VoucherDocument } from '../../../projections/vouchers.ts'
import type { CustomerState } from '../../domain/customer/state.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import type { CodeState } from '../../domain/vouchers/code.ts'
import { resolveVoucher } from '../../domain/vouchers/resolve.ts'
import { ReadModelUnavailable } from '../../readmodel/index.ts'
import type { Services } from '../../services.ts'

/** How many codes of all the customers together are looked at. */
const MAX_CODES = 10_000

/** How many codes that the read model does not show yet are looked up in their streams. */
const MAX_NEW = 20
/** One that was given longer ago, ms, and does not show was deleted. */
const NEW_MS = 60_000

type Sums = Pick<VoucherDocument['sums'], 'added' | 'taken'>

/** What is left on a code, minor units; 0 for one that is no gift voucher. */
const leftOn = (code: CodeState, { added, taken }: Sums, current: Rulebook): number => {
  const voucher = resolveVoucher(code, current)
  return voucher?.type === 'GIFT_VOUCHER' && voucher.gift ? Math.max(0, voucher.gift.amount + added - taken) : 0
}

const codesOf = (
  { readModel }: Pick<Services, 'readModel'>,
  customers: readonly string[],
): Promise<readonly VoucherDocument[]> =>
  readModel.collection<VoucherDocument>('vouchers').find({ customer: { $in: [...customers] } }, { limit: MAX_CODES })

/** The credits left by customer, minor units; 0 for whoever holds no gift voucher. */
export const giftBalances = async (
  services: Pick<Services, 'readModel' | 'rulebook'>,
  customers: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const balances = new Map(customers.map((id) => [id, 0]))
  const current = services.rulebook.current()
  for (const { customer, state, sums } of await codesOf(services, customers)) {
    if (customer === null) continue
    balances.set(customer, (balances.get(customer) ?? 0) + leftOn(state, sums, current))
  }
  return balances
}

/**
 * The credits left of a customer that a command has just left. Of a code that was given just now the read model need not know yet:
 * its stream does. Undefined while the read model cannot be asked.
 */
export const creditsLeft = async (
  services: Pick<Services, 'readModel' | 'rulebook' | 'ledgers' | 'clock'>,
  { id, vouchers }: Pick<CustomerState, 'id' | 'vouchers'>,
): Promise<number | undefined> => {
  const held = Object.values(vouchers)
  if (held.length === 0) return 0
  const current = services.rulebook.current()
  try {
    const shown = await codesOf(services, [id])
    const known = new Set(shown.map(({ state }) => state.code))
    const since = services.clock.now() - NEW_MS
    const added = held.filter(({ code, publishedAt }) => publishedAt >= since && !known.has(code)).slice(-MAX_NEW)
    const streams = await Promise.all(added.map(({ code }) => services.ledgers.codes.load(code)))
    const inStreams = streams.map(({ state: { code, ledger } }) =>
      leftOn(code, { added: ledger.added, taken: ledger.confirmed.credits }, current),
    )
    return [...shown.map(({ state, sums }) => leftOn(state, sums, current)), ...inStreams].reduce((a, b) => a + b, 0)
  } catch (error) {
    if (error instanceof ReadModelUnavailable) return undefined
    throw error
  }
}
