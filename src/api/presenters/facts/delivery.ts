// How deliveries show in the activity log of the customer they were for.

import type { DeliveryFact } from '../../../domain/distributions/delivery.ts'
import type { Activity } from './entry.ts'

const OUTCOMES = { sent: 'sent_at', recovered: 'recovered_at', failed: 'failed_at' } as const

/** `recovered` is a success after a failure that was shown; failures between the first and giving up are not shown. */
const outcomeOf = (fact: DeliveryFact): keyof typeof OUTCOMES | undefined => {
  switch (fact.type) {
    case 'MessageSent':
      return fact.data.attempt === 1 ? 'sent' : 'recovered'
    case 'MessageAttemptFailed':
      return fact.data.attempt === 1 ? 'failed' : undefined
    case 'MessageParked':
      return fact.data.attempts > 1 ? 'failed' : undefined
    case 'MessageDropped':
    case 'MessagePostponed':
    case 'MessageRetryRequested':
      return undefined
    default:
      return fact satisfies never
  }
}

/** The entry that a delivery makes; undefined for what is shown with the message alone. */
export const deliveryActivityOf = (fact: DeliveryFact): Activity | undefined => {
  const outcome = outcomeOf(fact)
  if (!outcome) return undefined
  const { channel, distribution, message, occurredAt } = fact.data
  return {
    type: `customer.${channel}.${outcome}`,
    category: 'EFFECT',
    data: {
      distribution: { ...distribution, object: 'distribution' },
      message: { id: message, object: 'message', channel },
      ...(fact.type === 'MessageAttemptFailed' ? { reason: fact.data.error } : {}),
      ...(fact.type === 'MessageParked' ? { reason: fact.data.reason } : {}),
      [OUTCOMES[outcome]]: new Date(occurredAt).toISOString(),
    },
  }
}
