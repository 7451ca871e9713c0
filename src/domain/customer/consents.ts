// What a customer agreed to, by channel: as facts with their history, and what of it decisions need.
import * as v from 'valibot'
import { Channel } from '../channels/index.ts'
import { wholeFields } from '../personal.ts'
import { capability } from './capability.ts'
import { rowsOf } from './factRow.ts'

const At = v.pipe(v.number(), v.integer())

/** `given` or `refused`; null: not asked, or taken back to that. */
export const Consent = v.nullable(v.picklist(['given', 'refused']))
export type Consent = v.InferOutput<typeof Consent>

const Change = v.object({
  channel: Channel,
  consent: Consent,
  /** Where it was said, such as a form or a call. */
  source: v.optional(v.string()),
  /** Who recorded it: the name of a key, or a user's id. */
  by: v.string(),
  occurredAt: At,
})
export type ConsentChanged = v.InferOutput<typeof Change>

export interface ConsentsState {
  readonly now: Readonly<Partial<Record<Channel, { readonly consent: Consent; readonly at: number }>>>
  /** The newest of what was said, oldest first; all of it is in the log. */
  readonly history: readonly ConsentChanged[]
}

const NO_CONSENTS: ConsentsState = { now: {}, history: [] }

/** Changes of a customer's consents that are shown. */
export const MAX_HISTORY = 100

const consentFacts = {
  ConsentChanged: rowsOf<ConsentsState>()(Change, {
    personal: wholeFields({ source: undefined }),
    evolve: ({ now, history }, change) => ({
      now: { ...now, [change.channel]: { consent: change.consent, at: change.occurredAt } },
      history: [...history, change].slice(-MAX_HISTORY),
    }),
  }),
} as const

export const consentOf = ({ now }: ConsentsState, channel: Channel): Consent => now[channel]?.consent ?? null

export const consents = capability({
  title: 'Consents',
  says: 'Whether a customer agreed to be written to, by channel.',
  facts: consentFacts,
  none: NO_CONSENTS,
})
