// Recording what a customer says of being written to.
import * as v from 'valibot'
import { contextOf, findCustomer } from '../src/api/context.ts'
import { Consents, showConsents } from '../src/api/presenters/consents.ts'
import { CHANNELS, type Channel } from '../src/domain/channels/index.ts'
import { Consent } from '../src/domain/customer/consents.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Call, type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

const consent = v.optional(Consent)
const Body = v.pipe(
  v.object({
    consents: v.pipe(
      v.object(Object.fromEntries(CHANNELS.map((channel) => [channel, consent])) as Record<Channel, typeof consent>),
      v.check((channels) => Object.keys(channels).length > 0, 'must name a channel'),
    ),
    /** Where it was said, such as the name of a form. */
    source: v.optional(v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(300))),
  }),
  v.title('ConsentsChange'),
)

const save = async (
  services: Services,
  call: Call<v.InferOutput<typeof Body>, undefined, { readonly id: string }>,
): Promise<Outcome> => {
  const found = await findCustomer(services, call.params.id)
  if (isFailure(found)) return found
  const { consents, source } = call.body
  const command = {
    type: 'SaveConsents',
    consents,
    source,
    by: call.key.name,
  } as const
  const executed = await services.customers.execute(found.id, command, contextOf(call, services))
  if (executed.kind === 'refused') return { refused: executed.refusal }
  return {
    body: showConsents(services, executed.state),
    consistencyToken: executed.position,
  }
}

export const consentCommands = (services: Services) => [
  route({
    method: 'put',
    path: '/v1/customers/{id}/consents',
    summary: 'Record what a customer says of being written to',
    description:
      'By channel: `given`, `refused`, or null for not asked; channels that are left out stay as they are. A refusal opts the customer ' +
      'out, and messages under way are not sent. With the setting CONSENT=required, mail and text messages go out only where it was ' +
      'given; what is not sent says why.',
    tag: 'Customers',
    permission: 'customers.write',
    params: v.object({ id: v.string() }),
    body: Body,
    response: Consents,
    handler: (call) => save(services, call),
  }),
]
