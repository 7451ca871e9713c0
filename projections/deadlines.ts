// The next instant at which each customer changes with nothing new happening: what the clock wakes up for.
import { customerOfStream } from '../src/domain/ids.ts'
import { projection } from './projection.ts'

export interface DeadlineDocument {
  readonly _id: string
  readonly dueAt: Date
}

export const deadlines = projection<DeadlineDocument>({
  name: 'deadlines',
  version: 1,
  indexes: [{ key: { dueAt: 1 } }],
  streams: customerOfStream,
  on: {},
  others: {
    reaction: [
      // A fact that says nothing of a deadline leaves a customer without one as it was.
      (fact, customer) => (fact.metadata.nextDueAt === undefined ? undefined : customer),
      (before, { metadata: { nextDueAt: due = null } }, { key }) => {
        if (due === null) return null
        return before?.dueAt.getTime() === due ? before : { _id: key, dueAt: new Date(due) }
      },
    ],
  },
})
