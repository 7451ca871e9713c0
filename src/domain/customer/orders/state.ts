// The orders of one customer, as the facts leave them: sums over all, and the newest ones whole.

import type { OrderStatus } from '../../order.ts'
import { sizeOf } from '../../size.ts'
import type { LoyaltyFact } from '../loyalty/facts.ts'
import type { OrderContent } from './content.ts'
import type { OrderFact, OrderFactData } from './facts.ts'

/** Points that an order has paid to a card. */
export interface Earned {
  readonly card: string
  readonly points: number
  /** The transaction that paid them. */
  readonly transaction: string
}

/** An order as it stands. */
export interface KnownOrder {
  readonly id: string
  readonly status: OrderStatus
  /** Undefined once the person is erased. */
  readonly content: OrderContent | undefined
  /** What is left to pay, minor units. */
  readonly amount: number
  readonly createdAt: number
  /** Whether it was paid, and not cancelled since. */
  readonly paid: boolean
}

export interface KeptOrder extends KnownOrder {
  readonly updatedAt: number
  readonly earned: readonly Earned[]
  readonly bytes: number
}

/** Sums over all orders that are paid or fulfilled; amounts in minor units. */
export interface OrderSums {
  readonly all: number
  readonly orders: number
  readonly spent: number
  /** The newest of them, also when it was cancelled since. */
  readonly lastOrder: { readonly amount: number; readonly at: number } | null
}

export interface OrdersState {
  /** In the order of their last change: as many of the newest as `KEPT_BYTES` have room for, none older than `KEPT_MS`. */
  readonly kept: Readonly<Record<string, KeptOrder>>
  readonly sums: OrderSums
}

export const NO_ORDER_SUMS: OrderSums = { all: 0, orders: 0, spent: 0, lastOrder: null }
export const NO_ORDERS: OrdersState = { kept: {}, sums: NO_ORDER_SUMS }

const KEPT_MS = 93 * 86_400_000
const KEPT_BYTES = 512 * 1024
const MAX_KEPT = 500

const counts = (status: OrderStatus): boolean => status === 'PAID' || status === 'FULFILLED'

const summed = (sums: OrderSums, { status, amount, was, createdAt }: OrderFactData, isNew: boolean): OrderSums => {
  const before = was && counts(was.status) ? was.amount : undefined
  const after = counts(status) ? amount : undefined
  const isNewest = after !== undefined && (sums.lastOrder === null || createdAt >= sums.lastOrder.at)
  return {
    all: sums.all + (isNew ? 1 : 0),
    orders: sums.orders + Number(after !== undefined) - Number(before !== undefined),
    spent: sums.spent + (after ?? 0) - (before ?? 0),
    lastOrder: isNewest ? { amount: after, at: createdAt } : sums.lastOrder,
  }
}

/** The sums after an order was made or changed. */
export const evolveOrderSums = (sums: OrderSums, { type, data }: OrderFact): OrderSums =>
  type === 'OrderCreated' || type === 'OrderUpdated' ? summed(sums, data, type === 'OrderCreated') : sums

/** Without what is too old, or what there is no room for; the newest stays. */
const trimmed = (kept: OrdersState['kept'], now: number): OrdersState['kept'] => {
  const all = Object.entries(kept)
  let bytes = 0
  let from = all.length - 1
  for (; from >= 0; from--) {
    const [, one] = all[from]!
    bytes += one.bytes
    const isNewest = from === all.length - 1
    if (!isNewest && (bytes > KEPT_BYTES || one.updatedAt < now - KEPT_MS || all.length - from > MAX_KEPT)) break
  }
  return from < 0 ? kept : Object.fromEntries(all.slice(from + 1))
}

/** The orders after one was made or changed. */
export const kept = (state: OrdersState, data: OrderFactData, { isNew = false } = {}): OrdersState => {
  const { order: id, status, was, content, amount, createdAt, occurredAt } = data
  const { [id]: before, ...others } = state.kept
  const one: KeptOrder = {
    id,
    status,
    content: content as OrderContent | undefined,
    amount,
    createdAt,
    updatedAt: occurredAt,
    paid: before?.paid ?? was?.paid ?? false,
    earned: before?.earned ?? [],
    bytes: content ? sizeOf(content).bytes : 0,
  }
  return { kept: trimmed({ ...others, [id]: one }, occurredAt), sums: summed(state.sums, data, isNew) }
}

export const markPaid = (
  state: OrdersState,
  { order: id }: OrderFactData,
  { paid }: Pick<KeptOrder, 'paid'>,
): OrdersState => {
  const { [id]: before } = state.kept
  return before ? { ...state, kept: { ...state.kept, [id]: { ...before, paid } } } : state
}

/** Notes with an order what it paid, and what was taken back of it. */
export const noteEarned = (state: OrdersState, fact: LoyaltyFact): OrdersState => {
  if (fact.type !== 'PointsEarned' && fact.type !== 'PendingPointsActivated' && fact.type !== 'PointsTakenBack')
    return state
  const id = fact.type === 'PointsEarned' ? fact.data.cause.order : fact.data.order
  const before = id === undefined || !Object.hasOwn(state.kept, id) ? undefined : state.kept[id]
  if (!before) return state
  const { card, points, transaction } = fact.data
  const earned =
    fact.type === 'PointsTakenBack'
      ? before.earned.filter((one) => one.transaction !== fact.data.related)
      : [...before.earned, { card: card.id, points, transaction }]
  return { ...state, kept: { ...state.kept, [before.id]: { ...before, earned } } }
}
