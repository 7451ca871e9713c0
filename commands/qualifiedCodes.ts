// The codes among what a qualification finds: those of some holders, the newest first. Read models rule most of them out; the streams of
// the others are asked.
import type { VoucherDocument } from '../projections/vouchers.ts'
import { evaluate } from '../src/domain/redemption/evaluate.ts'
import {
  campaignsWithCodes,
  foreseen,
  isForEverybody,
  leastOf,
  passes,
  type QualificationFilters,
  type Qualified,
} from '../src/domain/redemption/qualify.ts'
import type { Asked } from '../src/domain/redemption/redeem.ts'
import { evaluateFor, type Looked } from '../src/domain/redemption/sight.ts'
import type { Situation } from '../src/domain/redemption/situation.ts'
import { resolveVoucher } from '../src/domain/vouchers/resolve.ts'
import type { Services } from '../src/services.ts'
import { MAX_SCANNED, type Scan, type ScanOptions } from './qualifiedScan.ts'

/** How many of the codes that are looked through have their streams asked: they are few unless limits that only streams know rule them out. */
export const MAX_LOOKS = 200
/** How many streams are read at once. */
const TOGETHER = 10
const CHUNK = 100

/** What of the filters the read model can be asked for, so that few codes among many are found at once. */
const narrowed = (filters: QualificationFilters | undefined, campaigns: readonly (string | null)[]) => {
  const all = filters?.junction.toLowerCase() === 'and'
  const named = (field: 'campaign_id' | 'code') => {
    const { $in, $is } = (all ? filters[field]?.conditions : undefined) ?? {}
    return $in ?? $is
  }
  const [ofCampaigns, codes] = [named('campaign_id'), named('code')]
  return {
    campaign: { $in: campaigns.filter((id) => ofCampaigns === undefined || (id !== null && ofCampaigns.includes(id))) },
    ...(codes ? { _id: { $in: codes } } : {}),
  }
}

/** A customer's id; null: nobody. */
type Holder = string | null

/** What of the codes of nobody is looked through for browsers: an index leads past those of campaigns. */
const SINGLE = { $and: [{ campaign: null }] }

/**
 * Codes of some holders (null: of nobody), the newest first, from a place on. One query for each holder, since each then
 * follows an index in order; the newest of all of them are taken.
 */
const candidates = async (
  readModel: Services['readModel'],
  holders: readonly Holder[],
  filter: Readonly<Record<string, unknown>>,
  ofNobody: Readonly<Record<string, unknown>>,
): Promise<readonly VoucherDocument[]> => {
  const found = await Promise.all(
    holders.map((customer) =>
      readModel
        .collection<VoucherDocument>('vouchers')
        .find(
          { customer, active: true, ...filter, ...(customer === null ? ofNobody : {}) },
          { sort: { customer: -1, position: -1 }, limit: CHUNK },
        ),
    ),
  )
  return found
    .flat()
    .sort((a, b) => (a.position < b.position ? 1 : -1))
    .slice(0, CHUNK)
}

export interface Among {
  readonly holders: readonly Holder[]
  /** Of the codes of nobody only those that everybody may be told. */
  readonly isForBrowsers: boolean
}

/** Looks through codes until as many as `limit` may be redeemed, all have been seen, or too many for one answer. */
export const scanCodes = async (
  { readModel, redemptions }: Pick<Services, 'readModel' | 'redemptions'>,
  { filters, starting_after: after }: ScanOptions,
  limit: number,
  asked: Asked,
  situation: Situation,
  { holders, isForBrowsers }: Among,
): Promise<Scan<Qualified>> => {
  const { rulebook, now } = situation
  const within = narrowed(filters ?? undefined, campaignsWithCodes(rulebook, now))
  const since = typeof after === 'number' ? { created_at: { $lt: new Date(after) } } : {}
  const found: Qualified[] = []
  let next = typeof after === 'string' ? after : null
  let [scanned, looks] = [0, 0]
  for (;;) {
    const place = next === null ? {} : { position: { $lt: next } }
    const chunk = await candidates(readModel, holders, { ...within, ...since, ...place }, isForBrowsers ? SINGLE : {})
    // The read models rule most of them out; the streams are asked of the others.
    const likely = chunk.filter(({ state, sums, category }) => {
      const voucher = resolveVoucher(state, rulebook)
      if (
        !voucher ||
        (isForBrowsers && voucher.holder === undefined && !isForEverybody(voucher)) ||
        !passes(filters ?? undefined, voucher, category ?? voucher.campaign?.definition.category ?? undefined)
      )
        return false
      return evaluate([{ ...foreseen(state, voucher, sums), ...leastOf(voucher, situation) }], situation).valid
    })
    const streams = new Map<string, Looked>()
    for (const [n, document] of chunk.entries()) {
      if (likely[0]?._id === document._id) {
        if (!streams.has(document._id)) {
          const ahead = likely.slice(0, Math.min(limit - found.length, TOGETHER)).map(({ _id }) => _id)
          const looked = await redemptions.look(ahead.map((code) => ({ code })))
          for (const [k, code] of ahead.entries()) streams.set(code, { ...looked, codes: [looked.codes[k]!] })
        }
        likely.shift()
        looks += 1
        const looked = streams.get(document._id)!
        const least = leastOf(resolveVoucher(document.state, rulebook), situation)
        const ask = { redeemables: [{ code: document._id, ...least }], asked }
        const [verdict] = evaluateFor(ask, looked, situation).verdicts
        if (verdict?.status === 'APPLICABLE')
          found.push({ createdAt: document.state.createdAt, stream: looked.codes[0]!, verdict })
      }
      next = document.position
      scanned += 1
      const isLast = n === chunk.length - 1 && chunk.length < CHUNK
      if (!isLast && (found.length === limit || scanned === MAX_SCANNED || looks === MAX_LOOKS)) return { found, next }
    }
    if (chunk.length < CHUNK) return { found, next: null }
  }
}
