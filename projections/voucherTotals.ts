// Totals of each campaign: its codes, those that were given to customers, and the jobs that make them.
import { projection } from './projection.ts'

export interface VoucherTotalsDocument {
  readonly _id: string
  /** Codes that are there. */
  readonly codes: number
  readonly deleted: number
  /** Codes that were given to customers. */
  readonly published: number
  /** Jobs that are under way, or ended without having been done. */
  readonly open: number
  readonly failed: number
}

const NOTHING: Omit<VoucherTotalsDocument, '_id'> = { codes: 0, deleted: 0, published: 0, open: 0, failed: 0 }

const totalsOf = (before: VoucherTotalsDocument | null, key: string): VoucherTotalsDocument =>
  before ?? { _id: key, ...NOTHING }

const campaignOf = ({ data }: { readonly data: { readonly campaign?: string | undefined } }): string | undefined =>
  data.campaign

/** Without a job that was so until now. */
const noMore = (totals: VoucherTotalsDocument, was: string): VoucherTotalsDocument => ({
  ...totals,
  open: totals.open - (was === 'open' ? 1 : 0),
  failed: totals.failed - (was === 'failed' ? 1 : 0),
})

export const voucherTotals = projection<VoucherTotalsDocument>({
  name: 'voucherTotals',
  version: 2,
  indexes: [],
  streams: (stream) => stream,
  on: {
    CodeReserved: [
      ({ data }) => data.owner.campaign,
      (before, _, { key }) => {
        const totals = totalsOf(before, key)
        return { ...totals, codes: totals.codes + 1 }
      },
    ],
    VoucherDeleted: [
      campaignOf,
      (before, _, { key }) => {
        const totals = totalsOf(before, key)
        return { ...totals, codes: totals.codes - 1, deleted: totals.deleted + 1 }
      },
    ],
    VoucherPublished: [
      ({ data }) => data.campaign?.id,
      (before, _, { key }) => {
        const totals = totalsOf(before, key)
        return { ...totals, published: totals.published + 1 }
      },
    ],
    VoucherJobRequested: [
      campaignOf,
      (before, _, { key }) => {
        const totals = totalsOf(before, key)
        return { ...totals, open: totals.open + 1 }
      },
    ],
    VoucherJobAdvanced: [
      campaignOf,
      (before, { data }, { key }) => {
        if (!data.finished) return before
        const totals = totalsOf(before, key)
        return { ...totals, open: totals.open - 1 }
      },
    ],
    VoucherJobFailed: [
      campaignOf,
      (before, _, { key }) => {
        const totals = totalsOf(before, key)
        return { ...totals, open: totals.open - 1, failed: totals.failed + 1 }
      },
    ],
    VoucherJobCanceled: [campaignOf, (before, { data }, { key }) => noMore(totalsOf(before, key), data.was)],
    VoucherJobRetried: [
      campaignOf,
      (before, { data }, { key }) => {
        const totals = noMore(totalsOf(before, key), data.was)
        return { ...totals, open: totals.open + 1 }
      },
    ],
  },
})
