// The attributes of a customer that conditions may name: their types and where each is found.
import { metadataAt } from '../metadataPath.ts'
import { ANY, type ValueShape } from './environment.ts'
import type { Subject } from './subject.ts'

const TEXT: ValueShape = { type: 'string', array: false }
const TIME: ValueShape = { type: 'datetime', array: false }
const NUMBER: ValueShape = { type: 'number', array: false }

interface Attribute {
  readonly shape: ValueShape
  /** The least that must change for its value to change: its first part, or the whole. */
  readonly read: (subject: Subject) => unknown
}

const ADDRESS = ['city', 'state', 'line_1', 'line_2', 'country', 'postal_code']

const redemptions = ['total_redeemed', 'total_failed', 'total_succeeded', 'total_rolled_back']
const SUMMARY: Readonly<Record<string, ValueShape>> = Object.fromEntries([
  ...[...redemptions, 'total_rollback_failed', 'total_rollback_succeeded'].map((name) => [
    `redemptions.${name}`,
    NUMBER,
  ]),
  // What is left on gift vouchers is no attribute: only the ledgers of their codes know, not the customer's own stream.
  ...['gift.redeemed_amount', 'loyalty_card.redeemed_points', 'loyalty_card.points_to_go'].map((name) => [
    `redemptions.${name}`,
    NUMBER,
  ]),
  ...['total_amount', 'total_count', 'average_amount', 'last_order_amount'].map((name) => [`orders.${name}`, NUMBER]),
  ['orders.last_order_date', TIME],
])

const own = (record: unknown, key: string): unknown =>
  typeof record === 'object' && record !== null && Object.hasOwn(record, key)
    ? (record as Readonly<Record<string, unknown>>)[key]
    : undefined

const fixed: Readonly<Record<string, Attribute>> = {
  source_id: { shape: TEXT, read: ({ profile }) => profile.source_id },
  name: { shape: TEXT, read: ({ profile }) => profile.name },
  description: { shape: TEXT, read: ({ profile }) => profile.description },
  email: { shape: TEXT, read: ({ profile }) => profile.email },
  phone: { shape: TEXT, read: ({ profile }) => profile.phone },
  birthdate: { shape: { type: 'date', array: false }, read: ({ profile }) => profile.birthdate },
  birthday: { shape: { type: 'date', array: false }, read: ({ profile }) => profile.birthdate },
  unsubscribed: { shape: { type: 'string', array: true }, read: ({ profile }) => profile.unsubscribed },
  created_at: { shape: TIME, read: ({ createdAt }) => createdAt },
  updated_at: { shape: TIME, read: ({ updatedAt }) => updatedAt },
}

/** An attribute by its dotted name; undefined when customers have none of that name. */
export const attributeOf = (name: string): Attribute | undefined => {
  if (Object.hasOwn(fixed, name)) return fixed[name]
  const dot = name.indexOf('.')
  if (dot < 0) return undefined
  const [family, key] = [name.slice(0, dot), name.slice(dot + 1)]
  if (key === '') return undefined
  if (family === 'metadata') return { shape: ANY, read: ({ profile }) => metadataAt(profile.metadata, key) }
  if (family === 'address' && ADDRESS.includes(key))
    return { shape: TEXT, read: ({ profile }) => own(profile.address, key) }
  if (family === 'summary' && Object.hasOwn(SUMMARY, key)) {
    const path = key.split('.')
    return { shape: SUMMARY[key]!, read: ({ summary }) => path.reduce<unknown>(own, summary) }
  }
  return undefined
}
