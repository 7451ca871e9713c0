// What routes share: the context of a command from its call, and whom a call means.

import * as v from 'valibot'
import type { CustomerState } from '../domain/customer/state.ts'
import { type CustomerId, customerIdFrom } from '../domain/ids.ts'
import { type Failure, notFound } from '../http/errors.ts'
import type { Call } from '../http/route.ts'
import { createLru } from '../lru.ts'
import type { CommandContext } from '../runtime/customers.ts'
import type { Services } from '../services.ts'

const CustomerName = v.object({ id: v.nullish(v.string()), source_id: v.nullish(v.string()) })

type AnyCall = Call<unknown, unknown, unknown>

/** The context of the command that a call asks for; `key` names the command when the caller gave it a name. */
export const contextOf = (
  call: Pick<AnyCall, 'requestId' | 'now'> &
    Partial<Pick<AnyCall, 'idempotencyKey'>> & { readonly key: Pick<AnyCall['key'], 'name' | 'role'> },
  { settings }: Services,
  more: { readonly key?: string; readonly print?: string; readonly dryRun?: boolean } = {},
): CommandContext => {
  const key = more.key ?? call.idempotencyKey
  return {
    key,
    print: more.print,
    requestId: call.requestId,
    actor: { name: call.key.name, role: call.key.role },
    now: call.now,
    deadline: call.now + settings.requestLimitMs,
    ...(more.dryRun ? { dryRun: true } : {}),
  }
}

/** Ids of customers who were named lately: a keyed hash costs more than to look one up. */
const ids = createLru<CustomerId>({ entries: 10_000 })

/** The stream that a `source_id` leads to; the customer need not exist, and may be linked to another. */
export const customerOfSource = ({ rulebook }: Services, sourceId: string): CustomerId => {
  const { customerKey } = rulebook.current().project
  const name = `${customerKey} ${sourceId}`
  const known = ids.get(name)
  if (known !== undefined) return known
  const id = customerIdFrom(sourceId, customerKey)
  ids.set(name, id)
  return id
}

/** The stream that a customer is named by, in a part of a body that names one by `id` or `source_id`; undefined for anything else. */
export const customerNamed = (services: Services, named: unknown): string | undefined => {
  const parsed = v.safeParse(CustomerName, typeof named === 'string' ? { source_id: named } : named)
  if (!parsed.success) return undefined
  const { id, source_id: sourceId } = parsed.output
  return id ?? (sourceId === null || sourceId === undefined ? undefined : customerOfSource(services, sourceId))
}

/** The customer that a path names by id or `source_id`, if there is one. */
export const findCustomer = async (services: Services, name: string): Promise<CustomerState | Failure> => {
  const { state } = await services.customers.load(await services.customers.resolve(name))
  return state.status === 'active' ? state : notFound('customer', name)
}
