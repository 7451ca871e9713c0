// The vouchers of redemptions that came about or were taken back just now, as their streams have them.
import type { VoucherSums } from '../../../projections/vouchers.ts'
import type { Ledger } from '../../domain/redemption/ledger.ts'
import type { CodeStream } from '../../domain/redemption/ledgers.ts'
import type { Services } from '../../services.ts'
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

/** Vouchers by code. `request` is the one whose redemptions came about; `streams` are those of its codes, where they were seen. */
export const redeemedVouchers = async (
  services: Services,
  codes: readonly string[],
  { request, streams }: { readonly request?: string; readonly streams?: readonly CodeStream[] } = {},
): Promise<ReadonlyMap<string, object>> => {
  const seen = streams ?? (await services.redemptions.look(codes.map((code) => ({ code })))).codes
  const shown = await Promise.all(
    seen.map(async ({ code, ledger }) => [code.code, await showCode(services, code, sumsIn(ledger, request))] as const),
  )
  return new Map(shown.flatMap(([code, voucher]) => (voucher ? [[code, voucher] as const] : [])))
}
