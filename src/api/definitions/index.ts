// Every kind of definition that is a resource of the API. A new one is a file beside this one and its line here.
import type { Route } from '../../http/route.ts'
import type { Background, Services } from '../../services.ts'
import { inBackground } from '../background.ts'
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

/** One that shows what goes on in the background is made over that. */
export const RESOURCES: readonly (DefinitionResource | ((background: Background) => DefinitionResource))[] = [
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

/** The routes of all of them, by what makes those of one. */
export const routesOfAll = (
  services: Services,
  routesOf: (services: Services, resource: DefinitionResource) => readonly Route[],
): readonly Route[] =>
  RESOURCES.flatMap((resource) =>
    typeof resource === 'function'
      ? inBackground(services, (background) => routesOf(services, resource(background)))
      : routesOf(services, resource),
  )
