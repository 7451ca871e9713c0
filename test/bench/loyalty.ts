// Loyalty: what earning rules cost intake, and a balance query against a bare findOne.
import autocannon from 'autocannon'
import { program } from '../program.ts'
import { costing } from './costing.ts'
import { call, load, type Row, type Server, startProcess, startServer } from './harness.ts'

const CONNECTIONS = 64
const RUN_MS = 8_000
const RULES = 20
const APPLYING = 3
/** Few enough to be known before it is measured: a customer's first event also makes the customer and the card. */
const CUSTOMERS = 500

const bodies = Array.from({ length: 150_000 }, (_, n) =>
  JSON.stringify({
    event: 'bought',
    id: `loyalty-${n}-${process.pid}`,
    customer: { source_id: `bench-${(n * 7_919) % CUSTOMERS}` },
    metadata: { amount: (n % 500) + 1, kind: `kind ${n % 3}` },
  }),
)

interface Made {
  readonly id: string
}

const post = async <T>(server: Server, path: string, body: unknown, headers = server.headers): Promise<T> =>
  (await call(server, 'POST', path, headers, body)).body as T

const prepare = async (server: Server): Promise<void> => {
  await post(
    server,
    '/v1/event-schemas',
    { name: 'bought', schema: { properties: { amount: { type: 'number' }, kind: { type: 'string' } } } },
    server.adminHeaders,
  )
}

/** All rules wait for the same event; all but `APPLYING` have a validation rule that says no. */
const defineRules = async (server: Server): Promise<string> => {
  const program = await post<Made>(server, '/v1/loyalties', {
    name: 'bench',
    voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 0 } },
  })
  const gate = await post<Made>(server, '/v1/validation-rules', {
    name: 'never',
    rules: {
      '1': { name: 'custom_event.metadata', property: 'kind', conditions: { $is: ['no such kind'] } },
      logic: '1',
    },
  })
  const share = { every: 10, points: 1, property: 'amount' }
  const loyalty = { type: 'PROPORTIONAL', calculation_type: 'CUSTOM_EVENT_METADATA', custom_event: { metadata: share } }
  await post(
    server,
    `/v1/loyalties/${program.id}/earning-rules`,
    Array.from({ length: RULES }, (_, i) =>
      i < APPLYING
        ? {
            event: 'bought',
            loyalty: i === 0 ? { ...loyalty } : { type: 'FIXED', points: i },
            max_per_period: { period: 'day', points: 1_000_000 },
          }
        : { event: 'bought', loyalty: { type: 'FIXED', points: 1 }, validation_rule_id: gate.id },
    ),
  )
  return program.id
}

const intake = async (server: Server): Promise<{ readonly perSecond: number; readonly rows: readonly Row[] }> => {
  const first = Array.from({ length: CUSTOMERS }, (_, n) => JSON.parse(bodies[n]!) as unknown)
  await post(server, '/v1/events/batch', { events: first })
  await load(`${server.url}/v1/events`, server.headers, bodies.slice(100_000), { connections: CONNECTIONS, ms: 3_000 })
  const { result, rows } = await costing(
    server,
    () => load(`${server.url}/v1/events`, server.headers, bodies, { connections: CONNECTIONS, ms: RUN_MS }),
    ({ count }) => count,
  )
  return { perSecond: result.perSecond, rows }
}

const withoutRules = async (): ReturnType<typeof intake> => {
  const server = await startServer()
  try {
    await prepare(server)
    return await intake(server)
  } finally {
    await server.stop()
  }
}

const queries = async (server: Server, mongodb: string, database: string): Promise<Row[]> => {
  const members = (await call(server, 'GET', '/v1/loyalties/bench/members?limit=100', server.headers)).body as {
    vouchers: readonly { code: string }[]
  }
  const codes = members.vouchers.map(({ code }) => code)
  const bare = await startProcess(
    program(import.meta.dirname, 'bareFindProcess.ts'),
    { MONGODB_URL: mongodb, MONGODB_DATABASE: database },
    /listens on (http:\S+)/,
  )
  const run = async (url: string, path: (code: string) => string): Promise<number> => {
    const options = {
      url,
      connections: 32,
      requests: codes.map((code) => ({ method: 'GET' as const, path: path(code), headers: server.headers })),
    }
    await autocannon({ ...options, duration: 2 })
    const result = await autocannon({ ...options, duration: RUN_MS / 1_000 })
    if (result.non2xx > 0) throw new Error(`${result.non2xx} answers were no 200`)
    return result.requests.average
  }
  try {
    const floor = await run(bare.match[1]!, (code) => `/cards/${code}`)
    const ours = await run(server.url, (code) => `/v1/loyalties/members/${code}/balance`)
    return [
      { name: 'bare findOne behind a bare route', value: floor, unit: 'requests/s' },
      { name: 'balance query', value: ours, unit: 'requests/s' },
      { name: 'bare findOne / balance query', value: floor / ours, unit: '', target: '≤ 1.5' },
    ]
  } finally {
    bare.child.kill('SIGTERM')
  }
}

export const benchLoyalty = async (dir: string): Promise<Row[]> => {
  const plain = await withoutRules()
  const engines = await startProcess(
    ['dist/cli.js', 'engines', '--data', dir, '--eventstore-port', '0', '--mongodb-port', '0'],
    {},
    /(esdb:\/\/\S+)[\s\S]*(mongodb:\/\/\S+)/,
  )
  const [, , mongodb = ''] = engines.match
  try {
    const rules = await startServer()
    let earning: Awaited<ReturnType<typeof intake>>
    try {
      await prepare(rules)
      await defineRules(rules)
      earning = await intake(rules)
    } finally {
      await rules.stop()
    }
    const database = 'tributary'
    const reading = await startServer({
      EVENTSTORE_URL: engines.match[1]!,
      MONGODB_URL: mongodb,
      MONGODB_DATABASE: database,
    })
    try {
      await prepare(reading)
      await defineRules(reading)
      for (let i = 0; i < 200; i++) await call(reading, 'POST', '/v1/events', reading.headers, JSON.parse(bodies[i]!))
      const last = await call(reading, 'POST', '/v1/events', reading.headers, JSON.parse(bodies[200]!))
      const token = last.headers.get('consistency-token') ?? ''
      await call(reading, 'GET', '/v1/loyalties/bench/members', {
        ...reading.headers,
        'Consistency-Token': token,
        Prefer: 'wait=10',
      })
      return [
        { name: 'intake without rules', value: plain.perSecond, unit: 'events/s' },
        ...plain.rows,
        { name: `intake with ${RULES} rules of which ${APPLYING} apply`, value: earning.perSecond, unit: 'events/s' },
        ...earning.rows,
        { name: 'intake with rules / without', value: earning.perSecond / plain.perSecond, unit: '', target: '≥ 0.6' },
        ...(await queries(reading, mongodb, database)),
      ]
    } finally {
      await reading.stop()
    }
  } finally {
    engines.child.kill('SIGTERM')
  }
}
