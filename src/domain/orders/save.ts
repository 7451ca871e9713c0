// The decision about an order: what a request, a redemption or a rollback makes of it. Pure; where the order is kept does not matter.

import type { OrderContent, OrderRedemption } from '../customer/orders/content.ts'
import type { OrderFactData, OrderFactType } from '../customer/orders/facts.ts'
import type { KnownOrder } from '../customer/orders/state.ts'
import { isEqual } from '../customer/profile.ts'
import type { OrderStatus, PricedOrder } from '../order.ts'
import { type Refused, refuseNotFound } from '../refusal.ts'
import { patchedContent, redeemedContent } from './content.ts'
import type { OrderPatch } from './input.ts'

/** Where facts go, and what is known of an order. */
export interface OrderDesk {
  readonly now: number
  readonly known: (id: string) => KnownOrder | undefined
  emit(type: 'OrderCreated' | 'OrderUpdated', data: OrderFactData): void
}

/** What is said of an order. */
export interface SaveOrder {
  readonly type: 'SaveOrder'
  /** Id of the order. */
  readonly order: string
  readonly patch: OrderPatch
  /** Id of a customer; null takes away who is named there. */
  readonly referrer?: string | null
  /** The order as it stands, for one that its stream may have forgotten. */
  readonly known?: KnownOrder
  /** It was nobody's before: of this stream it is a new one. */
  readonly adopts?: boolean
  readonly mustExist: boolean
  readonly by: 'request' | 'import'
  /** When an order that is new was made, ms; now where it is absent. */
  readonly createdAt?: number
  /** What was made more than so many ms ago sends nothing. */
  readonly triggerHorizonMs: number
}

interface Change {
  readonly id: string
  readonly before: KnownOrder | undefined
  readonly content: OrderContent
  readonly status: OrderStatus
  readonly by: OrderFactData['by']
  readonly createdAt?: number | undefined
  readonly adopts?: boolean | undefined
}

const record = (desk: OrderDesk, { id, before, content, status, by, createdAt, adopts }: Change): void => {
  const isNew = !before || adopts
  if (!isNew && before.status === status && isEqual(before.content, content)) return
  const made = before?.createdAt ?? createdAt ?? desk.now
  desk.emit(isNew ? 'OrderCreated' : 'OrderUpdated', {
    order: id,
    status,
    ...(!isNew ? { was: { status: before.status, amount: before.amount, paid: before.paid } } : {}),
    content: content as OrderFactData['content'],
    amount: content.total_amount,
    by,
    createdAt: made,
    occurredAt: isNew ? made : desk.now,
  })
}

/** Makes an order, or changes the one that is there; records nothing where nothing is new. */
export const saveOrder = (desk: OrderDesk, command: SaveOrder): Refused | undefined => {
  const { order: id, patch, referrer, by, createdAt, mustExist } = command
  const kept = desk.known(id)
  const before = kept ?? command.known
  if (!before && mustExist) return refuseNotFound('order', id)
  const content = patchedContent(before?.content, patch, referrer)
  if ('refused' in content) return content
  const status = patch.status ?? before?.status ?? 'CREATED'
  record(desk, { id, before, content, status, by, createdAt, adopts: !kept && command.adopts })
  return undefined
}

/** The order that a request redeemed codes for, as it is after them. */
export interface RedeemedOrder {
  readonly id: string
  readonly order: PricedOrder
  readonly known?: KnownOrder | undefined
  readonly request: string
  readonly redemptions: readonly string[]
}

/** A redemption makes its order, or goes on with the one that is there. */
export const redeemOrder = (desk: OrderDesk, { id, order, known, request, redemptions }: RedeemedOrder): void => {
  const before = desk.known(id) ?? known
  const entry: OrderRedemption = {
    date: new Date(desk.now).toISOString(),
    related_object_type: 'redemption',
    related_object_id: request,
    stacked: redemptions,
  }
  const content = redeemedContent(before?.content, order, request, entry)
  record(desk, { id, before, content, status: (order.status as OrderStatus) ?? 'PAID', by: 'redemption' })
}

/** A request's redemptions that were rolled back; `isAll`: none of them stands. */
export interface RolledBackOrder {
  readonly id: string
  readonly request: string
  readonly parent: string
  readonly rollbacks: readonly string[]
  readonly isAll: boolean
}

/** A rollback is told with the order, which is cancelled once none of the request's redemptions stands. */
export const rollBackOrder = (desk: OrderDesk, { id, request, parent, rollbacks, isAll }: RolledBackOrder): void => {
  const before = desk.known(id)
  const entry = before?.content?.redemptions?.[request]
  if (!before?.content || !entry) return
  const undone: OrderRedemption = {
    ...entry,
    rollback_id: parent,
    rollback_date: new Date(desk.now).toISOString(),
    rollback_stacked: [...(entry.rollback_stacked ?? []), ...rollbacks],
  }
  const content = { ...before.content, redemptions: { ...before.content.redemptions, [request]: undone } }
  record(desk, { id, before, content, status: isAll ? 'CANCELED' : before.status, by: 'rollback' })
}

const FOLLOWS: Readonly<Record<OrderStatus, Exclude<OrderFactType, 'OrderCreated' | 'OrderUpdated'> | undefined>> = {
  CREATED: undefined,
  PAID: 'OrderPaid',
  CANCELED: 'OrderCanceled',
  FULFILLED: 'OrderFulfilled',
  PROCESSING: 'OrderProcessing',
}

/** What follows from a status that is new; an order that is paid is not paid again. */
export const followingStatus = ({ status, was }: OrderFactData, isPaid: boolean) =>
  was?.status === status || (status === 'PAID' && isPaid) ? undefined : FOLLOWS[status]
