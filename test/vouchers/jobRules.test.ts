// A job over many items as its facts leave it: how far it is, what is to be gone over again, and what can still be done with it.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isRefused } from '../../src/domain/refusal.ts'
import {
  decideJob,
  foldJob,
  isOpen,
  type Job,
  type JobCommand,
  type JobStream,
  NO_JOB,
  nextRows,
  standingOf,
} from '../../src/domain/vouchers/job.ts'

const item = (code: string) => ({ code })
const list = (n: number, ...codes: string[]): JobCommand => ({
  type: 'ListItems',
  id: 'job_1',
  n,
  items: codes.map(item),
})
const request = (more: object = {}): JobCommand => ({
  type: 'RequestJob',
  wish: { id: 'job_1', type: 'VOUCHERS.IMPORT', count: 5, ...more },
})
const advance = (next: number, more: object = {}): JobCommand => ({
  type: 'AdvanceJob',
  progress: { next, done: 0, failures: [], finished: false, ...more },
})
const failedAt = (...rows: number[]) => ({ failures: rows.map((row) => ({ row, reason: 'x' })) })
const cancel: JobCommand = { type: 'CancelJob', id: 'job_1' }
const retry: JobCommand = { type: 'RetryJob', id: 'job_1' }
const giveUp: JobCommand = { type: 'GiveUpJob', reason: 'broken' }

/** The stream after commands at the instants 1, 2, …, and what each led to: a fact's type, nothing, or why it was refused. */
const under = (...commands: readonly JobCommand[]) => {
  let stream: JobStream = NO_JOB
  const told = commands.map((command, i) => {
    const decided = decideJob(stream, command, i + 1)
    if (isRefused(decided)) return decided.refused.details
    stream = decided.reduce(foldJob, stream)
    return decided[0]?.type ?? ''
  })
  return { stream, told, last: told.at(-1), job: stream.job as Job, progress: stream.job?.progress }
}

test('what is listed and asked for is recorded once, in its order', () => {
  const { told, stream, job } = under(list(0, 'A'), list(0, 'A'), list(1, 'B', 'C'), request(), request(), list(2, 'D'))
  assert.equal(told, ['VoucherJobItemsListed', '', 'VoucherJobItemsListed', 'VoucherJobRequested', '', ''])
  assert.equal([stream.listed, job.items.map(({ code }) => code)], [2, ['A', 'B', 'C']])
  assert.equal(job.progress, {
    id: 'job_1',
    type: 'VOUCHERS.IMPORT',
    count: 5,
    next: 0,
    done: 0,
    failed: 0,
    failures: [],
    status: 'ACCEPTED',
    createdAt: 4,
    updatedAt: 4,
  })
  assert.equal(under(advance(1), giveUp).told, ['', ''], 'nothing to go on with')
  for (const command of [cancel, retry]) assert.match(under(command).last!, /job_1/)
  assert.is(foldJob(NO_JOB, { type: 'Other', data: {} }), NO_JOB)
  const advanced = { type: 'VoucherJobAdvanced', data: { failures: [] } }
  assert.is(foldJob(NO_JOB, advanced).job, undefined)
})

test('rows are dealt with in their order, those that are gone over again first', () => {
  const rows = (job: Job, most: number) => Object.values(nextRows(job, most))
  const begun = under(request()).job
  assert.equal(rows(begun, 2), [[0, 1], 0, 2, false])
  assert.equal(rows(begun, 4), [[0, 1, 2, 3], 0, 4, false])
  assert.equal(rows(begun, 5), [[0, 1, 2, 3, 4], 0, 5, true])
  assert.equal(rows(begun, 9), [[0, 1, 2, 3, 4], 0, 5, true])
  const broken = under(request(), advance(3, { done: 1, ...failedAt(0, 2) }), giveUp, retry)
  assert.equal([broken.job.again, broken.job.failedRows], [[0, 2], []])
  assert.equal(rows(broken.job, 1), [[0], 1, 3, false])
  assert.equal(rows(broken.job, 2), [[0, 2], 2, 3, false])
  assert.equal(rows(broken.job, 3), [[0, 2, 3], 2, 4, false])
  assert.equal(rows(broken.job, 4), [[0, 2, 3, 4], 2, 5, true])
  const further = under(request(), advance(3, failedAt(0, 2)), giveUp, retry, advance(3, { again: 1, ...failedAt(0) }))
  assert.equal([further.job.again, further.job.failedRows], [[2], [0]])
  const whole = under(request(), advance(5, { finished: true, ...failedAt(4) }), retry).job
  assert.equal(rows(whole, 0), [[], 0, 5, false])
  assert.equal(rows(whole, 1), [[4], 1, 5, true])
})

test('counts add up, and begin anew when it is gone over again', () => {
  const { progress } = under(
    request(),
    advance(2, { done: 1, ...failedAt(1) }),
    advance(4, { done: 1, ...failedAt(2) }),
  )
  assert.equal(
    [progress?.next, progress?.done, progress?.failed, progress?.failures.map(({ row }) => row), progress?.status],
    [4, 2, 2, [1, 2], 'IN_PROGRESS'],
  )
  assert.is(progress?.updatedAt, 3)
  const again = under(request(), advance(5, { done: 4, finished: true, ...failedAt(1) }), retry).progress!
  assert.equal([again.done, again.failed, again.failures, again.status, again.updatedAt], [4, 0, [], 'IN_PROGRESS', 3])
})

test('what can be done with a job by how it stands', () => {
  const done = advance(5, { finished: true })
  const doneInPart = advance(5, { finished: true, ...failedAt(1) })
  const stands: readonly (readonly [string, readonly JobCommand[], string, string, string])[] = [
    ['open', [request()], 'VoucherJobCanceled', 'It is under way', 'VoucherJobFailed'],
    ['open', [request(), advance(1)], 'VoucherJobCanceled', 'It is under way', 'VoucherJobFailed'],
    ['done', [request(), done], 'It is done', 'It is done, and nothing of it has failed', ''],
    ['done', [request(), doneInPart], 'It is done', 'VoucherJobRetried', ''],
    ['failed', [request(), giveUp], 'VoucherJobCanceled', 'VoucherJobRetried', ''],
    ['canceled', [request(), cancel], '', 'VoucherJobRetried', ''],
    ['canceled', [request(), giveUp, cancel], '', 'VoucherJobRetried', ''],
    ['open', [request(), cancel, retry], 'VoucherJobCanceled', 'It is under way', 'VoucherJobFailed'],
    [
      'failed',
      [request({ uploaded: 1 }), giveUp],
      'VoucherJobCanceled',
      'What was sent is not kept: send again what has failed',
      '',
    ],
  ]
  for (const [standing, before, canceled, retried, givenUp] of stands) {
    const { progress } = under(...before)
    assert.equal([standingOf(progress!), isOpen(progress!)], [standing, standing === 'open'])
    const after = [cancel, retry, giveUp].map((command) => under(...before, command).last)
    assert.equal(after, [canceled, retried, givenUp], standing)
  }
  const reasons = [[giveUp], [cancel], [giveUp, cancel]].map(
    (commands) => under(request(), ...commands).progress?.reason,
  )
  assert.equal(reasons, ['broken', 'canceled on request', 'broken'], 'why it failed stays')
  const resumed = under(request(), giveUp, cancel, retry).progress!
  assert.equal([resumed.reason, resumed.canceled], [undefined, undefined])
})

test.run()
