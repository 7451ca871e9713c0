// Reading loyalty programs: definitions from the rulebook in memory, totals from their read model.

import * as v from 'valibot'
import type { LoyaltyTotalsDocument } from '../projections/loyaltyTotals.ts'
import type { Campaign } from '../src/domain/rulebook/campaign.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { answerOf, listOf } from '../src/http/answers.ts'
import { type Failure, isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { wholeCampaign } from './campaigns.ts'
import { definitionListQuery, namedListQuery, pageOfDefinitions } from './definitionList.ts'
import { isoOf, isoOrNull, offOf } from './shapes.ts'

export const CampaignObject = v.pipe(
  v.looseObject({
    id: v.string(),
    name: v.string(),
    campaign_type: v.string(),
    active: v.boolean(),
    created_at: v.string(),
    object: v.literal('campaign'),
  }),
  v.title('LoyaltyCampaign'),
)

const showWhole = (definition: Campaign) => {
  const whole = wholeCampaign(definition)
  return whole.voucher
    ? { ...whole, voucher: { ...whole.voucher, object: 'voucher' as const, active: definition.active } }
    : whole
}

/** A campaign as the HTTP contract shows it. */
export const showCampaign = ({ id, definition, createdAt, updatedAt, off }: Entry<Campaign>) => ({
  id,
  ...definition,
  ...showWhole(definition),
  creation_status: 'DONE' as const,
  vouchers_generation_status: 'DONE' as const,
  created_at: isoOf(createdAt),
  updated_at: isoOrNull(updatedAt),
  ...offOf({ off }),
  object: 'campaign' as const,
})

/** The loyalty program that a path names by id or name. */
export const findProgram = ({ rulebook }: Pick<Services, 'rulebook'>, name: string): Entry<Campaign> | Failure => {
  const campaigns = rulebook.current().entries('campaign')
  const found = campaigns.get(name) ?? [...campaigns.values()].find(({ definition }) => definition.name === name)
  return found?.definition.campaign_type === 'LOYALTY_PROGRAM' ? found : notFound('campaign', name)
}

export const ListQuery = v.object(definitionListQuery)

export const ByCampaign = v.object({ campaignId: v.string() })

export const loyaltyQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/loyalties',
    summary: 'List loyalty programs',
    tag: 'Loyalty programs',
    permission: 'definitions.read',
    query: v.object(namedListQuery),
    response: listOf('campaigns', CampaignObject),
    handler: (call): Promise<Outcome> => {
      const programs = [...services.rulebook.current().entries('campaign').values()].filter(
        ({ definition }) => definition.campaign_type === 'LOYALTY_PROGRAM',
      )
      return pageOfDefinitions(services, programs, call, { texts: ['name', 'category'] }, showCampaign, 'campaigns')
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
    handler: (call): Outcome => {
      const found = findProgram(services, call.params.campaignId)
      return isFailure(found) ? found : { revision: found.revision, body: showCampaign(found) }
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
    response: answerOf('loyalty_summary', { campaign_id: v.string(), members: v.number(), balance: v.number() }),
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
