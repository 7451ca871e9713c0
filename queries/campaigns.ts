// Reading campaigns of all types. The rulebook in memory is their read model: it is never behind its own stream for long.

import * as v from 'valibot'
import type { VoucherTotalsDocument } from '../projections/voucherTotals.ts'
import { type DefinitionFields, definitionListQuery, pageOfDefinitions } from '../src/api/lists/definitions.ts'
import { TEXT, TIME } from '../src/api/lists/filters.ts'
import { CampaignObject, campaignNamed, generationOf, showCampaign, totalsOf } from '../src/api/presenters/campaigns.ts'
import { promotionOf } from '../src/api/presenters/promotionTiers.ts'
import { ById } from '../src/api/shapes.ts'
import { type Campaign, CampaignType, campaignsIn } from '../src/domain/rulebook/campaign.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { listOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { queryFlag } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const STATUSES = ['DONE', 'IN_PROGRESS', 'FAILED', 'DRAFT', 'MODIFYING'] as const

const ListQuery = v.object({
  ...definitionListQuery,
  campaign_type: v.optional(CampaignType),
  campaign_status: v.optional(v.picklist(STATUSES)),
  is_referral_code: v.optional(queryFlag),
})

type Totalled = ReadonlyMap<string, VoucherTotalsDocument>

/** The names of the contract's filters for what campaigns say; `campaigns` and `campaigns_id` are name and id. */
const fieldsOf = (totals: Totalled): DefinitionFields<Campaign> => ({
  texts: ['name', 'campaign_type', 'type', 'category', 'category_id'],
  fields: {
    campaigns: [TEXT, ({ definition }) => definition.name],
    campaigns_id: [TEXT, ({ id }) => id],
    campaign_status: [TEXT, ({ id, definition }) => generationOf(definition, totals.get(id))],
    is_referral_code: [TEXT, ({ definition }) => definition.campaign_type === 'REFERRAL_PROGRAM'],
    voucher_type: [TEXT, ({ definition }) => definition.voucher?.type],
    categories: [TEXT, ({ definition }) => definition.category],
    category_ids: [TEXT, ({ definition }) => definition.category_id],
    created_date: [TIME, ({ createdAt }) => createdAt],
    start_date: [TIME, ({ definition }) => definition.start_date],
    expiration_date: [TIME, ({ definition }) => definition.expiration_date],
  },
})

const list = async (
  services: Services,
  call: { readonly query: v.InferOutput<typeof ListQuery>; readonly now: number },
): Promise<Outcome> => {
  const { campaign_type: type, campaign_status: status, is_referral_code: isReferral } = call.query
  const { definitions } = services.rulebook.current()
  const all = [...campaignsIn(definitions).values()]
  const totals = await totalsOf(
    services,
    all.map(({ id }) => id),
  )
  const asked = all.filter(
    ({ id, definition }) =>
      (type === undefined || definition.campaign_type === type) &&
      (status === undefined || generationOf(definition, totals.get(id)) === status) &&
      (isReferral === undefined || (definition.campaign_type === 'REFERRAL_PROGRAM') === isReferral),
  )
  const show = (entry: Entry<Campaign>) => showCampaign(entry, definitions, totals.get(entry.id) ?? null)
  return pageOfDefinitions(services, asked, call, fieldsOf(totals), show, 'campaigns')
}

export const campaignQueries = (services: Services) => {
  const { rulebook } = services
  return [
    route({
      method: 'get',
      path: '/v1/campaigns',
      summary: 'List campaigns',
      tag: 'Campaigns',
      permission: 'definitions.read',
      query: ListQuery,
      response: listOf('campaigns', CampaignObject),
      handler: (call) => list(services, call),
    }),
    route({
      method: 'get',
      path: '/v1/campaigns/{id}',
      summary: 'Get a campaign by id or name',
      tag: 'Campaigns',
      permission: 'definitions.read',
      params: ById,
      response: CampaignObject,
      handler: async ({ params }): Promise<Outcome> => {
        const named = campaignNamed(rulebook.current().definitions, params.id)
        const entry = named && rulebook.current().entries('campaign').get(named.id)
        if (!entry) return notFound('campaign', params.id)
        return {
          revision: entry.revision,
          body: {
            ...showCampaign(
              entry,
              rulebook.current().definitions,
              (await totalsOf(services, [entry.id])).get(entry.id) ?? null,
            ),
            ...promotionOf(entry, rulebook.current()),
          },
        }
      },
    }),
  ]
}
