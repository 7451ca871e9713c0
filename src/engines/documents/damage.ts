// Documents that are not as they were written: how they are named, and what a client is told.
import { decode } from './bson.ts'
import { CommandError } from './errors.ts'
import { type Key, keyOf } from './keys.ts'
import { ObjectId, type Value } from './values.ts'

const text = (id: Value): string =>
  id instanceof ObjectId ? id.toHexString() : typeof id === 'string' ? id : String(id)

/** The `_id` of damaged bytes where it is the one that they are stored under, else that key in hex. */
const idOf = (key: Key, bytes: Buffer): string => {
  try {
    const id = decode(bytes, new Set(['_id'])).get('_id')
    if (id !== undefined && keyOf(id) === key) return `_id ${text(id)}`
  } catch {
    // What is damaged cannot always be read.
  }
  return `key ${Buffer.from(key, 'latin1').toString('hex')}`
}

/** The error of whoever reads or replaces it. Other documents are as they were. */
export const damagedDocument = (file: string, collection: string, key: Key, bytes: Buffer): CommandError =>
  new CommandError(
    22,
    `the document with ${idOf(key, bytes)} of ${collection} in ${file} is damaged: its checksum is wrong`,
  )
