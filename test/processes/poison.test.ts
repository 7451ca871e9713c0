// One bad item for every worker of a node at once, which throws whatever is tried with it: each sets it aside with its reason,
// where it is seen, and goes on with the others; what has failed is done once it can be.
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { answer, closeAll, type Received, startReceiver } from '../delivery/receiver.ts'
import { type Shop, shop } from '../delivery/world.ts'
import type { Answer } from '../system/node.ts'
import { until } from '../until.ts'

const WHY = 'no such thing can be'
const COUPON = { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 5 } }
const admin = { as: 'admin' } as const

let node: Shop
/** Whether an append, of facts of these types, fails. */
let isPoison: (stream: string, types: readonly string[]) => boolean = () => false
const test = suite('a poison item for every worker')

test.before(async () => {
  node = await shop({ LOG_LEVEL: 'silent' })
  // Feeds begin with what follows their first start.
  await (await node.deliver()).stop()
  const { store } = node.services
  const { append } = store
  Object.assign(store, {
    append: (async (stream, facts, expected) => {
      if (
        isPoison(
          stream,
          facts.map(({ type }) => type),
        )
      )
        throw new Error(WHY)
      return append(stream, facts, expected)
    }) satisfies typeof append,
  })
})
test.after.each(closeAll)
test.after(() => node?.end())

const ok = async (answer: Promise<Answer>): Promise<Answer> => {
  const got = await answer
  assert.ok(got.status < 300, JSON.stringify(got.body))
  return got
}
const post = (path: string, body: unknown = {}) => ok(node.call('POST', path, body, admin))
const get = (path: string, after?: Answer) =>
  ok(node.call('GET', path, undefined, { ...admin, ...(after ? { after } : {}) }))

const isOf = ({ body }: Received, customer: string) => body.includes(`"source_id":"${customer}"`)

interface Failure {
  readonly process: string
  readonly fact: string
  readonly error: string
}
const failures = async (): Promise<readonly Failure[]> => (await get('/v1/processes?limit=100')).body.failures
const failuresOf = async (worker: string) => (await failures()).filter(({ process }) => process === worker)
const action = async (id: string) => (await get(`/v1/async-actions/${id}`)).body
const metric = async (line: string): Promise<number> => {
  const text = (await node.call('GET', '/metrics')).body as string
  const found = text.split('\n').find((one) => one.startsWith(`${line} `))
  return found === undefined ? Number.NaN : Number(found.split(' ').at(-1))
}

test('each worker sets it aside with its reason and does all others; once mended, all is done', async () => {
  const receiver = await startReceiver()
  const feed = await startReceiver((request, response, incoming) =>
    answer(isOf(request, 'bad') ? 422 : 200)(request, response, incoming),
  )
  const club = (await post('/v1/loyalties', { name: 'club', voucher: { type: 'LOYALTY_CARD' } })).body.id
  const cards: Record<string, string> = {}
  for (const who of ['payer', 'bad', 'good'])
    cards[who] = (await post(`/v1/loyalties/${club}/members`, { customer: { source_id: who } })).body.code
  await post(`/v1/loyalties/members/${cards.payer}/balance`, { points: 100 })
  const leaving = (
    await post('/v1/segments', {
      name: 'just bought',
      type: 'auto-update',
      condition: { event: 'bought', count: { $more_than_equal: 1 }, within: 'PT3S' },
    })
  ).body.id
  const hook = await node.distribution({
    name: 'thanks',
    trigger: { type: 'event', event: 'bought' },
    channel: { type: 'webhook', url: receiver.url },
  })
  assert.ok(hook)
  const webhook = (await post('/v1/webhooks', { url: feed.url, events: ['bought'] })).body.id
  const bad = (await node.buy('bad')).body.customer.id as string
  const good = await node.buy('good')
  await get('/v1/customers/good', good)
  const messages = await node.until('', (found) => found.length === 2)
  const message = messages.find(({ customer_id }) => customer_id === bad)!.id

  /** Two jobs: the next that are recorded. */
  const poisonJobs: string[] = []
  let isArmed = false
  isPoison = (stream, types) => {
    if (isArmed && stream.startsWith('job-') && !poisonJobs.includes(stream)) poisonJobs.push(stream)
    return (
      // The clock, the roll-out and the processes; the dispatcher; the feeds; an item of a job, and a job itself.
      stream === `customer-${bad}` ||
      stream === `message-${message}` ||
      stream === `webhook-${webhook}` ||
      stream === 'code-POISON' ||
      (poisonJobs.includes(stream) && types.includes('VoucherJobAdvanced'))
    )
  }
  const delivering = await node.deliver({ retries: { tries: 1, firstMs: 20, factor: 1 } })

  const everybody = (
    await post('/v1/segments', {
      name: 'everybody who bought',
      type: 'auto-update',
      condition: { event: 'bought', count: { $more_than_equal: 1 } },
    })
  ).body.id
  // The first is on its way although nobody could be told that it arrived.
  for (const to of ['bad', 'good'])
    await node.call(
      'POST',
      `/v1/loyalties/members/${cards[to]}/transfers`,
      [{ code: cards.payer, points: 10, reason: to }],
      admin,
    )
  const items = ['POISON', 'FINE'].map((code) => ({ code, ...COUPON }))
  const imported = (await post('/v1/vouchers/import', items)).body.async_action_id
  await until(async () => (await action(imported)).status === 'DONE')
  isArmed = true
  const jobs = await Promise.all(['STUCK', 'LATER'].map((code) => post('/v1/vouchers/import', [{ code, ...COUPON }])))
  isArmed = false
  const [stuck, left] = jobs.map(({ body }) => body.async_action_id)
  const after = (await post('/v1/vouchers/import', [{ code: 'AFTER', ...COUPON }])).body.async_action_id

  // The others go on.
  await until(async () => (await action(after)).status === 'DONE')
  await get('/v1/vouchers/AFTER')
  await get('/v1/vouchers/FINE')
  const membersOf = async (segment: string): Promise<readonly string[]> =>
    (await get(`/v1/segments/${segment}/members`)).body.data.map((m: { source_id: string }) => m.source_id)
  await until(async () => (await membersOf(everybody)).join() === 'good')
  await until(async () => (await membersOf(leaving)).join() === 'bad')
  await until(async () => (await get(`/v1/loyalties/members/${cards.good}`)).body.loyalty_card.balance === 10)
  await until(async () => (await node.messages('customer=good'))[0]?.state === 'sent')
  await feed.until((received) => received.some((request) => isOf(request, 'good')))

  // What could not be done is seen, each with its reason.
  const workers = ['clock', 'rollout', 'transfers', 'dispatcher', 'webhook-feeds', 'voucher-jobs']
  const seen = await until(
    () => sleep(100).then(failures),
    (all) => all.length > workers.length && workers.every((name) => all.some(({ process }) => process === name)),
  )
  for (const { process, error } of seen) assert.is(error, WHY, process)
  const keysOf = (worker: string) =>
    seen
      .filter(({ process }) => process === worker)
      .map(({ fact }) => fact)
      .sort()
  assert.equal(['clock', 'rollout', 'dispatcher', 'webhook-feeds', 'voucher-jobs'].map(keysOf), [
    [bad],
    [bad],
    [message],
    [`${webhook}/${bad}`],
    [stuck, left].sort(),
  ])
  for (const id of [stuck, left]) {
    const failed = await action(id)
    assert.equal([failed.status, failed.result.message], ['FAILED', WHY])
  }
  const { result } = await action(imported)
  assert.equal([result.done_count, result.failed], [1, [{ row: 0, code: 'POISON', reason: WHY }]])
  // A job's status is read from its stream, how many have failed from the read models, which come later.
  const { set_aside } = await until(
    async () => (await get('/health/ready')).body.checks.workers,
    ({ failed_jobs }) => failed_jobs === 2,
  )
  assert.ok(set_aside >= workers.length - 1, String(set_aside))
  const status = (await get('/v1/processes')).body.data
  for (const worker of workers) {
    assert.is(
      status.find(({ name }: { name: string }) => name === worker)?.failed,
      worker === 'voucher-jobs' ? 2 : 1,
      worker,
    )
    assert.ok((await metric(`tributary_items_failed_total{process="${worker}"}`)) >= 1, worker)
  }
  assert.is(await metric('tributary_jobs_failed'), 2)
  assert.is(await metric('tributary_process_failed{process="clock"}'), 1)

  // Nothing is mended: another try fails again, and the item stays where it is.
  const retried = async (which: object = {}) => (await post('/v1/processes/retry', which)).body.data
  assert.equal(
    (await retried({ process: 'transfers' })).map(({ outcome }: { outcome: string }) => outcome),
    ['failed'],
  )
  assert.is((await failuresOf('transfers')).length, 1)

  isPoison = () => false
  await retried()
  await until(async () => {
    await sleep(100)
    await retried()
    return (await failures()).every(({ process }) => process === 'voucher-jobs')
  })
  assert.is((await get('/health/ready')).body.checks.workers.failed_jobs, 2)
  // A failed job is gone on with, or known and let be: then it is told of no more, and can still be gone on with.
  await post(`/v1/async-actions/${left}/cancel`)
  await until(async () => (await failuresOf('voucher-jobs')).map(({ fact }) => fact).join() === stuck)
  assert.is((await action(left)).result.message, WHY)
  await post(`/v1/async-actions/${left}/retry`)
  for (const id of [stuck, imported]) await post(`/v1/async-actions/${id}/retry`)
  for (const id of [stuck, left, imported])
    await until(async () => {
      const { status: now, result: of } = await action(id)
      return now === 'DONE' && of.failed_count === 0
    })
  for (const code of ['POISON', 'STUCK', 'LATER']) await until(() => get(`/v1/vouchers/${code}`))
  await until(async () => (await membersOf(everybody)).length === 2)
  await until(async () => (await membersOf(leaving)).length === 0)
  await until(async () => (await get(`/v1/loyalties/members/${cards.bad}`)).body.loyalty_card.balance === 10)
  await until(async () => (await node.messages('customer=bad'))[0]?.state === 'sent')
  await until(async () => (await failures()).length === 0)
  await until(async () => (await metric('tributary_jobs_failed')) === 0)
  await delivering.stop()
})

test.run()
