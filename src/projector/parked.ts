// Parked facts: what could not be shown to a document waits here, in order, with the error of the first; it can be listed
// and tried again.

import { sortable } from '../domain/position.ts'
import type { Keyed, ReadModel, Writes } from '../readmodel/index.ts'
import { createParkedNames, type ParkedNames, type Parking } from './fold.ts'

export const PARKED = 'parked'

export interface ParkedFact extends Keyed {
  /** The lane whose projector parked it. */
  lane: string
  projection: string
  key: string
  position: string
  stream: string
  revision: string
  fact: string
  type: string
  error: string | null
  at: Date
}

/** A key that is parked, with how many facts wait. */
export interface ParkedKey {
  readonly projection: string
  readonly key: string
  readonly facts: number
  /** Position of the first waiting fact. */
  readonly since: bigint
  readonly error: string
}

export const PARKED_INDEXES = [{ key: { lane: 1, projection: 1, key: 1, position: 1 } }] as const

const idOf = (lane: string, { projection, key, fact }: Parking): string =>
  [lane, projection, sortable(fact.position), key].join(' ')

/** An error's text is kept up to so many characters. */
const MAX_ERROR = 2_000

export const parkedDocuments = (lane: string, parkings: readonly Parking[], at: Date): readonly ParkedFact[] =>
  parkings.map((parking) => ({
    _id: idOf(lane, parking),
    lane,
    projection: parking.projection,
    key: parking.key,
    position: sortable(parking.fact.position),
    stream: parking.fact.stream,
    revision: parking.fact.revision.toString(),
    fact: parking.fact.id,
    type: parking.fact.type,
    error: parking.error?.slice(0, MAX_ERROR) ?? null,
    at,
  }))

export const parkedWrites = (inserts: readonly ParkedFact[], deletes: readonly string[] = []): readonly Writes[] =>
  inserts.length + deletes.length === 0 ? [] : [{ collection: PARKED, inserts, replaces: [], deletes }]

/** The most keys that are shown or loaded: a projector with more is not poisoned but broken. */
const MAX_KEYS = 100_000

/** Keys with parked facts, the longest waiting first. */
export const listParked = async (readModel: ReadModel, lane: string, limit = 1_000): Promise<readonly ParkedKey[]> => {
  const groups = await readModel.plain<ParkedFact>(PARKED).aggregate<{
    _id: { projection: string; key: string }
    facts: number
    since: string
    error: string | null
  }>([
    { $match: { lane } },
    { $sort: { position: 1 } },
    {
      $group: {
        _id: { projection: '$projection', key: '$key' },
        facts: { $sum: 1 },
        since: { $first: '$position' },
        error: { $first: '$error' },
      },
    },
    { $sort: { since: 1 } },
    { $limit: limit },
  ])
  return groups.map(({ _id, facts, since, error }) => ({
    projection: _id.projection,
    key: _id.key,
    facts,
    since: BigInt(since),
    error: error ?? 'unknown',
  }))
}

export const loadParkedNames = async (readModel: ReadModel, lane: string): Promise<ParkedNames> =>
  createParkedNames(
    (await listParked(readModel, lane, MAX_KEYS)).map(({ projection, key }) => [projection, key] as const),
  )

/** The parked facts of one key, oldest first. */
export const parkedFactsOf = (
  readModel: ReadModel,
  lane: string,
  projection: string,
  key: string,
  limit: number,
): Promise<readonly ParkedFact[]> =>
  readModel.plain<ParkedFact>(PARKED).find({ lane, projection, key }, { sort: { position: 1 }, limit })
