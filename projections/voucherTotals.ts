// Totals of each campaign: its codes, those that were given to customers, and the jobs that make them.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import type { RecordedFact } from '../src/domain/recorded.ts'
import { isCodeFact } from '../src/domain/vouchers/code.ts'
import { isJobFact } from '../src/domain/vouchers/job.ts'
import type { Projection } from './projection.ts'

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

const campaignOf = (fact: RecordedFact): string | undefined => {
  if (isJobFact(fact)) return 'campaign' in fact.data ? fact.data.campaign : undefined
  if (isCodeFact(fact)) {
    if (fact.type === 'CodeReserved') return fact.data.owner.campaign
    return fact.type === 'VoucherDeleted' ? fact.data.campaign : undefined
  }
  return isCustomerFact(fact) && fact.type === 'VoucherPublished' ? fact.data.campaign?.id : undefined
}

export const voucherTotals: Projection<VoucherTotalsDocument> = {
  name: 'voucherTotals',
  version: 2,
  indexes: [],
  types: [
    'CodeReserved',
    'VoucherDeleted',
    'VoucherPublished',
    'VoucherJobRequested',
    'VoucherJobAdvanced',
    'VoucherJobFailed',
    'VoucherJobCanceled',
    'VoucherJobRetried',
  ],
  keys: (fact) => {
    const campaign = campaignOf(fact)
    return campaign === undefined ? [] : [campaign]
  },
  evolve: (before, fact, key) => {
    const totals = before ?? { _id: key, ...NOTHING }
    switch (fact.type) {
      case 'CodeReserved':
        return { ...totals, codes: totals.codes + 1 }
      case 'VoucherDeleted':
        return { ...totals, codes: totals.codes - 1, deleted: totals.deleted + 1 }
      case 'VoucherPublished':
        return { ...totals, published: totals.published + 1 }
      case 'VoucherJobRequested':
        return { ...totals, open: totals.open + 1 }
      case 'VoucherJobAdvanced':
        return isJobFact(fact) && fact.type === 'VoucherJobAdvanced' && fact.data.finished
          ? { ...totals, open: totals.open - 1 }
          : before
      case 'VoucherJobFailed':
        return { ...totals, open: totals.open - 1, failed: totals.failed + 1 }
      case 'VoucherJobCanceled':
      case 'VoucherJobRetried': {
        if (!isJobFact(fact) || (fact.type !== 'VoucherJobCanceled' && fact.type !== 'VoucherJobRetried')) return before
        const { was } = fact.data
        return {
          ...totals,
          open: totals.open + (fact.type === 'VoucherJobRetried' ? 1 : 0) - (was === 'open' ? 1 : 0),
          failed: totals.failed - (was === 'failed' ? 1 : 0),
        }
      }
      default:
        return before
    }
  },
}
