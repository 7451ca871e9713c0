// Reading the transactions of a gift voucher, each with the balance that it left.

import * as v from 'valibot'
import type { CreditTransactionDocument } from '../projections/creditTransactions.ts'
import { listBody, orderOf, pagedById, pageOf } from '../src/api/lists/pager.ts'
import { documents } from '../src/api/lists/sources.ts'
import { showCredits } from '../src/api/presenters/creditTransactions.ts'
import { TransactionObject } from '../src/api/presenters/parts.ts'
import { codeNamed } from '../src/api/presenters/vouchers.ts'
import { CodeName } from '../src/domain/codes.ts'
import { resolveVoucher } from '../src/domain/vouchers/resolve.ts'
import { listOf } from '../src/http/answers.ts'
import { isFailure, notFound } from '../src/http/errors.ts'
import { pageNumber } from '../src/http/fields.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { listTransactions, TRANSACTION_ORDERS } from './loyaltyTransactions.ts'

const ListQuery = v.object({
  ...pagedById,
  /** Older clients page by number. */
  page: pageNumber,
  order: orderOf(['id', 'created_at'], '-id'),
})

/** Income, and what is left of it, before a place in the log (excluding it). */
export const standingAt = async ({ readModel }: Services, code: string, initial: number, position: string) => {
  const groups = await readModel
    .collection<CreditTransactionDocument>('creditTransactions')
    .aggregate<{ _id: CreditTransactionDocument['type']; sum: number }>([
      { $match: { code, position: { $lt: position } } },
      { $group: { _id: '$type', sum: { $sum: '$amount' } } },
    ])
  const isByHand = (type: CreditTransactionDocument['type']) =>
    type === 'CREDITS_ADDITION' || type === 'CREDITS_REMOVAL'
  const sumOf = (test: (type: CreditTransactionDocument['type']) => boolean) =>
    groups.reduce((sum, group) => (test(group._id) ? sum + group.sum : sum), initial)
  return { total: sumOf(isByHand), balance: sumOf(() => true) }
}

const NO_FILTERS = { type: undefined, filters: undefined, start_date: undefined, end_date: undefined }

const list = async (
  services: Services,
  name: string,
  { query, now }: { readonly query: v.InferOutput<typeof ListQuery>; readonly now: number },
): Promise<Outcome> => {
  const found = await codeNamed(services, name)
  const voucher = found && resolveVoucher(found, services.rulebook.current())
  if (!voucher) return notFound('voucher', name)
  // A discount code is worth no credits: nothing ever happened to them.
  if (voucher.type === 'DISCOUNT_VOUCHER')
    return { body: { object: 'list', data_ref: 'data', data: [], has_more: false } }
  if (voucher.type !== 'GIFT_VOUCHER')
    return listTransactions(services, { card: voucher.id }, { query: { ...query, ...NO_FILTERS }, now })
  const collection = services.readModel.collection<CreditTransactionDocument>('creditTransactions')
  const source = documents(collection, { code: voucher.code }, { named: (id) => ({ _id: id, code: voucher.code }) })
  const page = await pageOf(source, TRANSACTION_ORDERS, query)
  if (isFailure(page)) return page
  const forward = !query.order.startsWith('-')
  const shown = page.entries
  const oldestFirst = forward ? shown : shown.toReversed()
  const initial = voucher.gift?.amount ?? 0
  let { total, balance } = oldestFirst[0]
    ? await standingAt(services, voucher.code, initial, oldestFirst[0].position)
    : { total: initial, balance: initial }
  const data = oldestFirst.map((transaction) => {
    balance += transaction.amount
    if (transaction.redemption === null) total += transaction.amount
    return showCredits(transaction, balance, total)
  })
  if (!forward) data.reverse()
  return { body: listBody('data', page, data, { id: ({ _id }) => _id }) }
}

export const creditTransactionQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/vouchers/{code}/transactions',
    summary: 'List the transactions of a gift voucher or a card',
    tag: 'Vouchers',
    permission: 'codes.read',
    params: v.object({ code: CodeName }),
    query: ListQuery,
    response: listOf('data', TransactionObject),
    handler: (call) => list(services, call.params.code, call),
  }),
]
