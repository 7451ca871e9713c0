// What the stores say of the time.
import { isIPv4 } from 'node:net'
import type { EventStore } from '../eventstore/index.ts'

/** Facts of types that this program does not know may come first. */
const LOOKED_AT = 100

/**
 * When the newest fact of the log was recorded, ms since the epoch; undefined for an empty one. A store whose clock was ahead
 * stamped what was decided by the right time with the wrong one: then the decision's time counts.
 */
export const newestIn = async (store: Pick<EventStore, 'readAll'>): Promise<number | undefined> => {
  for await (const { created, metadata } of store.readAll({ direction: 'backwards', maxCount: LOOKED_AT }))
    return Math.min(created, metadata.now ?? created)
  return undefined
}

const isHere = (host: string): boolean => {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  return name === 'localhost' || name === '[::1]' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}

/** Whether a MongoDB at this connection string has a clock of its own: another machine's, as far as its name tells. */
export const isElsewhere = (url: string | undefined): boolean => {
  const hosts = /^mongodb(?:\+srv)?:\/\/(?:[^@/]*@)?([^/?]+)/i.exec(url ?? '')?.[1]
  return hosts !== undefined && !hosts.split(',').some(isHere)
}
