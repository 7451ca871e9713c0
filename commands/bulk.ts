// What is done with each item of a job that was sent in one request: orders and customers, one after the other, each by itself.

import { customerOfSource } from '../src/api/context.ts'
import type { CustomerInput } from '../src/domain/customer/profile.ts'
import { isCustomerId } from '../src/domain/ids.ts'
import { isFailure } from '../src/http/errors.ts'
import type { CommandContext } from '../src/runtime/customers.ts'
import type { Deals } from '../src/runtime/jobItems.ts'
import type { Services } from '../src/services.ts'
import type { Faulty } from './csvRows.ts'
import { type OrderBody, wishOf } from './orders.ts'

const importOrder = async (
  services: Services,
  body: OrderBody,
  context: CommandContext,
): Promise<string | undefined> => {
  const wish = await wishOf(services, body, context, { by: 'import' })
  if (isFailure(wish)) return `${wish.key}: ${wish.details ?? wish.message}`
  const saved = await services.orders.save(wish, context)
  return saved.kind === 'refused' ? `${saved.refusal.key}: ${saved.refusal.details}` : undefined
}

const saveCustomer = async (
  services: Services,
  { id, ...profile }: CustomerInput,
  mayCreate: boolean,
  context: CommandContext,
): Promise<string | undefined> => {
  const named = id ?? (typeof profile.source_id === 'string' ? profile.source_id : undefined)
  if (named === undefined) return 'missing_customer: source_id is missing'
  const stream = id !== undefined && isCustomerId(id) ? id : customerOfSource(services, named)
  const command = { type: 'SaveCustomer', profile, mayCreate: mayCreate && id === undefined } as const
  const saved = await services.customers.execute(stream, command, context)
  return saved.kind === 'refused' ? `${saved.refusal.key}: ${saved.refusal.details}` : undefined
}

export const bulkDeals = (services: Services): Deals => {
  // Rows were checked by the schema of the request that sent them.
  const customer =
    (mayCreate: boolean) =>
    (item: unknown, context: CommandContext): Promise<string | undefined> =>
      saveCustomer(services, item as CustomerInput, mayCreate, context)
  return {
    'ORDERS.IMPORT': (item, context) => importOrder(services, item as OrderBody, context),
    'CUSTOMERS.BULK_UPDATE': customer(true),
    'CUSTOMERS.IMPORT_CSV': async (item, context) => {
      const { fault } = item as Partial<Faulty>
      return fault ?? customer(true)(item, context)
    },
    'CUSTOMERS.METADATA_UPDATE': customer(false),
  }
}
