// Which validation rules stand before a redemption: those assigned to its code and to the code's campaign.
import { campaignTarget, codeTarget, type Gate, gatesBefore } from '../gates.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import type { ResolvedVoucher } from '../vouchers/resolve.ts'

/** The rules that must hold for a voucher: those of its campaign, then its own. */
export const gatesOf = ({ id, code, campaign }: ResolvedVoucher, rulebook: Rulebook): readonly Gate[] =>
  gatesBefore(rulebook, [...(campaign ? [campaignTarget(campaign)] : []), codeTarget(id, code)])

/** Whether any of the rules counts over all codes of the campaign, so that the campaign's ledger must be kept. */
export const countsOverCampaign = (gates: readonly Gate[]): boolean =>
  gates.some(({ condition }) => condition.listens.asks.some(isCampaignBudget))

const isCampaignBudget = (name: string): boolean =>
  name.startsWith('campaign.orders.') || name.startsWith('campaign.redemptions.count')
