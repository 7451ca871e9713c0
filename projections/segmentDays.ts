// How many customers entered and left each segment on each day (of UTC), as it was recorded.
import { isCustomerFact } from '../src/domain/customer/facts.ts'
import { customerOfStream } from '../src/domain/ids.ts'
import type { Projection } from './projection.ts'

export interface SegmentDayDocument {
  /** `seg_…/2026-11-29`. */
  readonly _id: string
  readonly entered: number
  readonly left: number
}

export const segmentDay = (segment: string, at: number): string =>
  `${segment}/${new Date(at).toISOString().slice(0, 10)}`

export const segmentDays: Projection<SegmentDayDocument> = {
  name: 'segmentDays',
  version: 1,
  indexes: [],
  types: ['SegmentEntered', 'SegmentLeft'],
  keys: (fact) =>
    customerOfStream(fact.stream) !== undefined &&
    isCustomerFact(fact) &&
    (fact.type === 'SegmentEntered' || fact.type === 'SegmentLeft')
      ? [segmentDay(fact.data.segment.id, fact.created)]
      : [],
  evolve: (before, fact, key) => {
    const { entered, left } = before ?? { entered: 0, left: 0 }
    return fact.type === 'SegmentEntered'
      ? { _id: key, entered: entered + 1, left }
      : { _id: key, entered, left: left + 1 }
  },
}
