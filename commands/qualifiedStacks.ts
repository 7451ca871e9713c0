// The promotion stacks that a qualification finds: those of which each tier may be redeemed together with the others. Those that were
// changed last come first.
import { sortable } from '../src/domain/position.ts'
import { type Applicable, evaluate } from '../src/domain/redemption/evaluate.ts'
import { type QualifiedStack, stackPasses } from '../src/domain/redemption/qualify.ts'
import type { Asked } from '../src/domain/redemption/redeem.ts'
import { evaluateFor } from '../src/domain/redemption/sight.ts'
import type { Situation } from '../src/domain/redemption/situation.ts'
import { tierCode } from '../src/domain/vouchers/resolve.ts'
import type { Services } from '../src/services.ts'
import { MAX_SCANNED, newestFirst, type Scan, type ScanOptions } from './qualifiedScan.ts'

/** Tiers of stacks whose streams are asked for one answer. */
const MAX_TIERS_LOOKED_AT = 300

/** Looks through stacks until as many as `limit` may be redeemed. */
export const scanStacks = async (
  { redemptions }: Pick<Services, 'redemptions'>,
  { filters, starting_after: after }: ScanOptions,
  limit: number,
  asked: Asked,
  situation: Situation,
): Promise<Scan<QualifiedStack>> => {
  const { rulebook } = situation
  const [campaigns, tiers] = [rulebook.entries('campaign'), rulebook.entries('promotionTier')]
  const stacks = newestFirst(rulebook.entries('promotionStack').values(), after, ({ revision }) =>
    sortable(BigInt(revision)),
  )
  const found: QualifiedStack[] = []
  let looks = 0
  for (const [n, { entry, place }] of stacks.entries()) {
    const { campaign_id: campaign, category_id: category, tiers: named } = entry.definition
    const passes = stackPasses(filters ?? undefined, {
      id: entry.id,
      campaign,
      category: category ?? campaigns.get(campaign)?.definition.category_id ?? undefined,
    })
    const whole = (verdicts: readonly { readonly status: string }[]): boolean =>
      verdicts.every(({ status }) => status === 'APPLICABLE')
    // What the rulebook alone rules out needs no ledger.
    const codes = named.ids.map((id) => ({ asked: id, code: tierCode(id), measures: {} }))
    if (passes && whole(evaluate(codes, situation).verdicts)) {
      looks += codes.length
      const wanted = named.ids.map((id) => ({ code: id, isTier: true }))
      const looked = await redemptions.look(wanted)
      const { verdicts } = evaluateFor({ redeemables: wanted, asked }, looked, situation)
      if (whole(verdicts)) {
        const applicable = verdicts as readonly Applicable[]
        found.push({
          entry,
          tiers: applicable.map((verdict, at) => ({
            createdAt: tiers.get(verdict.voucher.id)?.createdAt ?? entry.createdAt,
            stream: looked.codes[at]!,
            verdict,
          })),
          applied: applicable.reduce((sum, { applied }) => sum + applied, 0),
        })
      }
    }
    const isLast = n + 1 === stacks.length
    if (!isLast && (found.length === limit || looks >= MAX_TIERS_LOOKED_AT || n + 1 === MAX_SCANNED))
      return { found, next: place }
  }
  return { found, next: null }
}
