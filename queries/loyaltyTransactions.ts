// Reading the transactions of a card or of a whole program, newest first.
import * as v from 'valibot'
import type { LoyaltyTransactionDocument } from '../projections/loyaltyTransactions.ts'
import { isFailure, refuse } from '../src/http/errors.ts'
import { instant, pageLimit, pageNumber } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { fresh } from './fresh.ts'
import { ByCampaign, findProgram, READERS } from './loyalties.ts'
import { ByMember, memberPaths, readCard } from './loyaltyMembers.ts'

const TransactionsQuery = v.object({
  limit: pageLimit,
  /** Older clients page by number. */
  page: pageNumber,
  order: v.optional(v.picklist(['id', '-id', 'created_at', '-created_at']), '-id'),
  starting_after_id: v.optional(v.string()),
  type: v.optional(v.string()),
  start_date: v.optional(instant),
  end_date: v.optional(instant),
})
type TransactionsQuery = v.InferOutput<typeof TransactionsQuery>

const list = async (
  services: Services,
  of: { card: string } | { campaign: string },
  query: TransactionsQuery,
): Promise<Outcome> => {
  const collection = services.readModel.collection<LoyaltyTransactionDocument>('loyaltyTransactions')
  const forward = !query.order.startsWith('-')
  const { starting_after_id: after } = query
  const last =
    after === undefined ? undefined : await collection.findOne({ _id: after }, { projection: { position: 1 } })
  if (after !== undefined && !last) return refuse('invalid_or_expired_cursor', `No transaction has the id ${after}`)
  const { start_date: start, end_date: end, type } = query
  const found = await collection.find(
    {
      ...of,
      ...(type === undefined ? {} : { type }),
      ...(start === undefined && end === undefined
        ? {}
        : {
            created_at: {
              ...(start === undefined ? {} : { $gte: new Date(start) }),
              ...(end === undefined ? {} : { $lt: new Date(end) }),
            },
          }),
      ...(last ? { position: forward ? { $gt: last.position } : { $lt: last.position } } : {}),
    },
    {
      sort: { position: forward ? 1 : -1 },
      limit: query.limit + 1,
      ...(last || query.page === 1 ? {} : { skip: (query.page - 1) * query.limit }),
    },
  )
  const data = found.slice(0, query.limit).map(({ transaction }) => transaction)
  const more = found.length > query.limit
  return {
    body: {
      object: 'list',
      data_ref: 'data',
      data,
      has_more: more,
      more_starting_after: more ? data.at(-1)!.id : null,
    },
  }
}

export const loyaltyTransactionQueries = (services: Services) => [
  route({
    method: 'get',
    ...memberPaths('/transactions'),
    summary: 'List the transactions of a card',
    tag: 'Loyalty members',
    roles: READERS,
    params: ByMember,
    query: TransactionsQuery,
    handler: fresh(services, async (call): Promise<Outcome> => {
      const card = await readCard(services, call.params.memberId, call.params.campaignId)
      return isFailure(card) ? card : list(services, { card: card._id }, call.query)
    }),
  }),
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/transactions',
    summary: 'List the transactions of a loyalty program',
    tag: 'Loyalty programs',
    roles: READERS,
    params: ByCampaign,
    query: TransactionsQuery,
    handler: fresh(services, async (call): Promise<Outcome> => {
      const program = findProgram(services, call.params.campaignId)
      return isFailure(program) ? program : list(services, { campaign: program.id }, call.query)
    }),
  }),
]
