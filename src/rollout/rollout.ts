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
/** Customers read at a time. */
const PAGE = 1_000
/** Customers looked at at once: while others ask for little, and beside more than `BUSY` commands of others. */
const WIDE = 96
const NARROW = 6
const BUSY = 8
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

  let underWay = 0
  let oneEnded: () => void = () => {}

  const lookAt = async (id: string): Promise<void> => {
    underWay++
    try {
      await customers.execute(id, { type: 'AdvanceClock' }, { requestId: requestId(), actor: ACTOR, now: now() })
    } finally {
      underWay--
      oneEnded()
    }
  }

  /** Looks at all of them, as many at once as leaves others their part. Rejects with the first failure once all have ended. */
  const lookAtAll = async (ids: readonly string[]): Promise<void> => {
    const looks: Promise<void>[] = []
    let failure: { readonly error: unknown } | undefined
    for (const id of ids) {
      while (underWay >= (customers.pending - underWay > BUSY ? NARROW : WIDE))
        await new Promise<void>((resolve) => {
          oneEnded = resolve
        })
      if (stopped || failure) break
      looks.push(
        lookAt(id).catch((error: unknown) => {
          failure ??= { error }
        }),
      )
    }
    await Promise.all(looks)
    if (failure) throw failure.error
  }

  const pageAfter = (cursor: string | null) =>
    everybody.find(cursor === null ? {} : { _id: { $gt: cursor } }, {
      sort: { _id: 1 },
      limit: PAGE,
      projection: { _id: 1 },
    })

  /** One page of the pass; a crash repeats at most this page, and looking twice changes nothing. */
  const page = async (): Promise<void> => {
    const found = await pageAfter(pass.cursor)
    const ids = found.map(({ _id }) => _id)
    await customers.foresee(ids)
    await lookAtAll(ids)
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
