// Reading the points of a whole program that become spendable later.

import * as v from 'valibot'
import type { PendingPointsDocument } from '../projections/pendingPoints.ts'
import { listBody, orderOf, pagedById, pageOf } from '../src/api/lists/pager.ts'
import { documents } from '../src/api/lists/sources.ts'
import { ByCampaign, findProgram } from '../src/api/presenters/loyalties.ts'
import { showPendingDocument } from '../src/api/presenters/loyaltyMembers.ts'
import { withOrderSources } from '../src/api/presenters/orderSources.ts'
import { PendingPointsObject } from '../src/api/presenters/parts.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure } from '../src/http/errors.ts'
import { pageNumber } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const ListQuery = v.object({
  ...pagedById,
  /** Older clients page by number. */
  page: pageNumber,
  order: orderOf(['activates_at', 'id'], 'activates_at'),
})

/** By `id` they come in the order in which they were earned. */
const ORDERS = { activates_at: ['activates_at', '_id'], id: ['position'] } as const

export const pendingPointsQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/pending-points',
    summary: 'Points of all cards of a program that become spendable later',
    tag: 'Loyalty programs',
    permission: 'members.read',
    params: ByCampaign,
    query: ListQuery,
    response: listOf('data', PendingPointsObject),
    handler: async ({ params, query }): Promise<Outcome> => {
      const program = findProgram(services, params.campaignId)
      if (isFailure(program)) return program
      const collection = services.readModel.collection<PendingPointsDocument>('pendingPoints')
      const source = documents(collection, { campaign: program.id })
      const page = await pageOf(source, ORDERS, query)
      if (isFailure(page)) return page
      const shown = await withOrderSources(services, page.entries.map(showPendingDocument))
      return { body: listBody('data', page, shown, { id: ({ _id }) => _id }) }
    },
  }),
]
