// What validation rules may ask of the order, its items, the redemption and its budgets: names, types, where each is found.

import { addTo } from '../grouped.ts'
import { isRecord } from '../isRecord.ts'
import { metadataAt } from '../metadataPath.ts'
import { ANY, type ValueShape } from './environment.ts'
import { listSteps, pairSteps, type Steps, spend } from './steps.ts'
import type { ItemContext, OrderItem } from './subject.ts'

/** The context lacks what is asked: the condition fails, also a negative one. */
export const ABSENT: unique symbol = Symbol('absent')
/** The budget is not to be judged: the condition holds. */
export const SKIPPED: unique symbol = Symbol('skipped')

export type Reach = 'one' | 'list' | 'pairs'

export interface Source {
  readonly shape: ValueShape
  /** Whether the rule must name a property of metadata. */
  readonly property: boolean
  /** Whether operators of times are asked of the present. */
  readonly clock: boolean
  /** How many items are looked at to find it: the one that is meant, all of the list, or for each one all. */
  readonly reach: Reach
  /** Only makes sense inside a rule on the items of the order. */
  readonly inItems: boolean
  readonly read: (context: ItemContext, property: string) => unknown
}

const NUMBER: ValueShape = { type: 'number', array: false }
const TEXT: ValueShape = { type: 'string', array: false }
const TRUTH: ValueShape = { type: 'boolean', array: false }
const TEXTS: ValueShape = { type: 'string', array: true }

const source = (shape: ValueShape, read: Source['read'], more: Partial<Source> = {}): Source => ({
  shape,
  property: false,
  clock: false,
  reach: 'one',
  inItems: false,
  read,
  ...more,
})

const own = (record: unknown, key: string): unknown =>
  isRecord(record) && Object.hasOwn(record, key) ? record[key] : undefined

const ofOrder =
  (read: (order: NonNullable<ItemContext['order']>, property: string) => unknown): Source['read'] =>
  ({ order }, property) =>
    order ? read(order, property) : ABSENT

const ofItem =
  (read: (item: OrderItem, property: string) => unknown): Source['read'] =>
  ({ item }, property) =>
    item ? read(item, property) : ABSENT

const ofRedemption =
  (read: (redemption: NonNullable<ItemContext['redemption']>, property: string) => unknown): Source['read'] =>
  ({ redemption }, property) =>
    redemption ? read(redemption, property) : ABSENT

/** The items that are looked at: those of the rule around it, else all of the order; undefined without an order. */
const itemsOf = ({ items, order }: ItemContext): readonly OrderItem[] | undefined =>
  items ?? (order ? (order.items ?? []) : undefined)

const ofItems =
  (read: (items: readonly OrderItem[], property: string) => unknown): Source['read'] =>
  (context, property) => {
    const items = itemsOf(context)
    if (!items) return ABSENT
    spend(context.steps, listSteps(items.length))
    return read(items, property)
  }

const total = (items: readonly OrderItem[], of: (item: OrderItem) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0)

const quantityOf = ({ quantity }: OrderItem): number => quantity ?? 1
const amountOf = (item: OrderItem): number => item.amount ?? (item.price ?? 0) * quantityOf(item)

/** The ids under which an item's product may be named. */
const productIds = ({ product_id, product, source_id }: OrderItem): unknown[] =>
  [product_id, own(product, 'id'), own(product, 'source_id'), source_id].filter((id) => id !== undefined)

const skuIds = ({ sku_id, sku, source_id }: OrderItem): unknown[] =>
  [sku_id, own(sku, 'id'), own(sku, 'source_id'), source_id].filter((id) => id !== undefined)

interface Sums {
  readonly quantity: number
  readonly amount: number
}

/** What is known of a list of items, which never changes: who has an id, and the sums of those that share one with an item. */
interface Products {
  readonly having: ReadonlyMap<unknown, readonly OrderItem[]>
  readonly sums: Map<OrderItem, Sums>
}

const productsOf = new WeakMap<readonly OrderItem[], Products>()

const groupedByProduct = (all: readonly OrderItem[]): Products => {
  const having = new Map<unknown, OrderItem[]>()
  for (const item of all) for (const id of new Set(productIds(item))) addTo(having, id, item)
  return { having, sums: new Map() }
}

/** The sums of all items of an item's product; worked out once for a list. */
const productSums = (one: OrderItem, all: readonly OrderItem[], steps: Steps | undefined): Sums => {
  let products = productsOf.get(all)
  if (!products) {
    spend(steps, all.length)
    products = groupedByProduct(all)
    productsOf.set(all, products)
  }
  const before = products.sums.get(one)
  if (before) return before
  const same = new Set([one])
  for (const id of productIds(one)) for (const other of products.having.get(id) ?? []) same.add(other)
  spend(steps, pairSteps(same.size))
  const items = [...same]
  const sums = { quantity: total(items, quantityOf), amount: total(items, amountOf) }
  products.sums.set(one, sums)
  return sums
}

const ofProduct =
  (name: keyof Sums): Source['read'] =>
  ({ item, items, steps }) =>
    item ? productSums(item, items ?? [item], steps)[name] : ABSENT

/** A discount reaches what the rule selects anyway: there is nothing to refuse. */
const applicable = source(TRUTH, () => true)

const count = (name: string) =>
  source(
    NUMBER,
    ({ measures }) => {
      const value = measures?.(name)
      return value === undefined ? ABSENT : value === 'skip' ? SKIPPED : value
    },
    { clock: true },
  )

const MEASURES = [
  ...['daily', 'weekly', 'monthly', 'per_api_key', 'per_user'].map((name) => `redemption.count.${name}`),
  ...['', '.daily', '.weekly', '.monthly'].flatMap((period) => [
    `redemption.count.per_customer${period}`,
    `campaign.redemptions.count${period}`,
    `campaign.redemptions.customers_count${period}`,
  ]),
  'campaign.orders.amount',
  'campaign.orders.amount_discounted',
]

const item = { inItems: true }
const property = { property: true }
const list = { reach: 'list' } as const
const pairs = { reach: 'pairs' } as const

const prices = (items: readonly OrderItem[]): unknown[] =>
  items.map(({ price }) => price).filter((p) => p !== undefined)

const SOURCES: Readonly<Record<string, Source>> = {
  'order.amount': source(
    NUMBER,
    ofOrder(({ amount }) => amount),
  ),
  'order.total_amount': source(
    NUMBER,
    ofOrder(({ total_amount, amount }) => total_amount ?? amount),
  ),
  'order.initial_amount': source(
    NUMBER,
    ofOrder(({ initial_amount, amount }) => initial_amount ?? amount),
  ),
  'order.metadata': source(
    ANY,
    ofOrder(({ metadata }, key) => metadataAt(metadata, key)),
    property,
  ),
  'order.items.count': source(
    NUMBER,
    (context) => {
      const items = context.order?.items ?? []
      spend(context.steps, listSteps(items.length))
      return context.order ? total(items, quantityOf) : ABSENT
    },
    list,
  ),
  'order.items.quantity': source(NUMBER, ofItem(quantityOf), item),
  'order.items.price': source(
    NUMBER,
    ofItem(({ price }) => price),
    item,
  ),
  'order.items.amount': source(NUMBER, ofItem(amountOf), item),
  'order.items.aggregated_quantity': source(NUMBER, ofProduct('quantity'), { ...item, ...pairs }),
  'order.items.aggregated_amount': source(NUMBER, ofProduct('amount'), { ...item, ...pairs }),
  'order.items.metadata': source(
    ANY,
    ofItem(({ metadata }, key) => metadataAt(metadata, key)),
    { ...item, ...property },
  ),
  'order.items.product_id': source(
    TEXTS,
    ofItem((one) => [...productIds(one), ...skuIds(one)]),
    item,
  ),

  'product.id': source(TEXTS, ofItem(productIds), item),
  'sku.id': source(TEXTS, ofItem(skuIds), item),
  'product.metadata': source(
    ANY,
    ofItem(({ product }, key) => metadataAt(own(product, 'metadata'), key)),
    {
      ...item,
      ...property,
    },
  ),
  'product.price': source(NUMBER, ofItems(prices), list),
  'sku.price': source(NUMBER, ofItems(prices), list),
  'product.quantity': source(
    NUMBER,
    ofItems((items) => total(items, quantityOf)),
    list,
  ),
  'sku.quantity': source(
    NUMBER,
    ofItems((items) => total(items, quantityOf)),
    list,
  ),
  'product.metadata.aggregated_quantity': source(
    NUMBER,
    ofItems((items) => total(items, quantityOf)),
    list,
  ),
  'product.metadata.aggregated_amount': source(
    NUMBER,
    ofItems((items) => total(items, amountOf)),
    list,
  ),
  'product.discount_applicable': applicable,
  'sku.discount_applicable': applicable,
  'product.metadata.discount_applicable': applicable,

  ...Object.fromEntries(MEASURES.map((name) => [name, count(name)])),
  'redemption.gift.amount': source(
    NUMBER,
    ofRedemption(({ gift_amount }) => gift_amount),
    { clock: true },
  ),
  'redemption.metadata': source(
    ANY,
    ofRedemption(({ metadata }, key) => metadataAt(metadata, key)),
    property,
  ),
  'redemption.api_key': source(
    TEXT,
    ofRedemption(({ api_key }) => api_key),
  ),
  'redemption.user.login': source(
    TEXT,
    ofRedemption(({ user }) => user),
  ),
  'redemption.reward.pay_with_points.points_used': source(
    NUMBER,
    ofRedemption(({ points_used }) => points_used),
  ),
  'publication.redeemable_by_linked_customer': source(
    TRUTH,
    ofRedemption(({ linked_customer }) => linked_customer ?? false),
  ),
}

export const sourceOf = (name: string): Source | undefined => (Object.hasOwn(SOURCES, name) ? SOURCES[name] : undefined)

export const reachOf = (name: string): Reach => sourceOf(name)?.reach ?? 'one'
