// Read and write concerns, and the cluster time that they refer to.
import type * as BSON from 'bson'
import type { Membership } from './commands/context.ts'
import { CommandError, failedToParse, notImplemented } from './errors.ts'
import { toDouble } from './numbers.ts'
import { type Doc, isDoc, isNumber, Timestamp, type Value } from './values.ts'

/** The cluster time: seconds and a count, never going back while the server runs. */
export interface Clock {
  /** A time of its own for an answer. */
  next(): BSON.Timestamp
  /** Takes over a later time that a client has learned from this server before it was started anew. */
  learn(time: BSON.Timestamp): void
  /** Whether the time has been given out or learned. */
  hasReached(time: BSON.Timestamp): boolean
}

/** How far ahead of this machine's clock a cluster time may be to be taken over, in seconds. */
const MAX_AHEAD = 365 * 24 * 3600

export const createClock = (): Clock => {
  let seconds = 0
  let count = 0
  return {
    next: () => {
      const now = Math.floor(Date.now() / 1000)
      if (now > seconds) {
        seconds = now
        count = 1
      } else count += 1
      return new Timestamp({ t: seconds, i: count })
    },
    learn: ({ t, i }) => {
      if (t > Date.now() / 1000 + MAX_AHEAD) return
      if (t < seconds || (t === seconds && i <= count)) return
      seconds = t
      count = i
    },
    hasReached: ({ t, i }) => t < seconds || (t === seconds && i <= count),
  }
}

/** Most members of a replica set, which a write concern may ask for. */
const MAX_MEMBERS = 50

/** How many members, or which, a write concern asks to have the write. */
export const membersAsked = (body: Doc): Value | undefined => {
  const concern = body.get('writeConcern')
  const w = isDoc(concern) ? concern.get('w') : undefined
  return isNumber(w) ? toDouble(w) : w
}

/** Checks the values of both concerns and takes over the cluster time. Throws 9 and 72, and 238 for snapshots outside transactions. */
export const checkConcerns = (body: Doc, member: Membership, clock: Clock): void => {
  const gossip = body.get('$clusterTime')
  if (isDoc(gossip)) clock.learn(gossip.get('clusterTime') as BSON.Timestamp)
  const w = membersAsked(body)
  if (typeof w === 'number' && !(Number.isInteger(w) && w >= 0 && w <= MAX_MEMBERS))
    throw failedToParse(`w has to be a non-negative number and not greater than ${MAX_MEMBERS}`)
  const concern = body.get('readConcern')
  if (!isDoc(concern)) return
  if (concern.get('level') === 'snapshot' && !member.transaction)
    throw notImplemented('reading a snapshot outside a transaction')
  const time = concern.get('afterClusterTime') as BSON.Timestamp | undefined
  if (time === undefined) return
  if (time.t === 0 && time.i === 0) throw new CommandError(72, 'afterClusterTime cannot be a null timestamp')
  if (!clock.hasReached(time))
    throw new CommandError(
      72,
      `readConcern afterClusterTime value must not be greater than the current clusterTime. Requested clusterTime: ${time.t}, ${time.i}`,
    )
}
