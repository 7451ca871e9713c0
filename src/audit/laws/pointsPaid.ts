// Law: what a redemption says that points paid is what its card says.
import { type Law, law } from './law.ts'
import { dataAt, numberAt, textAt } from './read.ts'

interface Known {
  readonly stream: string
  readonly card: string
  readonly points: number
  readonly fact: string
  readonly isSpent: boolean
  readonly isUndone: boolean
  readonly isRefunded: boolean
}

const TYPES: ReadonlySet<string> = new Set([
  'RedemptionSucceeded',
  'RedemptionConfirmed',
  'RedemptionRolledBack',
  'PointsSpent',
  'PointsRefunded',
])

const one: Law<Known> = {
  name: 'points-pay-once',
  says: 'Of a redemption that points pay for its card gives exactly these, in the same stream, and has them back once at most, by a rollback.',
  subjects: ({ type, data }) => {
    const redemption = TYPES.has(type) ? textAt(data, 'redemption') : undefined
    return redemption === undefined ? [] : [`points of ${redemption}`]
  },
  evolve: (known, { type, data, stream, id }, subject, report) => {
    if (type === 'RedemptionSucceeded') {
      const paid = dataAt(data, 'paid')
      const [card, points] = [textAt(paid, 'card'), numberAt(paid, 'points')]
      if (card === undefined || points === undefined) return known
      return { stream, card, points, fact: id, isSpent: false, isUndone: false, isRefunded: false }
    }
    // Others pay for rewards without a redemption of a code.
    if (!known) return undefined
    const about = { streams: [known.stream], facts: [known.fact] }
    switch (type) {
      case 'PointsSpent':
      case 'PointsRefunded': {
        const isSame =
          stream === known.stream &&
          textAt(data, 'card', 'id') === known.card &&
          numberAt(data, 'points') === known.points
        if (!isSame) report({ details: `${subject}: the card does not say what the redemption says`, ...about })
        if (type === 'PointsSpent' ? known.isSpent : known.isRefunded)
          report({ details: `${subject}: ${type} twice`, ...about })
        if (type === 'PointsRefunded' && !known.isUndone)
          report({ details: `${subject} came back without a rollback`, ...about })
        return type === 'PointsSpent' ? { ...known, isSpent: true } : { ...known, isRefunded: true }
      }
      case 'RedemptionConfirmed':
        if (!known.isSpent) report({ details: `${subject} were not taken from the card`, ...about })
        return known
      default:
        return { ...known, isUndone: true }
    }
  },
}

export const pointsPaid = law(one)
