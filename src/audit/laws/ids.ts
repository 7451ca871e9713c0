// Law: an id names one record of the project.
import { type Law, type LawRecord, law, type OnceLaw } from './law.ts'
import { type Data, textAt } from './read.ts'

type IdOf = (data: Data) => string | undefined

const at =
  (...path: readonly string[]): IdOf =>
  (data) =>
    textAt(data, ...path)

/** Facts that bring an id into the world: what it is an id of, and where it stands. */
const BORN: Readonly<Record<string, readonly (readonly [kind: string, idOf: IdOf])[]>> = {
  RedemptionSucceeded: [['redemption', at('redemption')]],
  RedemptionFailed: [['redemption', at('redemption')]],
  RedemptionRolledBack: [['rollback', at('rollback')]],
  RedemptionRollbackFailed: [['rollback', at('rollback')]],
  LoyaltyCardIssued: [['loyalty card', at('card', 'id')]],
  PointsEarned: [['transaction', at('transaction')]],
  PointsAdded: [['transaction', at('transaction')]],
  PointsRemoved: [['transaction', at('transaction')]],
  PointsTakenBack: [['transaction', at('transaction')]],
  PointsExpired: [['transaction', at('transaction')]],
  PointsTransferredOut: [['transaction', at('transaction')]],
  PointsTransferredIn: [['transaction', at('transaction')]],
  PointsTransferReturned: [['transaction', at('transaction')]],
  PointsSpent: [
    ['transaction', at('transaction')],
    ['reward redemption', at('redemption')],
  ],
  PointsRefunded: [['transaction', at('transaction')]],
  PendingPointsAdded: [['pending points', at('pending', 'id')]],
  PendingPointsActivated: [['transaction', at('transaction')]],
  GiftCreditsChanged: [['transaction', at('transaction')]],
  MessageRequested: [['message', at('id')]],
  MessageSkipped: [['message', at('id')]],
  CodeReserved: [
    ['code', at('code')],
    ['code owner', at('owner', 'id')],
  ],
  PublicationRequested: [['publication request', at('id')]],
  VoucherJobRequested: [['job', at('id')]],
  EventRejected: [['refused event', at('id')]],
}

/** A definition, of whatever kind, is created once. */
const CREATED = /^[A-Z][A-Za-z]*Created$/

const idsOf = ({ type, stream, data, id }: LawRecord): readonly string[] => {
  const ids = [`record ${id}`]
  for (const [kind, idOf] of BORN[type] ?? []) {
    const found = idOf(data)
    if (found !== undefined) ids.push(`${kind} ${found}`)
  }
  if (stream.startsWith('rulebook-') && CREATED.test(type)) {
    const found = textAt(data, 'id')
    if (found !== undefined) ids.push(`definition ${found}`)
  }
  return ids
}

export const uniqueIds: OnceLaw = {
  name: 'ids-are-unique',
  says: 'No id that names a record of the project names a second one.',
  once: idsOf,
}

/** Apart from the other ids: whoever was deleted may come back under the same one. */
const customers: Law<{ readonly stream: string; readonly fact: string }> = {
  name: 'customers-begin-once',
  says: 'A customer is created once, and again only after having been deleted.',
  subjects: ({ type, stream, data }) => {
    if (type === 'CustomerDeleted') return [stream.replace('customer-', 'customer ')]
    const id = type === 'CustomerCreated' ? textAt(data, 'id') : undefined
    return id === undefined ? [] : [`customer ${id}`]
  },
  evolve: (known, { type, stream, id }, subject, report) => {
    if (type === 'CustomerDeleted') return undefined
    if (known) report({ details: `${subject} is created twice`, streams: [known.stream], facts: [known.fact] })
    return { stream, fact: id }
  },
}

export const uniqueCustomers = law(customers)
