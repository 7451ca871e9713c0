// Every kind of definition that the rulebook holds. A new kind is one file beside this one and one line here.
import { idUnder } from '../ids.ts'
import { campaignKind } from './campaign.ts'
import { categoryKind } from './category.ts'
import { distributionKind } from './distribution.ts'
import { earningRuleKind } from './earningRule.ts'
import { eventSchemaKind } from './eventSchema.ts'
import type { Kind } from './kind.ts'
import { loyaltyTierKind } from './loyaltyTier.ts'
import { metadataSchemaKind } from './metadataSchema.ts'
import { projectWebhookKind } from './projectWebhook.ts'
import { promotionStackKind } from './promotionStack.ts'
import { promotionTierKind } from './promotionTier.ts'
import { rewardKind } from './reward.ts'
import { rewardAssignmentKind } from './rewardAssignment.ts'
import { segmentKind } from './segment.ts'
import { stackingRulesKind } from './stackingRules.ts'
import { assignmentKind, validationRuleKind } from './validationRule.ts'

export const kinds = {
  eventSchema: eventSchemaKind,
  metadataSchema: metadataSchemaKind,
  segment: segmentKind,
  validationRule: validationRuleKind,
  assignment: assignmentKind,
  distribution: distributionKind,
  projectWebhook: projectWebhookKind,
  category: categoryKind,
  stackingRules: stackingRulesKind,
  campaign: campaignKind,
  promotionTier: promotionTierKind,
  promotionStack: promotionStackKind,
  earningRule: earningRuleKind,
  loyaltyTier: loyaltyTierKind,
  reward: rewardKind,
  rewardAssignment: rewardAssignmentKind,
} as const

export type KindName = keyof typeof kinds
/** Of several kinds: any of their definitions. */
export type DefinitionOf<K extends KindName> = K extends KindName
  ? (typeof kinds)[K] extends Kind<infer D>
    ? D
    : never
  : never

/** A kind without its own type, for code that treats all kinds alike. */
export const kindNamed = (name: KindName): Kind<unknown> => kinds[name] as unknown as Kind<unknown>

/** The id of a definition, that follows from what it names. */
export const definitionId = (kind: KindName, ...names: readonly string[]): string =>
  idUnder(kinds[kind].prefix, ...names)

export const kindNames = Object.keys(kinds) as readonly KindName[]
