// Entries of the activity log in a line: what happened, with the words that tell one from the next.

import type { Activity, Fields } from '../lib/shapes.ts'
import { amount, brief, number, typeWords } from '../lib/text.ts'

const inner = (data: Fields, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Fields | null | undefined)?.[key], data)

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The name of what an entry is about. */
export const headOf = ({ type, data }: Activity): string =>
  type === 'customer.custom_event'
    ? text(inner(data, 'event', 'type')) || text(inner(data, 'event', 'event')) || text(data.event) || 'Custom event'
    : typeWords(type)

/** What tells it from others of its kind. */
export const detailOf = ({ type, data }: Activity): string => {
  if (type === 'customer.custom_event') {
    const metadata = (inner(data, 'event', 'metadata') ?? data.metadata ?? {}) as Fields
    return Object.entries(metadata)
      .slice(0, 4)
      .map(([name, value]) => `${name}: ${brief(value, 40)}`)
      .join(', ')
  }
  const points = inner(data, 'transaction', 'details', 'balance', 'points') ?? inner(data, 'balance', 'points')
  const total = inner(data, 'order', 'total_amount')
  const named = [
    inner(data, 'segment', 'name'),
    typeof points === 'number' ? `${points > 0 ? '+' : ''}${number(points)} points` : undefined,
    inner(data, 'loyalty_tier', 'name'),
    type.startsWith('customer.order.') && typeof total === 'number' ? amount(total) : undefined,
    inner(data, 'reward', 'name'),
    inner(data, 'voucher', 'code'),
    inner(data, 'campaign', 'name'),
    inner(data, 'distribution', 'name'),
    inner(data, 'redemption', 'failure_message'),
    inner(data, 'message', 'channel'),
    inner(data, 'reason'),
  ]
  return named
    .filter((one): one is string => typeof one === 'string' && one !== '')
    .slice(0, 3)
    .join(' · ')
}

/** When the customer acted; of what followed from it, when it was decided. */
export const occurredAt = ({ data, created_at }: Activity): string =>
  text(inner(data, 'event', 'created_at')) || created_at
