// What the recorded facts leave open: positions, filters, checkpoints, limits, time-outs, HTTP, gossip, what is not supported.
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { request as requestByTls } from 'node:https'
import * as es from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { eventStoreUnderTest } from '../servers.ts'
import { collect, errorOf, event, events, idsOf, streamName, until, watch } from './toolkit.ts'

const server = await eventStoreUnderTest()
const client = es.EventStoreDBClient.connectionString(server.url)
const address = new URL(server.url.replace('esdb:', 'http:'))
const settings = address.searchParams
const isEncrypted = settings.get('tls') !== 'false'
const authority = settings.get('tlsCAFile')
/** Its connection string by another scheme, with hosts before its own. */
const urlBy = (scheme: string, hosts = '', more = ''): string =>
  server.url.replace('esdb:', scheme).replace(address.host, hosts + address.host) + more

const test = suite('event log protocol')
test.after(async () => {
  await client.dispose()
  await server.end()
})

const http = (path: string): Promise<{ readonly status: number | undefined; readonly body: string }> =>
  new Promise((resolve, reject) => {
    const ask = isEncrypted ? requestByTls : request
    const ca = authority === null ? {} : { ca: readFileSync(authority) }
    const asked = ask({ host: address.hostname, port: address.port, path, ...ca }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode, body }))
    })
    asked.on('error', reject)
    asked.end()
  })

test('HTTP on the same port: health, info, ping, gossip, and 404 elsewhere', async () => {
  assert.is((await http('/health/live')).status, 204)
  assert.match((await http('/info')).body, '24.6.0')
  assert.is((await http('/ping')).status, 200)
  assert.match((await http('/gossip')).body, 'Leader')
  assert.is((await http('/nothing/here')).status, 404)
  assert.is((await http('/health/ready')).status, 404)
})

test('a client that discovers by gossip finds the node', async () => {
  const found = es.EventStoreDBClient.connectionString(urlBy('esdb+discover:'))
  const { success } = await found.appendToStream(streamName(), event())
  assert.ok(success)
  await found.dispose()
})

test('of two hosts, one of which is dead, the other is used', async () => {
  const found = es.EventStoreDBClient.connectionString(urlBy('esdb:', '127.0.0.1:1,', '&nodePreference=leader'))
  const { success } = await found.appendToStream(streamName(), event())
  assert.ok(success)
  await found.dispose()
})

test('positions rise, are sparse, begin above 0, and one append is contiguous in $all', async () => {
  const stream = streamName()
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, i) => client.appendToStream(`${stream}-${i}`, events(3, 'Together'))),
  )
  const all = (await collect(client.readAll())).filter(({ event }) => event?.streamId.startsWith(stream))
  const positions = all.map(({ event }) => event!.position!.commit)
  assert.is(all.length, 60)
  assert.ok(positions.every((at, i) => i === 0 || at > positions[i - 1]! + 50n))
  assert.ok(positions[0]! > 0n)
  for (let i = 0; i < all.length; i += 3) {
    const names = new Set(all.slice(i, i + 3).map(({ event }) => event!.streamId))
    assert.is(names.size, 1)
  }
  assert.equal(
    new Set(results.map(({ position }) => position?.commit)),
    new Set(positions.filter((_, i) => i % 3 === 2)),
  )
})

test('reads of $all page through a log that is longer than a page, both ways', async () => {
  const stream = streamName()
  const { position } = await client.appendToStream(stream, event())
  for (let i = 0; i < 4; i++) await client.appendToStream(stream, events(500))
  const forwards = await collect(client.readAll({ fromPosition: position! }))
  const own = forwards.filter(({ event }) => event?.streamId === stream)
  assert.equal(
    own.map(({ event }) => event!.revision),
    Array.from({ length: 2001 }, (_, i) => BigInt(i)),
  )
  // Others may write to a given server meanwhile.
  const backwards = await collect(client.readAll({ direction: es.BACKWARDS, fromPosition: es.END }))
  const ownBackwards = backwards.filter(({ event }) => event?.streamId === stream)
  assert.equal(idsOf(ownBackwards).reverse(), idsOf(own))
  const middle = own[1000]!.event!.position!
  const older = await collect(client.readAll({ direction: es.BACKWARDS, fromPosition: middle, maxCount: 1 }))
  assert.equal(idsOf(older), idsOf([own[999]!]))
})

test('stream reads: every range of a long stream', async () => {
  const stream = streamName()
  for (let i = 0; i < 3; i++) await client.appendToStream(stream, events(400))
  const revisions = async (options: es.ReadStreamOptions) =>
    (await collect(client.readStream(stream, options))).map(({ event }) => Number(event!.revision))
  const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)
  assert.equal(await revisions({}), range(0, 1200))
  assert.equal(await revisions({ fromRevision: 700n, maxCount: 450 }), range(700, 450))
  assert.equal(await revisions({ direction: es.BACKWARDS, fromRevision: es.END }), range(0, 1200).reverse())
  assert.equal(await revisions({ direction: es.BACKWARDS, fromRevision: 800n, maxCount: 2 }), [800, 799])
})

test('large events cross every buffer whole', async () => {
  const stream = streamName()
  const data = Buffer.alloc(900_000, 'large ')
  const ids = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const one = es.binaryEvent({ type: 'Large', data: Buffer.concat([Buffer.from([i]), data]) })
      await client.appendToStream(stream, one)
      return one.id
    }),
  )
  const found = await collect(client.readStream(stream))
  assert.equal(new Set(idsOf(found)), new Set(ids))
  assert.ok(
    found.every(({ event }) =>
      Buffer.from(event!.data as Uint8Array)
        .subarray(1)
        .equals(data),
    ),
  )
})

test('one append in chunks, under several limits of the client', async () => {
  for (const batchAppendSize of [1, 700, 20_000]) {
    const stream = streamName()
    const proposed = events(60)
    await client.appendToStream(stream, proposed, { batchAppendSize })
    assert.equal(
      idsOf(await collect(client.readStream(stream))),
      proposed.map(({ id }) => id),
    )
  }
})

test('a message over 16 MiB is refused and the client lives on', async () => {
  const stream = streamName()
  const huge = es.binaryEvent({ type: 'Huge', data: Buffer.alloc(17 * 1024 * 1024) })
  const error = await errorOf(client.appendToStream(stream, huge))
  assert.is(error.code, 8)
  const { nextExpectedRevision } = await client.appendToStream(stream, event())
  assert.is(nextExpectedRevision, 0n)
})

test('an append whose time is up before it arrives is a deadline exceeded', async () => {
  const other = es.EventStoreDBClient.connectionString(server.url)
  const error = await errorOf(other.appendToStream(streamName(), event(), { deadline: -1_000 }))
  assert.is(error.type, 'deadline-exceeded')
  await other.dispose()
})

test('names that only a hash finds are kept apart', async () => {
  const long = 'n'.repeat(3_000)
  const [a, b] = [streamName(`${long}a`), streamName(`${long}b`)]
  await client.appendToStream(a, event('A'))
  await client.appendToStream(b, [event('B'), event('B')])
  const [foundA, foundB] = [await collect(client.readStream(a)), await collect(client.readStream(b))]
  assert.equal([foundA.length, foundB.length], [1, 2])
  assert.is(foundB[0]!.event!.streamId, b)
})

test('what is created is created now, and in order', async () => {
  const stream = streamName()
  const before = Date.now()
  await client.appendToStream(stream, events(5))
  const created = (await collect(client.readStream(stream))).map(({ event }) => event!.created.getTime())
  assert.ok(created.every((time) => time >= before - 1_000 && time <= Date.now() + 1_000))
  assert.equal(
    created,
    created.toSorted((a, b) => a - b),
  )
})

test('filters: prefixes, regular expressions, case, types, and not the system', async () => {
  const run = streamName('f')
  const write = (name: string, type: string) => client.appendToStream(`${name}-${run}`, event(type))
  const { position } = await write('alpha', 'Created')
  await write('beta', 'Created')
  await write('Alpha', 'Closed')
  await write('$own', 'Created')
  await write('été', 'Créé')
  const seenWith = async (filter: es.Filter) => {
    const watched = watch(client.subscribeToAll({ fromPosition: es.START, filter }))
    await until(() => watched.marks.includes('caughtUp'), 'caught up')
    await watched.unsubscribe()
    return watched.seen
      .filter(({ event }) => event!.streamId.endsWith(run) && event!.position!.commit >= position!.commit)
      .map(({ event }) => `${event!.streamId.slice(0, -run.length - 1)} ${event!.type}`)
  }
  assert.equal(await seenWith(es.streamNameFilter({ prefixes: ['alpha', 'bet'] })), ['alpha Created', 'beta Created'])
  assert.equal(await seenWith(es.streamNameFilter({ prefixes: ['ét', 'alphabetical', 'al'] })), [
    'alpha Created',
    'été Créé',
  ])
  assert.equal(await seenWith(es.eventTypeFilter({ prefixes: ['Cré', 'C\u00c3'] })), ['été Créé'])
  assert.equal(await seenWith(es.streamNameFilter({ regex: 'lph[a-z]-' })), ['alpha Created', 'Alpha Closed'])
  assert.equal(await seenWith(es.streamNameFilter({ regex: '(?i)^alpha' })), ['alpha Created', 'Alpha Closed'])
  assert.equal(await seenWith(es.eventTypeFilter({ prefixes: ['Clos'] })), ['Alpha Closed'])
  assert.equal(await seenWith(es.eventTypeFilter({ regex: 'ed$' })), [
    'alpha Created',
    'beta Created',
    'Alpha Closed',
    '$own Created',
  ])
  assert.equal(await seenWith(es.excludeSystemEvents()), [
    'alpha Created',
    'beta Created',
    'Alpha Closed',
    '$own Created',
    'été Créé',
  ])
})

test('checkpoints while catching up are those of a real server: where the page began that filled the interval', async () => {
  const stream = streamName()
  const { position } = await client.appendToStream(stream, event())
  await client.appendToStream(stream, events(100))
  await client.appendToStream(stream, event())
  const all = await collect(client.readAll({ fromPosition: position! }))
  const checkpoints: bigint[] = []
  const watched = watch(
    client.subscribeToAll({
      fromPosition: position!,
      filter: es.streamNameFilter({
        prefixes: ['nothing-of-the-kind'],
        maxSearchWindow: 10,
        checkpointInterval: 2,
        checkpointReached: async (_, at) => void checkpoints.push(at.commit),
      }),
    }),
    checkpoints,
  )
  await until(() => watched.marks.includes('caughtUp'), 'caught up')
  await watched.unsubscribe()
  assert.equal(
    checkpoints,
    [10, 30, 50, 70, 90].map((n) => all[n]!.event!.position!.commit),
  )
})

test('a subscriber to a stream that was deleted and written again begins after the deletion', async () => {
  const stream = streamName()
  await client.appendToStream(stream, events(3))
  await client.deleteStream(stream)
  const early = watch(client.subscribeToStream(stream))
  await until(() => early.marks.includes('caughtUp'), 'caught up')
  await client.appendToStream(stream, events(2))
  const late = watch(client.subscribeToStream(stream))
  const truncated = streamName()
  await client.appendToStream(truncated, events(3))
  await client.setStreamMetadata(truncated, { truncateBefore: 3 })
  const hidden = watch(client.subscribeToStream(truncated))
  await until(() => hidden.marks.includes('caughtUp'), 'caught up')
  await client.appendToStream(truncated, event())
  for (const [watched, revisions] of [
    [early, [3n, 4n]],
    [late, [3n, 4n]],
    [hidden, [3n]],
  ] as const) {
    await until(() => watched.seen.length >= revisions.length, 'seen')
    assert.equal(
      watched.seen.map(({ event }) => event!.revision),
      [...revisions],
    )
    await watched.unsubscribe()
  }
})

test('a subscriber sees its own writes, in order, from before and after it came', async () => {
  const stream = streamName()
  await client.appendToStream(stream, events(700))
  const watched = watch(client.subscribeToStream(stream, { fromRevision: 99n }))
  await until(() => watched.marks.includes('caughtUp'), 'caught up')
  assert.is(watched.seen.length, 600)
  await Promise.all(Array.from({ length: 200 }, () => client.appendToStream(stream, events(2))))
  await until(() => watched.seen.length === 1000, 'all seen')
  assert.equal(
    watched.seen.map(({ event }) => event!.revision),
    Array.from({ length: 1000 }, (_, i) => BigInt(i + 100)),
  )
  await watched.unsubscribe()
})

test('a subscriber that pauses gets everything in order, and is told again that it has caught up', async () => {
  const stream = streamName()
  const subscription = client.subscribeToStream(stream, { fromRevision: es.START })
  const watched = watch(subscription)
  await until(() => watched.marks.includes('caughtUp'), 'live')
  subscription.pause()
  const filler = 'x'.repeat(500)
  for (let i = 0; i < 10; i++) {
    await client.appendToStream(
      stream,
      Array.from({ length: 500 }, () => event('T', { filler })),
    )
  }
  assert.ok(watched.seen.length < 5_000)
  subscription.resume()
  await until(() => watched.marks.filter((mark) => mark === 'caughtUp').length === 2, 'caught up again')
  assert.equal(
    watched.seen.map(({ event }) => event!.revision),
    Array.from({ length: 5_000 }, (_, i) => BigInt(i)),
  )
  await watched.unsubscribe()
})

test('a live subscriber gets what metadata hides from readers', async () => {
  const stream = streamName()
  await client.setStreamMetadata(stream, { maxCount: 1 })
  const watched = watch(client.subscribeToStream(stream))
  await until(() => watched.marks.includes('caughtUp'), 'caught up')
  await client.appendToStream(stream, events(5))
  await until(() => watched.seen.length === 5, 'all five')
  assert.is((await collect(client.readStream(stream))).length, 1)
  await watched.unsubscribe()
})

test('metadata that is written to a deleted stream brings it back', async () => {
  const stream = streamName()
  await client.appendToStream(stream, events(3))
  await client.deleteStream(stream)
  await client.setStreamMetadata(stream, { colour: 'red' })
  await until(async () => (await client.getStreamMetadata(stream)).metadata?.truncateBefore === 3, 'revived')
  assert.equal(await collect(client.readStream(stream)), [])
  assert.equal((await client.getStreamMetadata<{ colour: string }>(stream)).metadata?.colour, 'red')
})

test('many clients append to one stream, each expecting what it saw: every revision is won once', async () => {
  const stream = streamName()
  const clients = Array.from({ length: 4 }, () => es.EventStoreDBClient.connectionString(server.url))
  const won: bigint[] = []
  await Promise.all(
    clients.map(async (one) => {
      for (let i = 0; i < 25; i++) {
        const seen = await collect(
          one.readStream(stream, { direction: es.BACKWARDS, fromRevision: es.END, maxCount: 1 }),
        ).catch(() => [])
        const expectedRevision = seen[0]?.event?.revision ?? es.NO_STREAM
        await one.appendToStream(stream, event(), { expectedRevision }).then(
          ({ nextExpectedRevision }) => won.push(nextExpectedRevision),
          (error: { type?: string }) => assert.is(error.type, 'wrong-expected-version'),
        )
      }
    }),
  )
  won.sort((a, b) => Number(a - b))
  assert.equal(
    won,
    Array.from({ length: won.length }, (_, i) => BigInt(i)),
  )
  assert.is((await collect(client.readStream(stream))).length, won.length)
  await Promise.all(clients.map((one) => one.dispose()))
})

test('a repeat is recognised after a restart by its revision, and not without one', async () => {
  // A given server cannot be restarted.
  if (server.restart === undefined) return
  const stream = streamName()
  const first = events(2)
  await client.appendToStream(stream, first, { expectedRevision: es.NO_STREAM })
  await server.restart()
  const again = await client.appendToStream(stream, first, { expectedRevision: es.NO_STREAM })
  assert.is(again.nextExpectedRevision, 1n)
  const written = await client.appendToStream(stream, first)
  assert.is(written.nextExpectedRevision, 3n)
})

if (server.kind === 'embedded') {
  // What a real server does better, or otherwise; so only here.
  test('projections are clearly not supported', async () => {
    const projection = await errorOf(client.createProjection('p', 'fromAll()'))
    assert.match(projection.message, 'not supported by the embedded event log')
  })
}

test.run()
