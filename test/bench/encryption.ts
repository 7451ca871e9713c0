// What encrypting personal data costs of an event: processor time of a node and its engines with and without a master key, in turns
// within one run, so that whatever else the machine does meets both alike. Needs Linux.
//   BENCH_CALLS=20000   events of each kind (default 4,000: a quick look)
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { call, type Row, type Server, startProcess, startServer } from './harness.ts'
import { type Spent, spent } from './threads.ts'

const EVENTS = Number(process.env.BENCH_CALLS ?? 4_000)
const PARTS = 10
const BATCH = 200

interface Pair {
  readonly server: Server
  /** The processes whose time counts: the node, and the engines that it uses. */
  readonly pids: readonly number[]
  stop(): Promise<void>
}

const start = async (dir: string, masterKeyFile: string | undefined): Promise<Pair> => {
  const data = await mkdtemp(join(dir, 'engines-'))
  const { child, match } = await startProcess(
    ['dist/cli.js', 'engines', '--data', data],
    {},
    /EVENTSTORE_URL=(\S+)\nMONGODB_URL=(\S+)/,
  )
  const server = await startServer({
    EVENTSTORE_URL: match[1]!,
    MONGODB_URL: match[2]!,
    REQUEST_TIME_LIMIT_MS: '600000',
    ...(masterKeyFile === undefined ? {} : { MASTER_KEY_FILE: masterKeyFile }),
  })
  return {
    server,
    pids: [server.pid, child.pid!],
    async stop() {
      await server.stop()
      child.kill('SIGTERM')
    },
  }
}

const spentBy = ({ pids }: Pair): Spent => {
  const all = pids.map(spent)
  const sum = (part: keyof Spent) => all.reduce((us, one) => us + one[part], 0)
  return {
    main: sum('main'),
    eventLog: sum('eventLog'),
    documents: sum('documents'),
    workers: sum('workers'),
    rest: sum('rest'),
    all: sum('all'),
  }
}

const schema = {
  name: 'reviewed',
  schema: { properties: { stars: { type: 'number' }, note: { type: 'string', personal: true, optional: true } } },
}

type Kind = (n: number) => object

const known = (n: number) => ({ source_id: `known-${n % 500}` })

/** What events may hold of a person: nothing, a property, or somebody who is new. */
const KINDS: readonly (readonly [name: string, event: Kind])[] = [
  ['event that holds nothing personal', (n) => ({ customer: known(n), metadata: { stars: n % 5 } })],
  [
    'event with a personal property',
    (n) => ({ customer: known(n), metadata: { stars: n % 5, note: `what customer ${n} wrote of it` } }),
  ],
  [
    'event of a new customer',
    (n) => ({
      customer: { source_id: `new-${n}`, name: `Name ${n}`, email: `n${n}@shop.test` },
      metadata: { stars: 1 },
    }),
  ],
]

/** Sends events and waits until they are in the read models. */
const send = async ({ server }: Pair, from: number, count: number, event: Kind): Promise<void> => {
  let token = ''
  for (let at = from; at < from + count; at += BATCH) {
    const events = Array.from({ length: Math.min(BATCH, from + count - at) }, (_, i) => ({
      event: 'reviewed',
      ...event(at + i),
    }))
    const { headers } = await call(server, 'POST', '/v1/events/batch', server.headers, { events })
    token = headers.get('consistency-token') ?? token
  }
  await call(server, 'GET', '/v1/customers?limit=1', {
    ...server.headers,
    'Consistency-Token': token,
    Prefer: 'wait=10',
  })
}

const middle = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!

export const benchEncryption = async (dir: string): Promise<readonly Row[]> => {
  const plain = await start(dir, undefined)
  const encrypting = await start(dir, join(dir, 'master.key'))
  const both = [plain, encrypting] as const
  const rows: Row[] = []
  try {
    for (const { server } of both) await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    let from = 0
    for (const [name, event] of KINDS) {
      const part = Math.ceil(EVENTS / PARTS)
      for (const one of both) await send(one, from, 2 * part, event)
      from += 2 * part
      const costs: readonly [number[], number[]] = [[], []]
      for (let n = 0; n < PARTS; n++) {
        // Who goes first changes as well.
        for (const which of n % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
          const before = spentBy(both[which])
          await send(both[which], from, part, event)
          costs[which].push((spentBy(both[which]).all - before.all) / part)
        }
        from += part
      }
      const [without, withKey] = costs.map(middle) as [number, number]
      rows.push({ name: `${name}, without a master key`, value: without, unit: 'µs' })
      rows.push({ name: `${name}, with one`, value: withKey, unit: 'µs' })
      // A new customer's key is made once and for all, which is no cost of an event.
      const target = name.includes('new') ? {} : { target: '< 10' }
      rows.push({ name: '  more', value: 100 * (withKey / without - 1), unit: '%', ...target })
    }
  } finally {
    for (const one of both) await one.stop()
  }
  return rows
}
