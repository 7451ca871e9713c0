// The clock: wakes up at each customer's deadline and lets time pass for that customer.
import { Subject } from 'rxjs'
import type { DeadlineDocument } from '../../projections/deadlines.ts'
import { sleep } from '../line/backoff.ts'
import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { CustomerRuntime } from '../runtime/customers.ts'

import type { NodeClock } from '../time/nodeClock.ts'
import type { SetAside } from '../worker/setAside.ts'
import { startWorker } from '../worker/worker.ts'

export interface Clock {
  /** Deadlines that were found due and are not done yet. */
  pending(): number
  /** Ends after what is under way. */
  stop(): Promise<void>
}

export interface ClockOptions {
  readonly readModel: ReadModel
  readonly customers: CustomerRuntime
  /** Where customers go whose deadline cannot be dealt with. */
  readonly aside: Pick<SetAside, 'quarantine'>
  readonly log: Pick<Logger, 'warn'>
  /** While the machine's clock is not believed nothing falls due. */
  readonly time: Pick<NodeClock, 'now' | 'distrust' | 'onJump'>
  readonly requestId: () => string
  /** Calls back whenever the read models have moved; without it the read model is asked at every tick. */
  readonly onMoved?: (moved: () => void) => () => void
}

/** How often the read model is asked what is due, ms. */
const TICK_MS = 200
/** With nothing to do, it is asked again after so long at the latest, ms. */
const LONGEST_REST_MS = 30_000
/** Deadlines this close are taken early and waited for, so that a tick does not add to their delay, ms. */
const AHEAD_MS = 300
/** Deadlines taken at a time, and commands under way at a time. */
const TAKE = 2_000
const AT_ONCE = 128
/** How long a deadline that was done is remembered while the read model still shows it, ms. */
const REMEMBER_MS = 10_000

const ACTOR = { name: 'clock', role: 'system' } as const

/** Starts the clock. Several nodes may run one: a deadline that another has dealt with leaves nothing to record. */
export const startClock = ({ readModel, customers, aside, log, time, requestId, onMoved }: ClockOptions): Clock => {
  const { now } = time
  const deadlines = readModel.collection<DeadlineDocument>('deadlines')
  /** Customer → the deadline taken last, so that none is taken twice while the projection is behind. */
  const taken = new Map<string, { readonly dueAt: number; readonly at: number }>()
  /** Until then nothing falls due, as long as the read models do not move, ms. */
  let restsUntil = 0
  const moved$ = new Subject<void>()
  const unwatch = onMoved?.(() => moved$.next())
  // Timers stand while the machine sleeps.
  const stopMinding = time.onJump(() => moved$.next())

  const letPass = (id: string, at: number) =>
    customers.execute(id, { type: 'AdvanceClock' }, { requestId: requestId(), actor: ACTOR, now: at })
  const quarantine = aside.quarantine('clock', async ({ fact: id }) => {
    await letPass(id, now())
    return 'done'
  })

  const due = async (): Promise<readonly DeadlineDocument[]> => {
    const at = now()
    for (const [id, { at: since }] of taken) if (at - since > REMEMBER_MS) taken.delete(id)
    // Those that rest after a failure must not fill the looks of the others.
    const resting = quarantine.resting()
    const found = await deadlines.find(
      { dueAt: { $lte: new Date(at + AHEAD_MS) }, ...(resting.length > 0 ? { _id: { $nin: [...resting] } } : {}) },
      { sort: { dueAt: 1 }, limit: TAKE },
    )
    return found.filter(({ _id, dueAt }) => taken.get(_id)?.dueAt !== dueAt.getTime() && !quarantine.rests(_id))
  }

  const advance = async ({ _id, dueAt }: DeadlineDocument): Promise<void> => {
    taken.set(_id, { dueAt: dueAt.getTime(), at: now() })
    try {
      const wait = dueAt.getTime() - now()
      if (wait > 0) await sleep(wait)
      // A timer may be a millisecond early by the wall clock: at that time nothing would be due, and the deadline would be
      // remembered as done.
      await letPass(_id, Math.max(now(), dueAt.getTime()))
    } catch (error) {
      // It stays due: a later look takes it again.
      taken.delete(_id)
      throw error
    }
  }

  /** When the next look is worth it: a little before the first deadline there is. */
  const nextDue = async (): Promise<number> => {
    const [first] = await deadlines.find({}, { sort: { dueAt: 1 }, limit: 1 })
    return Math.min(now() + LONGEST_REST_MS, first ? first.dueAt.getTime() - AHEAD_MS : Number.POSITIVE_INFINITY)
  }

  const worker = startWorker<DeadlineDocument>({
    async look({ isWoken }) {
      if (isWoken) restsUntil = 0
      if (time.distrust()) return { items: [], restMs: TICK_MS }
      if (now() >= restsUntil) {
        restsUntil = onMoved === undefined ? 0 : await nextDue()
        if (restsUntil <= now()) {
          restsUntil = 0
          return { items: await due(), restMs: TICK_MS }
        }
      }
      return { items: [], restMs: restsUntil - now() }
    },
    handle: advance,
    concurrency: AT_ONCE,
    wake$: moved$,
    leastRestMs: TICK_MS,
    failing: {
      quarantineOf: () => quarantine,
      itemOf: ({ _id }) => ({ key: _id }),
      again: 'look',
      onFailed: ({ _id }, error) => log.warn({ err: error, customer: _id }, 'a deadline could not be dealt with yet'),
    },
    backoff: { baseMs: TICK_MS, maxMs: TICK_MS },
    onTrouble: (error) => log.warn({ err: error }, 'cannot ask what is due'),
  })

  return {
    pending: () => worker.active,
    async stop() {
      unwatch?.()
      stopMinding()
      await worker.stop()
    },
  }
}
