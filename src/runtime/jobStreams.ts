// The streams of jobs: what was asked for, how far each is, and how it was ended or taken up again.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { uuidFrom } from '../domain/ids.ts'
import {
  advanceJob,
  faultOfCancel,
  faultOfRetry,
  isJobFact,
  isOpen,
  type Job,
  type JobFact,
  type JobFactData,
  type JobItem,
  jobOf,
  jobStream,
  standingOf,
} from '../domain/vouchers/job.ts'
import type { EventStore } from '../eventstore/index.ts'
import { TooBusy, wordsOf } from '../trouble.ts'
import type { CommandContext } from './customers.ts'
import type { Uploads } from './uploads.ts'

export type JobWish = Omit<JobFactData<'VoucherJobRequested'>, 'occurredAt'>

export type JobChanged =
  /** `position`: of the log; undefined when it was so already. */
  | { readonly kind: 'done'; readonly job: Job; readonly position: bigint | undefined }
  | { readonly kind: 'unknown' }
  /** Why not, in words. */
  | { readonly kind: 'refused'; readonly why: string }

export interface LoadedJob {
  readonly job: Job
  readonly revision: bigint
  readonly position: bigint
}

export const ACTOR = { name: 'vouchers', role: 'system' } as const
/** Bytes of items in one append: the store takes 1 MiB. */
const CHUNK_BYTES = 500_000
const MAX_CONFLICTS = 10
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

export type JobStreams = ReturnType<typeof createJobStreams>

export const createJobStreams = ({ store, uploads, now }: JobStreamsOptions) => {
  const read = async (id: string): Promise<LoadedJob | undefined> => {
    const facts: JobFact[] = []
    let revision = -1n
    let position = -1n
    for await (const fact of store.readStream(jobStream(id))) {
      if (isJobFact(fact)) facts.push(fact)
      revision = fact.revision
      position = fact.position
    }
    const job = jobOf(facts)
    if (!job) return undefined
    const { uploaded } = job.request
    if (uploaded === undefined || !isOpen(job.progress)) return { job, revision, position }
    return { job: { ...job, uploads: await uploads.load(id, uploaded) }, revision, position }
  }

  /** Records a fact of the job; undefined when another node was faster. */
  const record = async ({ job, revision }: LoadedJob, fact: JobFact): Promise<LoadedJob | undefined> => {
    const id = uuidFrom('job', job.progress.id, fact.type, String(revision))
    const metadata = { $correlationId: job.progress.id, actor: ACTOR, now: now() }
    const result = await store.append(jobStream(job.progress.id), [{ id, ...fact, metadata }], revision)
    if (result.kind === 'conflict') return undefined
    const { revision: at, position } = result
    return { job: advanceJob(job, fact), revision: at, position }
  }

  /** Records that a job cannot be gone on with, and why, unless it has ended. */
  const giveUp = async (id: string, error: unknown): Promise<void> => {
    const held = await read(id).catch(() => undefined)
    if (held && !isOpen(held.job.progress)) return
    const campaign = held?.job.progress.campaign
    const data = { id, campaign, reason: wordsOf(error), occurredAt: now() }
    if (held) await record(held, { type: 'VoucherJobFailed', data })
    else {
      const metadata = { $correlationId: id, actor: ACTOR, now: now() }
      const fact = { id: uuidFrom('job', id, 'given up', wordsOf(error)), type: 'VoucherJobFailed', data, metadata }
      await store.append(jobStream(id), [fact], 'any')
    }
  }

  /** Ends a job, or takes it up again. */
  const change = async (
    id: string,
    type: 'VoucherJobCanceled' | 'VoucherJobRetried',
    { requestId, actor, now: at, key }: CommandContext,
  ): Promise<JobChanged> => {
    for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
      const held = await read(id)
      if (!held) return { kind: 'unknown' }
      const { progress } = held.job
      if (type === 'VoucherJobCanceled' && progress.canceled)
        return { kind: 'done', job: held.job, position: undefined }
      const why = (type === 'VoucherJobCanceled' ? faultOfCancel : faultOfRetry)(progress)
      if (why !== undefined) return { kind: 'refused', why }
      const { campaign } = progress
      const data = { id, campaign, was: standingOf(progress), occurredAt: at }
      const metadata = { $correlationId: requestId, actor, now: at, commandKey: key }
      const fact = { id: uuidFrom('job', id, type, String(held.revision)), type, data, metadata }
      const result = await store.append(jobStream(id), [fact], held.revision)
      if (result.kind === 'appended')
        return { kind: 'done', job: advanceJob(held.job, { type, data }), position: result.position }
    }
    throw new TooBusy(`job ${id}`)
  }

  /** Records what is to be done; the same id is recorded once. Answers the log position. */
  const request = async (
    wish: JobWish,
    items: readonly JobItem[],
    { requestId, actor, now: at, deadline, key }: CommandContext,
  ): Promise<bigint> => {
    const metadata = { $correlationId: requestId, actor, now: at, commandKey: key }
    const facts: JobFact[] = (await chunksOf(items)).map((chunk) => ({
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
  }

  return { read, record, giveUp, change, request }
}
