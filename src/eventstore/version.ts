// The version of the event store, and whether it is one with which this program can work.
import type { EventStoreDBClient } from '@eventstore/db-client'
import * as v from 'valibot'
import { UnusableServer } from '../line/unusable.ts'

/** The first that says when a subscription has caught up, without which nobody knows that a read model is complete. */
const OLDEST = [23, 10] as const

const Features = v.object({ serverVersion: v.string() })

/**
 * What a server says of itself (`24.6.0`). One that does not know the question, as none before 21.10 did, has the version
 * `unknown`. The client keeps the answer, and a failure as well: to be asked of a client of its own.
 */
export const versionOf = async (client: EventStoreDBClient): Promise<string> =>
  v.parse(Features, await Reflect.get(client, 'capabilities')).serverVersion

/**
 * Throws UnusableServer for a version that is too old. Builds without a number of their own (0.0.0, a name) are taken: whoever
 * runs one knows why.
 */
export const checkVersion = (version: string, address: string): void => {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version)?.map(Number) ?? []
  const isUnnumbered = major === undefined || minor === undefined || major === 0
  if (isUnnumbered ? version !== 'unknown' : major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return
  const said = version === 'unknown' ? 'so old that it does not tell its version' : `too old (version ${version})`
  throw new UnusableServer(`The EventStoreDB at ${address} is ${said}: version ${OLDEST.join('.')} or later is needed`)
}
