// How far a lane has come, and who waits for it: told by the run that moves it, or by another process of the same node.
import { BehaviorSubject } from 'rxjs'
import type { Projection } from '../../projections/projection.ts'
import { sleep } from '../line/backoff.ts'
import type { Lane, ReadModel } from '../readmodel/index.ts'
import type { Projector } from './index.ts'
import { createWaiters, type Waiters } from './waiters.ts'

export interface ReachedOptions {
  readonly projections: readonly Pick<Projection, 'name'>[]
  readonly readModel: Pick<ReadModel, 'aliases'>
  /** Nobody is kept waiting for projections past its end. */
  readonly signal: AbortSignal
}

export interface Reached extends Pick<Projector, 'position' | 'position$' | 'waitFor'>, Pick<Waiters, 'lull'> {
  /** The lane as it is now. */
  moved(lane: Lane): void
  /** Projections that the lane does not fold, as it was seen last. */
  outdated(): readonly string[]
  close(): void
}

/** How often somebody who waits for a projection that the lane does not fold looks again, ms. */
const LOOK_MS = 50

export const createReached = ({ projections, readModel, signal }: ReachedOptions): Reached => {
  const waiters = createWaiters()
  const position$ = new BehaviorSubject<bigint | undefined>(undefined)
  let outdated: readonly string[] = []
  return {
    position: () => position$.value,
    position$: position$.asObservable(),
    outdated: () => outdated,
    lull: waiters.lull,
    moved(lane) {
      readModel.aliases.note(lane.members)
      outdated = projections.map(({ name }) => name).filter((name) => lane.members[name] === undefined)
      if (lane.position === undefined || lane.position === position$.value) return
      position$.next(lane.position)
      waiters.moved(lane.position)
    },
    async waitFor(position, timeoutMs, names) {
      const until = performance.now() + timeoutMs
      if (!(await waiters.wait(position, timeoutMs))) return false
      while (outdated.some((name) => names === undefined || names.includes(name))) {
        if (performance.now() >= until) return false
        await sleep(Math.min(LOOK_MS, until - performance.now()), signal)
        if (signal.aborted) return false
      }
      return true
    },
    close() {
      waiters.close()
      position$.complete()
    },
  }
}
