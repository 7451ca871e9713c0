// A whole node while a server is killed or hangs under load: it says so, fails fast, and goes on by itself when the server is
// back; nothing acknowledged is lost, nothing is doubled. Embedded engines only: a given server is not ours to kill.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { closeAll, type Receiver, startReceiver } from '../delivery/receiver.ts'
import { type Killable, killable } from '../engines/killable.ts'
import { runOnOwnServers } from '../skip.ts'
import { isSoak, times } from '../soak.ts'
import { others, until as patientUntil } from '../until.ts'
import { type Answer, type TestNode, testNode } from './node.ts'

const test = suite('a node in trouble')
const until = <T>(ask: () => Promise<T> | T, satisfied?: (answer: T) => boolean, ms = 10_000): Promise<T> =>
  patientUntil(ask, satisfied, ms * others())
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

let dir: string
let events: Killable
let documents: Killable
let node: TestNode
let receiver: Receiver
let referrer: { readonly code: string }

const ok = (answer: Answer): Answer => {
  assert.is(answer.status, 200, JSON.stringify(answer.body))
  return answer
}
const post = (path: string, body: unknown) => node.call('POST', path, body, { as: 'admin' })
const ready = () => node.call('GET', '/health/ready')
const event = (id: string, customer: string, more: object = {}) =>
  node.call('POST', '/v1/events', { event: 'bought', id, customer: { source_id: customer }, ...more })

test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-trouble-'))
  ;[events, documents] = await Promise.all([
    killable('events', join(dir, 'events')),
    killable('documents', join(dir, 'documents')),
  ])
  receiver = await startReceiver()
  node = await testNode({
    EVENTSTORE_URL: events.url,
    MONGODB_URL: documents.url,
    WEBHOOK_ALLOW_PRIVATE: 'true',
    LOG_LEVEL: 'silent',
  })
  ok(await post('/v1/event-schemas', { name: 'bought', schema: { properties: {} } }))
  // Every part that goes on by itself: a deadline, a message, a process between two streams.
  const condition = { event: 'bought', within: 'PT1S' }
  ok(await post('/v1/segments', { name: 'lately', type: 'auto-update', condition }))
  ok(
    await post('/v1/distributions', {
      name: 'told',
      trigger: { type: 'event', event: 'bought' },
      channel: { type: 'webhook', url: receiver.url },
    }),
  )
  const club = ok(await post('/v1/loyalties', { name: 'club', voucher: { type: 'LOYALTY_CARD' } })).body.id
  const points = { type: 'LOYALTY_CARD', amount: 1, related_object_parent: { id: club } }
  ok(
    await post('/v1/campaigns', {
      name: 'friends',
      campaign_type: 'REFERRAL_PROGRAM',
      voucher: { type: 'DISCOUNT_VOUCHER', is_referral_code: true, code_config: { pattern: 'REF-########' } },
      referral_program: {
        conversion_event_type: 'custom_event',
        custom_event: { name: 'bought' },
        referee_reward: points,
        referrer_reward: points,
      },
    }),
  )
  referrer = ok(await post('/v1/publications', { customer: { source_id: 'ann' }, campaign: { name: 'friends' } })).body
    .voucher
})
test.after(async () => {
  await node?.end()
  await closeAll()
  await Promise.all([events?.stop(), documents?.stop()])
  await rm(dir, { recursive: true, force: true })
})

/** Between two events of one customer: load, and no more of a backlog than is worked off soon. */
const LOAD_PAUSE_MS = 300

let runs = 0
let total = 0
/** Does `work` while four customers have events all the time, each sent again with its id until it is acknowledged. */
const underLoad = async (work: () => Promise<void>): Promise<void> => {
  let isOver = false
  let hasFailed = false
  const run = runs++
  const lane = async (n: number): Promise<void> => {
    for (let count = 0; !isOver; count++) {
      for (;;) {
        const { status, headers, body } = await event(`load-${run}-${n}-${count}`, `load-${n}`)
        if (hasFailed) return
        if (status === 200) break
        assert.is(status, 503, JSON.stringify(body))
        assert.ok(headers.get('retry-after'))
        await wait(50)
      }
      total++
      await wait(LOAD_PAUSE_MS)
    }
  }
  const running = Promise.all([0, 1, 2, 3].map(lane))
  try {
    await work()
  } catch (error) {
    hasFailed = true
    throw error
  } finally {
    isOver = true
    await running
  }
}

/** Waits until intake, projection, process and deadline have dealt with a new customer with a referral. */
const allGoOn = async (name: string): Promise<void> => {
  const sent = await until(
    () => event(`event-${name}`, name, { referral: { code: referrer.code } }),
    ({ status }) => status === 200,
  )
  ok(
    await until(
      () => node.call('GET', `/v1/customers/${name}`, undefined, { after: sent }),
      (a) => a.status === 200,
    ),
  )
  const types = async () => {
    const { body } = await node.call('GET', `/v1/customers/${name}/activity?limit=100`)
    return ((body.data ?? []) as { type: string }[]).map(({ type }) => type)
  }
  await until(types, (seen) => seen.includes('customer.segment.left') && seen.includes('customer.rewarded'))
}

/** As many events as were acknowledged are there. */
const check = async (): Promise<void> => {
  await until(
    async () => {
      const lanes = [0, 1, 2, 3].map((n) => node.call('GET', `/v1/events/count?customer=load-${n}`))
      return (await Promise.all(lanes)).reduce((sum, { body }) => sum + body.events, 0)
    },
    (n) => n === total,
    30_000,
  )
}

const longMs = times(1_000, 60_000)
type Trouble = readonly [string, readonly (() => Killable)[], 'kill' | 'hang']
const trouble: readonly Trouble[] = [
  ['the event store is killed', [() => events], 'kill'],
  ['MongoDB is killed', [() => documents], 'kill'],
  ...(isSoak
    ? ([
        ['both are killed', [() => events, () => documents], 'kill'],
        ['the event store hangs', [() => events], 'hang'],
        ['MongoDB hangs', [() => documents], 'hang'],
      ] satisfies Trouble[])
    : []),
]
for (const [title, servers, how] of trouble)
  test(`${title} under load, and all goes on by itself`, async () => {
    const victims = servers.map((server) => server())
    const comeBack = () => Promise.all(victims.map((one) => (how === 'kill' ? one.start() : one.signal('SIGCONT'))))
    await underLoad(async () => {
      await allGoOn(`usual-${title.replaceAll(' ', '-')}`)
      await Promise.all(victims.map((one) => (how === 'kill' ? one.stop() : one.signal('SIGSTOP'))))
      const health = [!victims.includes(events), !victims.includes(documents)]
      await until(
        ready,
        ({ status, body }) =>
          status === 503 && body.checks.eventStore.ok === health[0] && body.checks.documents.ok === health[1],
        20_000,
      )
      const [path, body] = victims.includes(events)
        ? (['/v1/events', { event: 'bought', customer: { source_id: 'down' } }] as const)
        : (['/v1/customers', undefined] as const)
      const refused = await node.call(body ? 'POST' : 'GET', path, body)
      assert.is(refused.status, 503, JSON.stringify(refused.body))
      assert.ok(refused.headers.get('retry-after'))
      await wait(longMs)
      await comeBack()
      const delivered = receiver.received.length
      await until(ready, ({ status }) => status === 200)
      await allGoOn(`probe-${title.replaceAll(' ', '-')}`)
      await until(() => receiver.received.length > delivered)
    })
    await check()
  })

/** Failed three times each; a driver tries most commands twice. */
const failovers = [
  { failCommands: ['insert', 'update', 'find'], errorCode: 10107 },
  { failCommands: ['commitTransaction'], closeConnection: true },
  { failCommands: ['commitTransaction'], writeConcernError: { code: 64, errmsg: 'timed out' } },
  ...(isSoak
    ? [
        { failCommands: ['update', 'insert'], closeConnection: true },
        { failCommands: ['commitTransaction'], errorCode: 189 },
        { failCommands: ['commitTransaction'], errorCode: 91, errorLabels: ['UnknownTransactionCommitResult'] },
      ]
    : []),
]

test('a failover of MongoDB in the middle of transactions leaves checkpoint and documents consistent', async () => {
  const admin = new MongoClient(documents.url)
  await underLoad(async () => {
    for (const data of failovers) {
      await admin.db('admin').command({ configureFailPoint: 'failCommand', mode: { times: 3 }, data })
      await allGoOn(`failover-${JSON.stringify(data).replaceAll(/\W+/g, '-')}`)
    }
    await admin.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' })
  })
  await admin.close()
  await check()
  const referred = await node.call('GET', `/v1/referrals/friends/members/${referrer.code}`)
  assert.is(referred.body.totals.rewarded, 2 * trouble.length + failovers.length, 'each conversion is rewarded once')
})

test('every message of every event arrived, under one id', async () => {
  const ids = () => new Set(receiver.received.map(({ id }) => id)).size
  const sent = total + 2 * trouble.length + failovers.length
  await until(ids, (n) => n >= sent, 30_000)
  assert.is(ids(), sent)
})

runOnOwnServers(test)
