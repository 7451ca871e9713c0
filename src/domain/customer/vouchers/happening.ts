// How facts about codes that were given show as internal events, for conditions and triggers.
import type { Happening } from '../factRow.ts'
import { type VoucherFact, voucherFacts } from './facts.ts'

/** What conditions may ask of a fact's event: the campaign and the code. */
export const voucherHappening = (fact: VoucherFact): Happening | undefined => {
  if (fact.type !== 'VoucherPublished') return undefined
  const { event: type } = voucherFacts[fact.type] as { readonly event?: string }
  const { campaign, voucher } = fact.data
  if (type === undefined) return undefined
  return {
    type,
    metadata: { ...(campaign ? { campaign: campaign.id, campaign_name: campaign.name } : {}), code: voucher.code },
  }
}
