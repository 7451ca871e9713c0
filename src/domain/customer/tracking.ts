// Tracked events: the fact that a customer did something, checked against its event schema.
import * as v from 'valibot'
import { listedEntries } from '../personal.ts'
import { rowsOf } from './factRow.ts'
import { Metadata, Said } from './profile.ts'
import { ReferralOffer } from './referrals/offer.ts'
import { noteSaid } from './said.ts'
import type { CustomerState } from './state.ts'

const At = v.pipe(v.number(), v.integer())

/** What a caller says with an event about a referral or a loyalty card. */
export const ReferralRef = v.object({ code: v.string(), referrer_id: v.optional(v.string()) })
export type ReferralRef = v.InferOutput<typeof ReferralRef>
/** The same with what was found under the code, so that the decision can be made again. */
export const TrackedReferral = v.object({ ...ReferralRef.entries, offer: v.optional(ReferralOffer) })
export const LoyaltyRef = v.object({ code: v.string() })

const fact = rowsOf<CustomerState>()

export const trackingFacts = {
  CustomEventTracked: fact(
    v.object({
      event: v.string(),
      /** When the customer acted, in ms since the epoch; the fact's own `now` says when it was decided. */
      occurredAt: At,
      metadata: Metadata,
      /** Which properties of the metadata the event's schema calls personal. */
      personal: v.optional(v.array(v.string())),
      schema: v.optional(v.object({ id: v.string(), name: v.string() })),
      referral: v.optional(TrackedReferral),
      loyalty: v.optional(LoyaltyRef),
      /** Recorded although it breaks its schema or has none (lenient mode): why. */
      faults: v.optional(v.array(v.string())),
      /** What the event says again of its customer. */
      said: v.optional(Said),
      /** Older than the trigger horizon: counts everywhere, sends nothing. */
      historical: v.optional(v.boolean()),
    }),
    {
      personal: listedEntries('metadata', 'personal'),
      evolve: (state, { said, occurredAt }) =>
        said ? { ...state, saidAt: noteSaid(state.saidAt, {}, said, occurredAt) } : state,
      happening: ({ event, metadata }) => ({ type: event, metadata }),
    },
  ),
  /** The consequences of one command passed their bound; those so far are kept. */
  CascadeHalted: fact(v.object({ occurredAt: At, rounds: v.number(), facts: v.number() })),
  /** Only time has changed: the instant at which this customer must be looked at next. */
  DeadlineMoved: fact(v.object({ occurredAt: At })),
} as const
