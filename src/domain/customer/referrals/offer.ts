// What a code said when an event brought it along, as it is recorded with the event.
import * as v from 'valibot'

const At = v.pipe(v.number(), v.integer())

/** What was found under a code; only `published` when nothing was. */
export const ReferralOffer = v.object({
  voucher: v.optional(v.string()),
  campaign: v.optional(v.string()),
  referrer: v.optional(v.string()),
  /** Given to a customer who is still there. */
  published: v.boolean(),
  publishedAt: v.optional(At),
  active: v.optional(v.boolean()),
  /** The referrer's e-mail address and phone number, as keyed digests: enough to recognise one's own, and nobody else's. */
  contacts: v.optional(v.array(v.string())),
  /** Whether the `referrer_id` sent along names the referrer. */
  named: v.optional(v.boolean()),
})
export type ReferralOffer = v.InferOutput<typeof ReferralOffer>
