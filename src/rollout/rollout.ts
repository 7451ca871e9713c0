// Roll-out: when segments change, every customer there is comes under the new definitions, in the background.
import { Subject } from 'rxjs'
import type { CustomerDocument } from '../../projections/customers.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { CustomerRuntime } from '../runtime/customers.ts'
import type { RulebookRuntime } from '../runtime/rulebook.ts'
import type { SetAside } from '../worker/setAside.ts'
import { type Look, startWorker } from '../worker/worker.ts'
import { createPace } from './pace.ts'
import { isWorthReading, type Part, partAfter, partsOf, sizeOfParts } from './parts.ts'

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
  /** The position of the log's newest fact. */
  readonly head: () => Promise<bigint | undefined>
  /** Whether the read models come to show every customer recorded before now, within so many ms. */
  readonly caughtUp: (timeoutMs: number) => Promise<boolean>
  /** Where customers go who cannot be looked at. */
  readonly aside: Pick<SetAside, 'quarantine'>
  readonly log: Pick<Logger, 'warn'>
  readonly now: () => number
  readonly requestId: () => string
}

/** One document: the pass over all customers that is under way, or was the last. */
interface PassDocument {
  readonly _id: 'segments'
  /** The rulebook revision that the pass brings everybody under. */
  readonly target: string
  /** Up to where in the order of ids everybody was dealt with: a customer, or where a part begins; null before the first. */
  readonly cursor: string | null
  readonly done: number
  readonly total: number
  readonly finished: boolean
}

const ACTOR = { name: 'rollout', role: 'system' } as const
/** Ids of a part in memory at most; one that has more is entered again. */
const MAX_IDS = 50_000
/** Customers between two records of the progress: what a crash repeats at most. */
const PAGE = 1_000
/** Customers looked at at once. */
const WIDE = 96
const RETRY_MS = 1_000

/** The newest revision at which a segment got its form, or the project its time zone; `-1` without any. */
const newestSegment = (rulebook: Rulebook): string => {
  let newest = BigInt(rulebook.project.zoneSince ?? '-1')
  for (const { revision } of rulebook.entries('segment').values())
    if (BigInt(revision) > newest) newest = BigInt(revision)
  return String(newest)
}

export const startRollout = async ({
  readModel,
  customers,
  rulebook,
  head,
  caughtUp,
  aside,
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
  const stopping = new AbortController()
  const { signal } = stopping

  const save = async (next: PassDocument): Promise<void> => {
    await passes.replaceOne({ _id: 'segments' }, next, { upsert: true })
    pass = next
  }

  let looked = 0
  let askedBefore = customers.asked
  /** Whether others have asked since it was last asked, or still wait. */
  const others = (): boolean => {
    const theirs = customers.asked - askedBefore - looked
    askedBefore = customers.asked
    looked = 0
    return theirs > 0 || customers.pending > worker.active
  }
  const pace = createPace({ others, clock: () => performance.now(), signal })

  const bringUnder = async (id: string): Promise<void> => {
    looked++
    const context = { requestId: requestId(), actor: ACTOR, now: now(), inPassing: true }
    await customers.execute(id, { type: 'AdvanceClock' }, context)
  }
  const quarantine = aside.quarantine('rollout', async ({ fact: id }) => {
    await bringUnder(id)
    return 'done'
  })

  /** Reads a part's customers out of the log when that is worth it; false: each is to be read from its own stream. */
  const readAhead = async (
    { streams, size }: Part,
    ids: readonly string[],
    ofLog: { readonly share: number; readonly logBytes: number },
  ): Promise<boolean> => {
    const needed = customers.unready(ids)
    if (!isWorthReading(needed.length, { size: Math.max(size, ids.length), ...ofLog })) return false
    try {
      // At full speed: until it is read, every command of others about these customers costs a read that is then saved.
      await customers.readAhead({ ids: new Set(needed), streams, signal })
      return true
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'the roll-out of segments reads customer by customer')
      return false
    }
  }

  let parts: readonly Part[] | undefined
  /** The part that the pass is at: its customers that were not looked at yet, in order. */
  let part:
    | { readonly ids: readonly string[]; readonly isRead: boolean; readonly goesOnAt: string | undefined }
    | undefined

  const enter = async (): Promise<NonNullable<typeof part>> => {
    const logBytes = Number((await head()) ?? 0n)
    parts ??= partsOf(pass.total, sizeOfParts(pass.total, logBytes))
    const of = partAfter(parts, pass.cursor)
    const range = {
      ...(pass.cursor === null ? {} : { $gt: pass.cursor }),
      ...(of.before === undefined ? {} : { $lt: of.before }),
    }
    const found = await everybody.find(Object.keys(range).length === 0 ? {} : { _id: range }, {
      sort: { _id: 1 },
      limit: MAX_IDS,
      projection: { _id: 1 },
    })
    const ids = found.map(({ _id }) => _id)
    const isRead = await readAhead(of, ids, { share: 1 / parts.length, logBytes })
    pace.begin()
    return { ids, isRead, goesOnAt: ids.length < MAX_IDS ? of.before : ids.at(-1) }
  }

  const leave = (): void => {
    part = undefined
    customers.forgetForeseen()
  }

  /** The next page of the pass; a crash repeats at most this page, and looking twice changes nothing. */
  const nextPage = async (): Promise<Look<string>> => {
    part ??= await enter()
    const { ids: all, isRead, goesOnAt } = part
    const ids = all.slice(0, PAGE)
    const rest = all.slice(PAGE)
    if (!isRead && !signal.aborted) await customers.foresee(ids)
    const after = async (): Promise<void> => {
      const done = pass.done + ids.length
      const isOver = rest.length === 0
      await save({
        ...pass,
        cursor: (isOver ? goesOnAt : ids.at(-1)) ?? ids.at(-1) ?? pass.cursor,
        done,
        total: Math.max(pass.total, done),
        finished: isOver && goesOnAt === undefined,
      })
      if (isOver) leave()
      else part = { ids: rest, isRead, goesOnAt }
    }
    return { items: ids, restMs: 0, after }
  }

  const changed$ = new Subject<void>()
  const unsubscribe = rulebook.onChange(() => changed$.next())
  const worker = startWorker<string>({
    async look() {
      const target = newestSegment(rulebook.current())
      if (BigInt(target) <= BigInt(pass.target))
        return pass.finished ? { items: [], restMs: Number.POSITIVE_INFINITY } : nextPage()
      leave()
      if (await caughtUp(RETRY_MS)) {
        const total = await everybody.count({})
        await save({ _id: 'segments', target, cursor: null, done: 0, total, finished: false })
        parts = undefined
      }
      return { items: [], restMs: 0 }
    },
    handle: bringUnder,
    concurrency: WIDE,
    wake$: changed$,
    pause: { isDue: pace.isOver, rest: pace.rest },
    // Whoever cannot be looked at is set aside, so that the pass goes on.
    failing: { quarantineOf: () => quarantine, itemOf: (id) => ({ key: id }), again: 'here' },
    backoff: { baseMs: RETRY_MS, maxMs: RETRY_MS },
    onTrouble: (error) => log.warn({ err: error }, 'the roll-out of segments goes on later'),
  })

  return {
    progress(revision) {
      const { zoneSince = '-1' } = rulebook.current().project
      const covered = BigInt(revision) <= BigInt(pass.target) && BigInt(zoneSince) <= BigInt(pass.target)
      return covered && pass.finished
        ? { status: 'DONE', done: pass.done, total: pass.total }
        : { status: 'IN_PROGRESS', done: covered ? pass.done : 0, total: pass.total }
    },
    async stop() {
      stopping.abort()
      unsubscribe()
      await worker.stop()
    },
  }
}
