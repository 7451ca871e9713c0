// A log that a test writes out fact by fact, and the documents that a projection makes of it.
import type { Projection } from '../../projections/projection.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import { MINUTE, T0 } from '../given.ts'
import { project } from './laws.ts'

export type Written = readonly [type: string, data: unknown, more?: Partial<Omit<RecordedFact, 'type' | 'data'>>]

/** Facts as a stream gives them, one each `every` ms from `T0` on. */
export const log = (facts: readonly Written[], stream = 'customer-cust_1', every = MINUTE): RecordedFact[] =>
  facts.map(([type, data, more], i) => ({
    type,
    data,
    id: `00000000-0000-5000-8000-${String(i).padStart(12, '0')}`,
    stream,
    revision: BigInt(i),
    position: BigInt(i),
    created: T0 + i * every,
    metadata: { $correlationId: 'test' },
    ...more,
  }))

export const documents = (projection: object, facts: readonly RecordedFact[]) =>
  Object.values(project(projection as Projection, [facts])) as never[]
