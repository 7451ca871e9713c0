// How many customers entered and left each segment, in all and on each day (of UTC), as it was recorded.
import { customerOfStream } from '../src/domain/ids.ts'
import { projection, type RecordedOf } from './projection.ts'

export interface SegmentDayDocument {
  /** `seg_…/2026-11-29`; of all days `seg_…`. */
  readonly _id: string
  readonly entered: number
  readonly left: number
}

export const segmentDay = (segment: string, at: number): string =>
  `${segment}/${new Date(at).toISOString().slice(0, 10)}`

const keysOf = ({ data, created }: RecordedOf<'SegmentEntered' | 'SegmentLeft'>): readonly string[] => [
  data.segment.id,
  segmentDay(data.segment.id, created),
]

/** How many are in a segment, by its document of all days: known without counting them. */
export const membersOf = (all: SegmentDayDocument | null): number => Math.max(0, (all?.entered ?? 0) - (all?.left ?? 0))

export const segmentDays = projection<SegmentDayDocument>({
  name: 'segmentDays',
  version: 2,
  indexes: [],
  streams: customerOfStream,
  on: {
    SegmentEntered: [
      keysOf,
      (before, _, { key }) => ({ _id: key, entered: (before?.entered ?? 0) + 1, left: before?.left ?? 0 }),
    ],
    SegmentLeft: [
      keysOf,
      (before, _, { key }) => ({ _id: key, entered: before?.entered ?? 0, left: (before?.left ?? 0) + 1 }),
    ],
  },
})
