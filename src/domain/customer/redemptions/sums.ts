// Sums over all that a customer redeemed and ordered, as the customer object of the HTTP contract and conditions name them.
import type { OrderSums } from '../orders/state.ts'

/** Amounts in minor units. */
export interface RedemptionSums {
  readonly succeeded: number
  readonly failed: number
  readonly rolledBack: number
  readonly rollbackFailed: number
  /** Gift credits taken and not given back. */
  readonly credits: number
  /** Orders without facts of their own (of older programs), of requests that were not rolled back, and what was left to pay. */
  readonly orders: number
  readonly spent: number
  /** The newest order, also when it was rolled back since; ms. */
  readonly lastOrder: { readonly amount: number; readonly at: number } | null
}

export const NO_SUMS: RedemptionSums = {
  succeeded: 0,
  failed: 0,
  rolledBack: 0,
  rollbackFailed: 0,
  credits: 0,
  orders: 0,
  spent: 0,
  lastOrder: null,
}

/** What a redemption or its rollback says of credits and of the order. */
interface Bought {
  readonly place: number
  readonly ordered?: boolean | undefined
  readonly order?: Readonly<Record<string, unknown>> | undefined
  readonly credits?: number | undefined
  readonly occurredAt: number
}

/** What was left to pay in an order that has no facts of its own: told by the first redemption of its request alone. */
const spentIn = ({ place, order, ordered }: Bought): number | undefined => {
  if (place !== 0 || !order || ordered) return undefined
  const left = order.total_amount ?? order.amount
  return typeof left === 'number' ? left : undefined
}

/** The sums with what a redemption bought, or without it when it is rolled back. */
export const withOrder = (sums: RedemptionSums, bought: Bought, by: 1 | -1): RedemptionSums => {
  const credits = sums.credits + by * (bought.credits ?? 0)
  const spent = spentIn(bought)
  if (spent === undefined) return { ...sums, credits }
  const lastOrder = by === 1 ? { amount: spent, at: bought.occurredAt } : sums.lastOrder
  return { ...sums, credits, orders: sums.orders + by, spent: sums.spent + by * spent, lastOrder }
}

/** What the summary takes of a loyalty card. */
interface Points {
  readonly redeemed: number
  readonly balance: number
}

const newest = (a: OrderSums['lastOrder'], b: OrderSums['lastOrder']): OrderSums['lastOrder'] =>
  a && b ? (a.at > b.at ? a : b) : (a ?? b)

const ordersOf = (old: RedemptionSums, ordered: OrderSums) => {
  const [count, spent] = [old.orders + ordered.orders, old.spent + ordered.spent]
  const last = newest(old.lastOrder, ordered.lastOrder)
  return {
    total_amount: spent,
    total_count: count,
    average_amount: count === 0 ? 0 : Math.round(spent / count),
    last_order_amount: last?.amount ?? 0,
    ...(last ? { last_order_date: last.at } : {}),
  }
}

/**
 * The summary of a customer; amounts in minor units, `last_order_date` in ms. `total_redeemed` are the redemptions that stand,
 * `total_succeeded` all that ever came about. `toGo`, the credits left on the customer's gift vouchers, are known to the ledgers
 * of their codes only: conditions, which see the customer's own stream, have no `gift.amount_to_go`.
 */
export const summaryOf = (sums: RedemptionSums, ordered: OrderSums, cards: readonly Points[], toGo?: number) => ({
  redemptions: {
    total_redeemed: sums.succeeded - sums.rolledBack,
    total_failed: sums.failed,
    total_succeeded: sums.succeeded,
    total_rolled_back: sums.rolledBack,
    total_rollback_failed: sums.rollbackFailed,
    total_rollback_succeeded: sums.rolledBack,
    gift: { redeemed_amount: sums.credits, ...(toGo === undefined ? {} : { amount_to_go: toGo }) },
    loyalty_card: {
      redeemed_points: cards.reduce((sum, { redeemed }) => sum + redeemed, 0),
      points_to_go: cards.reduce((sum, { balance }) => sum + balance, 0),
    },
  },
  orders: ordersOf(sums, ordered),
})
