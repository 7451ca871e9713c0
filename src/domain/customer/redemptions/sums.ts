// Sums over all that a customer redeemed and ordered, as the customer object of the HTTP contract and conditions name them.
import type { RedemptionFact } from './facts.ts'

/** Amounts in minor units. */
export interface RedemptionSums {
  readonly succeeded: number
  readonly failed: number
  readonly rolledBack: number
  readonly rollbackFailed: number
  /** Gift credits taken and not given back. */
  readonly credits: number
  /** Orders of requests that came about and were not rolled back: how many, and what was left to pay in them. */
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

/** What was left to pay in the order of a request: told by the first of its redemptions alone, so that it counts once. */
const spentIn = ({
  place,
  order,
}: {
  readonly place?: number
  readonly order?: Readonly<Record<string, unknown>>
}): number | undefined => {
  if (place !== 0 || !order) return undefined
  const left = order.total_amount ?? order.amount
  return typeof left === 'number' ? left : undefined
}

export const evolveSums = (sums: RedemptionSums, fact: RedemptionFact): RedemptionSums => {
  switch (fact.type) {
    case 'RedemptionSucceeded': {
      const spent = spentIn(fact.data)
      return {
        ...sums,
        succeeded: sums.succeeded + 1,
        credits: sums.credits + (fact.data.credits ?? 0),
        ...(spent === undefined
          ? {}
          : {
              orders: sums.orders + 1,
              spent: sums.spent + spent,
              lastOrder: { amount: spent, at: fact.data.occurredAt },
            }),
      }
    }
    case 'RedemptionFailed':
      return { ...sums, failed: sums.failed + 1 }
    case 'RedemptionRolledBack': {
      const spent = spentIn(fact.data)
      return {
        ...sums,
        rolledBack: sums.rolledBack + 1,
        credits: sums.credits - (fact.data.credits ?? 0),
        ...(spent === undefined ? {} : { orders: sums.orders - 1, spent: sums.spent - spent }),
      }
    }
    case 'RedemptionRollbackFailed':
      return { ...sums, rollbackFailed: sums.rollbackFailed + 1 }
    case 'RedemptionAbandoned':
      return sums
    default:
      return fact satisfies never
  }
}

/** What the summary takes of a loyalty card. */
interface Points {
  readonly redeemed: number
  readonly balance: number
}

/**
 * The summary of a customer; amounts in minor units, `last_order_date` in ms. `total_redeemed` are the redemptions that stand,
 * `total_succeeded` all that ever came about. `toGo`, the credits left on the customer's gift vouchers, are known to the ledgers
 * of their codes only: conditions, which see the customer's own stream, have no `gift.amount_to_go`.
 */
export const summaryOf = (sums: RedemptionSums, cards: readonly Points[], toGo?: number) => ({
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
  orders: {
    total_amount: sums.spent,
    total_count: sums.orders,
    average_amount: sums.orders === 0 ? 0 : Math.round(sums.spent / sums.orders),
    last_order_amount: sums.lastOrder?.amount ?? 0,
    ...(sums.lastOrder ? { last_order_date: sums.lastOrder.at } : {}),
  },
})
