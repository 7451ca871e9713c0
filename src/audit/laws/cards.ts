// Law: the ledger of every loyalty card adds up, and none is ever negative.
import { type Law, type LawRecord, law, type Report } from './law.ts'
import { dataOf, listAt, numberAt, textAt } from './read.ts'

/** What each fact does to the balance of its card. */
const SIGNS: Readonly<Record<string, 1 | -1>> = {
  PointsEarned: 1,
  PointsAdded: 1,
  PointsTransferredIn: 1,
  PointsTransferReturned: 1,
  PointsRefunded: 1,
  PendingPointsActivated: 1,
  PointsRemoved: -1,
  PointsTakenBack: -1,
  PointsExpired: -1,
  PointsTransferredOut: -1,
  PointsSpent: -1,
}

interface Known {
  readonly balance: number
  /** Points by the bucket they expire with. */
  readonly buckets: ReadonlyMap<string, number>
}

const NEW: Known = { balance: 0, buckets: new Map() }

const moved = (known: Known, { type, data }: LawRecord, card: string, report: Report): Known => {
  const sign = SIGNS[type]!
  const points = numberAt(data, 'points') ?? 0
  const before = numberAt(data, 'balance', 'before')
  const after = numberAt(data, 'balance', 'after')
  const balance = known.balance + sign * points
  if (points < 0) report({ details: `${card}: ${type} moves ${points} points` })
  if (before !== known.balance)
    report({ details: `${card}: the balance before is said to be ${before}, and was ${known.balance}` })
  if (after !== balance) report({ details: `${card}: the balance after is said to be ${after}, and is ${balance}` })
  if (balance < 0) report({ details: `${card}: the balance is ${balance}` })
  const buckets = new Map(known.buckets)
  let sum = 0
  for (const lot of listAt(data, 'lots').map(dataOf)) {
    const bucket = textAt(lot, 'bucket') ?? ''
    const amount = numberAt(lot, 'points') ?? 0
    sum += amount
    const left = (buckets.get(bucket) ?? 0) + sign * amount
    if (left < 0) report({ details: `${card}: ${amount} points were taken from a bucket of ${left + amount}` })
    if (left === 0) buckets.delete(bucket)
    else buckets.set(bucket, left)
  }
  if (sum !== points) report({ details: `${card}: ${points} points moved, and ${sum} are in the lots` })
  return { balance, buckets }
}

const one: Law<Known> = {
  name: 'card-ledgers-add-up',
  says: 'Every change of a card starts from the balance that the changes before it left, and no balance is negative.',
  subjects: ({ type, data }) => {
    if (SIGNS[type] === undefined && type !== 'LoyaltyCardClosed') return []
    const card = textAt(data, 'card', 'id')
    return card === undefined ? [] : [`card ${card}`]
  },
  evolve: (known = NEW, record, card, report) => {
    if (record.type !== 'LoyaltyCardClosed') return moved(known, record, card, report)
    const balance = numberAt(record.data, 'balance')
    if (balance !== known.balance)
      report({ details: `${card}: closed with a balance of ${balance}, and it was ${known.balance}` })
    return undefined
  },
}

export const cardLedgers = law(one)
