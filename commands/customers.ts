// Creating, changing and deleting customers.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { contextOf, customerOfSource, findCustomer } from '../src/api/context.ts'
import { CustomerObject, showCustomerBriefly, showCustomerState } from '../src/api/presenters/customers.ts'
import { creditsLeft } from '../src/api/presenters/giftBalances.ts'
import { reachOf, sayable, strangerFault, tellable } from '../src/api/reach.ts'
import { CustomerInput, type ProfilePatch } from '../src/domain/customer/profile.ts'
import { type CustomerId, idFrom, isCustomerId } from '../src/domain/ids.ts'
import { fail, fromRefusal, isFailure, notFound } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Executed } from '../src/runtime/customers.ts'
import type { Services } from '../src/services.ts'

const CustomerBody = v.pipe(CustomerInput, v.title('CustomerPatch'))

type AnyCall = Call<unknown, unknown, unknown>

const answer = (executed: Executed, toGo?: number): Outcome => {
  switch (executed.kind) {
    case 'refused':
      return fromRefusal(executed.refusal)
    case 'done':
    case 'repeated':
      return {
        body: showCustomerState(executed.state, toGo),
        consistencyToken: executed.position,
      }
    default:
      return executed satisfies never
  }
}

/** The customer as it was saved, with the credits that are left on gift vouchers, where they can be told. */
const answerWhole = async (services: Services, executed: Executed): Promise<Outcome> =>
  executed.kind === 'refused' ? answer(executed) : answer(executed, await creditsLeft(services, executed.state))

/**
 * Saves a profile. A `source_id` given to a customer that has none is first reserved in the stream that it names, so that no
 * two customers ever share one.
 */
const save = async (
  services: Services,
  call: AnyCall,
  id: CustomerId,
  profile: ProfilePatch,
  mayCreate: boolean,
): Promise<Outcome> => {
  const context = contextOf(call, services)
  if (typeof profile.source_id === 'string') {
    const home = customerOfSource(services, profile.source_id)
    if (home !== id) {
      const { state } = await services.customers.load(id)
      if (state.status !== 'active') return notFound('customer', id)
      if (state.profile.source_id === undefined) {
        const linked = await services.customers.execute(
          home,
          { type: 'LinkCustomer', to: id },
          { ...context, key: `process:link:${id}` },
        )
        if (linked.kind === 'refused') return answer(linked)
      }
    }
  }
  const command = { type: 'SaveCustomer', profile, mayCreate } as const
  return answerWhole(services, await services.customers.execute(id, command, context))
}

/** The same from a browser: customers say of themselves what their token lets them; a stranger may only make a new one. */
const upsertOwn = async (services: Services, call: Call<CustomerInput, unknown, unknown>): Promise<Outcome> => {
  const { id, ...profile } = call.body
  const reach = await reachOf(services, call, call.body)
  if (isFailure(reach)) return reach
  const { source_id: sourceId } = profile
  if (id === undefined && typeof sourceId !== 'string')
    return fail('invalid_payload', "Payload should have required property 'source_id'")
  if (id !== undefined && !isCustomerId(id)) return notFound('customer', id)
  const named = id === undefined ? customerOfSource(services, sourceId as string) : (id as CustomerId)
  const fault = await strangerFault(services, call, reach, named)
  if (fault) return fault
  const executed = await services.customers.execute(
    named,
    {
      type: 'SaveCustomer',
      profile: sayable(reach, call.body, profile),
      mayCreate: id === undefined,
      ...(reach.writes === 'any' ? {} : { onlyNew: true }),
    },
    contextOf(call, services),
  )
  if (reach.reads || executed.kind === 'refused') return answerWhole(services, executed)
  const { state, position } = executed
  return {
    body: showCustomerBriefly(named, tellable(reach, state.profile)),
    consistencyToken: position,
  }
}

const upsert = async (services: Services, call: Call<CustomerInput, unknown, unknown>): Promise<Outcome> => {
  const { id, ...profile } = call.body
  if (id !== undefined) {
    if (!isCustomerId(id)) return notFound('customer', id)
    return save(services, call, id, profile, false)
  }
  const fresh = () => idFrom('cust', call.idempotencyKey ?? randomBytes(16).toString('hex')) as CustomerId
  return save(
    services,
    call,
    typeof profile.source_id === 'string' ? customerOfSource(services, profile.source_id) : fresh(),
    profile,
    true,
  )
}

const update = async (services: Services, call: Call<CustomerInput, unknown, { id: string }>): Promise<Outcome> => {
  const found = await findCustomer(services, call.params.id)
  if (isFailure(found)) return found
  const { id, ...profile } = call.body
  if (id !== undefined && id !== found.id && id !== call.params.id)
    return fail('invalid_customer', 'Property .id must be that of the customer whom the path names', {
      resourceType: 'customer',
      resourceId: found.id,
    })
  return save(services, call, found.id as CustomerId, profile, false)
}

const remove = async (services: Services, call: Call<unknown, unknown, { id: string }>): Promise<Outcome> => {
  const found = await findCustomer(services, call.params.id)
  if (isFailure(found)) return found
  const executed = await services.customers.execute(
    found.id,
    { type: 'DeleteCustomer', permanently: false },
    contextOf(call, services),
  )
  if (executed.kind === 'refused') return answer(executed)
  return {
    status: 204,
    consistencyToken: executed.position,
  }
}

const PermanentDeletion = v.pipe(
  v.object({
    id: v.string(),
    created_at: v.string(),
    related_object_id: v.string(),
    related_object: v.literal('customer'),
    status: v.literal('DONE'),
    data_json: v.object({
      events: v.number(),
      customer_events: v.number(),
      daily_events: v.number(),
      segments: v.number(),
      orders: v.number(),
      order_events: v.number(),
      customer: v.number(),
    }),
    // As it is spelt in the HTTP contract.
    object: v.literal('pernament_deletion'),
  }),
  v.title('PermanentDeletion'),
)

/** Said where the log cannot forget. */
const KEPT = {
  Warning: '299 - "personal data is not encrypted here (MASTER_KEY_FILE): the event log keeps what was recorded"',
}

const eraseForGood = async (services: Services, call: Call<unknown, unknown, { id: string }>): Promise<Outcome> => {
  const id = await services.customers.resolve(call.params.id)
  const command = { type: 'DeleteCustomer', permanently: true } as const
  const executed = await services.customers.execute(id, command, contextOf(call, services))
  if (executed.kind === 'refused') return answer(executed)
  const { erasure } = executed.state
  if (!erasure) return notFound('customer', call.params.id)
  await services.erasures.finish(id)
  const { events, customerEvents, segments, orders = 0, orderEvents = 0, occurredAt } = erasure
  return {
    body: {
      id: idFrom('del', id, String(occurredAt)),
      created_at: new Date(occurredAt).toISOString(),
      related_object_id: id,
      related_object: 'customer',
      status: 'DONE',
      data_json: {
        events,
        customer_events: customerEvents,
        daily_events: 0,
        segments,
        orders,
        order_events: orderEvents,
        customer: 1,
      },
      object: 'pernament_deletion',
    },
    ...(services.erasures.isProvable ? {} : { headers: KEPT }),
    consistencyToken: executed.position,
  }
}

export const customerCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/customers',
    also: ['/client/v1/customers'],
    summary: 'Create a customer, or merge into the one with this id or source_id',
    description:
      'A browser changes the customer whose token it sends. Without one it may make a customer who is not known yet, and is ' +
      'answered with no more than it sent.',
    tag: 'Customers',
    permission: 'customers.write',
    ability: 'write_own_profile',
    body: CustomerBody,
    response: CustomerObject,
    about: (body) => body,
    handler: (call) => (call.client ? upsertOwn(services, call) : upsert(services, call)),
  }),
  route({
    method: 'put',
    path: '/v1/customers/{id}',
    summary: 'Change a customer',
    description: 'Values given are merged; null clears one; metadata and address are merged key by key.',
    tag: 'Customers',
    permission: 'customers.write',
    body: CustomerBody,
    response: CustomerObject,
    handler: (call) => update(services, call),
  }),
  route({
    method: 'delete',
    path: '/v1/customers/{id}',
    summary: 'Delete a customer',
    description: 'The customer leaves every read model; the stream keeps what was recorded.',
    tag: 'Customers',
    permission: 'customers.delete',
    status: 204,
    handler: (call) => remove(services, call),
  }),
  route({
    method: 'post',
    path: '/v1/customers/{id}/permanent-deletion',
    summary: 'Erase a customer: delete it and destroy what is personal in the log',
    description:
      'The key of the person is destroyed, so that profile, personal properties of events, orders and the values that rules ' +
      'compared can no longer be read by anybody, in the log and in its copies. Balances of others, limits and seals hold as ' +
      'before. A customer that was deleted before can be erased by its `id`. The same `source_id` begins anew.',
    tag: 'Customers',
    permission: 'customers.erase',
    response: PermanentDeletion,
    handler: (call) => eraseForGood(services, call),
  }),
]
