// What each kind of request costs: processor time over all threads of a node, its read side included, and as a multiple of what
// a bare route costs in the same run, so that figures of different days and machines can be compared. Needs Linux.
//   BENCH_CALLS=20000   requests of each kind (default 4,000: a quick look)
//   BENCH_PROFILE=1     also where the main thread's time goes, stage by stage, from a profile, which costs time itself
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { program } from '../program.ts'
import { partRows } from './costing.ts'
import { call, quantile, type Row, type Server, startProcess, startServer } from './harness.ts'
import { instant, stagesIn } from './stages.ts'
import { residentOf, type Spent, spent, spentEach } from './threads.ts'

const CALLS = Number(process.env.BENCH_CALLS ?? 4_000)
const PROFILES = process.env.BENCH_PROFILE === '1'
const CONNECTIONS = 64
const CUSTOMERS = 1_000
const BATCH = 500
const BATCHES_AT_ONCE = 4
const IDLE_MS = 10_000
const IDLE_LOOKS = 3
const RUN = `${process.pid}-${Date.now()}`

const eventOf = (customer: string, n: number, kind: string) => ({
  event: 'bought',
  id: `${kind}-${n}-${RUN}`,
  customer: { source_id: customer },
  metadata: { amount: n % 500, product: `product ${n % 97}`, channel: 'web' },
})
export const warm = (n: number, kind: string) => eventOf(`bench-${(n * 7_919) % CUSTOMERS}`, n, kind)

export const schema = {
  name: 'bought',
  schema: { properties: { amount: { type: 'number' }, product: { type: 'string' }, channel: { type: 'string' } } },
}

/** A node that is given more than this machine can do now says so; what it costs is the same later. */
const admitted = async (ask: () => Promise<unknown>): Promise<unknown> => {
  for (let left = 60; ; left--) {
    try {
      return await ask()
    } catch (error) {
      if (left === 0 || !String(error).includes(': 503 ')) throw error
      await sleep(500)
    }
  }
}

/** Calls `one` so many times, so many at once. Gives how many a second. */
export const each = async (count: number, atOnce: number, one: (n: number) => Promise<unknown>): Promise<number> => {
  let next = 0
  const began = performance.now()
  await Promise.all(
    Array.from({ length: Math.min(atOnce, count) }, async () => {
      while (next < count) {
        const n = next++
        await admitted(() => one(n))
      }
    }),
  )
  return (count / (performance.now() - began)) * 1_000
}

export const track = (server: Server, body: unknown, query = '') =>
  call(server, 'POST', `/v1/events${query}`, server.headers, body)

interface BatchResult {
  readonly index: number
  readonly status: string
  readonly error?: { readonly code: number }
}

/** Gives how many events a second. */
export const trackBatches = async (server: Server, events: number, one: (n: number) => unknown): Promise<number> => {
  const batches = await each(Math.ceil(events / BATCH), BATCHES_AT_ONCE, async (batch) => {
    const size = Math.min(BATCH, events - batch * BATCH)
    let left = Array.from({ length: size }, (_, i) => one(batch * BATCH + i))
    while (left.length > 0) {
      const { body } = await call(server, 'POST', '/v1/events/batch', server.headers, { events: left })
      const refused = (body as { data: readonly BatchResult[] }).data.filter(({ status }) => status === 'refused')
      const fault = refused.find(({ error }) => error?.code !== 503)
      if (fault) throw new Error(`an event of a batch was refused: ${JSON.stringify(fault.error)}`)
      // Those that there was no time for are sent again.
      left = refused.map(({ index }) => left[index])
    }
  })
  return batches * BATCH
}

/** Resolves once everything recorded so far is in the read models: what that costs is part of what an event costs. */
export const projected = async (server: Server): Promise<void> => {
  const { headers } = await track(server, eventOf('bench-last', Math.random(), 'last'))
  const token = { 'Consistency-Token': headers.get('consistency-token') ?? '', Prefer: 'wait=10' }
  await call(server, 'GET', '/v1/customers?limit=1', { ...server.headers, ...token })
}

interface Measured extends Spent {
  readonly perSecond: number
}

/** What was measured on the server that runs, with the main thread's part of it. */
let profiled: { readonly name: string; readonly from: number; readonly to: number; readonly main: number }[] = []

/** Each is measured in so many parts, of which the middle one counts: what else runs on the machine disturbs some of them. */
const PARTS = 5

const middleOf = (parts: readonly Measured[]): Measured =>
  parts.toSorted((a, b) => a.all - b.all)[Math.floor(parts.length / 2)]!

/** Warms up with half as many, then measures `count`; `run` sends some more of them. */
const measure = async (
  server: Server,
  name: string,
  count: number,
  run: (count: number, kind: string) => Promise<number>,
): Promise<Measured> => {
  await run(Math.ceil(count / 2), `${name} warm`)
  await projected(server)
  const from = instant()
  const part = Math.ceil(count / PARTS)
  const parts: Measured[] = []
  for (let n = 0; n < PARTS; n++) {
    const before = spent(server.pid)
    const perSecond = await run(part, `${name} ${n}`)
    await projected(server)
    parts.push({ ...spentEach(before, spent(server.pid), part), perSecond })
  }
  const middle = middleOf(parts)
  profiled.push({ name, from, to: instant(), main: middle.main })
  return middle
}

const bareRoute = async (): Promise<Measured> => {
  const { child, match } = await startProcess(
    program(import.meta.dirname, 'bareProcess.ts'),
    {},
    /listens on (http:\S+)/,
  )
  try {
    const url = match[1]!
    const headers = { 'Content-Type': 'application/json' }
    const run = (count: number) =>
      each(count, CONNECTIONS, (n) => call({ url }, 'POST', '/v1/events', headers, warm(n, 'bare')))
    await run(CALLS)
    const parts: Measured[] = []
    for (let n = 0; n < PARTS; n++) {
      const before = spent(child.pid!)
      const perSecond = await run(CALLS)
      parts.push({ ...spentEach(before, spent(child.pid!), CALLS), perSecond })
    }
    return middleOf(parts)
  } finally {
    child.kill('SIGTERM')
  }
}

/** What is held against the bare route's cost: the aims for each row. */
const rowsOf = (name: string, measured: Measured, bare: Measured, aim?: string): Row[] => [
  { name, value: measured.all / bare.all, unit: '× bare route', ...(aim === undefined ? {} : { target: `≤ ${aim}` }) },
  { name: '  processor time, all threads', value: measured.all, unit: 'µs' },
  ...partRows(measured),
  { name: '  in a second', value: measured.perSecond, unit: '/s' },
]

/** A busy machine is no reason to end a batch half way. */
const PATIENT = { REQUEST_TIME_LIMIT_MS: '600000' }

const profilesTo = (dir: string): readonly string[] => (PROFILES ? ['--cpu-prof', `--cpu-prof-dir=${dir}`] : [])

/** Where the time of what was measured on a server that has ended went. */
const budgetOf = async (dir: string): Promise<Row[]> => {
  const done = profiled
  profiled = []
  if (!PROFILES) return []
  const rows: Row[] = []
  for (const { name, from, to, main } of done) {
    const { stages, functions } = stagesIn(dir, from, to)
    // A profile counts what a thread waits for a processor as well: it says the shares, and not how much it is.
    const each = main / stages.reduce((sum, { us }) => sum + us, 0)
    const text = functions.map(([one, us]) => `${(us * each).toFixed(1).padStart(8)}  ${one}`)
    await writeFile(join(process.cwd(), `bench-functions-${name.replace(/\W+/g, '-')}.txt`), text.join('\n'))
    rows.push({ name: `main thread, by stage: ${name}`, value: main, unit: 'µs' })
    rows.push(...stages.map(({ stage, us }) => ({ name: `  ${stage}`, value: us * each, unit: 'µs' })))
  }
  return rows
}

/** What is measured on a server of its own, and, where that is asked for, where its main thread's time went. */
const onServer = async (
  dir: string,
  run: (server: Server) => Promise<readonly Row[]>,
  { env = {}, data }: { readonly env?: Readonly<Record<string, string>>; readonly data?: string } = {},
): Promise<Row[]> => {
  const profiles = await mkdtemp(join(dir, 'profiles-'))
  const server = await startServer({ ...PATIENT, ...env }, data, profilesTo(profiles))
  let rows: readonly Row[]
  try {
    rows = await run(server)
  } finally {
    await server.stop()
  }
  return [...rows, ...(await budgetOf(profiles))]
}

/** Percent of a core that a node takes which nobody asks anything: the middle of some looks. */
const idleShare = async ({ pid }: Server): Promise<number> => {
  const shares: number[] = []
  for (let n = 0; n < IDLE_LOOKS; n++) {
    const before = spent(pid).all
    await sleep(IDLE_MS)
    shares.push(((spent(pid).all - before) / (IDLE_MS * 1_000)) * 100)
  }
  return quantile(shares, 0.5)
}

const singleCases = (bare: Measured, dir: string): Promise<Row[]> =>
  onServer(dir, async (server) => {
    const rows: Row[] = []
    await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    const single = (count: number, kind: string) => each(count, CONNECTIONS, (n) => track(server, warm(n, kind)))
    await single(Math.max(6_000, CALLS), 'first')
    const add = async (name: string, aim: string | undefined, ...rest: [number, Parameters<typeof measure>[3]]) => {
      rows.push(...rowsOf(name, await measure(server, name, ...rest), bare, aim))
    }
    await add('dry run of an event', '3', CALLS, (count, kind) =>
      each(count, CONNECTIONS, (n) => track(server, warm(n, kind), '?dry_run=true')),
    )
    await add('event of a warm customer', '10', CALLS, single)
    const sent = 'event of a warm customer warm'
    await add('repeat', '5', CALLS, (count) => each(count, CONNECTIONS, (n) => track(server, warm(n, sent))))
    const { body } = await call(server, 'GET', '/v1/customers?limit=100', server.headers)
    const ids = (body as { customers: { id: string }[] }).customers.map(({ id }) => id)
    await add('activity query', undefined, CALLS, (count) =>
      each(count, CONNECTIONS, (n) =>
        call(server, 'GET', `/v1/customers/${ids[n % ids.length]}/activity?limit=10`, server.headers),
      ),
    )
    await projected(server)
    await sleep(2_000)
    rows.push({ name: 'idle node with data', value: await idleShare(server), unit: '% of a core', target: '≤ 1' })
    const { own, files } = residentOf(server.pid)
    rows.push({ name: 'memory of its own after these', value: own, unit: 'MB', target: '< 300' })
    rows.push({ name: 'pages of mapped files after these', value: files, unit: 'MB' })
    return rows
  })

const batchCases = (bare: Measured, dir: string): Promise<Row[]> =>
  onServer(dir, async (server) => {
    await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    const measured = await measure(server, 'event in a batch of 500', Math.max(CALLS, 5_000), (wanted, kind) =>
      trackBatches(server, wanted, (n) => warm(n, kind)),
    )
    return rowsOf('event in a batch of 500', measured, bare, '4')
  })

/** Customers of few and of many events, each asked for once by a node that has just started. */
const coldCases = async (bare: Measured, dir: string): Promise<Row[]> => {
  const data = await mkdtemp(join(dir, 'cold-'))
  const groups = [
    { events: 5, customers: Math.ceil(CALLS / 2) },
    { events: 150, customers: Math.ceil(CALLS / 10) },
  ]
  const name = (events: number, n: number) => `cold-${events}-${n}`
  const maker = await startServer(PATIENT, data)
  try {
    await call(maker, 'POST', '/v1/event-schemas', maker.adminHeaders, schema)
    for (const { events, customers } of groups)
      await trackBatches(maker, 2 * events * customers, (n) =>
        eventOf(name(events, n % (2 * customers)), n, `make ${events}`),
      )
    await projected(maker)
  } finally {
    await maker.stop()
  }
  const rows: Row[] = []
  const found: Measured[] = []
  for (const { events, customers } of groups) {
    const kind = `event of a customer not in memory, with ${events} events`
    // Each on a node of its own, so that neither has to make room for the other's customers.
    const coldOn = async (server: Server): Promise<readonly Row[]> => {
      await each(CALLS, CONNECTIONS, (n) => track(server, warm(n, `again ${events}`)))
      let next = 0
      // Nobody is cold twice.
      const measured = await measure(server, kind, customers, (count) =>
        each(count, CONNECTIONS, () => track(server, eventOf(name(events, next), next++, kind))),
      )
      found.push(measured)
      return rowsOf(kind, measured, bare, '14')
    }
    rows.push(...(await onServer(dir, coldOn, { data })))
  }
  const [few, many] = found
  return [...rows, { name: 'with 150 events / with 5', value: many!.all / few!.all, unit: '', target: '≤ 1.3' }]
}

const redemptions = (bare: Measured, dir: string): Promise<Row[]> =>
  onServer(dir, async (server) => {
    const count = Math.ceil(CALLS / 4)
    const codes = 500
    await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    const voucher = { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } }
    await each(codes, 16, (n) => call(server, 'POST', `/v1/vouchers/COST-${n}`, server.headers, voucher))
    const measured = await measure(server, 'redemption', count, (wanted, kind) =>
      each(wanted, CONNECTIONS, (n) =>
        call(server, 'POST', '/v1/redemptions', server.headers, {
          redeemables: [{ object: 'voucher', id: `COST-${(n + kind.length) % codes}` }],
          order: { amount: 10_000 },
          customer: { source_id: `bench-${n % CUSTOMERS}` },
        }),
      ),
    )
    return rowsOf('redemption', measured, bare)
  })

/** Events that each send a message to a receiver: both together. */
const messages = async (bare: Measured, dir: string): Promise<Row[]> => {
  let received = 0
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => {
      received++
      response.writeHead(200).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const count = Math.ceil(CALLS / 4)
  const send = async (server: Server): Promise<Row[]> => {
    await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    await call(server, 'POST', '/v1/distributions', server.headers, {
      name: 'cost',
      trigger: { type: 'event', event: 'bought' },
      channel: { type: 'webhook', url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}` },
    })
    const measured = await measure(server, 'event with a message', count, async (wanted, kind) => {
      const before = received
      const until = performance.now() + 60_000
      const perSecond = await each(wanted, CONNECTIONS, (n) => track(server, warm(n, kind)))
      while (received < before + wanted) {
        if (performance.now() > until) throw new Error('messages did not arrive within a minute')
        await sleep(20)
      }
      return perSecond
    })
    return rowsOf('event with a message that is sent', measured, bare)
  }
  try {
    return await onServer(dir, send, { env: { WEBHOOK_ALLOW_PRIVATE: 'true' } })
  } finally {
    receiver.closeAllConnections()
    receiver.close()
  }
}

const CASES: Readonly<Record<string, (bare: Measured, dir: string) => Promise<Row[]>>> = {
  single: singleCases,
  batch: batchCases,
  cold: coldCases,
  redemptions,
  messages,
}

/** All of them, or those that BENCH_CASES names. */
export async function* benchCost(dir: string): AsyncIterable<Row[]> {
  const bare = await bareRoute()
  yield rowsOf('bare route', bare, bare)
  const wanted = process.env.BENCH_CASES?.split(',') ?? Object.keys(CASES)
  for (const name of wanted) {
    const run = CASES[name]
    if (run === undefined) throw new Error(`there are no cases "${name}", but ${Object.keys(CASES).join(', ')}`)
    yield await run(bare, dir)
  }
}

const GROWN_EVENTS = Number(process.env.BENCH_EVENTS ?? 200_000)
const GROWN_CUSTOMERS = Number(process.env.BENCH_CUSTOMERS ?? 100_000)
const PORTIONS = 8
/** Of a thousand customers, before all others: as many to warm up. */
const FEW_EVENTS = 20_000

/** Of the node's own process, MB: objects that are alive or not yet collected, the heap around them, and buffers beside it. */
const heapOf = async ({
  url,
  adminHeaders,
}: Server): Promise<Readonly<Record<'used' | 'heap' | 'buffers', number>>> => {
  const text = await (await fetch(`${url}/metrics`, { headers: adminHeaders })).text()
  const mb = (name: string) => Number(new RegExp(`^nodejs_${name}_bytes (\\d+)`, 'm').exec(text)?.[1] ?? 0) / 2 ** 20
  return { used: mb('heap_size_used'), heap: mb('heap_size_total'), buffers: mb('external_memory') }
}

/** Batches of events of customers at random, portion by portion: what one costs as the log and the number of customers grow. */
export async function* benchGrowth(dir: string): AsyncIterable<Row[]> {
  const server = await startServer(PATIENT, undefined, profilesTo(dir))
  try {
    await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    /** Events of customers at random among so many, to their end. */
    const among = async (customers: number, events: number, kind: string): Promise<Measured> => {
      const random = () => Math.floor(Math.random() * customers)
      const before = spent(server.pid)
      const perSecond = await trackBatches(server, events, (i) => eventOf(`grow-${random()}`, i, kind))
      await projected(server)
      return { ...spentEach(before, spent(server.pid), events), perSecond }
    }
    await among(CUSTOMERS, FEW_EVENTS, 'first')
    const few = await among(CUSTOMERS, FEW_EVENTS, 'few')
    const portion = Math.ceil(GROWN_EVENTS / PORTIONS / BATCH) * BATCH
    const portions: Measured[] = []
    let done = 0
    for (let n = 0; n < PORTIONS; n++) {
      const from = instant()
      const measured = await among(GROWN_CUSTOMERS, portion, `grow ${n}`)
      portions.push(measured)
      done += portion
      // Of the last portion alone: where its time goes when everything has grown.
      profiled = [{ name: `event in a batch after ${done}`, from, to: instant(), main: measured.main }]
      const { own, files, engines } = residentOf(server.pid)
      const { used, heap, buffers } = await heapOf(server)
      yield [
        { name: `after ${done} events of ${GROWN_CUSTOMERS} customers, one event`, value: measured.all, unit: 'µs' },
        ...partRows(measured),
        { name: '  in a second', value: measured.perSecond, unit: 'events/s' },
        { name: '  memory of its own', value: own, unit: 'MB', target: '< 400' },
        ...Object.entries(engines).map(([name, value]) => ({ name: `    of which ${name}`, value, unit: 'MB' })),
        { name: '    of which the heap of the node itself', value: heap, unit: 'MB' },
        { name: '      of which in use', value: used, unit: 'MB' },
        { name: '    of which its buffers beside the heap', value: buffers, unit: 'MB' },
        { name: '  pages of mapped files', value: files, unit: 'MB' },
      ]
    }
    const first = portions[0]!
    const last = portions.at(-1)!
    yield [
      { name: 'the last of them / the first', value: last.all / first.all, unit: '', target: '≤ 1.2' },
      {
        name: `of ${GROWN_CUSTOMERS} customers / of ${CUSTOMERS}, before there were others`,
        value: last.all / few.all,
        unit: '',
        target: '≤ 1.5',
      },
    ]
  } finally {
    await server.stop()
  }
  yield await budgetOf(dir)
}
