// Rewards: what points can be paid for, and how many of it there are.

import * as v from 'valibot'
import { name300 } from '../name.ts'
import { MAX_POINTS } from '../points.ts'
import type { Campaign } from './campaign.ts'
import type { Entry, Fault, Kind } from './kind.ts'

const ratio = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000_000))

const common = {
  name: name300,
  /** How many may be redeemed in all; null for no bound. */
  stock: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000_000))),
  attributes: v.nullish(
    v.object({
      image_url: v.nullish(v.pipe(v.string(), v.maxLength(2_000))),
      description: v.nullish(v.pipe(v.string(), v.maxLength(3_000))),
    }),
  ),
  metadata: v.optional(v.record(v.string(), v.unknown()), {}),
}

/** The types of campaign that a reward may give a code of, or points. */
const GIVEN = ['DISCOUNT_COUPONS', 'GIFT_VOUCHERS', 'LOYALTY_PROGRAM'] as const

export const Reward = v.variant('type', [
  v.object({
    type: v.literal('CAMPAIGN'),
    /**
     * A code of the campaign; `balance` is what a gift voucher begins with, minor units, where the campaign's amount is not meant.
     * Of a loyalty program: so many points on the customer's card.
     */
    parameters: v.object({
      campaign: v.object({
        id: name300,
        balance: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_POINTS))),
        type: v.nullish(v.string()),
      }),
    }),
    ...common,
  }),
  v.object({
    type: v.literal('MATERIAL'),
    parameters: v.object({ product: v.object({ id: v.nullish(v.string()), sku_id: v.nullish(v.string()) }) }),
    ...common,
  }),
  v.object({
    type: v.literal('COIN'),
    /** `points_ratio` points pay `exchange_ratio` minor units of the currency. */
    parameters: v.object({ coin: v.object({ exchange_ratio: ratio, points_ratio: v.optional(ratio, 1) }) }),
    ...common,
  }),
])
export type Reward = v.InferOutput<typeof Reward>

export const rewardKind: Kind<Reward> = {
  fact: 'Reward',
  prefix: 'rew',
  resource: 'reward',
  schema: Reward,
  check: (_, definition, all) => {
    if (definition.type !== 'CAMPAIGN') return []
    const { id, balance, type } = definition.parameters.campaign
    const path = 'parameters.campaign'
    const campaign = all.entries.campaign?.get(id) as Entry<Campaign> | undefined
    const is = campaign?.definition.campaign_type
    if (is === undefined) return [{ path: `${path}.id`, message: `must name a campaign: there is no ${id}` }]
    const faults: Fault[] = []
    if (!GIVEN.some((one) => one === is))
      faults.push({
        path: `${path}.id`,
        message: `must name a campaign of type ${GIVEN.join(', ')}: ${is} is not supported`,
      })
    if (type != null && type !== is)
      faults.push({ path: `${path}.type`, message: `must be that of the campaign: ${is}` })
    // The official SDK cannot leave the balance out, so nothing is said by a 0.
    if (balance && is === 'DISCOUNT_COUPONS')
      faults.push({
        path: `${path}.balance`,
        message: 'goes with a campaign of type GIFT_VOUCHERS or LOYALTY_PROGRAM only',
      })
    if (!balance && is === 'LOYALTY_PROGRAM')
      faults.push({ path: `${path}.balance`, message: 'must be the points that are given: at least 1' })
    return faults
  },
  uses: (definition) =>
    definition.type === 'CAMPAIGN' ? [{ kind: 'campaign', id: definition.parameters.campaign.id }] : [],
}
