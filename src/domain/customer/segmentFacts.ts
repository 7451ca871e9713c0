// Segment membership as facts of the customer who enters and leaves.
import * as v from 'valibot'
import { wholeFields } from '../personal.ts'
import { capability } from './capability.ts'
import { rowsOf } from './factRow.ts'

const At = v.pipe(v.number(), v.integer())

/**
 * Why membership changed: something happened, time passed, the definition changed, the project's time zone did, or somebody
 * listed the customer.
 */
export const MembershipCause = v.picklist(['event', 'time', 'definition', 'time_zone', 'list'])
export type MembershipCause = v.InferOutput<typeof MembershipCause>

const Change = v.object({
  segment: v.object({ id: v.string(), name: v.string() }),
  /** The instant at which it became true; a late clock records it later than that. */
  occurredAt: At,
  cause: MembershipCause,
  /** Whether it may trigger messages, points and the like: not for passive segments nor, by default, for a roll-out. */
  triggers: v.boolean(),
  /** The truth table of the segment's condition, and the definition's revision. */
  because: v.optional(v.unknown()),
  definition: v.string(),
})

/** The truth table holds the values that were compared, the profile's among them. */
const personal = wholeFields({ because: undefined })

export interface Membership {
  /** The instant of entry, ms. */
  readonly since: number
  /** The segment's name and its definition's revision at entry. */
  readonly name: string
  readonly definition: string
}

/** By segment. */
type Memberships = Readonly<Record<string, Membership>>
const NO_SEGMENTS: Memberships = {}

const fact = rowsOf<Memberships>()

/** A passive segment changes membership in silence. */
const event = (type: string) => ({
  happening: ({ triggers, segment }: v.InferOutput<typeof Change>) =>
    triggers ? { type, metadata: { segment: segment.id, name: segment.name } } : undefined,
})

export const segmentFacts = {
  SegmentEntered: fact(Change, {
    personal,
    evolve: (segments, { segment, occurredAt, definition }) => ({
      ...segments,
      [segment.id]: { since: occurredAt, name: segment.name, definition },
    }),
    ...event('customer.segment.entered'),
  }),
  SegmentLeft: fact(Change, {
    personal,
    evolve: (segments, { segment }) => {
      const { [segment.id]: _, ...others } = segments
      return others
    },
    ...event('customer.segment.left'),
  }),
} as const

export const segments = capability({
  title: 'Segments',
  says: 'When a condition began and ceased to hold.',
  facts: segmentFacts,
  none: NO_SEGMENTS,
})
