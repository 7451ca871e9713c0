// Given servers: where each file has its place on them, and files that cannot run there, which say so and count as skipped.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { SKIPPED } from './files.ts'

/** Ends a test file before its tests begin. */
export const skipFile = (why: string): never => {
  console.log(SKIPPED + why)
  process.exit(0)
}

/** Whether there are given servers: tests cannot stop them, nor look into them from within. */
export const areGiven = Boolean(process.env.EVENTSTORE_URL || process.env.MONGODB_URL)

/** Runs a suite whose servers are its own, and says so where there are given ones. */
export const runOnOwnServers = (suite: { run(): void }): void => {
  if (areGiven) skipFile('it stops and starts its servers')
  suite.run()
}

/** Each directory has a database and streams of its own: a node that is started again finds what it left. */
const placeOf = (dir: string): string => `test_${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`

/** The settings by which a node over this directory runs on the given servers; none for those that are embedded. */
export const givenServers = (dir: string): Readonly<Record<string, string>> => {
  const { EVENTSTORE_URL: events, MONGODB_URL: documents } = process.env
  return {
    // As beside an embedded log, personal data is encrypted; the key is not on the server.
    ...(events
      ? { EVENTSTORE_URL: events, EVENTSTORE_NAMESPACE: placeOf(dir), MASTER_KEY_FILE: join(dir, 'master.key') }
      : {}),
    ...(documents ? { MONGODB_URL: documents, MONGODB_DATABASE: placeOf(dir) } : {}),
  }
}
