// Work on many vouchers at once: generated, imported or changed in the background, item by item. The wish and how far it has got
// are facts of the job's own stream, and what each item leads to follows from the wish, so that a job can be gone on with after a
// crash without doing anything twice.

import * as v from 'valibot'
import { CodeConfig } from '../codes.ts'
import { present } from '../present.ts'
import { type Refused, refuse, refuseNotFound } from '../refusal.ts'
import { VoucherSpec } from '../rulebook/voucherSpec.ts'

const At = v.pipe(v.number(), v.integer())
const Count = v.pipe(v.number(), v.integer(), v.minValue(0))

/** Items of one job at most. */
export const MAX_ITEMS = 100_000

/**
 * A code that is imported, or that is changed: then its spec holds the metadata that is new. A row of a file that could not be read
 * has a fault, in words, and fails.
 */
const JobItem = v.object({
  code: v.string(),
  spec: v.optional(VoucherSpec),
  active: v.optional(v.boolean()),
  fault: v.optional(v.string()),
})
export type JobItem = v.InferOutput<typeof JobItem>

export const JobType = v.picklist([
  'CAMPAIGN.VOUCHERS_GENERATE',
  'CAMPAIGN.VOUCHERS_IMPORT',
  'VOUCHERS.IMPORT',
  'VOUCHERS.BULK_UPDATE',
  'VOUCHERS.METADATA_UPDATE',
  'VOUCHERS.IMPORT_CSV',
  'CAMPAIGN.VOUCHERS_IMPORT_CSV',
  'CUSTOMERS.IMPORT_CSV',
  'CUSTOMERS.BULK_UPDATE',
  'CUSTOMERS.METADATA_UPDATE',
  'ORDERS.IMPORT',
])
export type JobType = v.InferOutput<typeof JobType>

const Failure = v.object({ row: Count, code: v.optional(v.string()), reason: v.string() })
export type JobFailure = v.InferOutput<typeof Failure>

/** What a job was before a command on it, for who counts jobs. */
const Standing = v.picklist(['open', 'done', 'failed', 'canceled'])
export type Standing = v.InferOutput<typeof Standing>

export const jobFacts = {
  /** Some of the items, in their order: recorded before the request, in as many facts as it takes. */
  VoucherJobItemsListed: { version: 1, schema: v.object({ id: v.string(), items: v.array(JobItem) }) },
  VoucherJobRequested: {
    version: 1,
    schema: v.object({
      id: v.string(),
      type: JobType,
      campaign: v.optional(v.string()),
      count: Count,
      /** The format of generated codes, and what each says of itself: kept here, since the campaign's may change meanwhile. */
      config: v.optional(CodeConfig),
      spec: v.optional(VoucherSpec),
      /** Items that are about people are kept beside the log, in so many parts, until the job ends. */
      uploaded: v.optional(Count),
      occurredAt: At,
    }),
  },
  /** Everything before item `next` has been dealt with; the counts are those since the last such fact. */
  VoucherJobAdvanced: {
    version: 1,
    schema: v.object({
      id: v.string(),
      campaign: v.optional(v.string()),
      next: Count,
      done: Count,
      failures: v.array(Failure),
      /** So many of those that were to be gone over again have been dealt with, besides. */
      again: v.optional(Count),
      /** Nothing is left to be done. */
      finished: v.boolean(),
      occurredAt: At,
    }),
  },
  /** Nobody wants the rest any more; of a job that has failed: nobody needs to be told of it any more. */
  VoucherJobCanceled: {
    version: 1,
    schema: v.object({ id: v.string(), campaign: v.optional(v.string()), was: Standing, occurredAt: At }),
  },
  /** It is gone on with where it was given up, and what has failed is gone over again. */
  VoucherJobRetried: {
    version: 1,
    schema: v.object({ id: v.string(), campaign: v.optional(v.string()), was: Standing, occurredAt: At }),
  },
  /** It cannot be gone on with. */
  VoucherJobFailed: {
    version: 1,
    schema: v.object({ id: v.string(), campaign: v.optional(v.string()), reason: v.string(), occurredAt: At }),
  },
} as const

type Registry = typeof jobFacts
export type JobFactData<T extends keyof Registry> = v.InferOutput<Registry[T]['schema']>
export type JobFact = { [T in keyof Registry]: { readonly type: T; readonly data: JobFactData<T> } }[keyof Registry]

const isJobFact = (fact: { readonly type: string; readonly data: unknown }): fact is JobFact =>
  Object.hasOwn(jobFacts, fact.type)

export const jobStream = (id: string): string => `job-${id}`

export type JobStatus = 'ACCEPTED' | 'IN_PROGRESS' | 'DONE' | 'FAILED'

/** How a job stands, without its items. */
export interface JobProgress {
  readonly id: string
  readonly type: JobType
  readonly campaign?: string
  readonly count: number
  readonly next: number
  readonly done: number
  readonly failed: number
  /** The first of them. */
  readonly failures: readonly JobFailure[]
  readonly status: JobStatus
  readonly reason?: string
  /** Its end was asked for: it has failed, and nobody is to look after it. */
  readonly canceled?: true
  /** Its items are kept until it ends, and no longer. */
  readonly uploaded?: number
  /** ms. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** What a job is called where it shows. */
const ACTION = 'async_action'

const CANCELED = 'canceled on request'

/** Failures that are told one by one; of more only the number is. */
const MAX_FAILURES = 1_000

export const isOpen = ({ status }: JobProgress): boolean => status === 'ACCEPTED' || status === 'IN_PROGRESS'

/** Null before the job was requested. */
export const evolveJob = (job: JobProgress | null, fact: JobFact): JobProgress | null => {
  switch (fact.type) {
    case 'VoucherJobItemsListed':
      return job
    case 'VoucherJobRequested': {
      const { id, type, campaign, count, uploaded, occurredAt } = fact.data
      return {
        id,
        type,
        ...present({ campaign, uploaded }),
        count,
        next: 0,
        done: 0,
        failed: 0,
        failures: [],
        status: 'ACCEPTED',
        createdAt: occurredAt,
        updatedAt: occurredAt,
      }
    }
    case 'VoucherJobAdvanced': {
      if (!job) return job
      const { next, done, failures, finished, occurredAt } = fact.data
      return {
        ...job,
        next,
        done: job.done + done,
        failed: job.failed + failures.length,
        failures: [...job.failures, ...failures].slice(0, MAX_FAILURES),
        status: finished ? 'DONE' : 'IN_PROGRESS',
        updatedAt: occurredAt,
      }
    }
    case 'VoucherJobFailed':
      return job && { ...job, status: 'FAILED', reason: fact.data.reason, updatedAt: fact.data.occurredAt }
    case 'VoucherJobCanceled': {
      const { occurredAt } = fact.data
      const reason = job?.status === 'FAILED' ? (job.reason ?? CANCELED) : CANCELED
      return job && { ...job, status: 'FAILED', reason, canceled: true, updatedAt: occurredAt }
    }
    case 'VoucherJobRetried': {
      if (!job) return job
      const { reason: _, canceled: __, ...rest } = job
      return { ...rest, status: 'IN_PROGRESS', failed: 0, failures: [], updatedAt: fact.data.occurredAt }
    }
    default:
      return fact satisfies never
  }
}

export const standingOf = (job: JobProgress): Standing => {
  if (isOpen(job)) return 'open'
  if (job.status === 'DONE') return 'done'
  return job.canceled ? 'canceled' : 'failed'
}

/** Why a job cannot be cancelled or gone over again, in words; undefined when it can. */
const faultOfCancel = (job: JobProgress): string | undefined => (job.status === 'DONE' ? 'It is done' : undefined)
const faultOfRetry = (job: JobProgress): string | undefined => {
  if (isOpen(job)) return 'It is under way'
  if (job.uploaded !== undefined) return 'What was sent is not kept: send again what has failed'
  return job.status === 'DONE' && job.failed === 0 ? 'It is done, and nothing of it has failed' : undefined
}

/** A job with all that is needed to do it. */
export interface Job {
  readonly progress: JobProgress
  readonly request: JobFactData<'VoucherJobRequested'>
  /** Of an import or a change. */
  readonly items: readonly JobItem[]
  /** Of one whose items are kept beside the log. */
  readonly uploads?: readonly unknown[]
  /** Rows that have failed since they were last to be gone over again. */
  readonly failedRows: readonly number[]
  /** Rows to be gone over again, beside those from `progress.next` on. */
  readonly again: readonly number[]
}

/** A job after another fact of its own. */
const advanceJob = (job: Job, fact: JobFact): Job => {
  const next = { ...job, progress: evolveJob(job.progress, fact) ?? job.progress }
  if (fact.type === 'VoucherJobRetried') return { ...next, again: [...job.again, ...job.failedRows], failedRows: [] }
  if (fact.type !== 'VoucherJobAdvanced') return next
  const { failures, again = 0 } = fact.data
  const failedRows = failures.length === 0 ? job.failedRows : [...job.failedRows, ...failures.map(({ row }) => row)]
  return { ...next, failedRows, again: job.again.slice(again) }
}

/** The next rows to deal with, at most `most`, and how many of them are dealt with again. */
export const nextRows = (
  { again, progress: { next, count } }: Job,
  most: number,
): { readonly rows: readonly number[]; readonly again: number; readonly next: number; readonly finished: boolean } => {
  const repeated = again.slice(0, most)
  const fresh = Array.from({ length: Math.min(most - repeated.length, count - next) }, (_, i) => next + i)
  const end = next + fresh.length
  const finished = end === count && repeated.length === again.length
  return { rows: [...repeated, ...fresh], again: repeated.length, next: end, finished }
}

/** A job's stream. */
export interface JobStream {
  /** In so many facts, and what they list. */
  readonly listed: number
  readonly items: readonly JobItem[]
  /** Undefined before it was requested. */
  readonly job: Job | undefined
}

export const NO_JOB: JobStream = { listed: 0, items: [], job: undefined }

export const foldJob = (stream: JobStream, fact: { readonly type: string; readonly data: unknown }): JobStream => {
  if (!isJobFact(fact)) return stream
  const { listed, items, job } = stream
  if (fact.type === 'VoucherJobItemsListed')
    return { ...stream, listed: listed + 1, items: [...items, ...fact.data.items] }
  const requested = fact.type === 'VoucherJobRequested' ? evolveJob(null, fact) : null
  if (fact.type === 'VoucherJobRequested' && requested)
    return { ...stream, job: { progress: requested, request: fact.data, items, failedRows: [], again: [] } }
  return job ? { ...stream, job: advanceJob(job, fact) } : stream
}

export type JobCommand =
  /** `n`: the first is 0. */
  | { readonly type: 'ListItems'; readonly id: string; readonly n: number; readonly items: readonly JobItem[] }
  | { readonly type: 'RequestJob'; readonly wish: Omit<JobFactData<'VoucherJobRequested'>, 'occurredAt'> }
  | {
      readonly type: 'AdvanceJob'
      readonly progress: Omit<JobFactData<'VoucherJobAdvanced'>, 'id' | 'campaign' | 'occurredAt'>
    }
  | { readonly type: 'GiveUpJob'; readonly reason: string }
  | { readonly type: 'CancelJob' | 'RetryJob'; readonly id: string }

/** The facts that a command leads to, none where it holds already, or a refusal. */
export const decideJob = (stream: JobStream, command: JobCommand, now: number): readonly JobFact[] | Refused => {
  const { listed, job } = stream
  switch (command.type) {
    case 'ListItems':
      if (job || command.n < listed) return []
      return [{ type: 'VoucherJobItemsListed', data: { id: command.id, items: [...command.items] } }]
    case 'RequestJob':
      return job ? [] : [{ type: 'VoucherJobRequested', data: { ...command.wish, occurredAt: now } }]
    default:
  }
  if (!job)
    return command.type === 'GiveUpJob' || command.type === 'AdvanceJob' ? [] : refuseNotFound(ACTION, command.id)
  const { progress } = job
  const about = { id: progress.id, campaign: progress.campaign }
  switch (command.type) {
    case 'AdvanceJob':
      return [{ type: 'VoucherJobAdvanced', data: { ...about, ...command.progress, occurredAt: now } }]
    case 'GiveUpJob':
      if (!isOpen(progress)) return []
      return [{ type: 'VoucherJobFailed', data: { ...about, reason: command.reason, occurredAt: now } }]
    case 'CancelJob':
    case 'RetryJob': {
      const isCancel = command.type === 'CancelJob'
      if (isCancel && progress.canceled) return []
      const why = (isCancel ? faultOfCancel : faultOfRetry)(progress)
      if (why !== undefined) return refuse('conflict', why, { resource: { type: ACTION, id: progress.id } })
      const type = isCancel ? 'VoucherJobCanceled' : 'VoucherJobRetried'
      return [{ type, data: { ...about, was: standingOf(progress), occurredAt: now } }]
    }
    default:
      return command satisfies never
  }
}
