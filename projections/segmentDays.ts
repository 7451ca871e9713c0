// How many customers entered and left each segment on each day (of UTC), as it was recorded.
import { customerOfStream } from '../src/domain/ids.ts'
import { projection, type RecordedOf } from './projection.ts'

export interface SegmentDayDocument {
  /** `seg_…/2026-11-29`. */
  readonly _id: string
  readonly entered: number
  readonly left: number
}

export const segmentDay = (segment: string, at: number): string =>
  `${segment}/${new Date(at).toISOString().slice(0, 10)}`

const dayOf = ({ data, created }: RecordedOf<'SegmentEntered' | 'SegmentLeft'>): string =>
  segmentDay(data.segment.id, created)

export const segmentDays = projection<SegmentDayDocument>({
  name: 'segmentDays',
  version: 1,
  indexes: [],
  streams: customerOfStream,
  on: {
    SegmentEntered: [
      dayOf,
      (before, _, { key }) => ({ _id: key, entered: (before?.entered ?? 0) + 1, left: before?.left ?? 0 }),
    ],
    SegmentLeft: [
      dayOf,
      (before, _, { key }) => ({ _id: key, entered: before?.entered ?? 0, left: (before?.left ?? 0) + 1 }),
    ],
  },
})
