// Persistent subscriptions as the official client uses them: groups, answers, parking, several consumers, restarts.
import * as es from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { eventStoreUnderTest } from '../servers.ts'
import { errorOf, event, events, streamName, until } from './toolkit.ts'

const server = await eventStoreUnderTest()
const connect = () => es.EventStoreDBClient.connectionString(server.url)
let client = connect()

const test = suite('persistent subscriptions')
test.after(async () => {
  await client.dispose()
  await server.end()
})

const settings = es.persistentSubscriptionToStreamSettingsFromDefaults
const allSettings = es.persistentSubscriptionToAllSettingsFromDefaults
type Subscription = es.PersistentSubscriptionToStream | es.PersistentSubscriptionToAll
type Got = es.PersistentSubscriptionToStreamResolvedEvent | es.PersistentSubscriptionToAllResolvedEvent

/** Keeps what comes, and answers as `answer` says. */
const consume = (
  subscription: Subscription,
  answer: (got: Got) => 'ack' | es.PersistentAction | undefined = () => 'ack',
) => {
  const seen: Got[] = []
  const state: { error: Error | undefined } = { error: undefined }
  subscription.on('error', (error: Error) => {
    state.error = error
  })
  subscription.on('data', (got: Got) => {
    seen.push(got)
    const how = answer(got)
    if (how === 'ack') void subscription.ack(got).catch(() => {})
    else if (how !== undefined) void subscription.nack(how, 'as the test says', got).catch(() => {})
  })
  const confirmed = new Promise<void>((resolve) => subscription.once('confirmation', () => resolve()))
  const revisions = () => seen.map(({ event }) => Number(event?.revision))
  return { seen, state, confirmed, revisions, unsubscribe: () => subscription.unsubscribe() }
}
const join = (stream: string, group: string, answer?: Parameters<typeof consume>[1], bufferSize = 10) =>
  consume(client.subscribeToPersistentSubscriptionToStream(stream, group, { bufferSize }), answer)
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

test('from start, from a revision, from the end; what comes later comes too', async () => {
  const stream = streamName()
  await client.appendToStream(stream, events(20))
  const groups = { start: es.START, middle: 5n, end: es.END } as const
  for (const [group, startFrom] of Object.entries(groups))
    await client.createPersistentSubscriptionToStream(stream, group, settings({ startFrom }))
  const consumers = Object.keys(groups).map((group) => join(stream, group))
  await Promise.all(consumers.map(({ confirmed }) => confirmed))
  await client.appendToStream(stream, events(4))
  for (const [i, from] of [0, 5, 20].entries()) {
    await until(() => consumers[i]!.seen.length === 24 - from, `all from ${from}`)
    assert.equal(consumers[i]!.revisions(), range(from, 24))
    await consumers[i]!.unsubscribe()
  }
})

test('retried once with its count, skipped for good, parked after too many tries and when asked', async () => {
  const stream = streamName()
  await client.appendToStream(stream, events(4))
  await client.createPersistentSubscriptionToStream(stream, 'g', settings({ startFrom: es.START, maxRetryCount: 2 }))
  const consumer = join(stream, 'g', ({ event, retryCount }) => {
    if (event!.revision === 0n) return retryCount === 0 ? 'retry' : 'ack'
    if (event!.revision === 1n) return 'skip'
    return event!.revision === 2n ? 'retry' : 'park'
  })
  const info = () => client.getPersistentSubscriptionToStreamInfo(stream, 'g')
  await until(async () => (await info()).stats.parkedMessageCount === 2n, 'two are parked')
  assert.equal(consumer.revisions().sort(), [0, 0, 1, 2, 2, 2, 3])
  await consumer.unsubscribe()

  const replayed = join(stream, 'g')
  await client.replayParkedMessagesToStream(stream, 'g', { stopAt: 1 })
  await until(() => replayed.seen.length === 1, 'the first is sent again')
  await client.replayParkedMessagesToStream(stream, 'g')
  await until(() => replayed.seen.length === 2, 'so is the other')
  assert.equal(replayed.revisions().sort(), [2, 3])
  await until(async () => (await info()).stats.parkedMessageCount === 0n, 'none is parked')
  await replayed.unsubscribe()
})

test('what a consumer does not answer in time, or had when it went, goes to another', async () => {
  const stream = streamName()
  await client.appendToStream(stream, events(6))
  await client.createPersistentSubscriptionToStream(stream, 'g', settings({ startFrom: es.START, messageTimeout: 300 }))
  const silent = join(stream, 'g', () => undefined, 3)
  await until(() => silent.seen.length >= 3, 'it has as many as it takes')
  const other = join(stream, 'g')
  await until(() => new Set(other.revisions()).size === 6, 'the other gets all', 20_000)
  assert.ok(other.seen.some(({ retryCount }) => retryCount > 0))
  await silent.unsubscribe()
  await other.unsubscribe()
})

test('strategies: in turn, one after the other, and pinned by stream', async () => {
  const shared = async (consumerStrategyName: es.ConsumerStrategy, count: number) => {
    const stream = streamName()
    await client.createPersistentSubscriptionToStream(
      stream,
      'g',
      settings({ startFrom: es.START, consumerStrategyName }),
    )
    const both = [join(stream, 'g', undefined, 100), join(stream, 'g', undefined, 100)]
    await Promise.all(both.map(({ confirmed }) => confirmed))
    await client.appendToStream(stream, events(count))
    await until(() => both[0]!.seen.length + both[1]!.seen.length === count, consumerStrategyName)
    for (const { unsubscribe } of both) await unsubscribe()
    return both.map(({ seen }) => seen.length).sort((a, b) => a - b)
  }
  assert.equal(await shared(es.ROUND_ROBIN, 20), [10, 10])
  assert.equal(await shared(es.DISPATCH_TO_SINGLE, 20), [0, 20])
  assert.equal(await shared(es.PINNED, 20), [0, 20])
})

test('to $all, with a filter, and with places of its own', async () => {
  const prefix = streamName('p')
  const { position } = await client.appendToStream(streamName('other'), events(3))
  await client.createPersistentSubscriptionToAll(
    prefix,
    allSettings({ startFrom: position!, checkPointLowerBound: 1, checkPointAfter: 50 }),
    {
      filter: es.streamNameFilter({ prefixes: [prefix] }),
    },
  )
  const consumer = consume(client.subscribeToPersistentSubscriptionToAll(prefix))
  await consumer.confirmed
  for (const n of [1, 2]) await client.appendToStream(`${prefix}-${n}`, events(5))
  await client.appendToStream(streamName('other'), events(5))
  await until(() => consumer.seen.length === 10, 'those of the filter')
  assert.ok(consumer.seen.every(({ event }) => event!.streamId.startsWith(prefix)))
  const info = () => client.getPersistentSubscriptionToAllInfo(prefix)
  await until(async () => (await info()).stats.lastCheckpointedEventPosition !== undefined, 'a checkpoint is written')
  assert.equal((await info()).settings.startFrom, position)
  await consumer.unsubscribe()
  await client.deletePersistentSubscriptionToAll(prefix)
})

test('info and lists tell settings and who is there', async () => {
  const stream = streamName()
  const asked = settings({ startFrom: 2n, extraStatistics: true, maxRetryCount: 12, consumerStrategyName: es.PINNED })
  await client.createPersistentSubscriptionToStream(stream, 'a', asked)
  await client.createPersistentSubscriptionToStream(stream, 'b', settings())
  await client.appendToStream(stream, events(5))
  const consumer = join(stream, 'a')
  await until(() => consumer.seen.length === 3, 'from its revision on')
  const [info] = (await client.listPersistentSubscriptionsToStream(stream)).filter(({ groupName }) => groupName === 'a')
  assert.equal(info!.settings, asked)
  assert.is(info!.connections.length, 1)
  assert.is(info!.connections[0]!.connectionName, client.connectionName)
  assert.ok(info!.connections[0]!.extraStatistics!.get('quintile 3') !== undefined)
  assert.is(info!.stats.lastKnownEventRevision, 4n)
  const changed = settings({ ...asked, maxRetryCount: 3 })
  await client.updatePersistentSubscriptionToStream(stream, 'a', changed)
  await until(() => consumer.state.error !== undefined, 'an update drops who is there')
  assert.instance(consumer.state.error, es.PersistentSubscriptionDroppedError)
  assert.equal((await client.getPersistentSubscriptionToStreamInfo(stream, 'a')).settings, changed)
  assert.is(
    (await client.listAllPersistentSubscriptions()).filter(({ eventSource }) => eventSource === stream).length,
    2,
  )
})

test('errors: exists, does not exist, too many, dropped, settings that make no sense', async () => {
  const stream = streamName()
  const make = (changes = {}) => client.createPersistentSubscriptionToStream(stream, 'g', settings(changes))
  assert.instance(
    await errorOf(make({ historyBufferSize: 10, readBatchSize: 20 })),
    es.PersistentSubscriptionFailedError,
  )
  await make({ maxSubscriberCount: 1 })
  assert.instance(await errorOf(make()), es.PersistentSubscriptionExistsError)
  const first = join(stream, 'g')
  await first.confirmed
  const second = join(stream, 'g')
  await until(() => second.state.error !== undefined, 'one too many')
  assert.instance(second.state.error, es.PersistentSubscriptionMaximumSubscribersReachedError)
  await client.deletePersistentSubscriptionToStream(stream, 'g')
  await until(() => first.state.error !== undefined, 'dropped')
  assert.instance(first.state.error, es.PersistentSubscriptionDroppedError)
  const absent = [
    client.deletePersistentSubscriptionToStream(stream, 'g'),
    client.updatePersistentSubscriptionToStream(stream, 'g', settings()),
    client.getPersistentSubscriptionToStreamInfo(stream, 'g'),
    client.replayParkedMessagesToStream(stream, 'g'),
    client.listPersistentSubscriptionsToStream(stream),
  ]
  for (const one of absent) assert.instance(await errorOf(one), es.PersistentSubscriptionDoesNotExistError)
  const late = join(stream, 'g')
  await until(() => late.state.error !== undefined, 'nothing to join')
  assert.instance(late.state.error, es.PersistentSubscriptionDoesNotExistError)
})

test('links lead to their events, and are answered for by their own ids', async () => {
  const [target, links] = [streamName(), streamName()]
  await client.appendToStream(target, events(2))
  await client.appendToStream(
    links,
    [0, 1].map((n) => es.binaryEvent({ type: '$>', data: Buffer.from(`${n}@${target}`) })),
  )
  await client.createPersistentSubscriptionToStream(links, 'g', settings({ startFrom: es.START, resolveLinkTos: true }))
  const consumer = join(links, 'g')
  await until(() => consumer.seen.length === 2, 'both')
  assert.equal(
    consumer.seen.map(({ event, link }) => [event!.streamId, link!.streamId]),
    [
      [target, links],
      [target, links],
    ],
  )
  await until(
    async () => (await client.getPersistentSubscriptionToStreamInfo(links, 'g')).stats.totalInFlightMessages === 0,
    'answered',
  )
  await consumer.unsubscribe()
})

if (server.restart !== undefined)
  test('groups, how far they are and what is parked survive a restart', async () => {
    const stream = streamName()
    await client.appendToStream(stream, events(10))
    const asked = settings({ startFrom: es.START, checkPointUpperBound: 1 })
    await client.createPersistentSubscriptionToStream(stream, 'g', asked)
    const consumer = join(stream, 'g', ({ event }) => (event!.revision === 3n ? 'park' : 'ack'))
    const info = () => client.getPersistentSubscriptionToStreamInfo(stream, 'g')
    await until(async () => (await info()).stats.lastCheckpointedEventRevision === 9n, 'all are done')
    await client.dispose()
    await server.restart!('kill')
    client = connect()
    const after = await info()
    assert.equal(after.settings, asked)
    assert.is(after.stats.parkedMessageCount, 1n)
    const again = join(stream, 'g')
    await again.confirmed
    await client.appendToStream(stream, event())
    await client.replayParkedMessagesToStream(stream, 'g')
    await until(() => again.seen.length === 2, 'what is new and what was parked')
    assert.equal(
      again.revisions().sort((a, b) => a - b),
      [3, 10],
    )
    assert.is(consumer.seen.length, 10)
    await again.unsubscribe()
  })

test.run()
