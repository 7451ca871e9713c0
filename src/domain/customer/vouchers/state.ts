// The codes that a customer was given, as the facts leave them.

import type { VoucherType } from '../../rulebook/voucherSpec.ts'
import type { VoucherFact, VoucherFactData } from './facts.ts'

export interface HeldVoucher {
  readonly id: string
  readonly code: string
  readonly campaign?: VoucherFactData<'VoucherPublished'>['campaign']
  /** What a single voucher is. */
  readonly type?: VoucherType
  /** What a rule let a gift voucher begin with, minor units. */
  readonly credits?: number
  readonly publication: VoucherFactData<'VoucherPublished'>['publication']
  /** ms. */
  readonly publishedAt: number
}

/** By voucher id, in the order of their publication. */
export type VouchersState = Readonly<Record<string, HeldVoucher>>

export const NO_VOUCHERS: VouchersState = {}

export const evolveVouchers = (state: VouchersState, fact: VoucherFact): VouchersState => {
  if (fact.type === 'ClaimGivenUp') return state
  const { id, code } = fact.data.voucher
  switch (fact.type) {
    case 'VoucherPublished': {
      const { campaign, type, credits, publication, occurredAt } = fact.data
      const held: HeldVoucher = {
        id,
        code,
        ...(campaign ? { campaign } : {}),
        ...(type ? { type } : {}),
        ...(credits === undefined ? {} : { credits }),
        publication,
        publishedAt: occurredAt,
      }
      return { ...state, [id]: held }
    }
    case 'VoucherCodeReplaced': {
      const held = state[id]
      return held ? { ...state, [id]: { ...held, code } } : state
    }
    default:
      return fact satisfies never
  }
}

/** All that one publication gave, in the order of the request. */
export const heldBy = (state: VouchersState, publication: string): readonly HeldVoucher[] =>
  Object.values(state).filter((held) => held.publication.id === publication)

/** The customer's first code of a campaign. */
export const voucherIn = (state: VouchersState, campaign: string): HeldVoucher | undefined =>
  Object.values(state).find((held) => held.campaign?.id === campaign)
