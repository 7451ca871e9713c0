// Promotion tiers: discounts without a code, for every customer whom their rules let through.

import * as v from 'valibot'
import { name300 } from '../../domain/name.ts'
import { isRefused, type Refused } from '../../domain/refusal.ts'
import type { DefinitionChange } from '../../domain/rulebook/facts.ts'
import type { Definitions } from '../../domain/rulebook/kind.ts'
import { definitionId } from '../../domain/rulebook/kinds.ts'
import { PromotionTier } from '../../domain/rulebook/promotionTier.ts'
import { assignmentsFor, ValidationRules } from '../assigning.ts'
import { PromotionTierObject } from '../presenters/promotionTierObject.ts'
import { showTierWithTotals } from '../presenters/promotionTiers.ts'
import { definitionResource, recorded } from './resource.ts'

/** What answers say of a tier beside its definition. */
const SHOWN = ['campaign_id', 'promotion_id', 'campaign', 'categories', 'summary']

const { campaign_id: _, ...fields } = PromotionTier.entries

/** Rules in the form in which answers list those that are assigned. */
const Assigned = v.nullish(
  v.looseObject({ data: v.pipe(v.array(v.looseObject({ rule_id: name300 })), v.maxLength(100)) }),
)

/** What makes a tier, by itself or with its campaign. */
export const TierBody = v.pipe(
  v.object({
    ...fields,
    hierarchy: v.nullish(PromotionTier.entries.hierarchy),
    validation_rules: ValidationRules,
    validation_rule_assignments: Assigned,
  }),
  recorded(...SHOWN),
  v.transform(({ validation_rules: rules, validation_rule_assignments: assigned, hierarchy, ...tier }) => ({
    tier,
    hierarchy,
    rules: [...new Set([...(rules ?? []), ...(assigned?.data ?? []).map(({ rule_id: rule }) => rule)])],
  })),
  v.title('PromotionTierBody'),
)
const TierPatch = v.pipe(v.partial(v.object(fields)), recorded(...SHOWN, 'validation_rule_assignments'))

/** The changes that make tiers along with their campaign, in the order in which they are given where they do not say another. */
export const tiersFor = (
  all: Definitions,
  campaign: string,
  bodies: readonly v.InferOutput<typeof TierBody>[],
  now: number,
): readonly DefinitionChange[] | Refused => {
  const changes: DefinitionChange[] = []
  let last = 0
  for (const [n, { tier, hierarchy, rules }] of bodies.entries()) {
    const id = definitionId('promotionTier', campaign, String(n))
    const gates = assignmentsFor(all, rules, { related_object_type: 'promotion_tier', related_object_id: id }, now)
    if (isRefused(gates)) return gates
    last = hierarchy ?? last + 1
    const definition = { ...tier, campaign_id: campaign, hierarchy: last }
    changes.push({ kind: 'promotionTier', verb: 'Created', id, definition, occurredAt: now }, ...gates)
  }
  return changes
}

export const promotionTiers = definitionResource('promotionTier', {
  path: '/v1/promotions/tiers',
  param: 'promotionTierId',
  tag: 'Promotions',
  one: 'a promotion tier',
  many: 'promotion tiers',
  patch: TierPatch,
  response: PromotionTierObject,
  show: (entry, { services, rulebook }) => showTierWithTotals(services, entry, rulebook),
  describe: { change: 'What is given replaces what there is. Rules are assigned under /v1/validation-rules.' },
  switches: { enable: { summary: 'Enable a promotion tier' }, disable: { summary: 'Disable a promotion tier' } },
  own: ['list'],
})
