// Requests that their callers named by an Idempotency-Key: the fact that a name is taken, and by which content.
import * as v from 'valibot'
import { uuidFrom } from './ids.ts'

const At = v.pipe(v.number(), v.integer())

export const requestFacts = {
  /** From now on the name stands for this content. */
  RequestNamed: {
    version: 1,
    schema: v.object({
      /** Method and path, for who reads the log. */
      route: v.string(),
      /** Fingerprint of method, path, query and body: see `printOf`. */
      print: v.string(),
      occurredAt: At,
    }),
  },
  /** The request was refused and nothing was recorded for it: the name is free for another content. */
  RequestGivenUp: { version: 1, schema: v.object({ print: v.string(), reason: v.string(), occurredAt: At }) },
} as const

/** The stream of a name within the space of its API key and, where the request is about a customer, of that customer. */
export const requestStream = (key: string, customer: string | undefined): string =>
  `request-${uuidFrom('request', key, customer ?? '')}`

/** The content that a name stands for now. */
export interface RequestName {
  readonly route: string
  readonly print: string
}

/** What a name stands for as of a fact of its stream; undefined: it is free. */
export const nameBy = (fact: { readonly type: string; readonly data: unknown }): RequestName | undefined =>
  fact.type === 'RequestNamed' ? (fact.data as RequestName) : undefined
