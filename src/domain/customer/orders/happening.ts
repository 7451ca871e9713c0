// How facts of orders show as internal events, for conditions and triggers.

import type { Order } from '../../conditions/subject.ts'
import type { Happening } from '../factRow.ts'
import { isOrderFact, type OrderFact, orderFacts } from './facts.ts'

/** The order of a fact, as rules ask for it. */
export const orderAsked = (fact: { readonly type: string; readonly data: unknown }): Order | undefined =>
  isOrderFact(fact) ? (fact.data.content as Order | undefined) : undefined

/** What conditions may ask of an order's event: the order's own metadata, and beside it the names that are listed here. */
export const orderHappening = ({ type, data }: OrderFact): Happening => ({
  type: orderFacts[type].event,
  get metadata() {
    const { content } = data
    return {
      ...content?.metadata,
      order: data.order,
      ...(content?.source_id === undefined ? {} : { order_source_id: content.source_id }),
      status: data.status,
      total_amount: data.amount,
      ...(content
        ? { amount: content.amount, discount_amount: content.total_discount_amount, items: content.items?.length ?? 0 }
        : {}),
    }
  },
})
