// Codes that are published to a customer, as facts of that customer; the code's own stream keeps it unique.
import * as v from 'valibot'
import { wholeFields } from '../../personal.ts'
import { VoucherType } from '../../rulebook/voucherSpec.ts'
import { type FactIn, rowsOf } from '../factRow.ts'
import type { VouchersState } from './state.ts'

const At = v.pipe(v.number(), v.integer())

export const VoucherRef = v.object({ id: v.string(), code: v.string() })
export type VoucherRef = v.InferOutput<typeof VoucherRef>

const Campaign = v.object({ id: v.string(), name: v.string(), type: v.string() })
export type Campaign = v.InferOutput<typeof Campaign>

/** Codes of nobody's that are to be given together, all or none: each one's stream names the whole claim. */
export const Claim = v.object({
  id: v.string(),
  /** Those that are claimed. */
  vouchers: v.array(VoucherRef),
  /** Those that were made for the customer and are given with them. */
  made: v.array(VoucherRef),
})
export type Claim = v.InferOutput<typeof Claim>

/** A code that was given to a customer, alone or with others: how it was asked for. */
export const Publication = v.object({
  id: v.string(),
  sourceId: v.optional(v.string()),
  channel: v.optional(v.string()),
  metadata: v.optional(v.record(v.string(), v.unknown())),
})
export type Publication = v.InferOutput<typeof Publication>

const fact = rowsOf<VouchersState>()

export const voucherFacts = {
  VoucherPublished: fact(
    v.object({
      voucher: VoucherRef,
      /** Absent for a single voucher. */
      campaign: v.optional(Campaign),
      /** What a single voucher is: its campaign does not say. */
      type: v.optional(VoucherType),
      publication: Publication,
      /** `rule`: a rule called for it, and the code is reserved only now; `request`: its code was reserved before. */
      by: v.picklist(['request', 'rule']),
      /** What a gift voucher begins with, minor units, where the rule says another amount than the campaign. */
      credits: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
      occurredAt: At,
    }),
    {
      personal: wholeFields({ 'publication.metadata': undefined }),
      event: 'customer.publication.succeeded',
      evolve: (vouchers, { voucher: { id, code }, campaign, type, credits, publication, occurredAt }) => ({
        ...vouchers,
        [id]: {
          id,
          code,
          ...(campaign ? { campaign } : {}),
          ...(type ? { type } : {}),
          ...(credits === undefined ? {} : { credits }),
          publication,
          publishedAt: occurredAt,
        },
      }),
    },
  ),
  /** Codes that were to be given together could not all be had: none of the claim is the customer's, now or later. */
  ClaimGivenUp: fact(v.object({ publication: v.string(), claim: v.string(), occurredAt: At })),
  /** The code that a rule had given was another's already. */
  VoucherCodeReplaced: fact(
    v.object({
      voucher: VoucherRef,
      campaign: Campaign,
      before: v.string(),
      attempt: v.number(),
      /** As they were published with it. */
      credits: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
      occurredAt: At,
    }),
    {
      evolve: (vouchers, { voucher: { id, code } }) => {
        const held = vouchers[id]
        return held ? { ...vouchers, [id]: { ...held, code } } : vouchers
      },
    },
  ),
} as const

type Registry = typeof voucherFacts
export type VoucherFactType = keyof Registry
export type VoucherFact = FactIn<Registry>
