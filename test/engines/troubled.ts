// Engines in trouble, for a node whose tests run with FAULTS.
import { join } from 'node:path'
import { seededRandom } from '../../src/engines/eventlog/index.ts'
import { killable } from './killable.ts'
import type { Trouble } from './trouble.ts'

export interface Troubled {
  readonly eventStoreUrl: string
  readonly mongodbUrl: string
  /** Ends both. */
  stop(): Promise<void>
}

let started = 0

/** Starts both engines over a node's data directory, in processes of their own, in the trouble that is asked for. */
export const startTroubled = async (dir: string, { random, kill, seed }: Trouble): Promise<Troubled> => {
  const own = seed + started++
  const faults = random ? own : undefined
  const [events, documents] = await Promise.all([
    killable('events', join(dir, 'events'), faults),
    killable('documents', join(dir, 'documents'), faults),
  ])
  const next = seededRandom(own)
  let ending: (() => void) | undefined
  const ended = new Promise<void>((resolve) => {
    ending = resolve
  })
  let isOver = false
  const killing = async () => {
    let restartMs = 0
    while (kill && !isOver) {
      let timer: NodeJS.Timeout | undefined
      const pause = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, 1_000 + next() * 3_000 + 2 * restartMs)
      })
      await Promise.race([pause, ended])
      clearTimeout(timer)
      if (isOver) return
      const draw = next()
      const victims = draw < 0.4 ? [events] : draw < 0.8 ? [documents] : [events, documents]
      const killedAt = performance.now()
      await Promise.all(victims.map((victim) => victim.stop()))
      await Promise.all(victims.map((victim) => victim.start()))
      // On a busy machine a start takes long; what is up for a moment only could not be worked with.
      restartMs = performance.now() - killedAt
    }
  }
  const killer = killing()
  return {
    eventStoreUrl: events.url,
    mongodbUrl: documents.url,
    async stop() {
      isOver = true
      ending?.()
      await killer
      await Promise.all([events.stop(), documents.stop()])
    },
  }
}
