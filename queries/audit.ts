// What auditors ask over HTTP: states as of a point, explanations, and decisions decided again. Reads only.

import * as v from 'valibot'
import { findCustomer } from '../src/api/context.ts'
import { showCustomerState } from '../src/api/presenters/customers.ts'
import { giftBalances } from '../src/api/presenters/giftBalances.ts'
import { definitionFor } from '../src/api/presenters/webhooks.ts'
import { ById, given, isoOf } from '../src/api/shapes.ts'
import { explainFact } from '../src/audit/explain.ts'
import { eventIdOf, explainDefinition } from '../src/audit/explainDefinition.ts'
import { customerAt } from '../src/audit/history.ts'
import { redecideCustomer } from '../src/audit/redecide.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import { customerStream } from '../src/domain/ids.ts'
import { fail, isFailure, notFound } from '../src/http/errors.ts'
import { instant } from '../src/http/fields.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const StateQuery = v.object({
  revision: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,18}$/, 'must be integer'),
      v.transform((text) => BigInt(text)),
    ),
  ),
  time: v.optional(instant),
})

const showState = (services: Services, state: CustomerState, revision: bigint, toGo?: number) => ({
  ...showCustomerState(state, toGo),
  status: state.status,
  revision: String(revision),
  segments: Object.entries(state.segments).map(([id, { name, since }]) => ({
    id,
    name: services.rulebook.current().entries('segment').get(id)?.definition.name ?? name,
    since: isoOf(since),
    object: 'segment',
  })),
  cards: Object.values(state.loyalty.cards).map(
    ({ id, code, campaign, active, total, redeemed, expired, balance, tier }) => ({
      id,
      code,
      campaign_id: campaign.id,
      active,
      points: total,
      redeemed,
      expired,
      balance,
      loyalty_tier: tier?.id ?? null,
      object: 'loyalty_card',
    }),
  ),
})

const stateOf = async (
  services: Services,
  name: string,
  { revision, time }: v.InferOutput<typeof StateQuery>,
  signal: AbortSignal,
): Promise<Outcome> => {
  if (revision !== undefined && time !== undefined)
    return fail('invalid_query_params', 'Give a revision or a time, not both')
  const id = await services.customers.resolve(name)
  if (revision === undefined && time === undefined) {
    const loaded = await services.customers.load(id)
    if (loaded.revision < 0n) return notFound('customer', name)
    const credits = await giftBalances(services, [id])
    return { body: showState(services, loaded.state, loaded.revision, credits.get(id)) }
  }
  const point = revision === undefined ? { time: time! } : { revision }
  const then = await customerAt(services.store, services.rulebook.current(), id, point, signal)
  return then ? { body: showState(services, then.state, then.revision) } : notFound('customer', name)
}

const ExplainQuery = v.object({
  /** The id of an activity entry, a transaction or a message; `customer` says where to look for any other fact. */
  id: v.optional(v.string()),
  customer: v.optional(v.string()),
  /** A segment, validation rule, earning rule or distribution. */
  definition: v.optional(v.string()),
  /** The event that an earning rule or a distribution is asked about, by its id in the activity log; else the newest. */
  event: v.optional(v.string()),
})

const explain = async (
  services: Services,
  { id, customer, definition, event }: v.InferOutput<typeof ExplainQuery>,
  now: number,
  { key, signal }: Pick<Call, 'key' | 'signal'>,
): Promise<Outcome> => {
  const found = customer === undefined ? undefined : await findCustomer(services, customer)
  if (found && isFailure(found)) return found
  if (definition !== undefined) {
    if (!found) return fail('missing_param', 'A definition is explained for a customer: give customer')
    const history = services.store.readStream(customerStream(found.id))
    const rulebook = services.rulebook.current()
    const asked = event === undefined ? {} : { event: eventIdOf(event) }
    const why = await explainDefinition({ history, rulebook, state: found, now, ...asked }, definition)
    if (!why) return notFound('definition', definition)
    if (event !== undefined && why.event === null) return notFound('event', event)
    return { body: { object: 'explanation', customer: found.id, ...why } }
  }
  if (id === undefined) return fail('missing_param', 'Give an id, or a customer and a definition')
  const chain = await explainFact(services, id, found?.id, signal)
  if (!chain) return notFound('fact', id)
  const shown = chain.map((link) =>
    link.definition
      ? {
          ...link,
          definition: {
            ...link.definition,
            definition: definitionFor(key, link.definition.kind, link.definition.definition),
          },
        }
      : link,
  )
  return { body: { object: 'explanation', chain: shown } }
}

const RangeQuery = v.object({ from: v.optional(instant), to: v.optional(instant) })

export const auditQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/audit/customers/{id}',
    summary: 'A customer as of now, a revision or a time, folded from the stream',
    tag: 'Audit',
    permission: 'audit.read',
    params: ById,
    query: StateQuery,
    response: v.looseObject({ object: v.string() }),
    handler: (call) => stateOf(services, call.params.id, call.query, call.signal),
  }),
  route({
    method: 'get',
    path: '/v1/audit/explain',
    summary: 'Why a fact was recorded, or why a definition does or does not hold for a customer',
    tag: 'Audit',
    permission: 'audit.read',
    query: ExplainQuery,
    response: v.looseObject({ object: v.literal('explanation') }),
    handler: (call) => explain(services, call.query, call.now, call),
  }),
  route({
    method: 'get',
    path: '/v1/audit/customers/{id}/redecide',
    summary: "Decides a customer's recorded decisions again and reports what comes out differently",
    tag: 'Audit',
    permission: 'audit.read',
    params: ById,
    query: RangeQuery,
    response: v.looseObject({ object: v.literal('redecision') }),
    handler: async (call): Promise<Outcome> => {
      const id = await services.customers.resolve(call.params.id)
      return {
        body: {
          object: 'redecision',
          customer: id,
          ...(await redecideCustomer(services.store, services.rulebook, id, given(call.query), call.signal)),
        },
      }
    },
  }),
]
