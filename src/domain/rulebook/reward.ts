// Rewards: what points can be paid for, and how many of it there are.
import * as v from 'valibot'
import type { Kind } from './kind.ts'

const ratio = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000_000))

const common = {
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(300)),
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

export const Reward = v.variant('type', [
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
  resource: 'reward',
  schema: Reward,
  check: () => [],
  uses: () => [],
}
