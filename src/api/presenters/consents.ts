// How consents show.
import * as v from 'valibot'
import { CHANNELS, Channel } from '../../domain/channels/index.ts'
import { Consent, consentOf } from '../../domain/customer/consents.ts'
import type { CustomerState } from '../../domain/customer/state.ts'
import { addressFault } from '../../domain/distributions/react.ts'
import type { Services } from '../../services.ts'
import { isoOf } from '../shapes.ts'

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
