// Reading campaigns of all types. The rulebook in memory is their read model: it is never behind its own stream for long.
import * as v from 'valibot'
import { type Campaign, CampaignType, campaignsIn } from '../src/domain/rulebook/campaign.ts'
import type { Definitions, Entry } from '../src/domain/rulebook/kind.ts'
import { notFound } from '../src/http/errors.ts'
import { pageLimit, pageNumber } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { ById, isoOf, isoOrNull } from './shapes.ts'

export const CampaignObject = v.pipe(
  v.looseObject({
    id: v.string(),
    name: v.string(),
    campaign_type: CampaignType,
    active: v.boolean(),
    created_at: v.string(),
    updated_at: v.nullable(v.string()),
    object: v.literal('campaign'),
  }),
  v.title('Campaign'),
)

/** A campaign as the HTTP contract shows it. */
export const showCampaign = ({ id, definition, createdAt, updatedAt }: Entry<Campaign>) => ({
  id,
  ...definition,
  ...(definition.campaign_type === 'REFERRAL_PROGRAM'
    ? { voucher: { code_config: {}, ...definition.voucher, is_referral_code: true } }
    : {}),
  creation_status: 'DONE' as const,
  vouchers_generation_status: 'DONE' as const,
  created_at: isoOf(createdAt),
  updated_at: isoOrNull(updatedAt),
  object: 'campaign' as const,
})

/** The campaign that a path names by id or name. */
export const campaignNamed = (definitions: Definitions, name: string): Entry<Campaign> | undefined => {
  const campaigns = campaignsIn(definitions)
  return campaigns.get(name) ?? [...campaigns.values()].find(({ definition }) => definition.name === name)
}

const READERS = ['admin', 'integrator', 'reader', 'auditor'] as const

const ListQuery = v.object({
  limit: pageLimit,
  page: pageNumber,
  campaign_type: v.optional(CampaignType),
  order: v.optional(v.picklist(['created_at', '-created_at']), '-created_at'),
})

export const campaignQueries = ({ rulebook }: Services) => [
  route({
    method: 'get',
    path: '/v1/campaigns',
    summary: 'List campaigns',
    tag: 'Campaigns',
    roles: READERS,
    query: ListQuery,
    handler: ({ query }): Outcome => {
      const { limit, page, campaign_type: type, order } = query
      const all = [...rulebook.current().entries('campaign').values()]
        .filter(({ definition }) => type === undefined || definition.campaign_type === type)
        .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
      if (order === '-created_at') all.reverse()
      const campaigns = all.slice((page - 1) * limit, page * limit).map(showCampaign)
      return { body: { object: 'list', data_ref: 'campaigns', campaigns, total: all.length } }
    },
  }),
  route({
    method: 'get',
    path: '/v1/campaigns/{id}',
    summary: 'Get a campaign by id or name',
    tag: 'Campaigns',
    roles: READERS,
    params: ById,
    response: CampaignObject,
    handler: (call): Outcome => {
      const entry = campaignNamed(rulebook.current().definitions, call.params.id)
      return entry ? { body: showCampaign(entry) } : notFound('campaign', call.params.id)
    },
  }),
]
