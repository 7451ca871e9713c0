// Which validation rules stand before a redemption: those assigned to its code and to the code's campaign.
import type { Compiled } from '../conditions/compile.ts'
import type { Rulebook } from '../rulebook/rulebook.ts'
import { conditionsOf } from '../segments/conditions.ts'
import type { ResolvedVoucher } from '../vouchers/resolve.ts'

export interface Gate {
  readonly rule: string
  readonly condition: Compiled
}

type Gates = ReadonlyMap<string, readonly Gate[]>

const keyOf = (type: 'voucher' | 'campaign', id: string): string => `${type}/${id}`

const prepare = (rulebook: Rulebook): Gates => {
  const { rules } = conditionsOf(rulebook)
  const gates = new Map<string, Gate[]>()
  for (const { definition } of rulebook.entries('assignment').values()) {
    const { related_object_type: type, related_object_id: id, rule_id: rule } = definition
    const condition = rules.get(rule)
    if (!condition || (type !== 'voucher' && type !== 'campaign')) continue
    const key = keyOf(type, id)
    gates.set(key, [...(gates.get(key) ?? []), { rule, condition }])
  }
  return gates
}

/** The rules that must hold for a voucher, in the order in which they were assigned; a voucher is named by id or code, a campaign by id or name. */
export const gatesOf = ({ id, code, campaign }: ResolvedVoucher, rulebook: Rulebook): readonly Gate[] => {
  const gates = rulebook.prepared(prepare)
  if (gates.size === 0) return []
  const keys = [
    ...(campaign ? [keyOf('campaign', campaign.id), keyOf('campaign', campaign.definition.name)] : []),
    keyOf('voucher', id),
    keyOf('voucher', code),
  ]
  return keys.flatMap((key) => gates.get(key) ?? [])
}

/** Whether any of the rules counts over all codes of the campaign, so that the campaign's ledger must be kept. */
export const countsOverCampaign = (gates: readonly Gate[]): boolean =>
  gates.some(({ condition }) => condition.listens.asks.some(isCampaignBudget))

const isCampaignBudget = (name: string): boolean =>
  name.startsWith('campaign.orders.') || name.startsWith('campaign.redemptions.count')
