// Which validation rules stand before something: asked by redemptions, rewards, earning rules, distributions and referrals alike.

import type { Compiled, Evaluation } from './conditions/compile.ts'
import { conditionsOf, neverBecause } from './customer/conditions.ts'
import { addTo } from './grouped.ts'
import type { Refusal } from './refusal.ts'
import type { Campaign } from './rulebook/campaign.ts'
import type { Entry } from './rulebook/kind.ts'
import type { Rulebook } from './rulebook/rulebook.ts'
import type { GatedType } from './rulebook/validationRule.ts'

export interface Gate {
  readonly rule: string
  readonly condition: Compiled
}

/** Something that an assignment may name, with all the names that it may be called by there. */
export interface Target {
  readonly type: GatedType
  readonly names: readonly string[]
}

/** A code of any kind: by its id, which for a loyalty card is the card's, or by the code. */
export const codeTarget = (id: string | undefined, code: string): Target => ({
  type: 'voucher',
  names: id === undefined || id === code ? [code] : [id, code],
})

export const tierTarget = (id: string): Target => ({ type: 'promotion_tier', names: [id] })

export const campaignTarget = ({ id, definition }: Pick<Entry<Campaign>, 'id' | 'definition'>): Target => ({
  type: 'campaign',
  names: [id, definition.name],
})

const keyOf = (type: string, name: string): string => `${type}/${name}`

const prepare = (rulebook: Rulebook): ReadonlyMap<string, readonly string[]> => {
  const rules = new Map<string, string[]>()
  for (const { definition } of rulebook.entries('assignment').values())
    addTo(rules, keyOf(definition.related_object_type, definition.related_object_id), definition.rule_id)
  return rules
}

const NO_GATES: readonly Gate[] = []

/**
 * The rules that must all hold, each once: `own`, which a definition names itself, then those assigned to the targets in their
 * order, by whichever name. A rule that is not there, which only older data can name, never holds.
 */
export const gatesBefore = (
  rulebook: Rulebook,
  targets: readonly Target[],
  own: readonly (string | null | undefined)[] = [],
): readonly Gate[] => {
  const assigned = rulebook.prepared(prepare)
  const named = new Set<string>()
  for (const rule of own) if (rule) named.add(rule)
  if (assigned.size > 0)
    for (const { type, names } of targets)
      for (const name of names) for (const rule of assigned.get(keyOf(type, name)) ?? []) named.add(rule)
  if (named.size === 0) return NO_GATES
  const { rules } = conditionsOf(rulebook)
  return [...named].map((rule) => ({ rule, condition: rules.get(rule) ?? neverBecause('there is no such rule') }))
}

/** Which refusal a rule gives that does not hold, by what the one of its parts asks that failed. */
export const refusalOf = (
  { failed, tooCostly }: Pick<Evaluation, 'failed' | 'tooCostly'>,
  situation: { readonly customer?: unknown; readonly order?: unknown },
): Pick<Refusal, 'key' | 'details'> => {
  if (tooCostly)
    return { key: 'condition_too_costly', details: 'the rules would take more steps than a decision may take' }
  const name = failed?.name
  if (name?.startsWith('customer'))
    return situation.customer
      ? { key: 'customer_rules_violated', details: 'customer does not match segment rules' }
      : { key: 'missing_customer', details: 'the rules of the redeemable ask for a customer' }
  if (name !== undefined && /^(order|product|sku)\./.test(name))
    return situation.order
      ? { key: 'order_rules_violated', details: 'order does not match validation rules' }
      : { key: 'missing_order', details: 'the rules of the redeemable ask for an order' }
  if (!situation.customer && name !== undefined && /per_customer|customers_count/.test(name))
    return { key: 'missing_customer', details: 'the rules of the redeemable ask for a customer' }
  return { key: 'redemption_rules_violated', details: 'redemption does not match validation rules' }
}
