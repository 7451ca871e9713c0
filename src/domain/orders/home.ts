// Where orders are found: a stream for each id or `source_id` that stands for an order, which says whose it is. What is nobody's
// order lives there as well.
import {
  evolveOrders,
  isOrderFact,
  type OrderFact,
  type OrderFactType,
  type OrderReserved,
} from '../customer/orders/facts.ts'
import { NO_ORDERS, type OrdersState } from '../customer/orders/state.ts'
import { idFrom } from '../ids.ts'
import { type Refused, refuse } from '../refusal.ts'
import {
  followingStatus,
  type RedeemedOrder,
  type RolledBackOrder,
  redeemOrder,
  rollBackOrder,
  type SaveOrder,
  saveOrder,
} from './save.ts'

export interface OrderHome {
  /** The order that the name stands for: itself, or one with an id of another kind. */
  readonly order?: string
  readonly customer?: string
  /** When it was reserved for that customer, ms. */
  readonly reservedAt?: number
  /** Of an order that is nobody's. */
  readonly orders: OrdersState
}

export const NO_HOME: OrderHome = { orders: NO_ORDERS }

const PLAIN = /^[\w.-]{1,400}$/

/** The stream of a name. */
export const orderStream = (name: string): string => `order-${PLAIN.test(name) ? name : idFrom('ord', 'name', name)}`

/** Whether a stream is that of an order's name. */
export const isOrderStream = (stream: string): boolean => stream.startsWith('order-')

type HomeFact = OrderFact | { readonly type: 'OrderReserved'; readonly data: OrderReserved }

export const foldHome = (home: OrderHome, fact: { readonly type: string; readonly data: unknown }): OrderHome => {
  if (isOrderFact(fact)) return { ...home, orders: evolveOrders(home.orders, fact) }
  if (fact.type !== 'OrderReserved') return home
  const { order, customer, occurredAt } = fact.data as OrderReserved
  return { ...home, order, ...(customer === undefined ? {} : { customer, reservedAt: occurredAt }) }
}

/** Lets a name stand for an order. `insteadOf`: a customer for whom it was reserved, and who never ordered under it. */
export interface ReserveOrder {
  readonly type: 'ReserveOrder'
  readonly name: string
  readonly order: string
  readonly customer?: string
  readonly insteadOf?: string
}

export type HomeCommand =
  | ReserveOrder
  | SaveOrder
  | ({ readonly type: 'RedeemOrder' } & RedeemedOrder)
  | ({ readonly type: 'RollBackOrder' } & RolledBackOrder)

/**
 * For so long whoever reserved a name may be about to order under it: a request lasts half a minute at most, and one that a
 * standstill holds up not much longer. Nobody else has the name meanwhile, or one order would be made in two places.
 */
const UNDER_WAY_MS = 5 * 60_000

const reserve = (home: OrderHome, command: ReserveOrder, now: number): readonly HomeFact[] | Refused => {
  const { name, order, customer, insteadOf } = command
  if (home.order !== undefined && home.order !== order)
    return refuse('duplicate_source_id', `The source_id of the order is that of the order ${home.order}`)
  if (home.order === order && (customer === undefined || home.customer === customer)) return []
  if (home.customer !== undefined) {
    const mayStillOrder = now - home.reservedAt! < UNDER_WAY_MS
    if (home.customer !== insteadOf || mayStillOrder) return otherCustomer(order)
  }
  return [
    {
      type: 'OrderReserved',
      data: { name, order, ...(customer === undefined ? {} : { customer }), occurredAt: now },
    },
  ]
}

export const otherCustomer = (order: string): Refused =>
  refuse('invalid_order', 'The order belongs to another customer', { resource: { type: 'order', id: order } })

/** Decides a command on the stream of a name; what is decided for an order of nobody's is recorded there. */
export const decideHome = (home: OrderHome, command: HomeCommand, now: number): readonly HomeFact[] | Refused => {
  if (command.type === 'ReserveOrder') return reserve(home, command, now)
  if (home.customer !== undefined) return otherCustomer('order' in command ? String(home.order) : command.id)
  const facts: OrderFact[] = []
  const desk = {
    now,
    known: (id: string) => (Object.hasOwn(home.orders.kept, id) ? home.orders.kept[id] : undefined),
    emit: (type: OrderFactType, data: OrderFact['data']) => {
      facts.push({ type, data })
    },
  }
  const refused =
    command.type === 'SaveOrder'
      ? saveOrder(desk, command)
      : command.type === 'RedeemOrder'
        ? redeemOrder(desk, command)
        : rollBackOrder(desk, command)
  if (refused) return refused
  const [made] = facts
  const follows = made && followingStatus(made.data, desk.known(made.data.order)?.paid ?? false)
  return made && follows ? [made, { type: follows, data: made.data }] : facts
}
