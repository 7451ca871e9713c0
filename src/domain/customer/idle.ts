// Since when a customer has done nothing: what decides whether the person is forgotten for want of activity.
import { isInternalEventType } from '../internalEvents.ts'
import type { CustomerState } from './state.ts'

/** Of the events that the product records itself those that the person, or somebody about the person, did. */
const DONE = /^customer\.(?:created|updated|confirmed|referred|redemption\.|publication\.|reward_redemptions\.|order\.)/

/**
 * The instant of the newest thing that was done by or about a customer, ms: events, purchases, codes, changes of the profile and of
 * consents. What becomes true by the passing of time (segments, points that expire) and messages that were sent are none.
 */
export const lastActivityAt = ({ status, now, createdAt, updatedAt, occurrences, consents }: CustomerState): number => {
  // Of one who was deleted nothing else is known.
  if (status === 'deleted') return now
  let last = Math.max(createdAt, updatedAt, consents.history.at(-1)?.occurredAt ?? createdAt)
  for (const [type, stats] of Object.entries(occurrences))
    if (!isInternalEventType(type) || DONE.test(type)) last = Math.max(last, stats.last)
  return last
}
