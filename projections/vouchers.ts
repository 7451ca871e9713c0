// Vouchers: one document a code, of whatever kind, as the facts of its own stream leave it.
import { sortable } from '../src/domain/position.ts'
import { type CodeFact, type CodeState, evolveCode, isCodeFact, noCode } from '../src/domain/vouchers/code.ts'
import type { Projection } from './projection.ts'

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

const isVoucherFact = (fact: { readonly type: string; readonly data: unknown }): fact is VoucherFact =>
  isCodeFact(fact) && TYPES.some((type) => type === fact.type)

export const vouchers: Projection<VoucherDocument> = {
  name: 'vouchers',
  version: 1,
  indexes: [
    { key: { voucher: 1 } },
    { key: { position: 1 } },
    { key: { campaign: 1, position: 1 } },
    { key: { campaign: 1, customer: 1, active: 1, position: 1 } },
    { key: { customer: 1, position: 1 } },
    { key: { updated_at: 1, _id: 1 } },
  ],
  types: TYPES,
  keys: (fact) => (isVoucherFact(fact) ? [fact.data.code] : []),
  evolve: (before, fact, key) => {
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
    }
  },
}
