// Which validation rules stand before a redemption: those assigned to its code or promotion tier, and to the campaign of that.
import { audiencePart } from '../conditions/audience.ts'
import { type Compiled, compile } from '../conditions/compile.ts'
import { campaignTarget, codeTarget, type Gate, gatesBefore, tierTarget } from '../gates.ts'
import { environmentOf } from '../rulebook/environment.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { conditionOfRule } from '../rulebook/validationRule.ts'
import type { ResolvedVoucher } from '../vouchers/resolve.ts'

/** The rules that must hold for a voucher or a promotion tier: those of its campaign, then its own. */
export const gatesOf = ({ id, code, campaign, tier }: ResolvedVoucher, rulebook: Rulebook): readonly Gate[] =>
  gatesBefore(rulebook, [...(campaign ? [campaignTarget(campaign)] : []), tier ? tierTarget(id) : codeTarget(id, code)])

/** Of each rule what it asks of the customer alone; rules that ask nothing of it are left out. */
const audienceIn = (rulebook: Rulebook): ReadonlyMap<string, Compiled | undefined> => {
  const environment = environmentOf(rulebook.definitions)
  return new Map(
    [...rulebook.entries('validationRule')].map(([id, { definition }]) => {
      const condition = conditionOfRule(definition, environment)
      const part = condition && audiencePart(condition)
      return [id, part && compile(part, environment)]
    }),
  )
}

/** The same rules, as far as they ask of the customer; one that is switched off never holds. */
export const audienceGates = (gates: readonly Gate[], rulebook: Rulebook): readonly Gate[] => {
  const parts = rulebook.prepared(audienceIn)
  return gates.flatMap((gate) => {
    if (isOff(rulebook, gate.rule)) return [gate]
    const condition = parts.get(gate.rule)
    return condition ? [{ rule: gate.rule, condition }] : []
  })
}

const isOff = (rulebook: Rulebook, rule: string): boolean => {
  const entry = rulebook.entries('validationRule').get(rule)
  return entry === undefined || entry.off !== undefined
}

/** Whether any of the rules counts over all codes of the campaign, so that the campaign's ledger must be kept. */
export const countsOverCampaign = (gates: readonly Gate[]): boolean =>
  gates.some(({ condition }) => condition.listens.asks.some(isCampaignBudget))

const isCampaignBudget = (name: string): boolean =>
  name.startsWith('campaign.orders.') || name.startsWith('campaign.redemptions.count')
