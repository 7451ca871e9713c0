// Reading campaigns of all types. The rulebook in memory is their read model: it is never behind its own stream for long.
import * as v from 'valibot'
import type { VoucherTotalsDocument } from '../projections/voucherTotals.ts'
import { type Campaign, CampaignType, campaignsIn, hasOwnCodes } from '../src/domain/rulebook/campaign.ts'
import type { Definitions, Entry } from '../src/domain/rulebook/kind.ts'
import { notFound } from '../src/http/errors.ts'
import { pageLimit, pageNumber } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { fresh } from './fresh.ts'
import { ById, isoOf, isoOrNull, offOf } from './shapes.ts'

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

type Totals = Pick<VoucherTotalsDocument, 'codes' | 'published' | 'open' | 'failed'>

/** How far the codes are that a campaign was created with, or that were added to it. */
const generationOf = ({ vouchers_count: wanted, campaign_type: type }: Campaign, totals: Totals | null | undefined) => {
  if (!hasOwnCodes(type)) return 'DONE'
  if (!totals) return (wanted ?? 0) > 0 ? 'IN_PROGRESS' : 'DONE'
  if (totals.open > 0) return 'IN_PROGRESS'
  return totals.failed > 0 && totals.codes === 0 ? 'FAILED' : 'DONE'
}

/** A campaign as the HTTP contract shows it, with its totals where they are known; null: it has none yet. */
export const showCampaign = (
  { id, definition, createdAt, updatedAt, off }: Entry<Campaign>,
  totals?: Totals | null,
) => ({
  id,
  ...definition,
  ...(definition.campaign_type === 'REFERRAL_PROGRAM'
    ? { voucher: { code_config: {}, ...definition.voucher, is_referral_code: true } }
    : {}),
  ...(totals === undefined || !hasOwnCodes(definition.campaign_type) ? {} : { vouchers_count: totals?.codes ?? 0 }),
  creation_status: generationOf(definition, totals),
  vouchers_generation_status: generationOf(definition, totals),
  created_at: isoOf(createdAt),
  updated_at: isoOrNull(updatedAt),
  ...offOf({ off }),
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

/** The totals of campaigns, by id. */
export const totalsOf = async (
  { readModel }: Pick<Services, 'readModel'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, VoucherTotalsDocument>> => {
  const found = await readModel
    .collection<VoucherTotalsDocument>('voucherTotals')
    .find({ _id: { $in: [...ids] } }, { limit: Math.max(1, ids.length) })
  return new Map(found.map((document) => [document._id, document]))
}

export const campaignQueries = (services: Services) => {
  const { rulebook } = services
  return [
    route({
      method: 'get',
      path: '/v1/campaigns',
      summary: 'List campaigns',
      tag: 'Campaigns',
      roles: READERS,
      query: ListQuery,
      handler: fresh(services, async ({ query }): Promise<Outcome> => {
        const { limit, page, campaign_type: type, order } = query
        const all = [...rulebook.current().entries('campaign').values()]
          .filter(({ definition }) => type === undefined || definition.campaign_type === type)
          .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
        if (order === '-created_at') all.reverse()
        const shown = all.slice((page - 1) * limit, page * limit)
        const totals = await totalsOf(
          services,
          shown.map(({ id }) => id),
        )
        const campaigns = shown.map((entry) => showCampaign(entry, totals.get(entry.id) ?? null))
        return { body: { object: 'list', data_ref: 'campaigns', campaigns, total: all.length } }
      }),
    }),
    route({
      method: 'get',
      path: '/v1/campaigns/{id}',
      summary: 'Get a campaign by id or name',
      tag: 'Campaigns',
      roles: READERS,
      params: ById,
      response: CampaignObject,
      handler: fresh(services, async ({ params }): Promise<Outcome> => {
        const named = campaignNamed(rulebook.current().definitions, params.id)
        const entry = named && rulebook.current().entries('campaign').get(named.id)
        if (!entry) return notFound('campaign', params.id)
        return {
          revision: entry.revision,
          body: showCampaign(entry, (await totalsOf(services, [entry.id])).get(entry.id) ?? null),
        }
      }),
    }),
  ]
}
