// Promotion stacks: several tiers of a promotion that are redeemed under one name, in their order.

import * as v from 'valibot'
import { name300 } from '../name.ts'
import { campaignsIn } from './campaign.ts'
import { categoryFaults, categoryUses } from './category.ts'
import type { Definitions, Entry, Fault, Kind } from './kind.ts'
import { promotionTiersOf } from './promotionTier.ts'

/** No more than one request may name. */
const MAX_TIERS = 30
/** A list of the stacks of a campaign is always whole. */
const MAX_STACKS = 100

export const PromotionStack = v.object({
  campaign_id: v.string(),
  name: name300,
  tiers: v.object({
    /** In the order in which they are applied. */
    ids: v.pipe(v.array(name300), v.minLength(1), v.maxLength(MAX_TIERS)),
    hierarchy_mode: v.optional(v.literal('MANUAL', 'must be equal to MANUAL'), 'MANUAL'),
  }),
  category_id: v.nullish(v.pipe(v.string(), v.maxLength(300))),
})
export type PromotionStack = v.InferOutput<typeof PromotionStack>

/** The stacks of a campaign, the oldest first. */
export const promotionStacksOf = (campaign: string, all: Definitions): readonly Entry<PromotionStack>[] =>
  [...((all.entries.promotionStack ?? new Map()) as ReadonlyMap<string, Entry<PromotionStack>>).values()]
    .filter(({ definition }) => definition.campaign_id === campaign)
    .sort((a, b) => a.createdAt - b.createdAt)

const check = (_: string, { campaign_id: campaign, tiers, ...rest }: PromotionStack, all: Definitions) => {
  const own = new Set(promotionTiersOf(campaign, all).map(({ id }) => id))
  const faults: Fault[] = [...categoryFaults(rest, all)]
  if (campaignsIn(all).get(campaign)?.definition.campaign_type !== 'PROMOTION')
    faults.push({ path: 'campaign_id', message: `must name a promotion campaign: there is no ${campaign}` })
  for (const [n, id] of tiers.ids.entries()) {
    if (!own.has(id))
      faults.push({ path: `tiers.ids[${n}]`, message: `must name a tier of the campaign: ${id} is none` })
    if (tiers.ids.indexOf(id) !== n) faults.push({ path: `tiers.ids[${n}]`, message: `must NOT be ${id} again` })
  }
  return faults
}

const tooMany = (id: string, { campaign_id: campaign }: PromotionStack, all: Definitions): readonly Fault[] =>
  promotionStacksOf(campaign, all).filter((other) => other.id !== id).length < MAX_STACKS
    ? []
    : [{ path: 'campaign_id', message: `must NOT name a campaign that has ${MAX_STACKS} stacks already` }]

export const promotionStackKind: Kind<PromotionStack> = {
  fact: 'PromotionStack',
  prefix: 'stack',
  resource: 'promotion_stack',
  schema: PromotionStack,
  uniqueName: ({ name, campaign_id: campaign }) => `${name} in ${campaign}`,
  check,
  checkChange: tooMany,
  goesWith: ({ campaign_id: id }) => ({ kind: 'campaign', id }),
  uses: (definition) => [
    ...definition.tiers.ids.map((id) => ({ kind: 'promotionTier', id })),
    ...categoryUses(definition),
  ],
}
