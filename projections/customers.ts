// The customers read model: one document a customer, as the last profile fact left it.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { mergeProfile, type Profile } from '../src/domain/customer/profile.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import type { Projection } from './projection.ts'

export interface CustomerDocument {
  readonly _id: string
  readonly profile: Profile
  /** Copies for the indexes of list filters. */
  readonly source_id: string | null
  readonly created_at: Date
  readonly updated_at: Date | null
  /** Ids of the segments that the customer is in. */
  readonly segments: readonly string[]
}

export const customers: Projection<CustomerDocument> = {
  name: 'customers',
  version: 1,
  indexes: [
    { key: { source_id: 1 } },
    { key: { created_at: 1, _id: 1 } },
    { key: { 'profile.email': 1 } },
    { key: { segments: 1, created_at: 1, _id: 1 } },
  ],
  types: ['CustomerCreated', 'CustomerUpdated', 'CustomerDeleted', 'SegmentEntered', 'SegmentLeft'],
  keys: (fact) => {
    const customer = customerOfStream(fact.stream)
    return customer === undefined ? [] : [customer]
  },
  evolve: (before, fact, key) => {
    if (!isCustomerFact(fact)) return before
    switch (fact.type) {
      case 'CustomerCreated': {
        const profile = mergeProfile({ metadata: {} }, fact.data.profile)
        return {
          _id: key,
          profile,
          source_id: profile.source_id ?? null,
          created_at: new Date(fact.data.occurredAt),
          updated_at: null,
          segments: [],
        }
      }
      case 'CustomerUpdated': {
        if (!before) return null
        const profile = mergeProfile(before.profile, fact.data.changes)
        return {
          ...before,
          profile,
          source_id: profile.source_id ?? null,
          updated_at: new Date(fact.data.occurredAt),
        }
      }
      case 'CustomerDeleted':
        return null
      case 'SegmentEntered':
        return (
          before && {
            ...before,
            segments: [...before.segments.filter((s) => s !== fact.data.segment.id), fact.data.segment.id],
          }
        )
      case 'SegmentLeft':
        return before && { ...before, segments: before.segments.filter((s) => s !== fact.data.segment.id) }
      default:
        return before
    }
  },
}
