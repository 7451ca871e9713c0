// What an order holds, as its facts say it.
import type { PricedOrder } from '../../order.ts'

/** A request that redeemed codes for an order, as the HTTP contract shows it; times in ISO 8601. */
export interface OrderRedemption {
  readonly date: string
  readonly rollback_id?: string
  readonly rollback_date?: string
  readonly related_object_type: 'redemption'
  readonly related_object_id: string
  /** Ids of the redemptions, and of the rollbacks of those that were rolled back. */
  readonly stacked: readonly string[]
  readonly rollback_stacked?: readonly string[]
}

/** An order but for its id and status, which facts say of themselves. */
export interface OrderContent extends Omit<PricedOrder, 'id' | 'status'> {
  /** The customer who brought the one who ordered. */
  readonly referrer?: string
  /** By the id of the request. */
  readonly redemptions?: Readonly<Record<string, OrderRedemption>>
}
