// Tracking: single and batch intake, and rebuild of the read models, beside what is bare.
import { EventStoreDBClient, jsonEvent, NO_STREAM, START } from '@eventstore/db-client'
import { projections } from '../../projections/index.ts'
import { factRegistry } from '../../src/domain/registry.ts'
import { createCodec } from '../../src/eventstore/codec.ts'
import { createEventStore } from '../../src/eventstore/index.ts'
import { createProjector } from '../../src/projector/index.ts'
import { createReadModel } from '../../src/readmodel/index.ts'
import { program } from '../program.ts'
import { costing } from './costing.ts'
import { call, load, type Row, type Server, startProcess, startServer } from './harness.ts'

export const CONNECTIONS = 64
const RUN_MS = 8_000
/** Before anything is measured: so long V8 is busy compiling what a server runs all day. */
export const WARM_MS = 10_000

export const eventOf = (n: number, customers: number) => ({
  event: 'bought',
  id: `bench-${n}-${process.pid}-${Date.now()}`,
  customer: { source_id: `bench-${Math.abs(n * 7_919) % customers}` },
  metadata: { amount: n % 500, product: `product ${n % 97}`, channel: 'web' },
})

export const schema = {
  name: 'bought',
  schema: { properties: { amount: { type: 'number' }, product: { type: 'string' }, channel: { type: 'string' } } },
}

const singleIntake = async (): Promise<Row[]> => {
  const bodies = Array.from({ length: 200_000 }, (_, n) => JSON.stringify(eventOf(n, 5_000)))
  const bare = await startProcess(program(import.meta.dirname, 'bareProcess.ts'), {}, /listens on (http:\S+)/)
  const floor = await load(`${bare.match[1]}/v1/events`, { 'Content-Type': 'application/json' }, bodies, {
    connections: CONNECTIONS,
    ms: RUN_MS,
  })
  bare.child.kill('SIGTERM')
  const server = await startServer()
  try {
    await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    await load(`${server.url}/v1/events`, server.headers, bodies.slice(150_000), {
      connections: CONNECTIONS,
      ms: WARM_MS,
    })
    const intake = await load(`${server.url}/v1/events`, server.headers, bodies, {
      connections: CONNECTIONS,
      ms: RUN_MS,
    })
    return [
      { name: 'bare route', value: floor.perSecond, unit: 'requests/s' },
      { name: 'single intake', value: intake.perSecond, unit: 'events/s' },
      { name: 'single intake p50', value: intake.p50, unit: 'ms' },
      { name: 'single intake p99', value: intake.p99, unit: 'ms' },
      { name: 'single intake, failed', value: intake.failed, unit: 'requests', target: '0' },
      { name: 'single intake / bare route', value: intake.perSecond / floor.perSecond, unit: '', target: '≥ 0.20' },
    ]
  } finally {
    await server.stop()
  }
}

/** The official client, one event an append, so many in flight. */
const pipelined = async (url: string, inFlight: number, ms: number): Promise<number> => {
  const client = EventStoreDBClient.connectionString(url)
  const end = performance.now() + ms
  const began = performance.now()
  let n = 0
  await Promise.all(
    Array.from({ length: inFlight }, async (_, line) => {
      for (let i = 0; performance.now() < end; i++) {
        const data = { ...eventOf(i, 5_000), occurredAt: Date.now() }
        await client.appendToStream(`pipelined-${process.pid}-${line}-${i}`, jsonEvent({ type: 'Bought', data }), {
          expectedRevision: NO_STREAM,
        })
        n++
      }
    }),
  )
  const perSecond = (n / (performance.now() - began)) * 1_000
  await client.dispose()
  return perSecond
}

interface Engines {
  readonly pid: number
  readonly eventStore: string
  readonly mongodb: string
  stop(): void
}

const startEngineProcess = async (dir: string): Promise<Engines> => {
  const { child, match } = await startProcess(
    ['dist/cli.js', 'engines', '--data', dir, '--eventstore-port', '0', '--mongodb-port', '0'],
    {},
    /(esdb:\/\/\S+)[\s\S]*(mongodb:\/\/\S+)/,
  )
  return { pid: child.pid!, eventStore: match[1]!, mongodb: match[2]!, stop: () => child.kill('SIGTERM') }
}

const sendBatches = async (server: Server, total: number, customers: number, lines: number): Promise<number> => {
  const began = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: lines }, async () => {
      while (next < total) {
        const from = next
        next += 1_000
        const events = Array.from({ length: Math.min(1_000, total - from) }, (_, i) => eventOf(from + i, customers))
        await call(server, 'POST', '/v1/events/batch', server.headers, { events })
      }
    }),
  )
  return (total / (performance.now() - began)) * 1_000
}

const batchIntakeAndRebuild = async (dir: string): Promise<Row[]> => {
  const engines = await startEngineProcess(dir)
  const server = await startServer({ EVENTSTORE_URL: engines.eventStore, MONGODB_URL: engines.mongodb })
  try {
    await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    await sendBatches(server, 10_000, 2_000, 4)
    const single = await pipelined(engines.eventStore, 128, RUN_MS)
    const batched = await sendBatches(server, 100_000, 2_000, 4)
    const rows: Row[] = [
      { name: 'official client, 128 in flight', value: single, unit: 'appends/s' },
      { name: 'batch intake', value: batched, unit: 'events/s' },
      { name: 'batch intake / pipelined appends', value: batched / single, unit: '', target: '≥ 1.0' },
    ]
    await server.stop()
    return [...rows, ...(await rebuild(engines))]
  } finally {
    engines.stop()
  }
}

/** Reads the whole log once with the bare client, then builds every read model of it in a database of its own. */
const rebuild = async (engines: Engines): Promise<Row[]> => {
  const client = EventStoreDBClient.connectionString(engines.eventStore)
  const began = performance.now()
  let events = 0
  const readAll = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const subscription = client.subscribeToAll({ fromPosition: START })
      subscription.on('data', ({ event }) => {
        if (event && !event.type.startsWith('$')) events++
      })
      subscription.on('caughtUp', () => {
        void subscription.unsubscribe().then(() => resolve())
      })
      subscription.on('error', reject)
    })
  const { rows: bareRows } = await costing(engines, readAll, () => events)
  const bare = (events / (performance.now() - began)) * 1_000
  await client.dispose()
  const store = createEventStore({ url: engines.eventStore, codec: createCodec(factRegistry) })
  const readModel = createReadModel({ url: engines.mongodb, database: `rebuild_${Date.now()}` })
  const head = await store.head()
  const started = performance.now()
  const projector = createProjector({ group: 'main', projections, store, readModel })
  const { result: done, rows } = await costing(
    engines,
    async () => head === undefined || (await projector.waitFor(head, 600_000)),
    () => events,
  )
  const rate = (events / (performance.now() - started)) * 1_000
  await projector.stop()
  await readModel.close()
  await store.close()
  if (!done) throw new Error('the rebuild did not end in ten minutes')
  return [
    { name: 'bare subscription', value: bare, unit: 'events/s' },
    ...bareRows,
    { name: 'rebuild of all read models', value: rate, unit: 'events/s' },
    ...rows,
    { name: 'rebuild / bare subscription', value: rate / bare, unit: '', target: '≥ 0.5' },
  ]
}

/** How soon what is sent can be read is measured by `delays`, and what many events take by `growth`. */
export async function* benchTracking(dir: string): AsyncIterable<Row[]> {
  yield await singleIntake()
  yield await batchIntakeAndRebuild(dir)
}
