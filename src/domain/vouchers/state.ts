// The codes that a customer was given, as the facts leave them.
import type { VoucherFact, VoucherFactData } from './facts.ts'

export interface HeldVoucher {
  readonly id: string
  readonly code: string
  readonly campaign: VoucherFactData<'VoucherPublished'>['campaign']
  readonly publication: VoucherFactData<'VoucherPublished'>['publication']
  /** ms. */
  readonly publishedAt: number
}

/** By voucher id, in the order of their publication. */
export type VouchersState = Readonly<Record<string, HeldVoucher>>

export const NO_VOUCHERS: VouchersState = {}

export const evolveVouchers = (state: VouchersState, fact: VoucherFact): VouchersState => {
  const { id, code } = fact.data.voucher
  switch (fact.type) {
    case 'VoucherPublished': {
      const { campaign, publication, occurredAt } = fact.data
      return { ...state, [id]: { id, code, campaign, publication, publishedAt: occurredAt } }
    }
    case 'VoucherCodeReplaced': {
      const held = state[id]
      return held ? { ...state, [id]: { ...held, code } } : state
    }
    default:
      return fact satisfies never
  }
}

/** The customer's first code of a campaign. */
export const voucherIn = (state: VouchersState, campaign: string): HeldVoucher | undefined =>
  Object.values(state).find((held) => held.campaign.id === campaign)
