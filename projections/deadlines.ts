// The next instant at which each customer changes with nothing new happening: what the clock wakes up for.
import { customerOfStream } from '../src/domain/ids.ts'
import type { Projection } from './projection.ts'

export interface DeadlineDocument {
  readonly _id: string
  readonly dueAt: Date
}

export const deadlines: Projection<DeadlineDocument> = {
  name: 'deadlines',
  version: 1,
  indexes: [{ key: { dueAt: 1 } }],
  keys: (fact) => {
    // A fact that says nothing of a deadline leaves a customer without one as it was.
    const customer = fact.metadata.nextDueAt === undefined ? undefined : customerOfStream(fact.stream)
    return customer === undefined ? [] : [customer]
  },
  evolve: (before, fact, key) => {
    const due = fact.metadata.nextDueAt ?? null
    if (due === null) return null
    return before?.dueAt.getTime() === due ? before : { _id: key, dueAt: new Date(due) }
  },
}
