// A publication's `source_id` is unique in the project: a stream named after it holds who asked first.
import { createHash } from 'node:crypto'
import * as v from 'valibot'

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

/** The stream of a `source_id`: a digest, since the text may be long and need not be fit for a name. */
export const publicationStream = (sourceId: string): string =>
  `publication-${createHash('sha256').update(sourceId).digest('hex')}`
