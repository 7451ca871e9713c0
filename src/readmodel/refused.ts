// Documents that the store refuses for good: which errors say so, and which documents of a failed transaction are meant.

import {
  BSON,
  type ClientSession,
  type Collection,
  type Db,
  MongoBulkWriteError,
  MongoInvalidArgumentError,
  MongoServerError,
} from 'mongodb'
import { errorText } from '../domain/errorText.ts'
import type { Keyed } from './collection.ts'
import { isDuplicateKey } from './errors.ts'
import type { Committed, RefusedDocument, Writes } from './lanes.ts'
import { toStored, Unstorable } from './storable.ts'
import { inTransaction } from './transaction.ts'

type Rejected = Extract<Committed, { kind: 'rejected' }>

/** What one failed write says: that a document was refused, and which as far as it can be told. */
export interface Refusal {
  readonly collection: string
  readonly key: string | undefined
  readonly error: string
  /** By the driver, before anything was sent. */
  readonly unsent: boolean
  /** By a unique index: whether it is refused depends on the documents beside it. */
  readonly duplicate: boolean
}

/** Server error codes that speak of a document and will be the same however often it is tried. */
const REFUSALS: ReadonlySet<number> = new Set([
  2, // BadValue
  14, // TypeMismatch
  15, // Overflow: nested too deep
  17, // CannotIndexParallelArrays, as old servers number it
  22, // InvalidBSON
  52, // DollarPrefixedFieldName
  53, // InvalidIdField
  55, // InvalidDBRef
  56, // EmptyFieldName
  57, // DottedFieldName
  121, // DocumentValidationFailure
  171, // CannotIndexParallelArrays
  10334, // BSONObjectTooLarge
  11000, // DuplicateKey
  17280, // key too large to index
  17419, // resulting document too large
  17420,
])

/**
 * What an error says about the documents; undefined: nothing. A server that dies in the middle of a bulk write gives an error without
 * code or label, so only what is known to be about documents counts.
 */
export const refusalOf = (error: unknown, { collection, inserts, replaces }: Writes): Refusal | undefined => {
  const refusal = (document: Keyed | undefined, { unsent = false } = {}): Refusal => ({
    collection,
    key: document?._id,
    error: errorText(error),
    unsent,
    duplicate: isDuplicateKey(error),
  })
  const only = inserts.length + replaces.length === 1 ? (inserts[0] ?? replaces[0]) : undefined
  if (error instanceof MongoBulkWriteError) {
    const first = Array.isArray(error.writeErrors) ? error.writeErrors[0] : error.writeErrors
    if (first === undefined || !REFUSALS.has(first.code)) return undefined
    // Inserts are sent first, and an error among them is the only kind that has a document for its operation.
    const isInsert = '_id' in first.getOperation()
    return refusal((isInsert ? inserts : replaces)[first.index])
  }
  if (error instanceof MongoServerError)
    return typeof error.code === 'number' && REFUSALS.has(error.code) ? refusal(only) : undefined
  // The document could not even be written as BSON, or is too large to be sent.
  const unsent =
    error instanceof BSON.BSONError ||
    error instanceof RangeError ||
    error instanceof TypeError ||
    error instanceof MongoInvalidArgumentError
  return unsent ? refusal(only, { unsent: true }) : undefined
}

/** The writes as they are stored, and the documents that are no plain data. */
export const storedWrites = (
  wanted: readonly Writes[],
): { readonly writes: readonly Writes[]; readonly refused: readonly RefusedDocument[] } => {
  const refused: RefusedDocument[] = []
  const stored = (collection: string, documents: readonly Keyed[]): readonly Keyed[] =>
    documents.flatMap((document) => {
      try {
        return [toStored(document)]
      } catch (error) {
        if (!(error instanceof Unstorable)) throw error
        refused.push({ collection, key: document._id, error: errorText(error) })
        return []
      }
    })
  const writes = wanted.map(({ collection, inserts, replaces, deletes }) => ({
    collection,
    inserts: stored(collection, inserts),
    replaces: stored(collection, replaces),
    deletes,
  }))
  return { writes, refused }
}

/** How a document is written over what is there, or where nothing is. */
export const replacing = (document: Keyed) => ({
  filter: { _id: document._id },
  replacement: document,
  upsert: true,
})

/** Writes documents over what is there. */
export const writeDocuments = async (
  target: Collection<Keyed>,
  session: ClientSession,
  documents: readonly Keyed[],
): Promise<void> => {
  if (documents.length === 0) return
  const operations = documents.map((document) => ({ replaceOne: replacing(document) }))
  await target.bulkWrite(operations, { session, ordered: true })
}

/** The largest document, bytes: MongoDB's 16 MiB less what a statement that replaces it has beside it. */
const MAX_BYTES = 16 * 1024 * 1024 - 16 * 1024
/** So long documents are tried at most, ms: those named by then are parked, and the rest is found the next time. */
const PATIENCE_MS = 5_000
/** Documents tried together at most. */
const MAX_TOGETHER = 256

/** Why the driver cannot write a document; undefined: it can. */
const unwritable = (document: Keyed): string | undefined => {
  try {
    const bytes = BSON.calculateObjectSize(document, { ignoreUndefined: true })
    if (bytes > MAX_BYTES) return `the document has ${bytes} bytes, more than ${MAX_BYTES}`
    BSON.serialize(document, { ignoreUndefined: true })
    return undefined
  } catch (error) {
    return errorText(error)
  }
}

/** Writes documents in a transaction that is given up in any case. Rejects as the store does when it is unavailable. */
const tried = async (
  database: Db,
  session: ClientSession,
  collection: string,
  documents: readonly Keyed[],
): Promise<Refusal | undefined> => {
  try {
    await inTransaction(session, () => writeDocuments(database.collection(collection), session, documents))
    return undefined
  } catch (error) {
    const refusal = refusalOf(error, { collection, inserts: [], replaces: documents, deletes: [] })
    if (refusal === undefined) throw error
    return refusal
  }
}

/**
 * All documents of one collection that the server refuses. It stops at the first, so they are tried in stretches, which are short
 * where many are refused and long where none is: the work is bounded by the number of documents, however many are refused.
 */
const triedOf = async (
  database: Db,
  session: ClientSession,
  collection: string,
  documents: readonly Keyed[],
  until: number,
): Promise<readonly RefusedDocument[]> => {
  const found = new Map<string, string>()
  let together = 16
  let hasDuplicates = false
  for (let at = 0; at < documents.length && performance.now() < until; ) {
    const stretch = documents.slice(at, at + together)
    const refusal = await tried(database, session, collection, stretch)
    const key = refusal?.key
    if (refusal === undefined) {
      at += stretch.length
      together = Math.min(MAX_TOGETHER, together * 2)
    } else if (key === undefined) {
      together = Math.max(1, stretch.length >> 2)
    } else {
      // Alone it says nothing: what took its place may be going away in the same transaction.
      if (refusal.duplicate) hasDuplicates = true
      else found.set(key, refusal.error)
      at += stretch.findIndex(({ _id }) => _id === key) + 1
      together = Math.max(1, together >> 1)
    }
  }
  while (hasDuplicates && performance.now() < until) {
    const left = documents.filter(({ _id }) => !found.has(_id))
    const refusal = await tried(database, session, collection, left)
    if (refusal?.key === undefined) break
    found.set(refusal.key, refusal.error)
  }
  return [...found].map(([key, error]) => ({ collection, key, error }))
}

/** Which documents of a refused transaction are refused: the one that the refusal names, and all others that can be found. */
export const findRefused = async (
  database: Db,
  session: ClientSession,
  writes: readonly Writes[],
  first: Refusal,
): Promise<Rejected> => {
  const found = new Map<string, RefusedDocument>()
  const note = (refused: RefusedDocument) => found.set(`${refused.collection} ${refused.key}`, refused)
  if (first.key !== undefined) note({ collection: first.collection, key: first.key, error: first.error })
  for (const { collection, inserts, replaces } of writes)
    for (const document of first.unsent ? [...inserts, ...replaces] : []) {
      const error = unwritable(document)
      if (error !== undefined) note({ collection, key: document._id, error })
    }
  const until = performance.now() + PATIENCE_MS
  // What goes before in the same transaction was taken.
  const from = writes.findIndex(({ collection }) => collection === first.collection)
  for (const { collection, inserts, replaces } of found.size > 0 && first.unsent ? [] : writes.slice(from)) {
    const documents = [...inserts, ...replaces].filter(({ _id }) => !found.has(`${collection} ${_id}`))
    for (const refused of await triedOf(database, session, collection, documents, until)) note(refused)
  }
  return { kind: 'rejected', refused: [...found.values()], error: first.error }
}
