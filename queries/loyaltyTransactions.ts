// Reading the transactions of a card or of a whole program, newest first.

import * as v from 'valibot'
import type { LoyaltyTransactionDocument } from '../projections/loyaltyTransactions.ts'
import { allOf, type DocumentFields, equals, filterQuery, TIME } from '../src/api/lists/filters.ts'
import { listBody, orderOf, pagedById, pageOf } from '../src/api/lists/pager.ts'
import { spanFields, spanFilter } from '../src/api/lists/range.ts'
import { documents } from '../src/api/lists/sources.ts'
import { ByCampaign, findProgram } from '../src/api/presenters/loyalties.ts'
import { ByMember, memberPaths, readCard } from '../src/api/presenters/loyaltyMembers.ts'
import { withOrderSources } from '../src/api/presenters/orderSources.ts'
import { TransactionObject } from '../src/api/presenters/parts.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure } from '../src/http/errors.ts'
import { pageNumber } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

export const TransactionsQuery = v.object({
  ...pagedById,
  /** Older clients page by number. */
  page: pageNumber,
  order: orderOf(['id', 'created_at'], '-id'),
  type: v.optional(v.string()),
  ...spanFields,
  filters: v.optional(v.record(v.string(), v.unknown())),
})

export type TransactionsQuery = v.InferOutput<typeof TransactionsQuery>

const FIELDS: DocumentFields = {
  id: { path: '_id' },
  voucher_id: { path: 'card' },
  type: { path: 'type' },
  created_at: { path: 'created_at', shape: TIME },
}

/** Transactions are listed as they stand in the log, whatever the order is called. */
export const TRANSACTION_ORDERS = { id: ['position'], created_at: ['position'] } as const

export const listTransactions = async (
  services: Services,
  of: { card: string } | { campaign: string },
  { query, now }: { readonly query: TransactionsQuery; readonly now: number },
): Promise<Outcome> => {
  const { timeZone } = services.rulebook.current().project
  const filters = filterQuery(query.filters, FIELDS, { timeZone, now })
  if (isFailure(filters)) return filters
  const { type } = query
  const filter = allOf(of, equals('type', type), spanFilter('created_at', query, timeZone), filters)
  const source = documents(services.readModel.collection<LoyaltyTransactionDocument>('loyaltyTransactions'), filter)
  const page = await pageOf(source, TRANSACTION_ORDERS, query)
  if (isFailure(page)) return page
  const transactions = page.entries.map(({ transaction }) => transaction)
  const shown = await withOrderSources(services, transactions)
  return { body: listBody('data', page, shown, { id: ({ transaction }) => transaction.id }) }
}

export const loyaltyTransactionQueries = (services: Services) => [
  route({
    method: 'get',
    ...memberPaths('/transactions'),
    summary: 'List the transactions of a card',
    tag: 'Loyalty members',
    permission: 'members.read',
    params: ByMember,
    query: TransactionsQuery,
    response: listOf('data', TransactionObject),
    handler: async (call): Promise<Outcome> => {
      const card = await readCard(services, call.params.memberId, call.params.campaignId)
      return isFailure(card) ? card : listTransactions(services, { card: card._id }, call)
    },
  }),
  route({
    method: 'get',
    path: '/v1/loyalties/{campaignId}/transactions',
    summary: 'List the transactions of a loyalty program',
    tag: 'Loyalty programs',
    permission: 'members.read',
    params: ByCampaign,
    query: TransactionsQuery,
    response: listOf('data', TransactionObject),
    handler: async (call): Promise<Outcome> => {
      const program = findProgram(services, call.params.campaignId)
      return isFailure(program) ? program : listTransactions(services, { campaign: program.id }, call)
    },
  }),
]
