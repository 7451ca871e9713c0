// Making and changing orders. A customer's order is decided with the customer, so that points, segments and messages follow at once.

import * as v from 'valibot'
import { contextOf, customerOfSource } from '../src/api/context.ts'
import { AcceptedObject } from '../src/api/presenters/asyncActions.ts'
import { shownOrder } from '../src/api/presenters/facts/orders.ts'
import { OrderObject } from '../src/api/presenters/orders.ts'
import { ById } from '../src/api/shapes.ts'
import { answered } from '../src/domain/answered.ts'
import { CustomerInput, type ProfilePatch } from '../src/domain/customer/profile.ts'
import { isCustomerId } from '../src/domain/ids.ts'
import { ORDER_ANSWERED } from '../src/domain/order.ts'
import { orderFields } from '../src/domain/orders/input.ts'
import { outsideId } from '../src/domain/outsideIds.ts'
import { metadataRefused } from '../src/domain/rulebook/metadataSchema.ts'
import { type Failure, fail, fromRefusal, isFailure, notFound } from '../src/http/errors.ts'
import { isoTime } from '../src/http/fields.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { CommandContext } from '../src/runtime/customers.ts'
import type { OrderWish } from '../src/runtime/orders.ts'
import type { Services } from '../src/services.ts'
import { acceptItems, BULK_BODY } from './accepting.ts'

const TAG = 'Orders'

/** The contract's bound. */
const MAX_IMPORTED = 2_000

/** How far the time of an order may lie ahead, ms. */
const AHEAD_MS = 300_000

const fields = {
  ...orderFields,
  created_at: v.nullish(isoTime),
  customer: v.nullish(CustomerInput),
  /** The id, or the `source_id`, of the customer whose order it is. */
  customer_id: v.nullish(outsideId()),
  referrer: v.nullish(CustomerInput),
  /** The id, or the `source_id`, of the customer who brought the one who ordered. */
  referrer_id: v.nullish(outsideId()),
}

export const OrderBody = v.pipe(
  v.object({ id: v.nullish(outsideId()), ...fields }),
  answered(...ORDER_ANSWERED),
  v.title('OrderRequest'),
)
export type OrderBody = v.InferOutput<typeof OrderBody>

const OrderPatchBody = v.pipe(v.object(fields), answered('id', ...ORDER_ANSWERED), v.title('OrderPatch'))

type Person = NonNullable<OrderWish['customer']>

/** The customer whom a part of an order names; one who is named by `source_id` may be new. */
const personIn = (services: Services, said: CustomerInput | null | undefined): Person | Failure | undefined => {
  if (!said) return undefined
  const { id, ...profile } = said
  if (id !== undefined) return isCustomerId(id) ? { id, profile, mayCreate: false } : notFound('customer', id)
  if (typeof profile.source_id !== 'string')
    return fail('invalid_payload', "Property .customer should have required property 'source_id' or 'id'")
  return { id: customerOfSource(services, profile.source_id), profile, mayCreate: true }
}

const saveReferrer = async (
  services: Services,
  { id, profile, mayCreate }: Person,
  { key: _, ...context }: CommandContext,
): Promise<string | Failure> => {
  const command: { type: 'SaveCustomer'; profile: ProfilePatch; mayCreate: boolean } = {
    type: 'SaveCustomer',
    profile,
    mayCreate,
  }
  const saved = await services.customers.execute(id, command, context)
  return saved.kind === 'refused' ? fromRefusal(saved.refusal) : saved.state.id
}

/** The referrer that a body names: an id, null to take one away, undefined where it says nothing. */
const referrerIn = async (
  services: Services,
  { referrer, referrer_id: named }: Pick<OrderBody, 'referrer' | 'referrer_id'>,
  context: CommandContext,
): Promise<string | null | undefined | Failure> => {
  const person = personIn(services, referrer)
  if (person && isFailure(person)) return person
  if (person) return saveReferrer(services, person, context)
  if (typeof named !== 'string') return named
  const id = await services.customers.resolve(named)
  return (await services.customers.load(id)).state.status === 'active' ? id : notFound('customer', named)
}

/** Whose order a body says it is; 400 where it says so twice and differently. */
const customerIn = async (
  services: Services,
  { customer, customer_id: named }: Pick<OrderBody, 'customer' | 'customer_id'>,
): Promise<Person | Failure | undefined> => {
  const person = personIn(services, customer)
  if (typeof named !== 'string' || (person && isFailure(person))) return person
  const id = await services.customers.resolve(named)
  const { state } = await services.customers.load(id)
  if (!person)
    return state.status === 'active' ? { id: state.id, profile: {}, mayCreate: false } : notFound('customer', named)
  return state.id === (await services.customers.load(person.id)).state.id
    ? person
    : fail('invalid_order', 'Property .customer_id must be the id of .customer')
}

/** Why an order or one of its items may not have its metadata. */
const metadataFault = (
  { rulebook }: Pick<Services, 'rulebook'>,
  { metadata, items }: Pick<OrderBody, 'metadata' | 'items'>,
  isNew: boolean,
): Failure | undefined => {
  const { definitions } = rulebook.current()
  const unfit =
    metadataRefused(definitions, 'order', metadata, { isNew }) ??
    items?.map((item) => metadataRefused(definitions, 'order_item', item.metadata)).find((fault) => fault)
  return unfit && fromRefusal(unfit.refused)
}

/** What a body wishes for, with whoever it names saved. */
export const wishOf = async (
  services: Services,
  body: OrderBody,
  context: CommandContext,
  more: Pick<OrderWish, 'by' | 'name'>,
): Promise<OrderWish | Failure> => {
  const { id, customer: _, customer_id: __, referrer: ___, referrer_id: ____, created_at: createdAt, ...patch } = body
  const unfit = metadataFault(services, body, more.name === undefined)
  if (unfit) return unfit
  const who = await customerIn(services, body)
  if (who && isFailure(who)) return who
  const made = createdAt ? Date.parse(createdAt) : undefined
  if (made !== undefined && made > context.now + AHEAD_MS)
    return fail('invalid_order', 'Property .created_at must NOT lie in the future')
  const referrer = await referrerIn(services, body, context)
  if (typeof referrer === 'object' && referrer !== null) return referrer
  return {
    ...more,
    patch,
    ...(id ? { id } : {}),
    ...(who ? { customer: who } : {}),
    ...(referrer === undefined ? {} : { referrer }),
    ...(made === undefined ? {} : { createdAt: made }),
  }
}

const save = async (
  services: Services,
  call: Pick<Call, 'requestId' | 'key' | 'now' | 'idempotencyKey'>,
  body: OrderBody,
  name?: string,
): Promise<Outcome> => {
  const context = contextOf(call, services)
  const wish = await wishOf(services, body, context, { by: 'request', name })
  if (isFailure(wish)) return wish
  const saved = await services.orders.save(wish, context)
  switch (saved.kind) {
    case 'refused':
      return fromRefusal(saved.refusal)
    case 'saved': {
      const { order, customer = null, position } = saved
      const { id, status, content, createdAt, updatedAt } = order
      if (!content) return notFound('order', id)
      return {
        body: shownOrder(content, {
          id,
          status,
          customer,
          createdAt,
          updatedAt: updatedAt === createdAt ? null : updatedAt,
        }),
        consistencyToken: position,
      }
    }
    default:
      return saved satisfies never
  }
}

export const orderCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/orders',
    summary: 'Create an order, or change the one with this id or source_id',
    description:
      'An order belongs to a customer, or to nobody yet. What follows from its status (points, segments, messages) is decided with ' +
      'it: only one that is `PAID` earns points, once; when it is `CANCELED`, what is left of them is taken back. An order that is ' +
      'known is changed: what is left out stays as it is, so that an `amount` without `items` leaves the items and is the amount ' +
      'from then on; items are replaced as a whole, an empty list takes them away, metadata is changed key by key.',
    tag: TAG,
    permission: 'orders.write',
    body: OrderBody,
    response: OrderObject,
    handler: (call) => save(services, call, call.body),
  }),
  route({
    method: 'post',
    path: '/v1/orders/import',
    summary: 'Import orders that are over',
    description: `Up to ${MAX_IMPORTED} in one request, in the background. They count in segments and summaries, earn no points and send nothing.`,
    tag: TAG,
    permission: 'orders.write',
    body: v.pipe(v.array(OrderBody), v.maxLength(MAX_IMPORTED)),
    bodyLimit: BULK_BODY,
    response: AcceptedObject,
    handler: (call) => acceptItems(services, call, 'ORDERS.IMPORT', call.body, 200),
  }),
  route({
    method: 'put',
    path: '/v1/orders/{id}',
    summary: 'Change an order by its id or source_id',
    description: 'What is left out stays as it is; items are replaced as a whole, metadata key by key.',
    tag: TAG,
    permission: 'orders.write',
    params: ById,
    body: OrderPatchBody,
    response: OrderObject,
    handler: (call) => save(services, call, call.body, call.params.id),
  }),
]
