// The codes that a customer was given, as the facts leave them.

import type { VoucherType } from '../../rulebook/voucherSpec.ts'
import type { Campaign, Publication } from './facts.ts'

export interface HeldVoucher {
  readonly id: string
  readonly code: string
  readonly campaign?: Campaign
  /** What a single voucher is. */
  readonly type?: VoucherType
  /** What a rule let a gift voucher begin with, minor units. */
  readonly credits?: number
  readonly publication: Publication
  /** ms. */
  readonly publishedAt: number
}

/** By voucher id, in the order of their publication. */
export type VouchersState = Readonly<Record<string, HeldVoucher>>

export const NO_VOUCHERS: VouchersState = {}

/** All that one publication gave, in the order of the request. */
export const heldBy = (state: VouchersState, publication: string): readonly HeldVoucher[] =>
  Object.values(state).filter((held) => held.publication.id === publication)

/** The customer's first code of a campaign. */
export const voucherIn = (state: VouchersState, campaign: string): HeldVoucher | undefined =>
  Object.values(state).find((held) => held.campaign?.id === campaign)
