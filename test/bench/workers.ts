// What worker processes cost: processor time an event, over all processes, of a node that is one process, and of nodes with one and
// two workers, in turns, so that what else runs on the machine disturbs all of them alike. Needs Linux.
//   BENCH_CALLS=20000   events of each turn (default 4,000)
//   BENCH_TURNS=5       turns of each node, of which the middle one counts

import { each, projected, schema, track, trackBatches, warm } from './cost.ts'
import { partRows } from './costing.ts'
import { call, type Row, type Server, startServer } from './harness.ts'
import { type Spent, spent, spentEach } from './threads.ts'

const CALLS = Number(process.env.BENCH_CALLS ?? 4_000)
const TURNS = Number(process.env.BENCH_TURNS ?? 5)
const CONNECTIONS = 64
const PATIENT = { REQUEST_TIME_LIMIT_MS: '600000' }

const NODES: readonly { readonly name: string; readonly env: Readonly<Record<string, string>> }[] = [
  { name: 'one process', env: {} },
  { name: '1 worker', env: { WORKERS: '1' } },
  { name: '2 workers', env: { WORKERS: '2' } },
]

type Load = (server: Server, count: number, kind: string) => Promise<number>

const LOADS: Readonly<Record<string, Load>> = {
  'event in a batch of 500': (server, count, kind) => trackBatches(server, count, (n) => warm(n, kind)),
  'event of a warm customer': (server, count, kind) => each(count, CONNECTIONS, (n) => track(server, warm(n, kind))),
}

interface Turn extends Spent {
  readonly perSecond: number
}

const middleOf = (turns: readonly Turn[]): Turn =>
  turns.toSorted((a, b) => a.all - b.all)[Math.floor(turns.length / 2)]!

const turnOf = async (server: Server, load: Load, kind: string): Promise<Turn> => {
  const before = spent(server.pid)
  const perSecond = await load(server, CALLS, kind)
  await projected(server)
  return { ...spentEach(before, spent(server.pid), CALLS), perSecond }
}

const rowsOf = (load: string, name: string, turn: Turn, base: Turn | undefined): Row[] => [
  { name: `${load}, ${name}`, value: turn.all, unit: 'µs' },
  ...(base ? [{ name: '  of what it cost before', value: turn.all / base.all, unit: '×', target: '≤ 1.1' }] : []),
  ...partRows(turn),
  { name: '  in a second', value: turn.perSecond, unit: 'events/s' },
  { name: '  events a second and core', value: 1_000_000 / turn.all, unit: 'events/s' },
]

export async function* benchWorkers(): AsyncIterable<readonly Row[]> {
  const servers: Server[] = []
  try {
    for (const { env } of NODES) {
      const server = await startServer({ ...PATIENT, ...env })
      servers.push(server)
      await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    }
    for (const [name, load] of Object.entries(LOADS)) {
      const turns = servers.map((): Turn[] => [])
      // The first is to warm up.
      for (let n = -1; n < TURNS; n++)
        for (const [at, server] of servers.entries()) {
          const turn = await turnOf(server, load, `${name} ${n}`)
          if (n >= 0) turns[at]!.push(turn)
        }
      const middles = turns.map(middleOf)
      yield middles.flatMap((turn, at) => rowsOf(name, NODES[at]!.name, turn, middles[at - 1]))
    }
  } finally {
    for (const server of servers) await server.stop()
  }
}
