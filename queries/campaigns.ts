// Reading campaigns of all types. The rulebook in memory is their read model: it is never behind its own stream for long.

import * as v from 'valibot'
import type { VoucherTotalsDocument } from '../projections/voucherTotals.ts'
import { wholeConfig } from '../src/domain/codes.ts'
import { type Campaign, CampaignType, campaignsIn, hasOwnCodes } from '../src/domain/rulebook/campaign.ts'
import type { Definitions, Entry } from '../src/domain/rulebook/kind.ts'
import { listOf } from '../src/http/answers.ts'
import { notFound } from '../src/http/errors.ts'
import { queryFlag } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { type DefinitionFields, definitionListQuery, pageOfDefinitions } from './definitionList.ts'
import { TEXT, TIME } from './filters.ts'
import { ById, isoOf, isoOrNull, offOf } from './shapes.ts'

export const CampaignObject = v.pipe(
  v.looseObject({
    id: v.string(),
    name: v.string(),
    campaign_type: CampaignType,
    active: v.boolean(),
    auto_join: v.boolean(),
    join_once: v.boolean(),
    voucher: v.optional(v.looseObject({ type: v.string(), is_referral_code: v.boolean() })),
    creation_status: v.string(),
    vouchers_generation_status: v.string(),
    protected: v.boolean(),
    category_id: v.nullable(v.string()),
    categories: v.array(v.unknown()),
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

/** The parts of a campaign that the contract always has: its vouchers whole, and that it is in no category of the contract's. */
export const wholeCampaign = ({ voucher, category_id: category, campaign_type: type }: Campaign) => ({
  ...(voucher || type === 'REFERRAL_PROGRAM'
    ? {
        voucher: {
          type: 'DISCOUNT_VOUCHER' as const,
          ...voucher,
          code_config: wholeConfig(voucher?.code_config ?? {}),
          redemption: { quantity: voucher?.redemption?.quantity ?? null },
          is_referral_code: type === 'REFERRAL_PROGRAM' || (voucher?.is_referral_code ?? false),
        },
      }
    : {}),
  readonly: false,
  protected: false,
  category_id: category ?? null,
  categories: [],
})

/** A campaign as the HTTP contract shows it, with its totals where they are known; null: it has none yet. */
export const showCampaign = (
  { id, definition, createdAt, updatedAt, off }: Entry<Campaign>,
  totals?: Totals | null,
) => ({
  id,
  ...definition,
  ...wholeCampaign(definition),
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
  const all = [...campaignsIn(services.rulebook.current().definitions).values()]
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
  const show = (entry: Entry<Campaign>) => showCampaign(entry, totals.get(entry.id) ?? null)
  return pageOfDefinitions(services, asked, call, fieldsOf(totals), show, 'campaigns')
}

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
          body: showCampaign(entry, (await totalsOf(services, [entry.id])).get(entry.id) ?? null),
        }
      },
    }),
  ]
}
