// The process of orders: redemptions without a customer tell the order's own stream of themselves, and of their rollbacks.

import * as v from 'valibot'
import { isRedemptionFact, requestOfStream } from '../domain/customer/redemptions/facts.ts'
import { madeBy } from '../domain/customer/redemptions/state.ts'
import { orderId, RecordedOrder } from '../domain/order.ts'
import type { RecordedFact } from '../domain/recorded.ts'
import type { Ledgers } from '../runtime/ledgers.ts'
import { ACTOR, type Process } from './process.ts'

export interface OrderProcessOptions {
  readonly ledgers: Pick<Ledgers, 'orders' | 'requests'>
  readonly now: () => number
}

export const orderProcesses = ({ ledgers, now }: OrderProcessOptions): readonly Process[] => [
  {
    name: 'orders-of-nobody',
    types: ['RedemptionSucceeded', 'RedemptionRolledBack'],
    async handle(fact: RecordedFact) {
      const request = requestOfStream(fact.stream)
      if (request === undefined || !isRedemptionFact(fact)) return
      if (fact.type !== 'RedemptionSucceeded' && fact.type !== 'RedemptionRolledBack') return
      if (fact.type === 'RedemptionRolledBack' && fact.data.orderStays) return
      const made = madeBy((await ledgers.requests.load(request)).state, request)
      const order = v.safeParse(RecordedOrder, made[0]?.order)
      if (!order.success) return
      const id = orderId(order.output, request)
      const home = await ledgers.orders.load(id)
      // It has become a customer's meanwhile, and goes on there.
      if (home.state.customer !== undefined) return
      const context = { requestId: fact.metadata.$correlationId, actor: ACTOR, now: fact.metadata.now ?? now() }
      if (fact.type === 'RedemptionRolledBack') {
        const rollbacks = made.flatMap(({ rolledBack }) => (rolledBack === undefined ? [] : [rolledBack]))
        const isAll = rollbacks.length === made.length
        await ledgers.orders.execute(
          id,
          { type: 'RollBackOrder', id, request, parent: fact.data.parent, rollbacks, isAll },
          context,
        )
        return
      }
      if (home.state.orders.kept[id]?.content?.redemptions?.[request]) return
      const { source_id: _, ...rest } = order.output
      const redemptions = made.map(({ redemption }) => redemption)
      const priced = (order.output.source_id === undefined ? rest : order.output) as never
      await ledgers.orders.execute(id, { type: 'RedeemOrder', id, order: priced, request, redemptions }, context)
    },
  },
]
