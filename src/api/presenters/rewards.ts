// How rewards and their assignments show.
import * as v from 'valibot'
import type { Entry } from '../../domain/rulebook/kind.ts'
import type { Reward } from '../../domain/rulebook/reward.ts'
import { RewardAssignment } from '../../domain/rulebook/rewardAssignment.ts'
import type { Rulebook } from '../../domain/rulebook/rulebook.ts'
import { type Failure, isFailure, notFound } from '../../http/errors.ts'
import type { Services } from '../../services.ts'
import { isoOf, isoOrNull } from '../shapes.ts'
import { findProgram } from './loyalties.ts'
import { Metadata, recordOrNullOf, switchedOff } from './parts.ts'

export const RewardObject = v.pipe(
  v.object({
    id: v.string(),
    name: v.string(),
    type: v.picklist(['CAMPAIGN', 'COIN', 'MATERIAL']),
    parameters: v.object({
      campaign: v.optional(v.object({ id: v.string(), balance: v.nullish(v.number()), type: v.nullish(v.string()) })),
      product: v.optional(v.object({ id: v.nullish(v.string()), sku_id: v.nullish(v.string()) })),
      coin: v.optional(v.object({ exchange_ratio: v.number(), points_ratio: v.number() })),
    }),
    stock: v.nullable(v.number()),
    redeemed: v.nullable(v.number()),
    attributes: v.optional(
      v.nullable(v.object({ image_url: v.nullish(v.string()), description: v.nullish(v.string()) })),
    ),
    metadata: Metadata,
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    object: v.literal('reward'),
  }),
  v.title('Reward'),
)

export const AssignmentObject = v.pipe(
  v.object({
    id: v.string(),
    reward_id: v.string(),
    related_object_id: v.string(),
    related_object_type: v.literal('campaign'),
    parameters: RewardAssignment.entries.parameters,
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    ...switchedOff,
    object: v.literal('reward_assignment'),
  }),
  v.title('RewardAssignment'),
)

/** What a reward gives; with a campaign its type, also where nobody said it. */
const parametersShown = (definition: Reward, rulebook: Rulebook): Reward['parameters'] => {
  if (definition.type !== 'CAMPAIGN') return definition.parameters
  const { campaign } = definition.parameters
  const type = rulebook.entries('campaign').get(campaign.id)?.definition.campaign_type ?? campaign.type
  return { campaign: { ...campaign, type } }
}

/** A reward as the HTTP contract shows it; `redeemed` counts those of a bounded stock that are paid for or being paid for. */
export const showReward = async (
  { stock, rulebook }: Services,
  { id, definition, createdAt, updatedAt }: Entry<Reward>,
) => {
  const bounded = typeof definition.stock === 'number'
  const { reserved, taken } = bounded ? await stock.load(id) : { reserved: new Map(), taken: new Map() }
  return {
    id,
    ...definition,
    parameters: parametersShown(definition, rulebook.current()),
    stock: definition.stock ?? null,
    redeemed: bounded ? reserved.size + taken.size : null,
    created_at: isoOf(createdAt),
    updated_at: isoOrNull(updatedAt),
    object: 'reward' as const,
  }
}

export const showAssignment = ({ id, definition, createdAt, updatedAt, off }: Entry<RewardAssignment>) => ({
  id,
  reward_id: definition.reward_id,
  related_object_id: definition.campaign,
  related_object_type: 'campaign' as const,
  parameters: definition.parameters,
  ...recordOrNullOf({ createdAt, updatedAt, off }),
  object: 'reward_assignment' as const,
})

export const ByAssignment = v.object({ campaignId: v.string(), assignmentId: v.string() })

/** The assignment that a path names within a program. */
export const findAssignment = (
  services: Services,
  { campaignId, assignmentId }: v.InferOutput<typeof ByAssignment>,
): Entry<RewardAssignment> | Failure => {
  const program = findProgram(services, campaignId)
  if (isFailure(program)) return program
  const found = services.rulebook.current().entries('rewardAssignment').get(assignmentId)
  return found?.definition.campaign === program.id ? found : notFound('reward_assignment', assignmentId)
}
