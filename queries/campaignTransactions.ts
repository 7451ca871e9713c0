// Reading the transactions of a campaign: points of its cards, or credits of its gift vouchers, each with the balance that it left.

import * as v from 'valibot'
import type { CreditTransactionDocument } from '../projections/creditTransactions.ts'
import type { VoucherDocument } from '../projections/vouchers.ts'
import { allOf, type DocumentFields, equals, filterQuery, TIME } from '../src/api/lists/filters.ts'
import { listBody, pageOf } from '../src/api/lists/pager.ts'
import { spanFilter } from '../src/api/lists/range.ts'
import { documents } from '../src/api/lists/sources.ts'
import { campaignNamed } from '../src/api/presenters/campaigns.ts'
import { showCredits } from '../src/api/presenters/creditTransactions.ts'
import { TransactionObject } from '../src/api/presenters/parts.ts'
import { resolveVoucher } from '../src/domain/vouchers/resolve.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { standingAt } from './creditTransactions.ts'
import { listTransactions, TRANSACTION_ORDERS, TransactionsQuery } from './loyaltyTransactions.ts'

const FIELDS: DocumentFields = {
  id: { path: '_id' },
  voucher_id: { path: 'voucher' },
  type: { path: 'type' },
  created_at: { path: 'created_at', shape: TIME },
}

/** Transactions with the balance and the total that each left on its code; `page` is in the order of the log, either way. */
const withBalances = async (services: Services, page: readonly CreditTransactionDocument[]) => {
  const codes = [...new Set(page.map(({ code }) => code))]
  const vouchers = await services.readModel
    .collection<VoucherDocument>('vouchers')
    .find({ _id: { $in: codes } }, { limit: Math.max(1, codes.length) })
  const rulebook = services.rulebook.current()
  const initial = new Map(vouchers.map(({ _id, state }) => [_id, resolveVoucher(state, rulebook)?.gift?.amount ?? 0]))
  // A filter may have left out what is between two of one code: each is asked for by itself.
  return Promise.all(
    page.map(async (one) => {
      const { total, balance } = await standingAt(services, one.code, initial.get(one.code) ?? 0, one.position)
      return showCredits(one, balance + one.amount, one.redemption === null ? total + one.amount : total)
    }),
  )
}

const credits = async (
  services: Services,
  campaign: string,
  { query, now }: { readonly query: v.InferOutput<typeof TransactionsQuery>; readonly now: number },
): Promise<Outcome> => {
  const { timeZone } = services.rulebook.current().project
  const filters = filterQuery(query.filters, FIELDS, { timeZone, now })
  if (isFailure(filters)) return filters
  const { type } = query
  const filter = allOf({ campaign }, equals('type', type), spanFilter('created_at', query, timeZone), filters)
  const source = documents(services.readModel.collection<CreditTransactionDocument>('creditTransactions'), filter)
  const page = await pageOf(source, TRANSACTION_ORDERS, query)
  if (isFailure(page)) return page
  return { body: listBody('data', page, await withBalances(services, page.entries), { id: ({ _id }) => _id }) }
}

export const campaignTransactionQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/campaigns/{campaignId}/transactions',
    summary: "List the transactions of a campaign's gift vouchers or cards",
    tag: 'Campaigns',
    permission: 'members.read',
    params: v.object({ campaignId: v.string() }),
    query: TransactionsQuery,
    response: listOf('data', TransactionObject),
    handler: (call): Outcome | Promise<Outcome> => {
      const found = campaignNamed(services.rulebook.current().definitions, call.params.campaignId)
      if (!found) return notFound('campaign', call.params.campaignId)
      return found.definition.campaign_type === 'LOYALTY_PROGRAM'
        ? listTransactions(services, { campaign: found.id }, call)
        : credits(services, found.id, call)
    },
  }),
]
