// Who is in which segment, and since when.
import { customerOfStream } from '../src/domain/ids.ts'
import { projection } from './projection.ts'

export interface SegmentMemberDocument {
  readonly _id: string
  readonly segment: string
  readonly customer: string
  readonly since: Date
}

export const segmentMembers = projection<SegmentMemberDocument>({
  name: 'segmentMembers',
  version: 1,
  indexes: [{ key: { segment: 1, since: 1, _id: 1 } }, { key: { customer: 1, since: 1 } }],
  streams: customerOfStream,
  on: {
    SegmentEntered: [
      ({ data }, customer) => `${data.segment.id}/${customer}`,
      (_, { data }, { key, owner }) => ({
        _id: key,
        segment: data.segment.id,
        customer: owner,
        since: new Date(data.occurredAt),
      }),
    ],
    SegmentLeft: [({ data }, customer) => `${data.segment.id}/${customer}`, () => null],
  },
})
