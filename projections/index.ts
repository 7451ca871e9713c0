// All projections: what the projector keeps up to date, in one group behind one checkpoint.
import { activity } from './activity.ts'
import { customers } from './customers.ts'
import { deadlines } from './deadlines.ts'
import { outbox } from './outbox.ts'
import type { Projection } from './projection.ts'
import { rejectedEvents } from './rejectedEvents.ts'
import { segmentMembers } from './segmentMembers.ts'

export const projections = [
  customers,
  activity,
  rejectedEvents,
  segmentMembers,
  deadlines,
  outbox,
] as unknown as readonly Projection[]
