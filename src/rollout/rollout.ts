// Roll-out: when segments change, every customer there is comes under the new definitions, in the background.
import { setTimeout as sleep } from 'node:timers/promises'
import type { CustomerDocument } from '../../projections/customers.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { CustomerRuntime } from '../runtime/customers.ts'
import type { RulebookRuntime } from '../runtime/rulebook.ts'

export interface RolloutProgress {
  readonly status: 'DONE' | 'IN_PROGRESS'
  readonly done: number
  readonly total: number
}

export interface Rollout {
  /** How far a definition that got its form at `revision` has reached all customers. */
  progress(revision: string): RolloutProgress
  stop(): Promise<void>
}

export interface RolloutOptions {
  readonly readModel: ReadModel
  readonly customers: CustomerRuntime
  readonly rulebook: RulebookRuntime
  /** Whether the read models come to show every customer recorded before now, within so many ms. */
  readonly caughtUp: (timeoutMs: number) => Promise<boolean>
  readonly log: Logger
  readonly now: () => number
  readonly requestId: () => string
}

/** One document: the pass over all customers that is under way, or was the last. */
interface PassDocument {
  readonly _id: 'segments'
  /** The rulebook revision that the pass brings everybody under. */
  readonly target: string
  /** The customer that was dealt with last; null before the first. */
  readonly cursor: string | null
  readonly done: number
  readonly total: number
  readonly finished: boolean
}

const ACTOR = { name: 'rollout', role: 'system' } as const
/** Customers read, and looked at, at a time. */
const PAGE = 500
const AT_ONCE = 16
/** With more commands than this waiting the pass stands back, ms between looks. */
const BUSY = 48
const STAND_BACK_MS = 5
const RETRY_MS = 1_000

/** The newest revision at which a segment got its form; `-1` without any. */
const newestSegment = (rulebook: Rulebook): string => {
  let newest = -1n
  for (const { revision } of rulebook.entries('segment').values())
    if (BigInt(revision) > newest) newest = BigInt(revision)
  return String(newest)
}

export const startRollout = async ({
  readModel,
  customers,
  rulebook,
  caughtUp,
  log,
  now,
  requestId,
}: RolloutOptions): Promise<Rollout> => {
  const passes = readModel.plain<PassDocument>('rollouts')
  const everybody = readModel.collection<CustomerDocument>('customers')
  let pass: PassDocument = (await passes.findOne({ _id: 'segments' })) ?? {
    _id: 'segments',
    target: '-1',
    cursor: null,
    done: 0,
    total: 0,
    finished: true,
  }
  let stopped = false
  let wake: () => void = () => {}

  const save = async (next: PassDocument): Promise<void> => {
    await passes.replaceOne({ _id: 'segments' }, next, { upsert: true })
    pass = next
  }

  const lookAt = async (id: string): Promise<void> => {
    while (customers.pending > BUSY && !stopped) await sleep(STAND_BACK_MS)
    await customers.execute(id, { type: 'AdvanceClock' }, { requestId: requestId(), actor: ACTOR, now: now() })
  }

  /** One page of the pass; a crash repeats at most this page, and looking twice changes nothing. */
  const page = async (): Promise<void> => {
    const found = await everybody.find(pass.cursor === null ? {} : { _id: { $gt: pass.cursor } }, {
      sort: { _id: 1 },
      limit: PAGE,
      projection: { _id: 1 },
    })
    const queue = found.map(({ _id }) => _id)
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let id = queue.shift(); id !== undefined && !stopped; id = queue.shift()) await lookAt(id)
      }),
    )
    if (stopped) return
    const done = pass.done + found.length
    await save({
      ...pass,
      cursor: found.at(-1)?._id ?? pass.cursor,
      done,
      total: Math.max(pass.total, done),
      finished: found.length < PAGE,
    })
  }

  const run = async (): Promise<void> => {
    while (!stopped) {
      try {
        const target = newestSegment(rulebook.current())
        if (BigInt(target) > BigInt(pass.target)) {
          if (!(await caughtUp(RETRY_MS))) continue
          const total = await everybody.count({})
          await save({ _id: 'segments', target, cursor: null, done: 0, total, finished: false })
        } else if (pass.finished)
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        else await page()
      } catch (error) {
        log.warn({ err: error }, 'the roll-out of segments goes on later')
        await sleep(RETRY_MS)
      }
    }
  }

  const unsubscribe = rulebook.onChange(() => wake())
  const running = run()

  return {
    progress(revision) {
      const covered = BigInt(revision) <= BigInt(pass.target)
      return covered && pass.finished
        ? { status: 'DONE', done: pass.done, total: pass.total }
        : { status: 'IN_PROGRESS', done: covered ? pass.done : 0, total: pass.total }
    },
    async stop() {
      stopped = true
      unsubscribe()
      wake()
      await running
    },
  }
}
