// The promotion tiers among what a qualification finds: they come before the codes, those that were changed last first.
import { sortable } from '../src/domain/position.ts'
import { type Applicable, evaluate, type Situation } from '../src/domain/redemption/evaluate.ts'
import type { CodeStream } from '../src/domain/redemption/ledgers.ts'
import { passes, type QualificationFilters } from '../src/domain/redemption/qualify.ts'
import type { Asked } from '../src/domain/redemption/redeem.ts'
import { evaluateFor } from '../src/domain/redemption/sight.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { resolveVoucher, tierCode } from '../src/domain/vouchers/resolve.ts'
import type { Services } from '../src/services.ts'

export interface Found {
  /** ms. */
  readonly createdAt: number
  readonly stream: CodeStream
  readonly verdict: Applicable
}

export interface Scan {
  readonly found: readonly Found[]
  /** Where to go on; null when there is nothing more. */
  readonly next: string | null
}

export const NO_TIERS: Scan = { found: [], next: null }

/**
 * Where tiers are in the order of all that can be found: places in the log are far below, so that the page after a tier goes on with
 * the tiers that are left, and then with the codes. A tier's place there is the revision of the rulebook at which it got its form.
 */
const FROM = 900_000_000_000_000n

/** How many tiers are looked through for one answer. */
const MAX_SCANNED = 1_000

/** Definitions in the order of their places, the last first, from where a page begins: behind a place, or made before a time (ms). */
export const newestFirst = <D>(
  entries: Iterable<Entry<D>>,
  after: string | number | null | undefined,
  placeOf: (entry: Entry<D>) => string,
): readonly { readonly entry: Entry<D>; readonly place: string }[] =>
  [...entries]
    .map((entry) => ({ entry, place: placeOf(entry) }))
    .filter(({ entry, place }) =>
      typeof after === 'number' ? entry.createdAt < after : typeof after !== 'string' || place < after,
    )
    .sort((a, b) => (a.place < b.place ? 1 : -1))

/** Looks through tiers until as many as `limit` may be redeemed; `next` is null when there is none more. */
export const scanTiers = async (
  { redemptions }: Pick<Services, 'redemptions'>,
  options: {
    readonly filters?: QualificationFilters | null | undefined
    /** A place in the order, or a time (ms): what was made before it. */
    readonly starting_after?: string | number | null | undefined
  },
  limit: number,
  asked: Asked,
  situation: Situation,
): Promise<Scan> => {
  const { filters, starting_after: after } = options
  const { rulebook } = situation
  const tiers = newestFirst(rulebook.entries('promotionTier').values(), after, ({ revision }) =>
    sortable(FROM + BigInt(revision)),
  )
  const found: Found[] = []
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
