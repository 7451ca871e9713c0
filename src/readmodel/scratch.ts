// Scratch databases: how they are named, and the removal of those that a process left behind when it died.
import { MongoClient } from 'mongodb'

const MARK = '_scratch_'
const STAMP = 6
/** No verification takes so long, ms: whose scratch database is older has died. */
const LONGEST_RUN_MS = 24 * 3_600_000

/** A name for a scratch database of `database`: when it was made, seconds in base 36, then six characters of `key`. */
export const scratchName = (database: string, now: number, key: string): string =>
  `${database}${MARK}${Math.floor(now / 1_000)
    .toString(36)
    .padStart(STAMP, '0')
    .slice(-STAMP)}${key.slice(0, 6)}`

/**
 * Whether a database was left behind. `alone`: nobody else uses the server, so whatever was there before
 * the start was. Names of
 * versions that did not note the time read as times long past.
 */
export const isLeftBehind = (name: string, database: string, now: number, alone: boolean): boolean => {
  const beginning = `${database}${MARK}`
  const rest = name.slice(beginning.length)
  if (!name.startsWith(beginning) || !/^[0-9a-z]{12}$/.test(rest)) return false
  const ageMs = now - Number.parseInt(rest.slice(0, STAMP), 36) * 1_000
  return ageMs >= (alone ? 1_000 : LONGEST_RUN_MS)
}

export interface LeftBehind {
  readonly url: string
  readonly database: string
  readonly now: number
  readonly alone: boolean
}

/** Drops what was left behind and gives its names. Rejects when the server cannot be asked. */
export const dropLeftBehind = async ({ url, database, now, alone }: LeftBehind): Promise<readonly string[]> => {
  const client = new MongoClient(url, { maxPoolSize: 1, serverSelectionTimeoutMS: 10_000, socketTimeoutMS: 60_000 })
  try {
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true })
    const left = databases.map(({ name }) => name).filter((name) => isLeftBehind(name, database, now, alone))
    for (const name of left) await client.db(name).dropDatabase()
    return left
  } finally {
    await client.close()
  }
}
