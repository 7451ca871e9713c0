// What came of a campaign: its redemptions and rollbacks, the money in them, its publications.
import * as v from 'valibot'
import type { CampaignTotalsDocument } from '../projections/campaignTotals.ts'
import type { PublicationDocument } from '../projections/publications.ts'
import { CampaignObject, campaignNamed, showCampaign, totalsOf } from '../src/api/presenters/campaigns.ts'
import { ById } from '../src/api/shapes.ts'
import { fail, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const CampaignSummary = v.pipe(
  v.object({
    object: v.literal('campaign_summary'),
    campaign: CampaignObject,
    publications_succeeded: v.number(),
    publications_failed: v.number(),
    /** Gift credits. */
    amount_redeemed: v.number(),
    amount_rolledback: v.number(),
    redeemed_amount: v.number(),
    rolledback_redeemed_amount: v.number(),
    redemptions: v.number(),
    redemptions_succeeded: v.number(),
    redemptions_failed: v.number(),
    rollbacks: v.number(),
    rollbacks_succeeded: v.number(),
    rollbacks_failed: v.number(),
    /** Validations are answered and not recorded: there is no count of them, and these are 0. */
    validations: v.number(),
    validations_succeeded: v.number(),
    validations_failed: v.number(),
    publications: v.number(),
    /** Codes that are there. */
    vouchers_count: v.number(),
    /** Minor units, as all amounts; what was rolled back is not taken off. */
    discounted_amount: v.number(),
    rolledback_discounted_amount: v.number(),
    orders_amount: v.number(),
    orders_rolledback_amount: v.number(),
  }),
  v.title('CampaignSummary'),
)

const show = (totals: CampaignTotalsDocument | null) => {
  const { succeeded = 0, failed = 0, rolled_back = 0, rollbacks_failed = 0 } = totals ?? {}
  return {
    redemptions: succeeded + failed,
    redemptions_succeeded: succeeded,
    redemptions_failed: failed,
    rollbacks: rolled_back + rollbacks_failed,
    rollbacks_succeeded: rolled_back,
    rollbacks_failed,
    validations: 0,
    validations_succeeded: 0,
    validations_failed: 0,
    discounted_amount: totals?.discounted ?? 0,
    rolledback_discounted_amount: totals?.rolled_back_discounted ?? 0,
    orders_amount: totals?.orders ?? 0,
    orders_rolledback_amount: totals?.rolled_back_orders ?? 0,
    amount_redeemed: totals?.credits ?? 0,
    amount_rolledback: totals?.rolled_back_credits ?? 0,
    redeemed_amount: totals?.credits ?? 0,
    rolledback_redeemed_amount: totals?.rolled_back_credits ?? 0,
  }
}

const Query = v.object({ start_date: v.optional(v.string()), end_date: v.optional(v.string()) })

const summary = async (services: Services, name: string, query: v.InferOutput<typeof Query>): Promise<Outcome> => {
  // Totals are kept for all time: a period that is asked for must not be answered with them.
  if (query.start_date !== undefined || query.end_date !== undefined)
    return fail('invalid_query_params', 'start_date and end_date are not supported: totals are those of all time')
  const entry = campaignNamed(services.rulebook.current().definitions, name)
  if (!entry) return notFound('campaign', name)
  const [totals, publications, codes] = await Promise.all([
    services.readModel.collection<CampaignTotalsDocument>('campaignTotals').findOne({ _id: entry.id }),
    services.readModel.collection<PublicationDocument>('publications').count({ 'campaign.id': entry.id }),
    totalsOf(services, [entry.id]),
  ])
  return {
    body: {
      object: 'campaign_summary',
      campaign: showCampaign(entry, services.rulebook.current().definitions, codes.get(entry.id) ?? null),
      vouchers_count: codes.get(entry.id)?.codes ?? 0,
      ...show(totals),
      publications,
      publications_succeeded: publications,
      publications_failed: 0,
    },
  }
}

export const campaignSummaryQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/campaigns/{id}/summary',
    summary: "Totals of a campaign's redemptions, rollbacks and publications",
    tag: 'Campaigns',
    permission: 'codes.read',
    params: ById,
    query: Query,
    response: CampaignSummary,
    handler: ({ params, query }) => summary(services, params.id, query),
  }),
]
