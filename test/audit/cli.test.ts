// `tributary audit` against a running node: every question, an export and its restoration into an empty system.
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { linesOfFile } from '../../src/audit/exportFile.ts'
import { LAWS } from '../../src/audit/laws/index.ts'
import { areGiven } from '../skip.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { envOf, tributary } from '../tributary.ts'
import { populate, type Shop, verified } from './shop.ts'

const test = suite('tributary audit')
let node: TestNode
let shop: Shop
let dir: string

test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-audit-'))
  node = await testNode({ DELIVERY: 'off' })
  shop = await populate(node, 6)
  await node.services.projector.waitFor((await node.services.store.head())!, 10_000)
})
test.after(async () => {
  await node.end()
  await rm(dir, { recursive: true, force: true })
})

interface Shown {
  readonly outcome: string
  readonly points: number
}

const run = (...args: readonly string[]) => tributary(['audit', ...args], envOf(node))

test('verify, redecide and state: nothing differs, and says so', async () => {
  const compared = await run('verify')
  assert.is(compared.code, 0, compared.out + compared.err)
  assert.match(compared.out, /What is served follows from the stream, and its laws hold\./)
  assert.match(compared.out, /ids-are-unique +holds/)
  const again = await run('redecide')
  assert.is(again.code, 0, again.out + again.err)
  const { customers, facts, different } = JSON.parse(again.out)
  assert.is(customers, 6)
  assert.ok(facts > 40)
  assert.is(different, 0)
  assert.is(JSON.parse((await run('redecide', '--customer', 'c5')).out).drift.length, 0)

  const now = JSON.parse((await run('state', 'customer', 'c5')).out)
  assert.is(now.segments.length, 1)
  const first = JSON.parse((await run('state', 'customer', 'c5', '--at', '0')).out)
  assert.equal([first.segments, first.revision], [[], '0'])
  assert.is((await run('state', 'customer', 'nobody')).code, 2)
})

test('laws hold of what was recorded, one line each', async () => {
  const held = await run('laws')
  assert.is(held.code, 0, held.out + held.err)
  assert.is(held.out.match(/ holds /g)?.length, LAWS.length)
  const report = JSON.parse((await run('laws', '--json')).out)
  assert.equal([report.holds, report.violations], [true, []])
})

test('verify ends with code 1 and the field when a document was changed', async () => {
  const customers = node.services.readModel.collection('customers')
  const victim = await customers.findOne({})
  await customers.updateOne({ _id: victim!._id }, { $set: { tampered: 1 } } as never)
  const found = await run('verify', '--projection', 'customers')
  await customers.updateOne({ _id: victim!._id }, { $unset: { tampered: 1 } } as never)
  assert.is(found.code, 1)
  assert.match(found.out, new RegExp(`${victim!._id}\\n {4}tampered: served 1, rebuilt undefined`))
  assert.match(found.out, /does NOT follow/)
})

test('state without a point is what is served', async () => {
  await node.call('PUT', '/v1/customers/c5', { name: 'Five', metadata: { tier: 'gold' } })
  await node.services.projector.waitFor((await node.services.store.head())!, 10_000)
  const asked = JSON.parse((await run('state', 'customer', 'c5')).out)
  const live = (await node.call('GET', '/v1/customers/c5', undefined, { as: 'auditor' })).body
  assert.equal(Object.fromEntries(Object.keys(live).map((name) => [name, asked[name]])), live)
})

test('explain leads from a transaction and from a message to the event that caused it, by nothing but their ids', async () => {
  const ids = async (name: string) => (await node.services.readModel.collection(name).find({}, { limit: 1 }))[0]!._id
  for (const [name, type] of [
    ['loyaltyTransactions', 'PointsEarned'],
    ['outbox', 'MessageRequested'],
  ] as const) {
    const found = await run('explain', await ids(name))
    assert.is(found.code, 0, found.err)
    const { chain } = JSON.parse(found.out)
    assert.is(chain.at(-1).type, type)
    assert.is(chain[0].type, 'CustomEventTracked')
    assert.ok(chain.at(-1).definition.revision)
  }
  const fact = (
    await node.services.readModel.collection('activity').find({ type: 'customer.custom_event' } as never, { limit: 1 })
  )[0]!
  assert.is(JSON.parse((await run('explain', fact._id)).out).chain.length, 1)
  assert.is((await run('explain', 'vtx_nothing')).code, 2)
})

test('explain says what an earning rule and a distribution would do for a customer, and what they did', async () => {
  const asked = async (definition: string, ...more: readonly string[]) =>
    run('explain', '--customer', 'c5', '--definition', definition, ...more)
  const rule = JSON.parse((await asked(shop.rule)).out)
  assert.equal([rule.kind, rule.holds, rule.points, rule.event.type], ['earningRule', true, 7, 'bought'])
  assert.equal(new Set(rule.recorded.map(({ outcome, points }: Shown) => `${outcome} ${points}`)), new Set(['paid 7']))
  const message = JSON.parse((await asked(shop.distribution)).out)
  assert.equal([message.holds, message.recorded[0].outcome], [true, 'requested'])
  assert.equal(
    JSON.parse((await run('explain', message.recorded[0].message)).out).chain.at(-1).id,
    message.recorded[0].id,
  )
  const first = rule.recorded.at(-1).event
  assert.is(JSON.parse((await asked(shop.rule, '--event', first)).out).event.id, first)
  assert.match((await asked(shop.rule, '--event', 'evcus_no')).err, /Cannot find event/)
  const none = JSON.parse((await run('explain', '--customer', 'c0', '--definition', shop.distribution)).out)
  assert.match(none.to_change.join(), /segment_entered of \S+: must hold \(the customer has none\)/)
})

test('explain names the leaves of a definition that does not hold', async () => {
  const why = await run('explain', '--customer', 'c0', '--definition', shop.segment)
  const { holds, to_change } = JSON.parse(why.out)
  assert.is(holds, false)
  assert.is(to_change.length, 1)
})

test('simulate says who would have entered, earned and been written to; and writes nothing', async () => {
  const before = await node.services.store.head()
  const draft = async (kind: string, definition: object, id?: string) => {
    const file = join(dir, `${kind}.json`)
    await writeFile(file, JSON.stringify({ kind, definition, id }))
    const made = await run('simulate', '--definition', file)
    assert.is(made.code, 0, made.err)
    return JSON.parse(made.out)
  }
  const segment = await draft('segment', {
    name: 'fours',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 4 } },
  })
  assert.equal(segment.would.SegmentEntered, { facts: 3, customers: 3, points: 0 })
  assert.equal([segment.happened, segment.others, segment.failed], [{}, {}, []])
  const message = await draft('distribution', {
    name: 'thanks',
    trigger: { type: 'event', event: 'bought' },
    channel: { type: 'email', subject: 'Hi', text: 'Thanks' },
    re_entry: { policy: 'once' },
  })
  assert.is(message.would.MessageRequested.customers, 6)
  assert.is(message.would.MessageRequested.facts, 6)
  // Two points for each whole 2, for the first two of a customer's purchases that are worth any: by hand, from the log itself.
  const rule = {
    campaign_id: shop.program,
    event: 'bought',
    loyalty: {
      type: 'PROPORTIONAL',
      calculation_type: 'CUSTOM_EVENT_METADATA',
      custom_event: { metadata: { property: 'amount', every: 2, points: 3 } },
    },
    max_per_customer: { times: 2 },
  }
  const paid = new Map<string, number[]>()
  let bought = 0
  for (const line of (await run('export')).out.trim().split('\n')) {
    const { stream, type, data } = JSON.parse(line)
    if (type !== 'CustomEventTracked' || data.event !== 'bought') continue
    bought++
    const payments = paid.get(stream) ?? []
    const points = Math.floor(data.metadata.amount / 2) * 3
    if (points > 0 && payments.length < 2) paid.set(stream, [...payments, points])
  }
  const all = [...paid.values()].flat()
  const expected = { facts: all.length, customers: paid.size, points: all.reduce((sum, points) => sum + points, 0) }
  assert.ok(all.length > paid.size && paid.size > 3, 'the bound is met')
  const earning = await draft('earningRule', rule)
  assert.equal([earning.would, earning.happened, earning.others], [{ PointsEarned: expected }, {}, {}])
  const instead = await draft('earningRule', rule, shop.rule)
  assert.equal(instead.would, { PointsEarned: expected })
  assert.equal(instead.happened, { PointsEarned: { facts: bought, customers: 6, points: 7 * bought } })
  assert.equal(instead.others, {})

  const bad = join(dir, 'bad.json')
  await writeFile(
    bad,
    JSON.stringify({ kind: 'segment', definition: { name: 'x', type: 'auto-update', condition: 1 } }),
  )
  assert.is((await run('simulate', '--definition', bad)).code, 2)
  assert.is(await node.services.store.head(), before)
})

test('a seal holds, and names the block once a hash is another', async () => {
  const file = join(dir, 'seal.json')
  assert.is((await run('seal', file)).code, 0)
  const kept = await run('verify', '--seal', file)
  assert.equal([kept.code, kept.err], [0, ''])
  const seal = JSON.parse(await readFile(file, 'utf8'))
  seal.blocks[0].hash = seal.blocks[0].hash.replace(/^./, (c: string) => (c === '0' ? '1' : '0'))
  await writeFile(file, JSON.stringify(seal))
  const broken = await run('verify', '--seal', file)
  assert.is(broken.code, 1)
  assert.match(broken.err, /broken at block 0 \(events 1 to \d+ of the log\)/)
})

test('an export goes on where it broke off, and restores an empty system that is the same', async () => {
  const whole = join(dir, 'log.ndjson.gz')
  assert.is((await run('export', whole)).code, 0)
  const lines: string[] = []
  for await (const line of linesOfFile(whole)) lines.push(line)
  assert.ok(lines.length > 40)

  const packed = await readFile(whole)
  await writeFile(join(dir, 'again.ndjson.gz.part'), packed.subarray(0, Math.floor(packed.length * 0.6)))
  await writeFile(join(dir, 'plain.ndjson.part'), `${lines.slice(0, 20).join('\n')}\n${lines[20]!.slice(0, 30)}`)
  for (const name of ['again.ndjson.gz', 'plain.ndjson']) {
    const resumed = await run('export', join(dir, name))
    assert.is(resumed.code, 0, resumed.err)
    assert.match(resumed.err, /Going on after position/)
    const all: string[] = []
    for await (const line of linesOfFile(join(dir, name))) all.push(line)
    assert.equal(all, lines)
  }
  const one = (await run('export', '--customer', 'c5')).out.trim().split('\n')
  assert.ok(one.length > 5 && one.every((line) => lines.includes(line)))

  const { customerKey } = node.services.rulebook.current().project
  const webhooks = node.services.settings.signingSecret()
  assert.not.ok(lines.some((line) => line.includes(customerKey) || line.includes(webhooks)))
  // Behind the project's key there are those that open what is said of people.
  assert.is((await readFile(`${whole}.key`, 'utf8')).split('\n')[0], customerKey)
  await copyFile(whole, join(dir, 'alone.ndjson.gz'))
  const alone = await tributary(
    ['audit', 'import-log', join(dir, 'alone.ndjson.gz'), '--data', join(dir, 'alone')],
    envOf({ ...node, dir: join(dir, 'alone') }),
  )
  assert.match(alone.err, /line \d+: the project's key is missing/)

  if (!areGiven) {
    const elsewhere = join(dir, 'keys', 'master.key')
    const apart = await tributary(['audit', 'import-log', whole, '--data', join(dir, 'apart')], {
      ...envOf({ ...node, dir: join(dir, 'apart') }),
      MASTER_KEY_FILE: elsewhere,
    })
    assert.is(apart.code, 0, apart.err)
    const [, ...masters] = (await readFile(`${whole}.key`, 'utf8')).trim().split('\n')
    assert.is((await readFile(elsewhere, 'utf8')).trim(), masters.join('\n'))
    assert.not.ok(existsSync(join(dir, 'apart', 'master.key')))
  }

  const restored = join(dir, 'restored')
  const restore = () => tributary(['audit', 'import-log', whole, '--data', restored], envOf({ ...node, dir: restored }))
  const done = await restore()
  assert.is(done.code, 0, done.err)
  assert.match(done.out, new RegExp(`^${lines.length} events restored`))
  assert.match((await restore()).out, /^0 events restored/)
  if (!areGiven) {
    const busy = await run('import-log', whole)
    assert.is(busy.code, 2)
    assert.match(busy.err, /Stop the server first/)
  }

  const copy = await testNode({ DELIVERY: 'off' }, restored)
  try {
    const report = await verified(copy)
    assert.is(report.holds, true, JSON.stringify(report))
    const place = (line: string) => {
      const { stream, revision, id, type, data } = JSON.parse(line)
      return { stream, revision, id, type, data }
    }
    const answer = await fetch(`${copy.url}/v1/audit/export`, { headers: copy.headers('auditor') })
    const copied = (await answer.text()).trim().split('\n').slice(0, -1)
    assert.equal(copied.slice(0, lines.length).map(place), lines.map(place))
    const firstOf = async ({ services }: Pick<TestNode, 'services'>) => {
      for await (const { data } of services.store.readRecords({ from: 'start' })) return JSON.stringify(data)
      return undefined
    }
    // To the letter, since seals are over the text.
    assert.is(await firstOf(copy), await firstOf(node))
  } finally {
    await copy.end()
  }
})

test('an answer that ends too soon is told as unfinished', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
    response.end('{"progress":{"phase":"rebuilding","done":1}}\n')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  try {
    const cut = await run('verify', '--url', `http://127.0.0.1:${port}`)
    assert.is(cut.code, 1)
    assert.match(cut.err, /^Unfinished/)
  } finally {
    server.close()
  }
})

test.run()
