// What a customer said of being written to, by channel, as it is now and as it was.
import { findCustomer } from '../src/api/context.ts'
import { Consents, showConsents } from '../src/api/presenters/consents.ts'
import { ById } from '../src/api/shapes.ts'
import { isFailure } from '../src/http/errors.ts'
import { route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

export const consentQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/customers/{id}/consents',
    summary: 'What a customer said of being written to',
    description:
      'For each channel the consent as it is, whether a message may go out, and the last hundred changes, newest first. The whole ' +
      'history is in the activity log.',
    tag: 'Customers',
    permission: 'customers.read',
    params: ById,
    response: Consents,
    handler: async ({ params }) => {
      const found = await findCustomer(services, params.id)
      return isFailure(found) ? found : { body: showConsents(services, found) }
    },
  }),
]
