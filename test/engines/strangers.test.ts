// Somebody else on the same machine: without the password nothing is read or written; with it the official clients work.
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AccessDeniedError, EventStoreDBClient, jsonEvent, START } from '@eventstore/db-client'
import { MongoClient } from 'mongodb'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ACCESS_FILE, engineAccess } from '../../src/engines/access.ts'
import { makeCertificate } from '../../src/engines/certificate.ts'
import { type EngineUrls, startEngines } from '../../src/engines/start.ts'
import { message, rawClient } from './documents/raw.ts'

const dir = mkdtempSync(join(tmpdir(), 'tributary-strangers-'))
let engines: EngineUrls
/** In the URLs and nowhere else. */
let caFile: string
let eventPort: string

const test = suite('strangers')
test.before(async () => {
  engines = await startEngines({ dir, testMode: true })
  const url = new URL(engines.eventStoreUrl)
  caFile = url.searchParams.get('tlsCAFile')!
  eventPort = url.port
})
test.after(async () => {
  await engines.stop()
  rmSync(dir, { recursive: true })
})

const mongo = (url: string) => new MongoClient(url, { serverSelectionTimeoutMS: 5_000 })
const withPassword = (url: string, password: string): string => {
  const changed = new URL(url)
  changed.password = password
  return changed.href
}

test('the document store answers Unauthorized to every command but those of a greeting', async () => {
  const client = mongo(engines.mongodbUrl)
  const { commands } = await client.db('admin').command({ listCommands: 1 })
  await client.close()
  const names = Object.keys(commands)
  assert.ok(names.length > 50)
  const open: string[] = []
  const stranger = await rawClient(engines.mongodbUrl, { stranger: true })
  for (const name of names) {
    const answer = await stranger.command({ [name]: 'kept', $db: 'shop' })
    if (answer.code === 13) assert.is(answer.codeName, 'Unauthorized')
    else open.push(name)
  }
  stranger.end()
  assert.equal(
    open.sort(),
    'buildInfo buildinfo connectionStatus hello isMaster ismaster logout ping saslContinue saslStart whatsmyuri'.split(
      ' ',
    ),
  )
})

test('a stranger who writes without waiting for an answer writes nothing, and may send little', async () => {
  const stranger = await rawClient(engines.mongodbUrl, { stranger: true })
  stranger.send(message({ insert: 'kept', documents: [{ _id: 'silent' }], $db: 'shop' }, 2))
  assert.is((await stranger.command({ find: 'kept', $db: 'shop' })).code, 13)
  stranger.send(message({ insert: 'kept', documents: [{ _id: 'x'.repeat(100_000) }], $db: 'shop' }))
  await stranger.closed
  const client = mongo(engines.mongodbUrl)
  assert.is(await client.db('shop').collection('kept').countDocuments(), 0)
  await client.close()
})

test('the official driver signs in with the password, and with no other', async () => {
  for (const url of [engines.mongodbUrl, `${engines.mongodbUrl}&authMechanism=SCRAM-SHA-256`]) {
    const client = mongo(url)
    const kept = client.db('shop').collection<{ _id: string }>('kept')
    await kept.insertOne({ _id: 'a' })
    assert.equal(await kept.find().toArray(), [{ _id: 'a' }])
    const { authInfo } = await client.db('admin').command({ connectionStatus: 1 })
    assert.equal(authInfo.authenticatedUsers, [{ user: 'tributary', db: 'admin' }])
    await kept.drop()
    await client.close()
  }
  const wrong = [
    withPassword(engines.mongodbUrl, 'wrong'),
    engines.mongodbUrl.replace('tributary:', 'somebody:'),
    engines.mongodbUrl.replace('authSource=admin', 'authSource=other'),
    `${engines.mongodbUrl}&authMechanism=SCRAM-SHA-1`,
  ]
  for (const url of wrong) {
    const client = mongo(url)
    const failure = await client
      .db('shop')
      .command({ find: 'kept' })
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    assert.instance(failure, Error, url)
    assert.match(String(failure), /Authentication failed|mechanism/i)
    await client.close()
  }
})

/** Calls of a stranger on one connection: the gRPC status of each. */
const callsTo = (url: string) => {
  const session = connect(url, { ca: readFileSync(caFile), servername: 'localhost' })
  return {
    statusOf: async (path: string, headers: Readonly<Record<string, string>>) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      })
      stream.end()
      const [answered] = await once(stream, 'response')
      stream.resume()
      return Number(answered['grpc-status'])
    },
    end: () => session.close(),
  }
}

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

test('the event log refuses every call of every service without the password, and every call without TLS', async () => {
  const { password } = new URL(engines.eventStoreUrl)
  const paths = [
    ...['Read', 'Append', 'BatchAppend', 'Delete', 'Tombstone'].map((name) => `streams.Streams/${name}`),
    ...['Create', 'Update', 'Delete', 'Read', 'GetInfo', 'List', 'ReplayParked'].map(
      (name) => `persistent_subscriptions.PersistentSubscriptions/${name}`,
    ),
    ...['Create', 'Details', 'ResetPassword'].map((name) => `users.Users/${name}`),
    ...['Shutdown', 'StartScavenge'].map((name) => `operations.Operations/${name}`),
    'projections.Projections/Create',
    'monitoring.Monitoring/Stats',
  ].map((name) => `/event_store.client.${name}`)
  const strangers = [
    [{}, 7],
    [basic('admin', 'changeit'), 16],
    [basic('ops', password), 16],
    [{ authorization: `Bearer ${password}` }, 16],
    [basic('', ''), 16],
  ] as const
  const secure = callsTo(`https://127.0.0.1:${eventPort}`)
  for (const path of paths)
    for (const [headers, status] of strangers) assert.is(await secure.statusOf(path, headers), status, path)
  const right = basic('admin', password)
  assert.is(await secure.statusOf('/event_store.client.users.Users/Details', right), 12)
  secure.end()
  const unencrypted = callsTo(`http://127.0.0.1:${eventPort}`)
  for (const path of paths) assert.is(await unencrypted.statusOf(path, right), 16, path)
  unencrypted.end()
  const plain = await fetch(`http://127.0.0.1:${eventPort}/gossip`)
  assert.is(plain.status, 400)
  assert.match(await plain.text(), 'over TLS only')
})

test('faults are injected by nobody without the password', async () => {
  const { request } = await import('node:https')
  const ask = (headers: Readonly<Record<string, string>>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const sent = request(
        `https://127.0.0.1:${eventPort}/test/faults`,
        { method: 'POST', ca: readFileSync(caFile), headers },
        (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        },
      )
      sent.once('error', reject)
      sent.end('{"do":"clear"}')
    })
  assert.is(await ask({}), 401)
  assert.is(await ask(basic('admin', new URL(engines.eventStoreUrl).password)), 200)
})

test('the official client appends, reads and subscribes with the password, and not without', async () => {
  const client = EventStoreDBClient.connectionString(engines.eventStoreUrl)
  await client.appendToStream('kept', [jsonEvent({ type: 'Kept', data: { secret: 1 } })])
  const subscription = client.subscribeToAll({ fromPosition: START })
  for await (const { event } of subscription) if (event?.streamId === 'kept') break
  let read = 0
  for await (const _ of client.readStream('kept')) read += 1
  assert.is(read, 1)
  await client.dispose()

  const refusal = async (url: string, act: (stranger: EventStoreDBClient) => Promise<unknown>) => {
    const stranger = EventStoreDBClient.connectionString(url)
    const error = await act(stranger).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    await stranger.dispose()
    return error
  }
  const acts: readonly ((stranger: EventStoreDBClient) => Promise<unknown>)[] = [
    (stranger) => stranger.appendToStream('kept', [jsonEvent({ type: 'Forged', data: {} })]),
    async (stranger) => {
      for await (const _ of stranger.readStream('kept')) break
    },
    async (stranger) => {
      for await (const _ of stranger.readAll()) break
    },
    async (stranger) => {
      for await (const _ of stranger.subscribeToAll()) break
    },
    (stranger) => stranger.deleteStream('kept'),
    (stranger) => stranger.tombstoneStream('kept'),
    (stranger) => stranger.setStreamMetadata('kept', { maxCount: 1 }),
  ]
  for (const url of [withPassword(engines.eventStoreUrl, 'wrong'), engines.eventStoreUrl.replace(/\/\/.*@/, '//')])
    for (const act of acts) assert.instance(await refusal(url, act), AccessDeniedError)
  const plain = await refusal(`esdb://127.0.0.1:${eventPort}?tls=false`, acts[2]!)
  assert.match(String(plain), 'over TLS only')
})

test('passwords stay from start to start, in a file of this user; new ones are made where it is gone', async () => {
  const home = mkdtempSync(join(tmpdir(), 'tributary-access-'))
  const path = join(home, ACCESS_FILE)
  const passwords = () => {
    const { eventLog, documents } = engineAccess(home)
    return [eventLog.password, documents.password]
  }
  const first = passwords()
  assert.is(statSync(path).mode & 0o077, 0)
  assert.equal(passwords(), first)
  rmSync(path)
  assert.is(new Set([...first, ...passwords()]).size, 4)
  const kept = JSON.parse(readFileSync(path, 'utf8'))
  const ending = makeCertificate(new Date('2006-06-01'))
  writeFileSync(path, JSON.stringify({ ...kept, tls: ending }))
  assert.is.not(engineAccess(home).eventLog.tls.certificate, ending.certificate, 'one that ends soon is made again')
  assert.equal(passwords(), [kept.eventLog.password, kept.documents.password])
  writeFileSync(path, '{"half')
  const refusal = await startEngines({ dir: home }).then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.match(String(refusal), 'is damaged; remove it')
  rmSync(home, { recursive: true })
})

test.run()
