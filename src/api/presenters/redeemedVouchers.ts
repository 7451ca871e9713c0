// The vouchers and promotion tiers of redemptions that came about or were taken back just now, as their streams have them.
import type { VoucherSums } from '../../../projections/vouchers.ts'
import type { Ledger } from '../../domain/redemption/ledger.ts'
import type { CodeStream } from '../../domain/redemption/ledgers.ts'
import type { Wanted } from '../../domain/redemption/sight.ts'
import { tierOf } from '../../domain/vouchers/resolve.ts'
import type { Services } from '../../services.ts'
import { showTierNow } from './promotionTiers.ts'
import { showCode } from './vouchers.ts'

/** What a ledger has taken in, with what it has a place for and was not told of yet: that of one request. */
const sumsIn = ({ confirmed, open, added }: Ledger, request: string | undefined): VoucherSums => {
  const coming = [...open.values()].filter((one) => one.request === request)
  return {
    redeemed: confirmed.times + coming.length,
    taken: coming.reduce((sum, { share }) => sum + share.credits, confirmed.credits),
    added,
  }
}

/** Vouchers by code, promotion tiers by id. `request` is the one whose redemptions came about; `streams` are those of its codes, where they were seen. */
export const redeemedVouchers = async (
  services: Services,
  wanted: readonly Wanted[],
  { request, streams }: { readonly request?: string; readonly streams?: readonly CodeStream[] } = {},
): Promise<ReadonlyMap<string, object>> => {
  const seen = streams ?? (await services.redemptions.look(wanted)).codes
  const shown = await Promise.all(
    seen.map(async ({ code, ledger }) => {
      const tier = tierOf(code)
      const whole = tier === undefined ? showCode(services, code, sumsIn(ledger, request)) : showTierNow(services, tier)
      return [code.code, await whole] as const
    }),
  )
  return new Map(shown.flatMap(([code, voucher]) => (voucher ? [[code, voucher] as const] : [])))
}
