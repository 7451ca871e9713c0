// A projector that only knows how far another process of the same node has come: what waits for positions there is to wait for.
import { BehaviorSubject } from 'rxjs'
import type { Projection } from '../../projections/projection.ts'
import { sleep } from '../line/backoff.ts'
import type { Lane, ReadModel } from '../readmodel/index.ts'
import type { Projector } from './index.ts'
import { createWaiters } from './waiters.ts'

export interface ObserverOptions {
  readonly group: string
  readonly projections: readonly Pick<Projection, 'name'>[]
  readonly readModel: Pick<ReadModel, 'aliases'>
  /** Calls back with the lane as it is now, and whenever it has moved. Returns how to stop being called. */
  readonly onLane: (moved: (lane: Lane) => void) => () => void
  /** Says that somebody waits for a position, so that it comes soon. */
  readonly askFor: (position: bigint) => void
}

/** What only the process that does the work can say or do: requests for it are answered there. */
const elsewhere = (): never => {
  throw new Error('this is answered by the process that has the projector')
}

export const createObserver = ({ group, projections, readModel, onLane, askFor }: ObserverOptions): Projector => {
  const waiters = createWaiters()
  const position$ = new BehaviorSubject<bigint | undefined>(undefined)
  const stopping = new AbortController()
  let outdated: readonly string[] = []
  /** The newest that was asked for: what comes before it is on its way too. */
  let asked = -1n

  const stop = onLane((lane) => {
    readModel.aliases.note(lane.members)
    outdated = projections.map(({ name }) => name).filter((name) => lane.members[name] === undefined)
    if (lane.position === undefined || lane.position === position$.value) return
    position$.next(lane.position)
    waiters.moved(lane.position)
  })

  return {
    group,
    position: () => position$.value,
    position$: position$.asObservable(),
    async waitFor(position, timeoutMs, names) {
      const until = performance.now() + timeoutMs
      if ((position$.value ?? -1n) < position && asked < position) {
        asked = position
        askFor(position)
      }
      if (!(await waiters.wait(position, timeoutMs))) return false
      while (outdated.some((name) => names === undefined || names.includes(name))) {
        if (performance.now() >= until) return false
        await sleep(Math.min(50, until - performance.now()), stopping.signal)
        if (stopping.signal.aborted) return false
      }
      return true
    },
    status: elsewhere,
    parked: elsewhere,
    retry: elsewhere,
    rebuild: elsewhere,
    promote: elsewhere,
    ready: elsewhere,
    rollback: elsewhere,
    async stop() {
      stopping.abort()
      stop()
      waiters.close()
      position$.complete()
    },
  }
}
