// The outbox as it follows from facts: asked for, skipped, tried, given up, asked for again.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type ActivityDocument, activity } from '../../projections/activity.ts'
import { type OutboxDocument, outbox } from '../../projections/outbox.ts'
import type { Projection } from '../../projections/projection.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import { assertLaws } from '../projector/laws.ts'

const T = Date.parse('2026-03-02T12:00:00Z')

const fact = (stream: string, revision: number, position: number, type: string, data: object): RecordedFact => ({
  stream,
  revision: BigInt(revision),
  position: BigInt(position),
  id: `00000000-0000-5000-8000-${String(position).padStart(12, '0')}`,
  type,
  data,
  metadata: { $correlationId: 'v-1', now: T + position },
  created: T + position,
})

const distribution = { id: 'distr_1', name: 'Thanks', definition: '3' }
const asked = (id: string, position: number, more: object = {}): RecordedFact =>
  fact('customer-cust_1', 7, position, 'MessageRequested', {
    id,
    distribution,
    channel: 'email',
    trigger: { type: 'customer.custom_event', event: 'bought', fact: 'cause-1', distance: 2 },
    occurredAt: T,
    ...more,
  })
const about = (id: string) => ({
  message: id,
  customer: 'cust_1',
  distribution: { id: 'distr_1', name: 'Thanks' },
  channel: 'email',
})
const attempt = (id: string, n: number) => ({
  ...about(id),
  attempt: n,
  definition: '3',
  target: 'mail.test',
  tookMs: 5,
  occurredAt: T + n * 1_000,
})
const failed = (id: string, n: number, position: number, retryAt?: number) =>
  fact(`message-${id}`, n - 1, position, 'MessageAttemptFailed', {
    ...attempt(id, n),
    error: 'answered 500',
    ...(retryAt === undefined ? {} : { retryAt }),
  })

const documents = (facts: readonly RecordedFact[]) =>
  assertLaws(outbox as unknown as Projection, facts, 20) as unknown as Record<string, OutboxDocument>

test('asked for: due at once, or when it may go out; its cause is found again by its revision', () => {
  const { a, b } = documents([
    asked('a', 10),
    asked('b', 20, { notBefore: T + 60_000, delayedBy: 'quiet_hours', points: { camp_1: 5 } }),
  ])
  assert.is(a!.state, 'requested')
  assert.equal(a!.due_at, new Date(T))
  assert.is(a!.cause_revision, '5')
  assert.is(a!.revision, '-1')
  assert.is(b!.state, 'waiting')
  assert.is(b!.reason, 'quiet_hours')
  assert.equal(b!.due_at, new Date(T + 60_000))
  assert.equal(b!.points, { camp_1: 5 })
})

test('what a browser set off is told from what others did', () => {
  const by = (role: string, position: number): RecordedFact => {
    const fact = asked(role, position)
    return { ...fact, metadata: { ...fact.metadata, actor: { name: 'key', role } } }
  }
  const { client, integrator } = documents([by('client', 10), by('integrator', 20)])
  assert.equal([client!.by_client, integrator!.by_client], [true, undefined])
})

test('skipped: never due', () => {
  const { a } = documents([
    fact('customer-cust_1', 7, 10, 'MessageSkipped', {
      id: 'a',
      distribution,
      channel: 'email',
      trigger: { type: 'customer.created', fact: 'cause-1', distance: 1 },
      occurredAt: T,
      reason: 'no_address',
      details: 'the customer has no email',
    }),
  ])
  assert.is(a!.state, 'skipped')
  assert.is(a!.requested, false)
  assert.not.ok('due_at' in a!)
})

test('failed, then sent; given up and asked for again begins a new count', () => {
  const { a, b } = documents([
    asked('a', 10),
    failed('a', 1, 20, T + 60_000),
    fact('message-a', 1, 30, 'MessageSent', { ...attempt('a', 2), status: 200 }),
    asked('b', 40),
    failed('b', 1, 50),
    fact('message-b', 1, 51, 'MessageParked', { ...about('b'), attempts: 1, reason: 'answered 500', occurredAt: T }),
    fact('message-b', 2, 60, 'MessageRetryRequested', { ...about('b'), occurredAt: T + 5_000 }),
  ])
  assert.is(a!.state, 'sent')
  assert.not.ok('due_at' in a!)
  assert.is(a!.attempts, 2)
  assert.equal(
    a!.last.map((one) => [one.attempt, one.outcome, one.status]),
    [
      [1, 'failed', null],
      [2, 'sent', 200],
    ],
  )
  assert.is(b!.state, 'requested')
  assert.is(b!.attempts, 1)
  assert.is(b!.tries, 0)
  assert.is(b!.revision, '2')
  assert.equal(b!.due_at, new Date(T + 5_000))
})

test('deliveries show in the activity log: sent, failed once, recovered', () => {
  const shown = assertLaws(
    activity as unknown as Projection,
    [
      failed('a', 1, 20, T + 60_000),
      failed('a', 2, 30, T + 90_000),
      fact('message-a', 2, 40, 'MessageSent', attempt('a', 3)),
      fact('message-b', 0, 50, 'MessageSent', attempt('b', 1)),
    ],
    20,
  )
  assert.equal(
    Object.values(shown as unknown as Record<string, ActivityDocument>)
      .map((entry) => entry.type)
      .sort(),
    ['customer.email.failed', 'customer.email.recovered', 'customer.email.sent'],
  )
})

test.run()
