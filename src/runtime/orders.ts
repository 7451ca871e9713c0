// Orders between their streams: whose one is, saving one where it belongs, and the orders of requests that redeem codes.

import { randomBytes } from 'node:crypto'
import type { OrderDocument } from '../../projections/orders.ts'
import type { KnownOrder } from '../domain/customer/orders/state.ts'
import type { ProfilePatch } from '../domain/customer/profile.ts'
import { idFrom } from '../domain/ids.ts'
import { type OrderInput, openOrder, orderOfSource, type PricedOrder } from '../domain/order.ts'
import { otherCustomer } from '../domain/orders/home.ts'
import type { OrderPatch } from '../domain/orders/input.ts'
import type { SaveOrder } from '../domain/orders/save.ts'
import { isRefused, type Refusal, type Refused, refuseNotFound } from '../domain/refusal.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { TooBusy } from '../trouble.ts'
import type { CommandContext, CustomerRuntime } from './customers.ts'
import type { Ledgers } from './ledgers.ts'
import { findPatiently } from './shown.ts'

/** Whose an order is, and what it holds. */
export interface FoundOrder {
  readonly id: string
  /** Undefined for an order of nobody's. */
  readonly customer: string | undefined
  /** Undefined where its id is taken and nothing is recorded of it. */
  readonly known: KnownOrder | undefined
  /** Its customer was deleted since: whether one was made cannot be told any more, so that it is nobody else's. */
  readonly isGone?: boolean
}

export interface OrderWish {
  /** The id or, in a path, the `source_id` of an order that must be there. */
  readonly name?: string
  /** The id that a body gives; without one the `source_id` says which order it is, else it is a new one. */
  readonly id?: string
  readonly patch: OrderPatch
  readonly customer?: { readonly id: string; readonly profile: ProfilePatch; readonly mayCreate: boolean }
  readonly referrer?: string | null
  readonly by: SaveOrder['by']
  /** ms. */
  readonly createdAt?: number
}

export type OrderSaved =
  | {
      readonly kind: 'saved'
      readonly order: KnownOrder & { readonly updatedAt: number | null }
      readonly customer: string | undefined
      readonly position: bigint | undefined
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/** The order of a request for redemptions. */
export interface MeantOrder {
  readonly order: PricedOrder
  readonly known?: KnownOrder
}

export interface OrderAsker {
  readonly customer: string | undefined
  readonly isStranger: boolean
}

export interface Orders {
  /** The order of an id or a `source_id`. */
  find(name: string): Promise<FoundOrder | undefined>
  save(wish: OrderWish, context: CommandContext): Promise<OrderSaved>
  /**
   * The order that a request is about: with what is known of one that is there, and its name taken for this customer. A question
   * (`dryRun`) takes nothing. Who is no server (`isStranger`) is told nothing of orders of others.
   */
  meant(input: OrderInput, asker: OrderAsker, context: CommandContext): Promise<MeantOrder | Refused>
}

export interface OrdersOptions {
  readonly customers: Pick<CustomerRuntime, 'execute' | 'load'>
  readonly ledgers: Pick<Ledgers, 'orders'>
  readonly readModel: Pick<ReadModel, 'collection'>
  /** Whether the read models come to show everything recorded before now, within so many ms. */
  readonly caughtUp: (timeoutMs: number) => Promise<boolean>
  readonly triggerHorizonMs: number
}

const fromDocument = ({ _id, status, content, total_amount, created_at, paid }: OrderDocument): KnownOrder => ({
  id: _id,
  status,
  content,
  amount: total_amount,
  createdAt: created_at.getTime(),
  paid,
})

export const createOrders = (options: OrdersOptions): Orders => {
  const { customers, ledgers, readModel, caughtUp, triggerHorizonMs } = options
  const documentOf = (id: string) => readModel.collection<OrderDocument>('orders').findOne({ _id: id })

  /** What a customer's stream says of an order; what it has forgotten is in the read model. */
  const heldBy = async (customer: string, id: string): Promise<KnownOrder | undefined> => {
    const { state } = await customers.load(customer)
    if (state.status !== 'active') return undefined
    const { kept, sums } = state.orders
    if (Object.hasOwn(kept, id)) return kept[id]
    if (sums.all <= Object.keys(kept).length) return undefined
    const document = await documentOf(id)
    return document?.customer === customer ? fromDocument(document) : undefined
  }

  /** By the stream of a name. */
  const homeOf = async (name: string): Promise<FoundOrder | undefined> => {
    const { state } = await ledgers.orders.load(name)
    const known = Object.values(state.orders.kept)[0]
    const id = state.order ?? known?.id
    if (id === undefined) return undefined
    const { customer } = state
    if (customer !== undefined) {
      const { status, createdAt } = (await customers.load(customer)).state
      // Who was deleted and came back has begun anew, after the name was taken.
      const isGone = status !== 'none' && (status !== 'active' || createdAt > (state.reservedAt ?? 0))
      return { id, customer, known: (await heldBy(customer, id)) ?? known, isGone }
    }
    if (known) return { id, customer, known }
    return id === name ? { id, customer, known } : homeOf(id)
  }

  /** By the read model: orders of customers that redemptions made have no stream of their own. */
  const shownAs = async (id: string): Promise<FoundOrder | undefined> => {
    const document = await documentOf(id)
    if (!document) return undefined
    const customer = document.customer ?? undefined
    const known = customer === undefined ? fromDocument(document) : await heldBy(customer, id)
    return { id, customer, known, isGone: known === undefined }
  }

  const byId = async (id: string): Promise<FoundOrder | undefined> =>
    (await homeOf(id)) ?? findPatiently(() => shownAs(id), caughtUp)

  const find = async (name: string): Promise<FoundOrder | undefined> =>
    (await homeOf(name)) ?? (await homeOf(orderOfSource(name))) ?? byId(name)

  const meantBy = async ({ name, id, patch }: OrderWish): Promise<FoundOrder | undefined> => {
    if (name !== undefined) return find(name)
    if (id !== undefined) return byId(id)
    return patch.source_id ? homeOf(orderOfSource(patch.source_id)) : undefined
  }

  /** Lets names stand for an order; refuses one that stands for another. */
  const reserve = async (
    names: readonly string[],
    order: string,
    customer: string | undefined,
    insteadOf: string | undefined,
    { key: _, ...context }: CommandContext,
  ): Promise<Refusal | undefined> => {
    for (const name of names) {
      const command = {
        type: 'ReserveOrder',
        name,
        order,
        customer,
        insteadOf,
      } as const
      const { refusal } = await ledgers.orders.execute(name, command, context)
      if (refusal) return refusal
    }
    return undefined
  }

  const namesOf = (id: string, source: string | null | undefined): readonly string[] => {
    const derived = source ? orderOfSource(source) : undefined
    return derived === undefined || derived === id ? [id] : [derived, id]
  }

  const save: Orders['save'] = async (wish, context) => {
    const found = await meantBy(wish)
    const { name, patch, by, createdAt, referrer } = wish
    if (name !== undefined && !found?.known) return { kind: 'refused', refusal: refuseNotFound('order', name).refused }
    const source = patch.source_id
    const id =
      found?.id ??
      wish.id ??
      (source ? orderOfSource(source) : madeFor(wish.customer?.id, context.key ?? randomBytes(16).toString('hex')))
    const isOthers = found?.customer !== undefined && wish.customer && wish.customer.id !== found.customer
    if (isOthers && (found.known || found.isGone)) return { kind: 'refused', refusal: otherCustomer(id).refused }
    const customer = wish.customer?.id ?? found?.customer
    const adopts = found?.known !== undefined && found.customer === undefined && customer !== undefined
    // A new id of ours is nobody else's, and found by the read model.
    const isOwn = !source && wish.id === undefined && !found
    if (!context.dryRun && (customer === undefined || !isOwn)) {
      const names = namesOf(id, source)
      const refusal = await reserve(names, id, customer, isOthers ? found.customer : undefined, context)
      if (refusal) return { kind: 'refused', refusal }
    }
    const command = {
      type: 'SaveOrder',
      order: id,
      patch,
      referrer,
      known: found?.known,
      adopts,
      mustExist: name !== undefined,
      by,
      createdAt,
      triggerHorizonMs,
    } as const
    if (customer === undefined) {
      const { state, refusal, position } = await ledgers.orders.execute(id, command, context)
      if (refusal) return { kind: 'refused', refusal }
      const order = state.orders.kept[id]!
      return { kind: 'saved', order, customer, position }
    }
    const { profile = {}, mayCreate = false } = wish.customer ?? {}
    const executed = await customers.execute(customer, { ...command, profile, mayCreate }, context)
    switch (executed.kind) {
      case 'refused':
        return { kind: 'refused', refusal: executed.refusal }
      default: {
        const { state, position } = executed
        const kept = state.orders.kept[id]
        if (kept) return { kind: 'saved', order: kept, customer: state.id, position }
        if (!found?.known) throw new TooBusy(`order ${id}`)
        return { kind: 'saved', order: { ...found.known, updatedAt: null }, customer: state.id, position }
      }
    }
  }

  const meant: Orders['meant'] = async (input, { customer, isStranger }, context) => {
    const { id: given, source_id: source } = input
    if (given === undefined && source === undefined) return { order: openOrder(input)! }
    const found = given === undefined ? await homeOf(orderOfSource(source!)) : await byId(given)
    const id = found?.id ?? given ?? orderOfSource(source!)
    const isOthers = found !== undefined && found.customer !== customer
    const mayBe = customer === undefined ? context.dryRun === true : found?.customer === undefined
    if (isOthers && ((found.known && (isStranger || !mayBe)) || found.isGone)) return otherCustomer(id)
    if (!context.dryRun && customer !== undefined) {
      const refusal = await reserve(namesOf(id, source), id, customer, isOthers ? found.customer : undefined, context)
      if (refusal) return { refused: refusal }
    }
    const known = found?.known
    return { order: pricedBy(input, id, known), known }
  }

  return { find, save, meant }
}

/** A key can come again with another customer, whose order is another one. */
const madeFor = (customer: string | undefined, key: string): string =>
  idFrom('ord', 'made', ...(customer === undefined ? [] : [customer]), key)

/** The order of a request as it is before its codes: what the request says, else what is known. */
const pricedBy = (input: OrderInput, id: string, known: KnownOrder | undefined): PricedOrder => {
  const { content } = known ?? {}
  const says = input.amount !== undefined || input.items !== undefined
  if (!content || says) return { ...openOrder(input)!, id }
  const { referrer: _, redemptions: __, ...order } = content
  const items = order.items?.map((item) => ({ ...item, applied_discount_amount: 0 }))
  const { status, metadata, source_id } = input
  return {
    ...order,
    ...(items ? { items } : {}),
    applied_discount_amount: 0,
    items_applied_discount_amount: 0,
    total_applied_discount_amount: 0,
    ...(status === undefined ? {} : { status }),
    ...(source_id === undefined ? {} : { source_id }),
    ...(metadata === undefined ? {} : { metadata: { ...order.metadata, ...metadata } }),
    id,
  }
}

export const isMeant = (meant: MeantOrder | Refused): meant is MeantOrder => !isRefused(meant)
