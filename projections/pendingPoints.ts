// Points of cards that become spendable later: one document each, while they wait.
import { customerOfStream } from '../src/domain/ids.ts'
import { sortable } from '../src/domain/position.ts'
import { erasing, projection } from './projection.ts'

export interface PendingPointsDocument {
  readonly _id: string
  readonly customer: string
  readonly card: string
  readonly campaign: string
  readonly points: number
  readonly rule: string
  /** The event that they were earned by, and the order where it was one. */
  readonly cause: { readonly fact: string; readonly type: string; readonly order: string | null }
  readonly activates_at: Date
  readonly created_at: Date
  /** The place in the log, as sortable text. */
  readonly position: string
}

export const pendingPoints = projection<PendingPointsDocument>({
  name: 'pendingPoints',
  version: 1,
  indexes: [
    { key: { campaign: 1, activates_at: 1, _id: 1 } },
    { key: { campaign: 1, position: 1 } },
    { key: { customer: 1, position: 1 } },
  ],
  streams: customerOfStream,
  on: {
    PendingPointsAdded: [
      ({ data }) => data.pending.id,
      (_, { data: { card, campaign, pending, rule, cause, occurredAt }, position }, { key, owner }) => ({
        _id: key,
        customer: owner,
        card: card.id,
        campaign: campaign.id,
        points: pending.points,
        rule: rule.id,
        cause: { fact: cause.fact, type: cause.type, order: cause.order ?? null },
        activates_at: new Date(pending.activatesAt),
        created_at: new Date(occurredAt),
        position: sortable(position),
      }),
    ],
    PendingPointsUpdated: [
      ({ data }) => data.pending.id,
      (before, { data }) => before && { ...before, points: data.pending.points },
    ],
    PendingPointsCanceled: [({ data }) => data.pending.id, () => null],
    PendingPointsActivated: [({ data }) => data.pending, () => null],
    ...erasing('pendingPoints'),
  },
})
