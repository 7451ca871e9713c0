// Random commands against a small model: what is answered, what is read, what a subscriber is told; with restarts between,
// and with clients that write at the same time.
import { randomUUID } from 'node:crypto'
import * as es from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import fc from '../../fc.ts'
import { isSoak, times } from '../../soak.ts'
import { credentialsOf, eventStoreUnderTest } from '../servers.ts'
import { type Answer, createModel, type Expectation, type ModelEvent } from './model.ts'
import { collect, event, until } from './toolkit.ts'

const RUNS = times(12, 400)

const server = await eventStoreUnderTest()
const client = es.EventStoreDBClient.connectionString(server.url)
const others = [1, 2, 3].map(() => es.EventStoreDBClient.connectionString(server.url))

const test = suite('event log against its model')
test.after(async () => {
  await Promise.all([client, ...others].map((one) => one.dispose()))
  await server.end()
})

const stream = fc.constantFrom('a', 'b', 'c')
const command = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('append' as const),
      stream,
      // A number is relative to the newest revision.
      expected: fc.oneof(
        fc.constantFrom<'any' | 'no_stream' | 'stream_exists'>('any', 'no_stream', 'stream_exists'),
        fc.constantFrom(0, 0, 0, -1, 1),
      ),
      count: fc.integer({ min: 0, max: 3 }),
      classic: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('repeat' as const), which: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('delete' as const), stream }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('tombstone' as const), stream: fc.constantFrom('b', 'c') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('metadata' as const),
      stream,
      maxCount: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
      truncateBefore: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('read' as const), stream, backwards: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('together' as const), writers: fc.integer({ min: 2, max: 12 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('restart' as const),
      how: fc.constantFrom<'stop' | 'kill'>('stop', 'kill'),
    }),
  },
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

const answerOf = async (
  work: Promise<{ readonly nextExpectedRevision?: bigint }>,
): Promise<Answer | { error: string }> =>
  work.then(
    ({ nextExpectedRevision }) => ({ next: Number(nextExpectedRevision ?? 0n) }),
    (error: { readonly type?: string; readonly message: string }) => ({ error: error.type ?? error.message }),
  )

/** Takes all events of a run from a subscription, which it opens again, after the newest position, when it ends. */
const follow = (run: string) => {
  const seen: string[] = []
  let from: es.ReadPosition = es.START
  let stopped = false
  let current: es.AllStreamSubscription | undefined
  const open = () => {
    if (stopped) return
    const subscription = client.subscribeToAll({
      fromPosition: from,
      filter: es.streamNameFilter({ regex: `-${run}$` }),
    })
    current = subscription
    subscription.on('data', ({ event }) => {
      if (event?.position === undefined) return
      from = event.position
      seen.push(`${event.revision > 2n ** 60n ? 'tombstone' : event.revision}@${event.streamId}`)
    })
    subscription.on('error', () => void setTimeout(open, 20))
  }
  open()
  return {
    seen,
    stop: async () => {
      stopped = true
      await current?.unsubscribe()
    },
  }
}

const runCommands = async (commands: readonly Command[]): Promise<void> => {
  const run = randomUUID()
  const model = createModel()
  const name = (short: string) => `${short}-${run}`
  const done: { stream: string; expected: 'no_stream' | number; proposed: es.EventData[]; next: number }[] = []
  const follower = follow(run)
  const expectedOf = (stream: string, expected: 'any' | 'no_stream' | 'stream_exists' | number): Expectation => {
    if (typeof expected !== 'number') return expected
    const revision = model.last(stream) + expected
    return revision < 0 ? 'no_stream' : revision
  }
  const asRevision = (expected: Expectation): es.AppendExpectedRevision =>
    typeof expected === 'number' ? BigInt(expected) : expected

  const step = async (one: Command): Promise<void> => {
    switch (one.op) {
      case 'append': {
        const stream = name(one.stream)
        const expected = expectedOf(stream, one.expected)
        const proposed = Array.from({ length: one.count }, () => event())
        const answer = await answerOf(
          client.appendToStream(stream, proposed, {
            expectedRevision: asRevision(expected),
            ...(one.classic ? { credentials: credentialsOf(server.url) } : {}),
          }),
        )
        const ids = proposed.map(({ id }) => id)
        assert.equal(answer, model.append(stream, expected, ids))
        if ('next' in answer && ids.length > 0 && (expected === 'no_stream' || typeof expected === 'number')) {
          done.push({ stream, expected, proposed, next: answer.next })
        }
        return
      }
      case 'repeat': {
        const again = done[one.which % Math.max(done.length, 1)]
        // A first write that brought a deleted stream back expected less than there was: it is no repeat of revision 0.
        if (again === undefined || (again.expected === 'no_stream' && again.next !== again.proposed.length - 1)) return
        const { stream, expected, proposed, next } = again
        const answer = await answerOf(
          client.appendToStream(stream, proposed, { expectedRevision: asRevision(expected) }),
        )
        assert.equal(answer, model.repeat(stream, next))
        return
      }
      case 'delete':
        assert.equal(
          await answerOf(client.deleteStream(name(one.stream)).then(() => ({}))),
          model.delete(name(one.stream)),
        )
        return
      case 'tombstone':
        assert.equal(
          await answerOf(client.tombstoneStream(name(one.stream)).then(() => ({}))),
          model.tombstone(name(one.stream)),
        )
        return
      case 'metadata': {
        const { maxCount, truncateBefore } = one
        const metadata = {
          ...(maxCount === undefined ? {} : { maxCount }),
          ...(truncateBefore === undefined ? {} : { truncateBefore }),
        }
        assert.equal(
          await answerOf(client.setStreamMetadata(name(one.stream), metadata)),
          model.setMetadata(name(one.stream), metadata),
        )
        return
      }
      case 'read': {
        const expected = model.read(name(one.stream))
        const found = await collect(
          client.readStream(name(one.stream), {
            direction: one.backwards ? es.BACKWARDS : es.FORWARDS,
            fromRevision: one.backwards ? es.END : es.START,
          }),
        ).then(
          (resolved) => resolved.map(({ event }) => event?.id ?? ''),
          (error: { readonly type?: string }) => ({ error: error.type }),
        )
        assert.equal(Array.isArray(found) && one.backwards ? found.reverse() : found, expected)
        return
      }
      case 'together': {
        // Each client writes to a stream of its own name and, with `any`, to a common one: the answers say in which order.
        const shared = name('shared')
        const proposed = Array.from({ length: one.writers }, () => event())
        const answers = await Promise.all(
          proposed.map((one, i) => others[i % others.length]!.appendToStream(shared, one)),
        )
        const order = proposed
          .map(({ id }, i) => ({ id, revision: answers[i]!.nextExpectedRevision }))
          .sort((a, b) => Number(a.revision - b.revision))
        for (const { id, revision } of order) {
          assert.equal(model.append(shared, 'any', [id]), { next: Number(revision) })
        }
        const rival = name('rival')
        const expectedRevision = asRevision(expectedOf(rival, 0))
        const rivals = proposed.map(() => event())
        const outcomes = await Promise.all(
          rivals.map((one, i) => answerOf(others[i % others.length]!.appendToStream(rival, one, { expectedRevision }))),
        )
        const winners = rivals.filter((_, i) => 'next' in outcomes[i]!)
        assert.is(winners.length, 1)
        model.append(rival, 'any', [winners[0]!.id])
        return
      }
      case 'restart':
        if (server.restart === undefined) return
        await server.restart(one.how)
        // Each client finds the way back by itself.
        for (const each of [client, ...others]) {
          await until(
            () =>
              each.appendToStream(`$up-${randomUUID()}`, event()).then(
                () => true,
                () => false,
              ),
            'back after a restart',
          )
        }
        return
      default:
        one satisfies never
    }
  }

  try {
    for (const one of commands) await step(one)
    const label = ({ stream, revision }: ModelEvent) => `${revision}@${stream}`
    const expected = model.all().map(label)
    const all = (await collect(client.readAll()))
      .flatMap(({ event }) => (event?.streamId.endsWith(run) ? [event] : []))
      .map(({ revision, streamId }) => `${revision > 2n ** 60n ? 'tombstone' : revision}@${streamId}`)
    assert.equal(all, expected)
    await until(() => follower.seen.length >= expected.length, 'the subscriber saw all')
    assert.equal(follower.seen, expected)
  } finally {
    await follower.stop()
  }
}

test('random commands', async () => {
  await fc.assert(fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 40, size: 'max' }), runCommands), {
    numRuns: RUNS,
    endOnFailure: !isSoak,
    includeErrorInReport: true,
  })
})

test.run()
