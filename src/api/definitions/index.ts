// Every kind of definition that is a resource of the API. A new one is a file beside this one and its line here.
import { campaigns } from './campaign.ts'
import { categories } from './category.ts'
import { distributions } from './distribution.ts'
import { earningRules } from './earningRule.ts'
import { eventSchemas } from './eventSchema.ts'
import { loyaltyPrograms } from './loyaltyProgram.ts'
import { loyaltyTiers } from './loyaltyTier.ts'
import { metadataSchemas } from './metadataSchema.ts'
import { webhooks } from './projectWebhook.ts'
import { promotionStacks } from './promotionStack.ts'
import { promotionTiers } from './promotionTier.ts'
import type { DefinitionResource } from './resource.ts'
import { rewards } from './reward.ts'
import { offersInProgram, offersOfReward } from './rewardAssignment.ts'
import { segments } from './segment.ts'
import { stackingRules } from './stackingRules.ts'
import { validationRules } from './validationRule.ts'

export const RESOURCES: readonly DefinitionResource[] = [
  eventSchemas,
  metadataSchemas,
  segments,
  validationRules,
  distributions,
  categories,
  stackingRules,
  promotionTiers,
  promotionStacks,
  campaigns,
  webhooks,
  loyaltyPrograms,
  earningRules,
  loyaltyTiers,
  rewards,
  offersOfReward,
  offersInProgram,
]
