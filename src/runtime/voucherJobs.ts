// Does jobs on vouchers in the background, a slice of each in turn, and goes on with those that a node has left behind.
import type { AsyncActionDocument } from '../../projections/asyncActions.ts'
import { hasOwnCodes } from '../domain/rulebook/campaign.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import { isOpen, type Job, type JobFailure, type JobItem, type JobStream, nextRows } from '../domain/vouchers/job.ts'
import type { EventStore } from '../eventstore/index.ts'
import { sleep } from '../line/backoff.ts'
import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { wordsOf } from '../trouble.ts'
import { each } from '../worker/each.ts'
import { tryHard } from '../worker/quarantine.ts'
import type { SetAside } from '../worker/setAside.ts'
import { startWorker } from '../worker/worker.ts'
import type { CodeStreams } from './codeStreams.ts'
import type { Codes } from './codes.ts'
import type { CommandContext } from './customers.ts'
import type { Result } from './decider.ts'
import { createJobItems, type Deals } from './jobItems.ts'
import { createJobStreams, type JobWish, type LoadedJob } from './jobStreams.ts'
import type { Uploads } from './uploads.ts'

export interface VoucherJobs {
  /** Records what is to be done; the same id is recorded once. Answers the log position. */
  request(wish: JobWish, items: readonly JobItem[], context: CommandContext): Promise<bigint>
  /** The same for items that are about people: they are kept beside the log until the job ends. */
  requestUploaded(wish: JobWish, items: readonly unknown[], context: CommandContext): Promise<bigint>
  /** Takes a job up in the background. */
  begin(id: string): void
  /** Does a (small) job here and now, to its end. Answers the log position of the last that was recorded of it. */
  complete(id: string): Promise<bigint | undefined>
  /** A job by its stream; undefined when there is none. */
  load(id: string): Promise<Job | undefined>
  /** Ends a job that is under way: what was done stays. One that has failed counts as known from then on. */
  cancel(id: string, context: CommandContext): Promise<Result<JobStream>>
  /** Goes on with a job that has failed or was ended, and goes over again what has failed of it. */
  retry(id: string, context: CommandContext): Promise<Result<JobStream>>
  stop(): Promise<void>
}

export interface VoucherJobsOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>
  readonly ledgers: CodeStreams
  readonly readModel: Pick<ReadModel, 'collection'>
  readonly codes: Codes
  readonly uploads: Uploads
  /** What is done with uploaded items; there once the node has all its parts. */
  readonly deals: Promise<Deals>
  readonly rulebook: () => Rulebook
  /** Where jobs are remembered that cannot even be read; absent where they are taken up elsewhere. */
  readonly aside?: SetAside
  /** Commands of customers that wait: with many, jobs stand back. */
  readonly waiting: () => number
  readonly log: Pick<Logger, 'warn'>
  /** ms since the epoch. */
  readonly now: () => number
  /** Items between two records of the progress: what a crash repeats at most. */
  readonly slice?: number
  /** The first pause before an item that failed is tried again, ms. */
  readonly pauseMs?: number
  /** An item failed for a reason that nobody foresaw. */
  readonly onItemFailed?: () => void
  /** Calls back whenever the read models have moved; without it they are asked for jobs all the time. */
  readonly onMoved?: (moved: () => void) => () => void
  /** Who takes jobs up in the background, where that is not this process. */
  readonly beginElsewhere?: ((id: string) => void) | undefined
}

/** The name among workers. */
export const JOBS = 'voucher-jobs'
/** Tries of one item: few, since the others of the job wait for it. */
const ITEM_TRIES = 3
const AT_ONCE = 16
const BUSY = 48
const STAND_BACK_MS = 5
/** After each slice the node rests for this part of the time that the slice took. */
const REST = 0.5
/** A job whose stream has not grown for so long is nobody's. */
const QUIET_MS = 3_000
const LOOK_EVERY_MS = 1_500
/** While no job is open that others may be at, the next look comes after so long, or when the read models have moved, ms. */
const LONGEST_REST_MS = 15_000
const TAKE = 50

export const startVoucherJobs = (options: VoucherJobsOptions): VoucherJobs => {
  const {
    store,
    ledgers,
    readModel,
    codes,
    uploads,
    deals,
    rulebook,
    waiting,
    log,
    now,
    aside,
    slice: size = 250,
    pauseMs,
    onMoved,
    beginElsewhere,
  } = options
  const stopping = new AbortController()
  const { signal } = stopping
  /** Jobs that this node is at, in turn. */
  const mine = new Map<string, LoadedJob | undefined>()
  /** Until then (of `performance.now`) no job is looked for, as long as the read models do not move, ms. */
  let restsUntil = 0
  let lookedAt = Number.NEGATIVE_INFINITY
  let hasMoved = true
  const unwatch = onMoved?.(() => {
    if (hasMoved) return
    hasMoved = true
    if (isAtRest) background?.wake()
  })
  /** Nothing is looked for before the read models move. */
  let isAtRest = false
  const restMs = (): number => {
    const left = restsUntil - performance.now()
    isAtRest = mine.size === 0 && !hasMoved && left > LOOK_EVERY_MS
    return isAtRest ? left : LOOK_EVERY_MS
  }

  const { read, record, giveUp, change, request } = createJobStreams({ store, uploads, now })
  const deal = createJobItems({ ledgers, codes, deals, rulebook, now })

  const begin = (id: string): void => {
    if (beginElsewhere) {
      beginElsewhere(id)
      return
    }
    if (!mine.has(id)) mine.set(id, undefined)
    background?.wake()
  }
  const quarantine = aside?.quarantine(JOBS, async ({ fact: id }) => {
    const held = await read(id)
    if (!held || !isOpen(held.job.progress)) return 'done'
    begin(id)
    return 'again'
  })

  /** Deals with an item: what cannot be done is a failure of this item alone. A store in trouble is waited for with patience only. */
  const see = async (job: Job, row: number, isPatient: boolean): Promise<JobFailure | undefined> => {
    const tried = await tryHard(() => deal(job, row), {
      maxTries: ITEM_TRIES,
      signal,
      isPatient,
      baseMs: pauseMs,
    })
    if (!tried.failed) return tried.value
    const { error } = tried.failed
    const code = job.items[row]?.code
    log.warn({ err: error, job: job.progress.id, row, code }, 'an item of a job failed')
    options.onItemFailed?.()
    return { row, code, reason: wordsOf(error) }
  }

  /** The next items of a job, and the record of them; undefined when another node is at it. */
  const slice = async (held: LoadedJob, { isPatient = false } = {}): Promise<LoadedJob | undefined> => {
    const { job } = held
    const { campaign } = job.progress
    const definition = campaign === undefined ? undefined : rulebook().entries('campaign').get(campaign)?.definition
    if (campaign !== undefined && !(definition && hasOwnCodes(definition.campaign_type)))
      return record(held, { type: 'GiveUpJob', reason: 'the campaign was deleted' })
    const { rows, ...after } = nextRows(job, size)
    const failures: JobFailure[] = []
    const one = async (row: number): Promise<void> => {
      const failure = await see(job, row, isPatient)
      if (failure) failures.push(failure)
    }
    const pause = { isDue: () => waiting() > BUSY, rest: () => sleep(STAND_BACK_MS, signal) }
    await each(rows, one, { concurrency: AT_ONCE, signal, pause })
    if (signal.aborted) return undefined
    failures.sort((a, b) => a.row - b.row)
    const done = rows.length - failures.length
    return record(held, { type: 'AdvanceJob', progress: { ...after, done, failures } })
  }

  /** One slice of a job that this node is at. */
  const goOn = async (id: string): Promise<void> => {
    const startedAt = performance.now()
    try {
      const held = mine.get(id) ?? (await read(id))
      const after = held && isOpen(held.job.progress) ? await slice(held, { isPatient: true }) : undefined
      const progress = (after ?? held)?.job.progress
      if (progress?.uploaded !== undefined && !isOpen(progress)) await uploads.drop(id, progress.uploaded)
      if (after && isOpen(after.job.progress)) mine.set(id, after)
      else mine.delete(id)
    } finally {
      if (mine.size > 0) await sleep((performance.now() - startedAt) * REST, signal)
    }
  }

  /** Jobs that nobody goes on with: their node ended, or was too slow. */
  const lookForLeft = async (): Promise<void> => {
    const left = await readModel
      .collection<AsyncActionDocument>('asyncActions')
      .find({ open: true }, { sort: { updated_at: 1 }, limit: TAKE })
    const quietSince = now() - QUIET_MS
    for (const { _id, updated_at } of left)
      if (updated_at.getTime() < quietSince && !mine.has(_id) && !quarantine?.rests(_id)) mine.set(_id, undefined)
    restsUntil = onMoved && left.length === 0 ? performance.now() + LONGEST_REST_MS * (1 + Math.random() / 2) : 0
  }

  /** One slice of each of its jobs in turn, whatever becomes of the others. */
  const background: ReturnType<typeof startWorker<string>> | undefined =
    quarantine === undefined
      ? undefined
      : startWorker<string>({
          async look() {
            if (performance.now() - lookedAt >= LOOK_EVERY_MS && (hasMoved || performance.now() >= restsUntil)) {
              hasMoved = false
              lookedAt = performance.now()
              await lookForLeft()
            }
            const items = [...mine.keys()].filter((id) => !quarantine?.rests(id))
            return { items, restMs: items.length > 0 ? 0 : restMs() }
          },
          handle: goOn,
          concurrency: 1,
          failing: {
            quarantineOf: () => quarantine,
            itemOf: (id) => ({ key: id }),
            again: 'look',
            async onFailed(id, error, outcome) {
              if (signal.aborted) return
              mine.set(id, undefined)
              log.warn({ err: error, job: id }, 'a job on vouchers goes on later')
              if (outcome !== 'set_aside') return
              mine.delete(id)
              await giveUp(id, error).then(
                () => quarantine?.done(id),
                (worse) => log.warn({ err: worse, job: id }, 'a job cannot be given up'),
              )
            },
          },
          backoff: { baseMs: LOOK_EVERY_MS, maxMs: LOOK_EVERY_MS },
          onTrouble: (error) => log.warn({ err: error }, 'jobs on vouchers that were left behind are looked for later'),
        })

  return {
    request,
    async requestUploaded(wish, items, context) {
      const known = await read(wish.id)
      if (known) return known.position ?? 0n
      const uploaded = await uploads.put(wish.id, items)
      return request({ ...wish, uploaded }, [], context)
    },
    begin,
    async complete(id) {
      let held = await read(id)
      while (held && isOpen(held.job.progress)) held = await slice(held)
      return held?.position
    },
    load: async (id) => (await read(id))?.job,
    cancel: (id, context) => change(id, 'CancelJob', context),
    async retry(id, context) {
      const changed = await change(id, 'RetryJob', context)
      if (changed.kind !== 'refused') begin(id)
      return changed
    },
    async stop() {
      unwatch?.()
      stopping.abort()
      await background?.stop()
    },
  }
}
