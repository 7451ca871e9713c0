// The auditor over real purchases, with segments, points and messages defined: what is served follows from the log, every
// decision comes out as it was recorded, and an export restores an empty system that is the same. PURCHASES_CSV and
// PRODUCTS_CSV name the whole set.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { linesOfFile } from '../../src/audit/exportFile.ts'
import { type Purchase, purchases } from '../data/purchases.ts'
import { isSoak } from '../soak.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { envOf, spawnTributary, tributary } from '../tributary.ts'

/** Messages are triggered by everything in the file. */
const ENV = { TRIGGER_HORIZON_HOURS: String(24 * 366), DELIVERY: 'off' }
const test = suite('the auditor over purchases')
/** The beginning of the sample is enough to meet every kind of fact. */
const bought = purchases().slice(0, process.env.PURCHASES_CSV === undefined ? 60 : Number.POSITIVE_INFINITY)
const households = [...new Set(bought.map(({ household }) => household))]
let node: TestNode
let dir: string

const ok = (answer: Answer): Answer['body'] => {
  assert.is(answer.status, 200, JSON.stringify(answer.body))
  return answer.body
}

const define = async (): Promise<string> => {
  const post = async (path: string, body: unknown) => ok(await node.call('POST', path, body, { as: 'admin' }))
  const properties = {
    amount: { type: 'number' },
    coupon: { type: 'number' },
    department: { type: 'string', optional: true },
  }
  await post('/v1/event-schemas', { name: 'purchase', schema: { properties } })
  const keen = await post('/v1/segments', {
    name: 'keen',
    type: 'auto-update',
    condition: { event: 'purchase', count: { $more_than_equal: 3 } },
  })
  await post('/v1/segments', {
    name: 'lately',
    type: 'auto-update',
    condition: { event: 'purchase', count: { $more_than_equal: 2 }, within: 'P30D' },
  })
  await post('/v1/segments', {
    name: 'big spenders without coupons',
    type: 'auto-update',
    condition: {
      all: [
        { event: 'purchase', sum: { property: 'amount', $more_than_equal: 2_000 } },
        {
          not: { event: 'purchase', count: { $more_than: 0 }, where: [{ property: 'coupon', $more_than: 0 }] },
        },
      ],
    },
  })
  const program = await post('/v1/loyalties', {
    name: 'points',
    voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 0 } },
  })
  await post(`/v1/loyalties/${program.id}/earning-rules`, [
    {
      event: 'purchase',
      loyalty: {
        type: 'PROPORTIONAL',
        calculation_type: 'CUSTOM_EVENT_METADATA',
        custom_event: { metadata: { property: 'amount', every: 100, points: 1 } },
      },
    },
    { event: 'customer.segment.entered', segment: { id: keen.id }, loyalty: { type: 'FIXED', points: 50 } },
  ])
  const channel = { type: 'email', subject: 'Hello', text: 'Thank you' }
  await post('/v1/distributions', { name: 'thanks', trigger: { type: 'event', event: 'purchase' }, channel })
  await post('/v1/distributions', {
    name: 'welcome',
    trigger: { type: 'segment_entered', segment_id: keen.id },
    channel,
  })
  return program.id
}

/** A file to import: as if the newest purchase had been an hour ago. */
const fileOf = async (all: readonly Purchase[]): Promise<string> => {
  const shift = Date.now() - 3_600_000 - all.at(-1)!.at
  const lines = all.map(({ household, at, amount, coupon, department }) =>
    JSON.stringify({ household, at: new Date(at + shift).toISOString(), amount, coupon, department }),
  )
  const file = join(dir, 'purchases.ndjson')
  await writeFile(file, lines.join('\n'))
  return file
}

/** Runs the command line against a node; it has to succeed. A process of its own for the whole set, as an auditor has it. */
const run = async (of: TestNode, ...args: readonly string[]) => {
  const started = performance.now()
  const ended = await (isSoak ? spawnTributary(args, { cwd: dir, env: envOf(of) }).ended : tributary(args, envOf(of)))
  if (isSoak)
    console.log(
      `${args.slice(0, 2).join(' ')}: ${Math.round((performance.now() - started) / 1_000)} s; the node's heap is ` +
        `${Math.round(process.memoryUsage().heapUsed / 1e6)} MB${ended.code === 0 ? '' : `\n${ended.out}${ended.err}`}`,
    )
  assert.is(ended.code, 0, ended.out.slice(0, 20_000) + ended.err)
  return ended
}

test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-purchases-'))
  node = await testNode(ENV)
  const program = await define()
  for (const source_id of households)
    ok(await node.call('POST', `/v1/loyalties/${program}/members`, { customer: { source_id } }))
  const metadata = 'amount:number,coupon:number,department'
  const mapping = ['--event', 'purchase', '--customer', 'household', '--time', 'at', '--metadata', metadata]
  const { out, err } = await run(node, 'import', await fileOf(bought), ...mapping)
  assert.is(/recorded +([\d,]+)/.exec(out + err)?.[1]?.replaceAll(',', ''), String(bought.length))
})
test.after(async () => {
  await node?.end()
  await rm(dir, { recursive: true, force: true })
})

/** Told without an option, on a real server, with nothing but what the command line prints. */
const compare = async (of: TestNode): Promise<Readonly<Record<string, number>>> => {
  const report = JSON.parse((await run(of, 'audit', 'verify', '--json')).out)
  assert.equal([report.holds, report.finished], [true, true])
  return Object.fromEntries(
    report.projections.map(({ name, documents }: { name: string; documents: number }) => [name, documents]),
  )
}

test('what is served follows from the log', async () => {
  const documents = await compare(node)
  assert.is(documents.customers, households.length)
  assert.is(documents.loyaltyCards, households.length)
  for (const name of ['activity', 'loyaltyTransactions', 'segmentMembers', 'outbox'])
    assert.ok(documents[name]! > households.length / 4, `${name}: ${documents[name]}`)
})

test('every decision comes out as it was recorded', async () => {
  const { customers, facts, different } = JSON.parse((await run(node, 'audit', 'redecide')).out)
  assert.equal([customers, different], [households.length, 0])
  assert.ok(facts > 2 * bought.length, `${facts} facts`)
})

test('an export restores an empty system that is the same', async () => {
  const file = join(dir, 'log.ndjson.gz')
  await run(node, 'audit', 'export', file)
  const restored = join(dir, 'restored')
  await run({ ...node, dir: restored }, 'audit', 'import-log', file, '--data', restored)
  const copy = await testNode(ENV, restored)
  try {
    const documents = await compare(copy)
    assert.is(documents.customers, households.length)
    const { different } = JSON.parse((await run(copy, 'audit', 'redecide')).out)
    assert.is(different, 0)
    await run(copy, 'audit', 'export', join(dir, 'again.ndjson.gz'))
    const again = linesOfFile(join(dir, 'again.ndjson.gz'))
    let lines = 0
    for await (const line of linesOfFile(file)) {
      const { stream, revision, id, type, data, metadata } = JSON.parse(line)
      const other = JSON.parse((await again.next()).value ?? 'null')
      assert.equal(
        [other.stream, other.revision, other.id, other.type, other.data, other.metadata],
        [stream, revision, id, type, data, metadata],
      )
      lines++
    }
    assert.ok(lines > 2 * bought.length, `${lines} lines`)
    await again.return()
  } finally {
    await copy.end()
  }
})

test.run()
