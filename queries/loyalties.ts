// Reading loyalty programs: definitions from the rulebook in memory, totals from their read model.

import * as v from 'valibot'
import type { LoyaltyTotalsDocument } from '../projections/loyaltyTotals.ts'
import { definitionListQuery, namedListQuery, pageOfDefinitions } from '../src/api/lists/definitions.ts'
import { totalsOf } from '../src/api/presenters/campaigns.ts'
import { ByCampaign, CampaignObject, findProgram, showCampaign } from '../src/api/presenters/loyalties.ts'
import type { Campaign } from '../src/domain/rulebook/campaign.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { answerOf, listOf } from '../src/http/answers.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

export const ListQuery = v.object(definitionListQuery)

export const loyaltyQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/loyalties',
    summary: 'List loyalty programs',
    tag: 'Loyalty programs',
    permission: 'definitions.read',
    query: v.object(namedListQuery),
    response: listOf('campaigns', CampaignObject),
    handler: async (call): Promise<Outcome> => {
      const programs = [...services.rulebook.current().entries('campaign').values()].filter(
        ({ definition }) => definition.campaign_type === 'LOYALTY_PROGRAM',
      )
      const totals = await totalsOf(
        services,
        programs.map(({ id }) => id),
      )
      const show = (entry: Entry<Campaign>) =>
        showCampaign(entry, services.rulebook.current().definitions, totals.get(entry.id) ?? null)
      return pageOfDefinitions(services, programs, call, { texts: ['name', 'category'] }, show, 'campaigns')
    },
  }),
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}',
    summary: 'Get a loyalty program by id or name',
    tag: 'Loyalty programs',
    permission: 'definitions.read',
    params: ByCampaign,
    response: CampaignObject,
    handler: async (call): Promise<Outcome> => {
      const found = findProgram(services, call.params.campaignId)
      if (isFailure(found)) return found
      const totals = (await totalsOf(services, [found.id])).get(found.id) ?? null
      return { revision: found.revision, body: showCampaign(found, services.rulebook.current().definitions, totals) }
    },
  }),
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/summary',
    summary: 'Totals of a loyalty program',
    description:
      'Cards, points on them and pending, and for each type of transaction how many there were over how many points.',
    tag: 'Loyalty programs',
    permission: 'members.read',
    params: ByCampaign,
    response: answerOf('loyalty_summary', {
      campaign_id: v.string(),
      members: v.number(),
      balance: v.number(),
      pending_points: v.number(),
      closed_points: v.number(),
      transactions: v.record(v.string(), v.object({ count: v.number(), points: v.number() })),
    }),
    handler: async (call): Promise<Outcome> => {
      const found = findProgram(services, call.params.campaignId)
      if (isFailure(found)) return found
      const totals = await services.readModel
        .collection<LoyaltyTotalsDocument>('loyaltyTotals')
        .findOne({ _id: found.id })
      return {
        body: {
          object: 'loyalty_summary',
          campaign_id: found.id,
          members: totals?.members ?? 0,
          balance: totals?.balance ?? 0,
          pending_points: totals?.pending ?? 0,
          closed_points: totals?.closed ?? 0,
          transactions: totals?.transactions ?? {},
        },
      }
    },
  }),
]
