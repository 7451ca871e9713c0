// The promotion tiers among what a qualification finds: they come before the codes, those that were changed last first.
import { sortable } from '../src/domain/position.ts'
import { evaluate } from '../src/domain/redemption/evaluate.ts'
import { passes, type Qualified } from '../src/domain/redemption/qualify.ts'
import type { Asked } from '../src/domain/redemption/redeem.ts'
import { evaluateFor } from '../src/domain/redemption/sight.ts'
import type { Situation } from '../src/domain/redemption/situation.ts'
import { resolveVoucher, tierCode } from '../src/domain/vouchers/resolve.ts'
import type { Services } from '../src/services.ts'
import { MAX_SCANNED, newestFirst, type Scan, type ScanOptions } from './qualifiedScan.ts'

export const NO_TIERS: Scan<Qualified> = { found: [], next: null }

/**
 * Where tiers are in the order of all that can be found: places in the log are far below, so that the page after a tier goes on with
 * the tiers that are left, and then with the codes. A tier's place there is the revision of the rulebook at which it got its form.
 */
const FROM = 900_000_000_000_000n

/** Looks through tiers until as many as `limit` may be redeemed; `next` is null when there is none more. */
export const scanTiers = async (
  { redemptions }: Pick<Services, 'redemptions'>,
  { filters, starting_after: after }: ScanOptions,
  limit: number,
  asked: Asked,
  situation: Situation,
): Promise<Scan<Qualified>> => {
  const { rulebook } = situation
  const tiers = newestFirst(rulebook.entries('promotionTier').values(), after, ({ revision }) =>
    sortable(FROM + BigInt(revision)),
  )
  const found: Qualified[] = []
  for (const [n, { entry, place }] of tiers.entries()) {
    const { id, createdAt } = entry
    const code = tierCode(id)
    const voucher = resolveVoucher(code, rulebook)
    const { category_id, category } = { ...voucher?.campaign?.definition, ...voucher?.tier?.definition }
    // What the rulebook alone rules out needs no ledger.
    if (
      voucher &&
      passes(filters ?? undefined, voucher, category_id ?? category ?? undefined) &&
      evaluate([{ asked: id, code, measures: {} }], situation).valid
    ) {
      const wanted = [{ code: id, isTier: true }]
      const looked = await redemptions.look(wanted)
      const [verdict] = evaluateFor({ redeemables: wanted, asked }, looked, situation).verdicts
      if (verdict?.status === 'APPLICABLE') found.push({ createdAt, stream: looked.codes[0]!, verdict })
    }
    if (found.length === limit || n + 1 === MAX_SCANNED) return { found, next: place }
  }
  return { found, next: null }
}
