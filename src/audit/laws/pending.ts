// Law: pending points become points once at most, and only as many as are pending.
import { type Law, law } from './law.ts'
import { numberAt, textAt } from './read.ts'

interface Known {
  readonly points: number
  readonly ended: 'activated' | 'canceled' | undefined
}

const one: Law<Known> = {
  name: 'pending-points-once',
  says: 'Pending points are activated or cancelled once, and no more are activated than were pending.',
  subjects: ({ type, data }) => {
    if (!type.startsWith('PendingPoints')) return []
    const id = type === 'PendingPointsActivated' ? textAt(data, 'pending') : textAt(data, 'pending', 'id')
    return id === undefined ? [] : [`pending points ${id}`]
  },
  evolve: (known, { type, data }, subject, report) => {
    if (type === 'PendingPointsAdded') return { points: numberAt(data, 'pending', 'points') ?? 0, ended: undefined }
    if (!known) {
      report({ details: `${subject}: ${type} without ever having been added` })
      return undefined
    }
    if (known.ended) report({ details: `${subject}: ${type} after they were ${known.ended}` })
    if (type === 'PendingPointsUpdated') return { ...known, points: numberAt(data, 'pending', 'points') ?? 0 }
    if (type === 'PendingPointsCanceled') return { ...known, ended: 'canceled' }
    const points = numberAt(data, 'points') ?? 0
    if (points > known.points) report({ details: `${subject}: ${points} activated of ${known.points}` })
    return { ...known, ended: 'activated' }
  },
}

export const pendingPoints = law(one)
