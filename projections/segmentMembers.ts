// Who is in which segment, and since when.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import type { Projection } from './projection.ts'

export interface SegmentMemberDocument {
  readonly _id: string
  readonly segment: string
  readonly customer: string
  readonly since: Date
}

export const segmentMembers: Projection<SegmentMemberDocument> = {
  name: 'segmentMembers',
  version: 1,
  indexes: [{ key: { segment: 1, since: 1, _id: 1 } }, { key: { customer: 1, since: 1 } }],
  types: ['SegmentEntered', 'SegmentLeft'],
  keys: (fact) => {
    const customer = customerOfStream(fact.stream)
    if (customer === undefined || !isCustomerFact(fact)) return []
    return fact.type === 'SegmentEntered' || fact.type === 'SegmentLeft' ? [`${fact.data.segment.id}/${customer}`] : []
  },
  evolve: (before, fact, key) => {
    if (!isCustomerFact(fact)) return before
    if (fact.type === 'SegmentLeft') return null
    if (fact.type !== 'SegmentEntered') return before
    const [segment = '', customer = ''] = key.split('/')
    return { _id: key, segment, customer, since: new Date(fact.data.occurredAt) }
  },
}
