// What a customer said of being written to, by channel, as it is now and as it was.
import * as v from 'valibot'
import { findCustomer } from '../src/api/context.ts'
import { Consent, consentOf } from '../src/domain/customer/consents.ts'
import { CHANNELS, Channel } from '../src/domain/customer/messages.ts'
import type { CustomerState } from '../src/domain/customer/state.ts'
import { addressFault } from '../src/domain/distributions/react.ts'
import { isFailure } from '../src/http/errors.ts'
import { route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { ById, isoOf } from './shapes.ts'

export const Consents = v.pipe(
  v.object({
    object: v.literal('consents'),
    customer_id: v.string(),
    consents: v.array(
      v.object({
        channel: Channel,
        consent: Consent,
        updated_at: v.nullable(v.string()),
        may_be_written_to: v.boolean(),
        /** Why not: `no_address`, `unsubscribed` or `no_consent`. */
        reason: v.nullable(v.string()),
      }),
    ),
    history: v.array(
      v.object({
        channel: Channel,
        consent: Consent,
        source: v.nullable(v.string()),
        by: v.string(),
        created_at: v.string(),
      }),
    ),
  }),
  v.title('Consents'),
)

export const showConsents = ({ rulebook }: Services, { id, consents, profile }: CustomerState) => ({
  object: 'consents' as const,
  customer_id: id,
  consents: CHANNELS.map((channel) => {
    const consent = consentOf(consents, channel)
    const fault = addressFault(channel, profile, { rule: rulebook.current().project.consent, consent })
    const at = consents.now[channel]?.at
    return {
      channel,
      consent,
      updated_at: at === undefined ? null : isoOf(at),
      may_be_written_to: fault === undefined,
      reason: fault?.reason ?? null,
    }
  }),
  history: consents.history.toReversed().map(({ channel, consent, source, by, occurredAt }) => ({
    channel,
    consent,
    source: source ?? null,
    by,
    created_at: isoOf(occurredAt),
  })),
})

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
