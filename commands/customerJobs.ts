// Many customers at once: saved in the background, one by one.
import * as v from 'valibot'
import { AcceptedObject } from '../src/api/presenters/asyncActions.ts'
import { CustomerInput } from '../src/domain/customer/profile.ts'
import { outsideId } from '../src/domain/outsideIds.ts'
import { GivenMetadata } from '../src/domain/size.ts'
import { route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { acceptItems, BULK_BODY } from './accepting.ts'

/** Customers in one request: each is some hundred bytes. */
const MAX_CUSTOMERS = 20_000

export const customerJobCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/customers/bulk/async',
    summary: 'Create or change many customers, each its own way',
    description: `Up to ${MAX_CUSTOMERS} in one request, by \`source_id\`. Those that cannot be saved are told of in the async action.`,
    tag: 'Customers',
    permission: 'customers.write',
    body: v.pipe(v.array(CustomerInput), v.maxLength(MAX_CUSTOMERS)),
    bodyLimit: BULK_BODY,
    status: 202,
    response: AcceptedObject,
    handler: (call) => acceptItems(services, call, 'CUSTOMERS.BULK_UPDATE', call.body),
  }),
  route({
    method: 'post',
    path: '/v1/customers/metadata/async',
    summary: 'Change the metadata of many customers, all alike',
    description: 'Customers who are not known are told of in the async action.',
    tag: 'Customers',
    permission: 'customers.write',
    body: v.object({ source_ids: v.pipe(v.array(outsideId()), v.maxLength(MAX_CUSTOMERS)), metadata: GivenMetadata }),
    bodyLimit: BULK_BODY,
    status: 202,
    response: AcceptedObject,
    handler: (call) =>
      acceptItems(
        services,
        call,
        'CUSTOMERS.METADATA_UPDATE',
        call.body.source_ids.map((source_id) => ({ source_id, metadata: call.body.metadata })),
      ),
  }),
]
