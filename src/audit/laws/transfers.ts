// Law: transfers between cards conserve points.
import { type Law, law } from './law.ts'
import { numberAt, textAt } from './read.ts'

interface Known {
  readonly points: number
  readonly stream: string
  readonly fact: string
  readonly ended: 'arrived' | 'came back' | undefined
}

const ENDS: Readonly<Record<string, Known['ended']>> = {
  PointsTransferredIn: 'arrived',
  PointsTransferReturned: 'came back',
}

const one: Law<Known> = {
  name: 'transfers-conserve',
  says: 'The points of a transfer leave once, and the same number arrives once or comes back once.',
  subjects: ({ type, data }) => {
    if (type !== 'PointsTransferredOut' && ENDS[type] === undefined) return []
    const transfer = textAt(data, 'transfer')
    return transfer === undefined ? [] : [`transfer ${transfer}`]
  },
  evolve: (known, { type, data, stream, id }, transfer, report) => {
    const points = numberAt(data, 'points') ?? 0
    if (type === 'PointsTransferredOut') {
      if (known) report({ details: `${transfer} leaves twice`, streams: [known.stream], facts: [known.fact] })
      return { points, stream, fact: id, ended: undefined }
    }
    if (!known) {
      report({ details: `${transfer} ${ENDS[type]}, and never left` })
      return undefined
    }
    const about = { streams: [known.stream], facts: [known.fact] }
    if (known.points !== points)
      report({ details: `${transfer}: ${known.points} left and ${points} ${ENDS[type]}`, ...about })
    if (known.ended) report({ details: `${transfer} ${ENDS[type]} after it ${known.ended}`, ...about })
    return { ...known, ended: ENDS[type] }
  },
}

export const transfers = law(one)
