// A projector that only knows how far another process of the same node has come: what waits for positions there is to wait for.
import type { Lane } from '../readmodel/index.ts'
import type { Observer } from './index.ts'
import { createReached, type ReachedOptions } from './reached.ts'

export interface ObserverOptions extends Omit<ReachedOptions, 'signal'> {
  readonly group: string
  /** Calls back with the lane as it is now, and whenever it has moved. Returns how to stop being called. */
  readonly onLane: (moved: (lane: Lane) => void) => () => void
  /** Says that somebody waits for a position, so that it comes soon. */
  readonly askFor: (position: bigint) => void
}

export const createObserver = ({ group, projections, readModel, onLane, askFor }: ObserverOptions): Observer => {
  const stopping = new AbortController()
  const reached = createReached({ projections, readModel, signal: stopping.signal })
  /** The newest that was asked for: what comes before it is on its way too. */
  let asked = -1n
  const stop = onLane(reached.moved)

  return {
    group,
    position: reached.position,
    position$: reached.position$,
    async waitFor(position, timeoutMs, names) {
      if ((reached.position() ?? -1n) < position && asked < position) {
        asked = position
        askFor(position)
      }
      return reached.waitFor(position, timeoutMs, names)
    },
    async stop() {
      stopping.abort()
      stop()
      reached.close()
    },
  }
}
