// A publication's `source_id` is unique in the project: a stream named after it holds who asked first.
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import type { Fact, NewFact } from '../recorded.ts'
import { type Refused, refuse } from '../refusal.ts'

export const publicationFacts = {
  PublicationRequested: {
    version: 1,
    schema: v.object({
      /** Id of the publication that this stream stands for. */
      id: v.string(),
      campaign: v.string(),
      customer: v.string(),
      occurredAt: v.pipe(v.number(), v.integer()),
    }),
  },
} as const
export type PublicationRequested = v.InferOutput<(typeof publicationFacts)['PublicationRequested']['schema']>

/** Whose a `source_id` is, and the key of the request that asked first, where it had one. */
export interface PublicationName {
  readonly first?: PublicationRequested
  readonly key?: string
}

export const foldPublication = (
  name: PublicationName,
  { type, data, metadata }: Fact & Pick<NewFact, 'metadata'>,
): PublicationName =>
  type === 'PublicationRequested' && !name.first
    ? { first: data as PublicationRequested, key: metadata.commandKey }
    : name

/** Asking for the same again is no other publication. */
export const decidePublication = (
  { first }: PublicationName,
  asked: Omit<PublicationRequested, 'occurredAt'>,
  now: number,
): readonly { readonly type: 'PublicationRequested'; readonly data: PublicationRequested }[] | Refused => {
  if (!first) return [{ type: 'PublicationRequested', data: { ...asked, occurredAt: now } }]
  return first.campaign === asked.campaign && first.customer === asked.customer
    ? []
    : refuse('duplicate_source_id', 'Another publication has this source_id')
}

/** The stream of a `source_id`: a digest, since the text may be long and need not be fit for a name. */
export const publicationStream = (sourceId: string): string =>
  `publication-${createHash('sha256').update(sourceId).digest('hex')}`
