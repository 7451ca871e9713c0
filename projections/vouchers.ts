// Vouchers: one document a code, of whatever kind, as the facts of its own stream leave it, with sums over its redemptions.

import { sortable } from '../src/domain/position.ts'
import type { RedemptionFact } from '../src/domain/redemption/facts.ts'
import type { LedgerFact } from '../src/domain/redemption/ledger.ts'
import { type CodeFact, type CodeState, evolveCode, isCodeFact, noCode } from '../src/domain/vouchers/code.ts'
import type { Projection } from './projection.ts'

/** Sums over a code's redemptions; credits in minor units. */
export interface VoucherSums {
  /** Redemptions that came about and were not rolled back. */
  readonly redeemed: number
  /** Gift credits taken by them. */
  readonly taken: number
  /** Gift credits added by hand, less those taken away. */
  readonly added: number
}

export const NO_VOUCHER_SUMS: VoucherSums = { redeemed: 0, taken: 0, added: 0 }

export interface VoucherDocument {
  /** The code. */
  readonly _id: string
  /** Copies for the indexes; null for a single voucher, and for one that nobody has. */
  readonly voucher: string
  readonly campaign: string | null
  readonly customer: string | null
  readonly category: string | null
  readonly active: boolean
  readonly created_at: Date
  readonly updated_at: Date | null
  /** The place in the log of the code's first fact, as sortable text. */
  readonly position: string
  readonly state: CodeState
  readonly sums: VoucherSums
}

/** Referees have a read model of their own. */
type VoucherFact = Exclude<CodeFact, { readonly type: 'RefereesAssigned' | 'RefereeRemoved' }>

const TYPES = [
  'CodeReserved',
  'CodeAssigned',
  'CodeReleased',
  'CodeEnabled',
  'CodeDisabled',
  'VoucherChanged',
  'VoucherDeleted',
] as const satisfies readonly VoucherFact['type'][]

/*
 * Redemptions count when they come about, in the stream of the customer, not when the code's ledger is told of it: who waits for
 * his own redemption sees it counted.
 */
const SUMMED_TYPES = ['RedemptionSucceeded', 'RedemptionRolledBack', 'GiftCreditsChanged'] as const
type SummedFact = Extract<RedemptionFact | LedgerFact, { readonly type: (typeof SUMMED_TYPES)[number] }>

const isSummed = (fact: { readonly type: string; readonly data: unknown }): fact is SummedFact =>
  SUMMED_TYPES.some((type) => type === fact.type)

const codeIn = (fact: SummedFact): string =>
  fact.type === 'GiftCreditsChanged' ? fact.data.code : fact.data.voucher.code

const summed = (sums: VoucherSums, fact: SummedFact): VoucherSums => {
  switch (fact.type) {
    case 'RedemptionSucceeded':
      return { ...sums, redeemed: sums.redeemed + 1, taken: sums.taken + fact.data.share.credits }
    case 'RedemptionRolledBack':
      return { ...sums, redeemed: sums.redeemed - 1, taken: sums.taken - fact.data.share.credits }
    case 'GiftCreditsChanged':
      return { ...sums, added: sums.added + fact.data.amount }
    default:
      return fact satisfies never
  }
}

const isVoucherFact = (fact: { readonly type: string; readonly data: unknown }): fact is VoucherFact =>
  isCodeFact(fact) && TYPES.some((type) => type === fact.type)

export const vouchers: Projection<VoucherDocument> = {
  name: 'vouchers',
  version: 2,
  indexes: [
    { key: { voucher: 1 } },
    { key: { position: 1 } },
    { key: { campaign: 1, position: 1 } },
    { key: { campaign: 1, customer: 1, active: 1, position: 1 } },
    { key: { customer: 1, position: 1 } },
    { key: { updated_at: 1, _id: 1 } },
  ],
  types: [...TYPES, ...SUMMED_TYPES],
  keys: (fact) => {
    if (isVoucherFact(fact)) return [fact.data.code]
    return isSummed(fact) ? [codeIn(fact)] : []
  },
  evolve: (before, fact, key) => {
    if (isSummed(fact)) return before && { ...before, sums: summed(before.sums, fact) }
    if (!isVoucherFact(fact) || (!before && fact.type !== 'CodeReserved')) return before
    if (fact.type === 'VoucherDeleted') return null
    const state = evolveCode(before?.state ?? noCode(key), fact)
    if (!state.owner) return before
    return {
      _id: key,
      voucher: state.owner.id,
      campaign: state.owner.campaign ?? null,
      customer: state.owner.customer ?? null,
      category: state.spec.category ?? null,
      active: state.active,
      created_at: new Date(state.createdAt),
      updated_at: state.updatedAt === null ? null : new Date(state.updatedAt),
      position: before?.position ?? sortable(fact.position),
      state,
      sums: before?.sums ?? NO_VOUCHER_SUMS,
    }
  },
}
