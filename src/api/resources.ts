// The kinds of definitions that are resources of the API by themselves: where they are, what they are called and who may do what.
import type { Permission } from '../domain/access/permissions.ts'
import type { IdPrefix } from '../domain/ids.ts'
import type { KindName } from '../domain/rulebook/kinds.ts'

export interface Resource<K extends KindName = KindName> {
  readonly kind: K
  /** Of its ids. */
  readonly prefix: IdPrefix
  /** Of all of them; one is `{path}/{param}`. */
  readonly path: string
  /** Other paths of the same. */
  readonly also?: readonly string[]
  /** The parameter of the path to one; default `id`. */
  readonly param?: string
  /** The group in the API document. */
  readonly tag: string
  /** In summaries, such as `a segment` and `segments`. */
  readonly one: string
  readonly many: string
  readonly reads: Permission
  readonly writes: Permission
  /** Else who may write. */
  readonly deletes?: Permission
}

const resource = <K extends KindName>(one: Resource<K>): Resource<K> => one
const definitions = { reads: 'definitions.read', writes: 'definitions.write' } as const

export const SEGMENTS = resource({
  ...definitions,
  kind: 'segment',
  prefix: 'seg',
  path: '/v1/segments',
  tag: 'Segments',
  one: 'a segment',
  many: 'segments',
})

export const VALIDATION_RULES = resource({
  ...definitions,
  kind: 'validationRule',
  prefix: 'val',
  path: '/v1/validation-rules',
  tag: 'Validation rules',
  one: 'a validation rule',
  many: 'validation rules',
})

export const DISTRIBUTIONS = resource({
  ...definitions,
  kind: 'distribution',
  prefix: 'distr',
  path: '/v1/distributions',
  tag: 'Distributions',
  one: 'a distribution',
  many: 'distributions',
})

export const REWARDS = resource({
  ...definitions,
  kind: 'reward',
  prefix: 'rew',
  path: '/v1/rewards',
  tag: 'Rewards',
  one: 'a reward',
  many: 'rewards',
})

export const CAMPAIGNS = resource({
  ...definitions,
  kind: 'campaign',
  prefix: 'camp',
  path: '/v1/campaigns',
  tag: 'Campaigns',
  one: 'a campaign',
  many: 'campaigns',
})

export const CATEGORIES = resource({
  ...definitions,
  kind: 'category',
  prefix: 'cat',
  path: '/v1/categories',
  param: 'categoryId',
  tag: 'Categories',
  one: 'a category',
  many: 'categories',
})

export const PROMOTION_TIERS = resource({
  ...definitions,
  kind: 'promotionTier',
  prefix: 'promo',
  path: '/v1/promotions/tiers',
  param: 'promotionTierId',
  tag: 'Promotions',
  one: 'a promotion tier',
  many: 'promotion tiers',
})

/** Campaigns of one type, under a path of their own. */
export const LOYALTY_PROGRAMS = resource({
  ...definitions,
  kind: 'campaign',
  prefix: 'camp',
  path: '/v1/loyalties',
  param: 'campaignId',
  tag: 'Loyalty programs',
  one: 'a loyalty program',
  many: 'loyalty programs',
})

export const EVENT_SCHEMAS = resource({
  kind: 'eventSchema',
  prefix: 'ms',
  path: '/v1/event-schemas',
  also: ['/management/v1/projects/{projectId}/custom-event-schemas'],
  param: 'customEventSchemaId',
  tag: 'Event schemas',
  one: 'an event schema',
  many: 'event schemas',
  reads: 'event_schemas.read',
  writes: 'event_schemas.write',
  deletes: 'event_schemas.delete',
})

export const STACKING_RULES = resource({
  ...definitions,
  kind: 'stackingRules',
  prefix: 'strul',
  path: '/v1/stacking-rules',
  also: ['/management/v1/projects/{projectId}/stacking-rules'],
  param: 'stackingRulesId',
  tag: 'Stacking rules',
  one: 'stacking rules',
  many: 'the stacking rules',
})

export const METADATA_SCHEMAS = resource({
  ...definitions,
  kind: 'metadataSchema',
  prefix: 'ms',
  path: '/v1/metadata-schemas',
  also: ['/management/v1/projects/{projectId}/metadata-schemas'],
  param: 'metadataSchemaId',
  tag: 'Metadata schemas',
  one: 'a metadata schema',
  many: 'metadata schemas',
})

export const WEBHOOKS = resource({
  kind: 'projectWebhook',
  prefix: 'wh',
  path: '/v1/webhooks',
  also: ['/management/v1/projects/{projectId}/webhooks'],
  tag: 'Webhooks',
  one: 'a project webhook',
  many: 'project webhooks',
  reads: 'webhooks.read',
  writes: 'webhooks.write',
})

/** The path to one, and its others. */
export const onePath = ({ path, also, param = 'id' }: Resource) => ({
  path: `${path}/{${param}}`,
  ...(also && { also: also.map((other) => `${other}/{${param}}`) }),
})

/** What a path to one names. */
export const namedIn = ({ param = 'id' }: Resource, params: Readonly<Record<string, string>>): string => params[param]!
