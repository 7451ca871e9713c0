// Creating, changing, switching and deleting promotion tiers.
import * as v from 'valibot'
import { PromotionTierObject } from '../src/api/presenters/promotionTierObject.ts'
import { ByPromotion, findPromotion, showTierWithTotals } from '../src/api/presenters/promotionTiers.ts'
import { PROMOTION_TIERS } from '../src/api/resources.ts'
import { idFrom } from '../src/domain/ids.ts'
import { isRefused, type Refused } from '../src/domain/refusal.ts'
import type { DefinitionChange } from '../src/domain/rulebook/facts.ts'
import type { Definitions, Entry } from '../src/domain/rulebook/kind.ts'
import { PromotionTier, promotionTiersOf } from '../src/domain/rulebook/promotionTier.ts'
import type { Rulebook } from '../src/domain/rulebook/rulebook.ts'
import { isFailure } from '../src/http/errors.ts'
import { name300 } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { assignmentsFor, ValidationRules } from './assigning.ts'
import { definitionRoutes } from './definitionRoutes.ts'
import { recorded } from './definitions.ts'
import { createAll } from './partRoutes.ts'

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
    const id = idFrom(PROMOTION_TIERS.prefix, campaign, String(n))
    const gates = assignmentsFor(all, rules, { related_object_type: 'promotion_tier', related_object_id: id }, now)
    if (isRefused(gates)) return gates
    last = hierarchy ?? last + 1
    const definition = { ...tier, campaign_id: campaign, hierarchy: last }
    changes.push({ kind: PROMOTION_TIERS.kind, verb: 'Created', id, definition, occurredAt: now }, ...gates)
  }
  return changes
}

/** Behind all others of its campaign. */
const nextIn = (campaign: string, all: Definitions): number =>
  1 + (promotionTiersOf(campaign, all).at(-1)?.definition.hierarchy ?? 0)

export const promotionTierCommands = (services: Services) => {
  const { tag, kind, prefix, writes } = PROMOTION_TIERS
  const show = (entry: Entry<PromotionTier>, rulebook: Rulebook) => showTierWithTotals(services, entry, rulebook)
  const { change, switches, remove } = definitionRoutes(services, PROMOTION_TIERS, {
    body: v.object({}),
    patch: TierPatch,
    response: PromotionTierObject,
    describe: { change: 'What is given replaces what there is. Rules are assigned under /v1/validation-rules.' },
    show,
    switches: { enable: { summary: 'Enable a promotion tier' }, disable: { summary: 'Disable a promotion tier' } },
  })
  return [
    route({
      method: 'post',
      path: '/v1/promotions/{campaignId}/tiers',
      summary: 'Create a promotion tier',
      description:
        'A discount without a code, for every customer whom the rules of the tier (`validation_rules`) and of its campaign let ' +
        'through. It is redeemed by its id as a redeemable with the object promotion_tier. Without a `hierarchy` it is the last.',
      tag,
      permission: writes,
      params: ByPromotion,
      body: TierBody,
      response: PromotionTierObject,
      handler: (call): Outcome | Promise<Outcome> => {
        const promotion = findPromotion(services, call.params)
        if (isFailure(promotion)) return promotion
        const { tier, hierarchy, rules } = call.body
        return createAll(
          services,
          call,
          { kind, prefix, show },
          1,
          (all) => [
            {
              definition: { ...tier, campaign_id: promotion.id, hierarchy: hierarchy ?? nextIn(promotion.id, all) },
              along: (id) =>
                assignmentsFor(all, rules, { related_object_type: 'promotion_tier', related_object_id: id }, call.now),
            },
          ],
          ([shown]) => shown,
        )
      },
    }),
    change,
    ...switches,
    remove,
  ]
}
