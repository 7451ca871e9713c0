// The streams of jobs: what was asked for, how far each is, and how it was ended or taken up again.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { uuidFrom } from '../domain/ids.ts'
import {
  decideJob,
  foldJob,
  isOpen,
  type Job,
  type JobCommand,
  type JobFact,
  type JobFactData,
  type JobItem,
  type JobStream,
  jobStream,
  NO_JOB,
} from '../domain/vouchers/job.ts'
import { MalformedFact } from '../eventstore/errors.ts'
import type { EventStore } from '../eventstore/index.ts'
import { sleep } from '../line/backoff.ts'
import { wordsOf } from '../trouble.ts'
import type { CommandContext } from './customers.ts'
import { createDecider, type Result } from './decider.ts'
import type { Uploads } from './uploads.ts'

export type JobWish = Omit<JobFactData<'VoucherJobRequested'>, 'occurredAt'>

export interface LoadedJob {
  readonly job: Job
  readonly revision: bigint
  readonly position: bigint | undefined
}

export const ACTOR = { name: 'vouchers', role: 'system' } as const
/** Bytes of items in one append: the store takes 1 MiB. */
const CHUNK_BYTES = 500_000
/** Jobs that are kept in memory, with all their items. */
const CACHED = 100
/** Items that are looked at before others have their turn. */
const LOOKED_AT = 200

const chunksOf = async (items: readonly JobItem[]): Promise<readonly (readonly JobItem[])[]> => {
  const chunks: JobItem[][] = []
  let bytes = CHUNK_BYTES
  for (const [i, item] of items.entries()) {
    if (i % LOOKED_AT === LOOKED_AT - 1) await nextTurn()
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

export interface JobStreamsOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>
  readonly uploads: Pick<Uploads, 'load'>
  readonly now: () => number
}

export const createJobStreams = ({ store, uploads, now }: JobStreamsOptions) => {
  const jobs = createDecider<JobStream, JobCommand, JobFact>(
    {
      streamOf: jobStream,
      initial: () => NO_JOB,
      fold: foldJob,
      decide: decideJob,
    },
    { store, sleep, random: Math.random, cached: CACHED },
  )
  const contextOf = (id: string) => ({ requestId: id, actor: ACTOR, now: now() })

  const read = async (id: string): Promise<LoadedJob | undefined> => {
    const { state, revision, position } = await jobs.load(id)
    const { job } = state
    if (!job) return undefined
    const { uploaded } = job.request
    if (uploaded === undefined || !isOpen(job.progress)) return { job, revision, position }
    return { job: { ...job, uploads: await uploads.load(id, uploaded) }, revision, position }
  }

  /** Records how far a job is, as it was known; undefined when another node was faster. */
  const record = async (
    { job: { progress, uploads: sent }, revision: onlyAt }: LoadedJob,
    command: Extract<JobCommand, { readonly type: 'AdvanceJob' | 'GiveUpJob' }>,
  ): Promise<LoadedJob | undefined> => {
    const { kind, state, revision, position } = await jobs.execute(progress.id, command, {
      ...contextOf(progress.id),
      onlyAt,
    })
    return kind === 'refused' || !state.job ? undefined : { job: { ...state.job, uploads: sent }, revision, position }
  }

  /** Records behind all that a stream holds, which cannot be read, that the job was given up. */
  const giveUpUnread = async (id: string, reason: string): Promise<void> => {
    const stream = jobStream(id)
    const newest = async () => {
      for await (const fact of store.readStream(stream, { from: 'end', direction: 'backwards', maxCount: 1 }))
        return fact
      return undefined
    }
    const last = await newest().catch((error: unknown) => {
      if (error instanceof MalformedFact) return error.fact
      throw error
    })
    if (!last || last.type === 'VoucherJobFailed') return
    const fact = {
      id: uuidFrom('job', id, 'given up', String(last.revision)),
      type: 'VoucherJobFailed',
      data: { id, reason, occurredAt: now() },
      metadata: { $correlationId: id, actor: ACTOR, now: now() },
    }
    // Whoever was faster has given it up, or will.
    await store.append(stream, [fact], last.revision)
  }

  /** Records that a job cannot be gone on with, and why, unless it has ended. */
  const giveUp = async (id: string, error: unknown): Promise<void> => {
    const reason = wordsOf(error)
    try {
      await jobs.execute(id, { type: 'GiveUpJob', reason }, contextOf(id))
    } catch (unread) {
      if (!(unread instanceof MalformedFact)) throw unread
      await giveUpUnread(id, reason)
    }
  }

  /** Ends a job, or takes it up again. */
  const change = (id: string, type: 'CancelJob' | 'RetryJob', context: CommandContext): Promise<Result<JobStream>> =>
    jobs.execute(id, { type, id }, context)

  /** Records what is to be done; the same id is recorded once. Answers the log position. */
  const request = async (wish: JobWish, items: readonly JobItem[], context: CommandContext): Promise<bigint> => {
    const { id } = wish
    for (const [n, chunk] of (await chunksOf(items)).entries())
      await jobs.execute(id, { type: 'ListItems', id, n, items: chunk }, context)
    const { position = 0n } = await jobs.execute(id, { type: 'RequestJob', wish }, context)
    return position
  }

  return { read, record, giveUp, change, request }
}
