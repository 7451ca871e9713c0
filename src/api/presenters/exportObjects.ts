// What can be exported: of each kind of object its columns, its orders and filters, and how documents become rows, page by page.
import type { CreditTransactionDocument } from '../../../projections/creditTransactions.ts'
import type { CustomerDocument } from '../../../projections/customers.ts'
import type { LoyaltyCardDocument } from '../../../projections/loyaltyCards.ts'
import type { LoyaltyTransactionDocument } from '../../../projections/loyaltyTransactions.ts'
import type { OrderDocument } from '../../../projections/orders.ts'
import type { PublicationDocument } from '../../../projections/publications.ts'
import type { RedemptionDocument } from '../../../projections/redemptions.ts'
import type { VoucherDocument } from '../../../projections/vouchers.ts'
import { type Holder, holds, type Permission } from '../../domain/access/permissions.ts'
import { resolveVoucher } from '../../domain/vouchers/resolve.ts'
import type { Keyed } from '../../readmodel/index.ts'
import type { Services } from '../../services.ts'
import { type DocumentFields, TIME } from '../lists/filters.ts'
import { CUSTOMER_FILTERS, showCustomers } from './customers.ts'
import { ORDER_FILTERS } from './orders.ts'
import { showVoucher } from './vouchers.ts'

/** A row by the names of its columns; a column that is not there is empty. */
export type Row = Readonly<Record<string, unknown>>

type Filter = Record<string, unknown>

interface Exportable {
  readonly columns: readonly string[]
  /** The columns of who names none. */
  readonly usual: readonly string[]
  /** Names of orders with the field of an index that each goes along; the first is the usual one. */
  readonly orders: Readonly<Record<string, string>>
  readonly filters: DocumentFields
  /** What a key must hold to export it. */
  readonly permission: Permission
  readonly read: (services: Services, filter: Filter, sort: Record<string, 1 | -1>) => AsyncIterable<Row>
}

/** Documents whose rows are made together. */
const PAGE = 200

async function* pagesOf<D extends Keyed>(
  { readModel }: Services,
  name: string,
  filter: Filter,
  sort: Record<string, 1 | -1>,
): AsyncGenerator<readonly D[]> {
  let page: D[] = []
  for await (const document of readModel.collection<D>(name).stream(filter as never, { sort })) {
    page.push(document as unknown as D)
    if (page.length < PAGE) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

const profilesOf = async ({ readModel }: Services, ids: readonly (string | null)[]) => {
  const wanted = [...new Set(ids.filter((id): id is string => id !== null))]
  const found = await readModel
    .collection<CustomerDocument>('customers')
    .find({ _id: { $in: wanted } }, { limit: Math.max(1, wanted.length) })
  return new Map(found.map(({ _id, profile }) => [_id, profile]))
}

async function* customers(services: Services, filter: Filter, sort: Record<string, 1 | -1>): AsyncGenerator<Row> {
  for await (const page of pagesOf<CustomerDocument>(services, 'customers', filter, sort))
    for (const { summary, address, loyalty, ...customer } of await showCustomers(services, page))
      yield {
        ...customer,
        birthday: customer.birthdate,
        ...Object.fromEntries(
          ['city', 'state', 'line_1', 'line_2', 'country', 'postal_code'].map((part) => [
            `address_${part}`,
            (address as Row | null)?.[part],
          ]),
        ),
        ...Object.fromEntries(Object.entries(summary.redemptions).map(([name, n]) => [`redemptions_${name}`, n])),
        ...Object.fromEntries(Object.entries(summary.orders).map(([name, n]) => [`orders_${name}`, n])),
        loyalty_points: loyalty.points,
        loyalty_referred_customers: loyalty.referred_customers,
      }
}

const discountValue = (discount: Row | null): unknown =>
  discount && (discount.amount_off ?? discount.percent_off ?? discount.unit_off ?? discount.fixed_amount)

async function* vouchers(services: Services, filter: Filter, sort: Record<string, 1 | -1>): AsyncGenerator<Row> {
  const rulebook = services.rulebook.current()
  for await (const page of pagesOf<VoucherDocument>(services, 'vouchers', filter, sort)) {
    const cards = await services.readModel
      .collection<LoyaltyCardDocument>('loyaltyCards')
      .find({ code: { $in: page.map(({ _id }) => _id) } }, { limit: PAGE })
    const balances = new Map(cards.map(({ code, card }) => [code, card.balance]))
    const profiles = await profilesOf(
      services,
      page.map(({ customer }) => customer),
    )
    for (const { state, sums, customer } of page) {
      const shown = showVoucher(state, rulebook, sums)
      if (!shown) continue
      const discount = shown.discount as Row | null
      yield {
        ...shown,
        voucher_type: shown.type,
        value: discountValue(discount) ?? shown.gift?.amount ?? null,
        discount_type: discount?.type,
        discount_amount_limit: discount?.amount_limit,
        discount_unit_type: discount?.unit_type,
        discount_unit_effect: discount?.effect,
        gift_balance: shown.gift?.balance,
        loyalty_balance: balances.get(shown.code),
        redemption_quantity: shown.redemption.quantity,
        redemption_count: shown.redemption.redeemed_quantity,
        validity_timeframe_interval: shown.validity_timeframe?.interval,
        validity_timeframe_duration: shown.validity_timeframe?.duration,
        customer_id: customer,
        customer_source_id: profiles.get(customer ?? '')?.source_id,
      }
    }
  }
}

async function* redemptions(services: Services, filter: Filter, sort: Record<string, 1 | -1>): AsyncGenerator<Row> {
  for await (const page of pagesOf<RedemptionDocument>(services, 'redemptions', filter, sort)) {
    const profiles = await profilesOf(
      services,
      page.map(({ customer }) => customer),
    )
    for (const one of page) {
      const profile = profiles.get(one.customer ?? '')
      const isRollback = one.kind === 'rollback'
      yield {
        id: one._id,
        object: isRollback ? 'redemption_rollback' : 'redemption',
        date: one.created_at,
        voucher_code: one.promotion ? null : one.voucher.code,
        promotion_tier_id: one.promotion?.id,
        campaign: one.campaign?.name,
        customer_id: one.customer,
        customer_source_id: profile?.source_id,
        customer_name: profile?.name,
        tracking_id: one.tracking_id,
        order_amount: one.order?.amount,
        gift_amount: one.credits === null ? null : isRollback ? -one.credits : one.credits,
        result: one.result,
        failure_code: one.failure?.key,
        failure_message: one.failure?.details,
        metadata: one.metadata,
      }
    }
  }
}

async function* publications(services: Services, filter: Filter, sort: Record<string, 1 | -1>): AsyncGenerator<Row> {
  for await (const page of pagesOf<PublicationDocument>(services, 'publications', filter, sort)) {
    const profiles = await profilesOf(
      services,
      page.map(({ customer }) => customer),
    )
    for (const one of page)
      for (const { code } of one.vouchers)
        yield {
          code,
          voucher_code: code,
          customer_id: one.customer,
          customer_source_id: profiles.get(one.customer)?.source_id,
          date: one.created_at,
          channel: one.channel,
          campaign: one.campaign?.name,
          metadata: one.metadata,
        }
  }
}

async function* orders(services: Services, filter: Filter, sort: Record<string, 1 | -1>): AsyncGenerator<Row> {
  for await (const page of pagesOf<OrderDocument>(services, 'orders', filter, sort))
    for (const { _id, status, customer, content, created_at, updated_at } of page) {
      const { referrer, ...order } = content
      yield { ...order, id: _id, status, customer_id: customer, referrer_id: referrer, created_at, updated_at }
    }
}

async function* expirations(services: Services, filter: Filter, sort: Record<string, 1 | -1>): AsyncGenerator<Row> {
  for await (const page of pagesOf<LoyaltyCardDocument>(services, 'loyaltyCards', filter, sort))
    for (const { card } of page)
      for (const { id, points, expiresAt } of card.buckets)
        yield {
          id,
          campaign_id: card.campaign.id,
          voucher_id: card.id,
          points,
          status: 'ACTIVE',
          expires_at: expiresAt === null ? null : new Date(expiresAt),
        }
}

/** Of gift vouchers, code by code, each with the balance that it left. */
async function* credits(services: Services, filter: Filter): AsyncGenerator<Row> {
  let code: string | undefined
  let balance = 0
  const collection = services.readModel.collection<CreditTransactionDocument>('creditTransactions')
  for await (const one of collection.stream(filter as never, { sort: { code: 1, position: 1 } })) {
    if (one.code !== code) {
      code = one.code
      const document = await services.readModel.collection<VoucherDocument>('vouchers').findOne({ _id: code })
      balance = (document && resolveVoucher(document.state, services.rulebook.current())?.gift?.amount) ?? 0
    }
    balance += one.amount
    const { _id: id, voucher: voucher_id, campaign: campaign_id, redemption, rollback, ...rest } = one
    const details = { ...(redemption ? { redemption: { id: redemption } } : {}), rollback }
    yield { ...rest, id, voucher_id, campaign_id, balance, details, related_transaction_id: null }
  }
}

async function* transactions(services: Services, filter: Filter, sort: Record<string, 1 | -1>): AsyncGenerator<Row> {
  for await (const page of pagesOf<LoyaltyTransactionDocument>(services, 'loyaltyTransactions', filter, sort))
    for (const { transaction } of page) {
      const { points, balance } = transaction.details.balance
      yield { ...transaction, amount: points, balance }
    }
  // Of credits a card's id is a voucher's.
  const named = JSON.parse(JSON.stringify(filter).replaceAll('"card":', '"voucher":'), (_, value: unknown) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? new Date(value) : value,
  ) as Filter
  yield* credits(services, named)
}

const names = (text: string): readonly string[] => text.trim().split(/\s+/)

const path = (name: string) => ({ path: name })

const EXPORTABLE = {
  voucher: {
    columns:
      names(`code voucher_type value discount_type campaign category start_date expiration_date gift_balance loyalty_balance
      redemption_quantity redemption_count active qr_code bar_code metadata id is_referral_code created_at updated_at
      validity_timeframe_interval validity_timeframe_duration validity_day_of_week discount_amount_limit campaign_id additional_info
      customer_id discount_unit_type discount_unit_effect customer_source_id`),
    usual: names('code voucher_type value discount_type'),
    orders: { created_at: 'created_at', code: '_id' },
    filters: {
      code: path('_id'),
      campaign_id: path('campaign'),
      customer_id: path('customer'),
      created_at: { path: 'created_at', shape: TIME },
      updated_at: { path: 'updated_at', shape: TIME },
    },
    permission: 'codes.read',
    read: vouchers,
  },
  redemption: {
    columns:
      names(`id object date voucher_code campaign promotion_tier_id customer_id customer_source_id customer_name tracking_id
      order_amount gift_amount loyalty_points result failure_code failure_message metadata`),
    usual: names('id object voucher_code customer_id date result'),
    orders: { date: 'created_at', id: '_id' },
    filters: {
      id: path('_id'),
      voucher_code: path('voucher.code'),
      campaign: path('campaign.name'),
      customer_id: path('customer'),
      result: path('result'),
      date: { path: 'created_at', shape: TIME },
    },
    permission: 'redemptions.read',
    read: redemptions,
  },
  publication: {
    columns: names('code voucher_code customer_id customer_source_id date channel campaign is_winner metadata'),
    usual: names('code customer_id date channel'),
    orders: { date: 'created_at' },
    filters: {
      customer_id: path('customer'),
      campaign: path('campaign.name'),
      channel: path('channel'),
      date: { path: 'created_at', shape: TIME },
    },
    permission: 'codes.read',
    read: publications,
  },
  customer: {
    columns:
      names(`name id description email source_id created_at address_city address_state address_line_1 address_line_2
      address_country address_postal_code redemptions_total_redeemed redemptions_total_failed redemptions_total_succeeded
      redemptions_total_rolled_back redemptions_total_rollback_failed redemptions_total_rollback_succeeded orders_total_amount
      orders_total_count orders_average_amount orders_last_order_amount orders_last_order_date loyalty_points
      loyalty_referred_customers updated_at phone birthday metadata birthdate`),
    usual: names('name source_id'),
    orders: { created_at: 'created_at', updated_at: 'updated_at', source_id: 'source_id', id: '_id' },
    filters: CUSTOMER_FILTERS,
    permission: 'customers.read',
    read: customers,
  },
  order: {
    columns:
      names(`id source_id created_at updated_at status amount discount_amount items_discount_amount total_discount_amount
      total_amount customer_id referrer_id metadata`),
    usual: names('id source_id status'),
    orders: { created_at: 'created_at', updated_at: 'updated_at', status: 'status', id: '_id' },
    filters: ORDER_FILTERS,
    permission: 'orders.read',
    read: orders,
  },
  points_expiration: {
    columns: names('id campaign_id voucher_id points status expires_at'),
    usual: names('id campaign_id voucher_id points status expires_at'),
    orders: { id: '_id' },
    filters: { campaign_id: path('campaign'), voucher_id: path('_id') },
    permission: 'members.read',
    read: expirations,
  },
  voucher_transactions: {
    columns: names(
      'id campaign_id voucher_id type source_id reason source balance amount related_transaction_id created_at details',
    ),
    usual: names('id type source_id reason source balance amount created_at'),
    orders: { created_at: 'position' },
    filters: {
      voucher_id: path('card'),
      campaign_id: path('campaign'),
      type: path('type'),
      created_at: { path: 'created_at', shape: TIME },
    },
    permission: 'members.read',
    read: transactions,
  },
} as const satisfies Readonly<Record<string, Exportable>>

export type ExportName = keyof typeof EXPORTABLE

export const EXPORT_NAMES = Object.keys(EXPORTABLE) as readonly ExportName[]

export const exportable = (name: ExportName): Exportable => EXPORTABLE[name]

/** Whether a key may see an export of these objects, and what is in it: managing exports is not enough. */
export const maySee = (key: Holder, name: string): boolean =>
  Object.hasOwn(EXPORTABLE, name) && holds(key, exportable(name as ExportName).permission)

/** Whether a column can be asked for: one of the list, or one name of the metadata. */
export const isColumn = (name: ExportName, column: string): boolean => {
  const { columns } = exportable(name)
  return columns.includes(column) || (column.startsWith('metadata.') && columns.includes('metadata'))
}
