// Does jobs on vouchers in the background, a slice of each in turn, and goes on with those that a node has left behind.
import type { AsyncActionDocument } from '../../projections/asyncActions.ts'
import { idFrom, uuidFrom } from '../domain/ids.ts'
import { hasOwnCodes } from '../domain/rulebook/campaign.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import {
  evolveJob,
  isJobFact,
  isOpen,
  type Job,
  type JobFact,
  type JobFactData,
  type JobFailure,
  type JobItem,
  jobOf,
  jobStream,
} from '../domain/vouchers/job.ts'
import type { VoucherSpec } from '../domain/vouchers/spec.ts'
import type { EventStore } from '../eventstore/index.ts'
import { sleep } from '../line/backoff.ts'
import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { type CodeStreams, changeCode } from './codeStreams.ts'
import type { Codes } from './codes.ts'
import type { CommandContext } from './customers.ts'
import { makeVoucher } from './makeVoucher.ts'

export type JobWish = Omit<JobFactData<'VoucherJobRequested'>, 'occurredAt'>

export interface VoucherJobs {
  /** Records what is to be done; the same id is recorded once. Answers the log position. */
  request(wish: JobWish, items: readonly JobItem[], context: CommandContext): Promise<bigint>
  /** Takes a job up in the background. */
  begin(id: string): void
  /** Does a (small) job here and now, to its end. Answers the log position of the last that was recorded of it. */
  complete(id: string): Promise<bigint | undefined>
  /** A job by its stream; undefined when there is none. */
  load(id: string): Promise<Job | undefined>
  stop(): Promise<void>
}

export interface VoucherJobsOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>
  readonly ledgers: CodeStreams
  readonly readModel: Pick<ReadModel, 'collection'>
  readonly codes: Codes
  readonly rulebook: () => Rulebook
  /** Commands of customers that wait: with many, jobs stand back. */
  readonly waiting: () => number
  readonly log: Pick<Logger, 'warn'>
  /** ms since the epoch. */
  readonly now: () => number
  /** Items between two records of the progress: what a crash repeats at most. */
  readonly slice?: number
}

const ACTOR = { name: 'vouchers', role: 'system' } as const
const AT_ONCE = 16
const BUSY = 48
const STAND_BACK_MS = 5
/** After each slice the node rests for this part of the time that the slice took. */
const REST = 0.5
/** A job whose stream has not grown for so long is nobody's. */
const QUIET_MS = 3_000
const LOOK_EVERY_MS = 1_500
const TAKE = 50
/** Bytes of items in one append: the store takes 1 MiB. */
const CHUNK_BYTES = 500_000

interface Held {
  readonly job: Job
  readonly revision: bigint
  readonly position: bigint
}

const chunksOf = (items: readonly JobItem[]): readonly (readonly JobItem[])[] => {
  const chunks: JobItem[][] = []
  let bytes = CHUNK_BYTES
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item))
    if (bytes + size > CHUNK_BYTES) {
      chunks.push([])
      bytes = 0
    }
    chunks.at(-1)!.push(item)
    bytes += size
  }
  return chunks
}

export const startVoucherJobs = (options: VoucherJobsOptions): VoucherJobs => {
  const { store, ledgers, readModel, codes, rulebook, waiting, log, now, slice: size = 250 } = options
  const stopping = new AbortController()
  const { signal } = stopping
  /** Jobs that this node is at, in turn. */
  const mine = new Map<string, Held | undefined>()
  let wake: () => void = () => {}

  const read = async (id: string): Promise<Held | undefined> => {
    const facts: JobFact[] = []
    let revision = -1n
    let position = -1n
    for await (const fact of store.readStream(jobStream(id))) {
      if (isJobFact(fact)) facts.push(fact)
      revision = fact.revision
      position = fact.position
    }
    const job = jobOf(facts)
    return job && { job, revision, position }
  }

  /** Deals with item `row` of a job; answers why it failed, or undefined. */
  const deal = async ({ request, items }: Job, row: number): Promise<JobFailure | undefined> => {
    const { id, type, campaign, config } = request
    const context = { requestId: id, actor: ACTOR, now: now() }
    const item = items[row]
    if (type === 'VOUCHERS.BULK_UPDATE' || type === 'VOUCHERS.METADATA_UPDATE') {
      const { code, spec } = item!
      const changed = await changeCode(
        ledgers,
        code,
        ({ spec: { metadata, ...rest } }) => ({
          type: 'ChangeVoucher',
          spec: { ...rest, metadata: { ...metadata, ...spec?.metadata } },
        }),
        context,
      )
      if (changed.kind === 'busy') throw new Error(`code ${code} is changed by many at once`)
      return changed.kind === 'refused' ? { row, code, reason: changed.refusal.key } : undefined
    }
    const owner = { type: 'voucher', id: idFrom('v', id, String(row)), ...(campaign === undefined ? {} : { campaign }) }
    const spec: VoucherSpec = item?.spec ?? request.spec ?? {}
    const wish = { code: item?.code, config: config ?? {}, owner, spec, active: item?.active ?? true }
    const made = await makeVoucher(codes, wish, rulebook().project.customerKey, context)
    if (made.kind === 'taken') return { row, code: made.code, reason: 'duplicate_found' }
    return made.kind === 'used_up' ? { row, reason: 'invalid_code_config' } : undefined
  }

  /** Records a fact of the job; undefined when another node was faster. */
  const record = async ({ job, revision }: Held, fact: JobFact): Promise<Held | undefined> => {
    const id = uuidFrom('job', job.progress.id, fact.type, String(revision))
    const metadata = { $correlationId: job.progress.id, actor: ACTOR, now: now() }
    const result = await store.append(jobStream(job.progress.id), [{ id, ...fact, metadata }], revision)
    if (result.kind === 'conflict') return undefined
    const { revision: at, position } = result
    return { job: { ...job, progress: evolveJob(job.progress, fact)! }, revision: at, position }
  }

  /** The next items of a job, and the record of them; undefined when another node is at it. */
  const slice = async (held: Held): Promise<Held | undefined> => {
    const { job } = held
    const { id, campaign, count, next } = job.progress
    const about = { id, ...(campaign === undefined ? {} : { campaign }) }
    const definition = campaign === undefined ? undefined : rulebook().entries('campaign').get(campaign)?.definition
    if (campaign !== undefined && !(definition && hasOwnCodes(definition.campaign_type)))
      return record(held, {
        type: 'VoucherJobFailed',
        data: { ...about, reason: 'the campaign was deleted', occurredAt: now() },
      })
    const end = Math.min(count, next + size)
    const failures: JobFailure[] = []
    let row = next
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (row < end && !signal.aborted) {
          while (waiting() > BUSY && !signal.aborted) await sleep(STAND_BACK_MS, signal)
          if (row >= end) return
          const failure = await deal(job, row++)
          if (failure) failures.push(failure)
        }
      }),
    )
    if (signal.aborted) return undefined
    failures.sort((a, b) => a.row - b.row)
    return record(held, {
      type: 'VoucherJobAdvanced',
      data: {
        ...about,
        next: end,
        done: end - next - failures.length,
        failures,
        finished: end === count,
        occurredAt: now(),
      },
    })
  }

  /** One slice of each job that this node is at. */
  const turn = async (): Promise<void> => {
    for (const [id, known] of [...mine]) {
      if (signal.aborted) return
      const startedAt = performance.now()
      const held = known ?? (await read(id))
      const after = held && isOpen(held.job.progress) ? await slice(held) : undefined
      if (after && isOpen(after.job.progress)) mine.set(id, after)
      else mine.delete(id)
      if (mine.size > 0) await sleep((performance.now() - startedAt) * REST, signal)
    }
  }

  /** Jobs that nobody goes on with: their node ended, or was too slow. */
  const lookForLeft = async (): Promise<void> => {
    const left = await readModel
      .collection<AsyncActionDocument>('asyncActions')
      .find({ open: true, updated_at: { $lt: new Date(now() - QUIET_MS) } }, { sort: { updated_at: 1 }, limit: TAKE })
    for (const { _id } of left) if (!mine.has(_id)) mine.set(_id, undefined)
  }

  const run = async (): Promise<void> => {
    let lookedAt = Number.NEGATIVE_INFINITY
    while (!signal.aborted) {
      try {
        if (performance.now() - lookedAt >= LOOK_EVERY_MS) {
          lookedAt = performance.now()
          await lookForLeft()
        }
        if (mine.size > 0) await turn()
        else
          await Promise.race([
            sleep(LOOK_EVERY_MS, signal),
            new Promise<void>((resolve) => {
              wake = resolve
            }),
          ])
      } catch (error) {
        for (const id of mine.keys()) mine.set(id, undefined)
        log.warn({ err: error }, 'jobs on vouchers go on later')
        await sleep(LOOK_EVERY_MS, signal)
      }
    }
  }
  const running = run()

  return {
    async request(wish, items, { requestId, actor, now: at, deadline, key }) {
      const metadata = { $correlationId: requestId, actor, now: at, ...(key === undefined ? {} : { commandKey: key }) }
      const facts: JobFact[] = chunksOf(items).map((chunk) => ({
        type: 'VoucherJobItemsListed',
        data: { id: wish.id, items: [...chunk] },
      }))
      facts.push({ type: 'VoucherJobRequested', data: { ...wish, occurredAt: at } })
      let position = 0n
      for (const [i, fact] of facts.entries()) {
        const result = await store.append(
          jobStream(wish.id),
          [{ id: uuidFrom('job', wish.id, String(i)), ...fact, metadata }],
          i === 0 ? 'no_stream' : BigInt(i - 1),
          deadline === undefined ? {} : { deadline },
        )
        // Asked for before, under the same id: it stands as it was recorded then.
        if (result.kind === 'conflict') break
        position = result.position
      }
      return position
    },
    begin(id) {
      if (!mine.has(id)) mine.set(id, undefined)
      wake()
    },
    async complete(id) {
      let held = await read(id)
      while (held && isOpen(held.job.progress)) held = await slice(held)
      return held?.position
    },
    load: async (id) => (await read(id))?.job,
    async stop() {
      stopping.abort()
      wake()
      await running
    },
  }
}
