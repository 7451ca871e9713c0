// Law: an event pays each rule once.
import type { OnceLaw } from './law.ts'
import { textAt } from './read.ts'

const PAYS: ReadonlySet<string> = new Set(['PointsEarned', 'PendingPointsAdded'])

export const earnings: OnceLaw = {
  name: 'causes-pay-once',
  says: 'One cause pays one earning rule once.',
  once: ({ type, stream, data }) => {
    if (!PAYS.has(type)) return []
    const rule = textAt(data, 'rule', 'id')
    const cause = textAt(data, 'cause', 'fact')
    return rule === undefined || cause === undefined ? [] : [`payment of rule ${rule} for ${cause} in ${stream}`]
  },
}
