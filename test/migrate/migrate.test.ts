// A project is moved from one Tributary to another, and nothing differs: definitions, customers, codes, cards, redemptions, events.
// In a long run it has 10,000 customers, or as many as CUSTOMERS says.
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type MigrateReport, migrate } from '../../src/migrate/run.ts'
import { times } from '../soak.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { tributary } from '../tributary.ts'
import { asked, makeProject } from './project.ts'

const CUSTOMERS = Number(process.env.CUSTOMERS ?? times(16, 10_000))
const SIZE = { customers: CUSTOMERS, codes: Math.max(11, Math.floor(CUSTOMERS / 5)) }

const test = suite('a move between two projects')
let old: TestNode
let node: TestNode
let folder: string
let report: MigrateReport
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-migrate-'))
  ;[old, node] = await Promise.all([testNode(), testNode()])
  await makeProject(old, SIZE)
})
test.after(async () => {
  await rm(folder, { recursive: true, force: true })
  await Promise.all([old?.end(), node?.end()])
})

const stateFile = () => join(folder, 'state.json')
const move = (signal: AbortSignal, onProgress?: (kind: string) => void) => {
  const { appId, token } = old.key('admin')
  const to = node.key('admin')
  return migrate({
    from: { url: old.url, appId, token },
    to: { url: node.url, appId: to.appId, token: to.token },
    stateFile: stateFile(),
    retryForMs: 60_000,
    signal,
    ...(onProgress ? { onProgress } : {}),
  })
}

test('ends when it is told to, and goes on where it ended', async () => {
  const stop = new AbortController()
  const ended = await move(stop.signal, (kind) => kind === 'codes' && stop.abort(new Error('enough'))).catch(
    (error) => error,
  )
  assert.is(ended.message, 'enough')
  assert.match(await readFile(stateFile(), 'utf8'), /"customers": "done"/)
  report = await move(new AbortController().signal)
})

test('all came over, and nothing differs', () => {
  const kinds = Object.entries(report.counts)
  assert.equal(
    kinds.filter(([, { refused }]) => refused > 0),
    [],
    JSON.stringify(report.reasons),
  )
  for (const [kind, { read, moved, there }] of kinds) assert.is(moved + there, read, kind)
  assert.is(report.counts.customers!.read, SIZE.customers)
  assert.equal(report.comparison.examples, [])
  assert.is(report.comparison.compared.cards, SIZE.customers)
  assert.is(report.comparison.compared.codes, 2 * SIZE.codes + 1)
  assert.is(report.comparison.compared.segments, 4)
})

/** What is alike whatever its ids and the time at which it came over. */
const shown = async (from: TestNode) => {
  const ask = (path: string) => asked(from, 'GET', path)
  const [{ campaigns }, rules, { data: segments }] = await Promise.all([
    ask('/v1/campaigns?limit=100'),
    ask('/v1/validation-rules'),
    ask('/v1/segments'),
  ])
  const club = campaigns.find(({ name }: { name: string }) => name === 'club').id
  const [earning, tiers, offers, card, buckets, order, single, events, customer] = await Promise.all([
    ask(`/v1/loyalties/${club}/earning-rules`),
    ask(`/v1/loyalties/${club}/tiers`),
    ask(`/v1/loyalties/${club}/reward-assignments`),
    ask('/v1/loyalties/members/CARD-3'),
    ask('/v1/loyalties/members/CARD-3/points-expiration'),
    ask('/v1/orders/plain-7'),
    ask('/v1/vouchers/SINGLE'),
    ask('/v1/events/count'),
    ask('/v1/customers/c10'),
  ])
  const { tiers: promoted } = await ask('/v1/promotions/tiers')
  const { data: stacks } = await ask('/v1/promotions/stacks')
  const [[category], [stacking]] = [(await ask('/v1/categories')).data, (await ask('/v1/stacking-rules')).data]
  const tierName = (id: string) => promoted.find((one: { id: string }) => one.id === id)?.name
  const named = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name).toSorted()
  return {
    campaigns: campaigns
      .map(({ name, active, join_once, expiration_date, voucher }: Record<string, unknown>) => ({
        name,
        active,
        join_once,
        expiration_date,
        voucher,
      }))
      .toSorted((a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)),
    rules: [named(rules.data), rules.data[0].assignments_count],
    segments: named(segments),
    earning: earning.data
      .map(({ event, loyalty, active }: Record<string, unknown>) => ({ event, loyalty, active }))
      .toSorted((a: { event: string }, b: { event: string }) => (a.event < b.event ? -1 : 1)),
    tiers: named(tiers.data),
    promoted: promoted
      .map((one: Record<string, ReturnType<typeof JSON.parse>>) => ({
        ...Object.fromEntries(
          ['name', 'banner', 'action', 'hierarchy', 'active', 'expiration_date', 'metadata'].map((name) => [
            name,
            one[name],
          ]),
        ),
        rules: one.validation_rule_assignments.total,
        categories: named(one.categories),
      }))
      .toSorted((a: { hierarchy: number }, b: { hierarchy: number }) => a.hierarchy - b.hierarchy),
    stacking: [
      stacking.applicable_redeemables_per_category_limit,
      stacking.applicable_redeemables_category_limits[category.id],
      stacking.exclusive_categories.map((id: string) => id === category.id),
    ],
    stacks: stacks.map(({ name, tiers: { ids } }: Record<string, ReturnType<typeof JSON.parse>>) => [
      name,
      ids.map(tierName),
    ]),
    offers: offers.data.map(({ parameters }: Record<string, unknown>) => parameters),
    card: [card.code, card.loyalty_card.balance],
    buckets: buckets.data
      .map(({ bucket, expires_at }: Record<string, unknown>) => ({ bucket, expires_at }))
      .toSorted((a: { expires_at: string }, b: { expires_at: string }) => (a.expires_at < b.expires_at ? -1 : 1)),
    order: [order.status, order.amount, order.created_at],
    single: [single.active, single.expiration_date, single.discount],
    events,
    customer: [
      customer.name,
      customer.address.city,
      customer.metadata,
      customer.summary.orders.total_count,
      customer.summary.redemptions,
    ],
  }
}

test('definitions, cards, orders, events and totals are alike', async () => {
  const [before, now] = await Promise.all([shown(old), shown(node)])
  assert.equal(now, before)
})

test('another run of the command moves nothing again, and says so', async () => {
  const { appId, token } = old.key('admin')
  const to = node.key('admin')
  const args = [
    'migrate',
    '--from',
    old.url,
    '--app-id',
    appId,
    '--token',
    token,
    '--to',
    node.url,
    '--to-app-id',
    to.appId,
    '--to-token',
    to.token,
  ]
  const ended = await tributary([...args, '--state', stateFile(), '--rate', '6000'], {}, folder)
  assert.is(ended.code, 0, ended.out + ended.err)
  assert.match(ended.out, /no difference/)
  assert.not.ok(existsSync(`${stateFile()}.refused.ndjson`))
  const other = await tributary([...args, '--to', old.url, '--state', stateFile()], {}, folder)
  assert.is(other.code, 2)
  assert.match(other.err, /is the state of a move from/)
})

test.run()
