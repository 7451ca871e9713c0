// Segments: what an event costs beside many definitions, customers and a long history; roll-out, window exits, visibility.
import { track, type World, world } from '../given.ts'
import { costing } from './costing.ts'
import { call, caughtUp, load, quantile, type Row, type Server, startServer, steadily } from './harness.ts'
import { seen } from './seen.ts'

const ROUNDS = 60
const EVENTS = 250

/** Microseconds of processor time of one decision. */
const costOf = (w: World): number => {
  const began = process.cpuUsage()
  for (let n = 0; n < EVENTS; n++) {
    w.wait(1_000)
    w.when(track('bought', { occurredAt: w.now, metadata: { amount: n % 50 } }))
  }
  const { user, system } = process.cpuUsage(began)
  return (user + system) / EVENTS
}

/** The best of several rounds, taken in turns: what else the machine does only ever adds. */
const costsOf = (worlds: readonly World[]): readonly number[] => {
  const best = worlds.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, w] of worlds.entries()) best[i] = Math.min(best[i]!, costOf(w))
  return best
}

/** A shop with so many segments, one of which cares for `bought`. */
const shopWith = (definitions: number): World => {
  const w = world()
  w.define('eventSchema', 'ms_bought', { name: 'bought', schema: { properties: { amount: { type: 'number' } } } })
  w.define('eventSchema', 'ms_other', { name: 'other', schema: { properties: { amount: { type: 'number' } } } })
  for (let n = 1; n < definitions; n++)
    w.define('segment', `seg_${n}`, {
      name: `other ${n}`,
      type: 'auto-update',
      condition: { event: 'other', count: { $more_than_equal: n }, within: 'P30D' },
    })
  w.define('segment', 'seg_one', {
    name: 'one',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 3 }, within: 'P30D' },
  })
  w.facts({ type: 'SaveCustomer', profile: { source_id: 's' }, mayCreate: true })
  return w
}

const decisions = (): Row[] => {
  const long = shopWith(10)
  for (let n = 0; n < 10_000; n++) {
    long.wait(60_000)
    long.when(track('bought', { occurredAt: long.now, metadata: { amount: 1 } }))
  }
  const [ten = 0, thousand = 0, warm = 0] = costsOf([shopWith(10), shopWith(1_000), long])
  return [
    { name: 'decision, 10 definitions', value: ten, unit: 'µs' },
    { name: 'decision, 1,000 definitions, one cares', value: thousand, unit: 'µs' },
    { name: 'cost with 1,000 / with 10 definitions', value: thousand / ten, unit: '', target: '≤ 1.15' },
    { name: 'cost after 10,000 events / after few', value: warm / ten, unit: '', target: '≤ 1.2' },
  ]
}

const schema = { name: 'bought', schema: { properties: { amount: { type: 'number' } } } }

/** Small enough to be answered within a request's time limit on a machine with much else to do. */
const FILL_BATCH = 250

/** An event of each customer from number `start` on, up to so many customers. */
const fill = async (server: Server, customers: number, start = 0): Promise<void> => {
  let next = start
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      while (next < customers) {
        const from = next
        next += FILL_BATCH
        const events = Array.from({ length: Math.min(FILL_BATCH, customers - from) }, (_, i) => ({
          event: 'bought',
          customer: { source_id: `c-${from + i}` },
          metadata: { amount: (from + i) % 100 },
        }))
        await call(server, 'POST', '/v1/events/batch', server.headers, { events })
      }
    }),
  )
}

const bodies = (from: number, customers: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) =>
    JSON.stringify({
      event: 'bought',
      customer: { source_id: `c-${(from + n * 7_919) % customers}` },
      metadata: { amount: n % 100 },
    }),
  )

const intake = (server: Server, list: readonly string[], ms: number, ended?: Promise<unknown>) =>
  load(`${server.url}/v1/events`, server.headers, list, { connections: 64, ms, ...(ended ? { ended } : {}) })

const rolloutOf = async (server: Server, id: string, limitMs: number): Promise<{ seconds: number; done: number }> => {
  const began = performance.now()
  for (;;) {
    const { body } = await call(server, 'GET', `/v1/segments/${id}`, server.headers)
    const { initial_sync_status, rollout } = body as {
      initial_sync_status: string
      rollout: { done: number }
    }
    const seconds = (performance.now() - began) / 1_000
    if (initial_sync_status === 'DONE' || seconds * 1_000 > limitMs) return { seconds, done: rollout.done }
    await new Promise((ok) => setTimeout(ok, 50))
  }
}

const createSegment = async (server: Server, name: string, more: number): Promise<string> => {
  const made = await call(server, 'POST', '/v1/segments', server.headers, {
    name,
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than: 0 }, where: [{ property: 'amount', $more_than: more }] },
  })
  return (made.body as { id: string }).id
}

/** Before intake is measured: compiled, and the customers in memory again. */
const WARM_MS = 6_000

/** How long intake is measured beside a roll-out at most. */
const BESIDE_MS = 30_000

async function* whole(customers: number): AsyncGenerator<readonly Row[]> {
  const server = await startServer()
  try {
    await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    const few = bodies(0, 1_000, 50_000)
    await fill(server, 1_000)
    const ofFew = async () => {
      await caughtUp(server)
      await intake(server, few, WARM_MS)
      return intake(server, few, 6_000)
    }
    const small = await ofFew()
    await fill(server, customers, 1_000)
    // Before there is any segment, so that nothing but the customers differs.
    const many = await ofFew()
    yield [
      {
        name: `intake of 1,000 customers among ${customers} / among themselves`,
        value: many.perSecond / small.perSecond,
        unit: '',
        target: '≥ 1 / 1.2',
      },
    ]
    await caughtUp(server)
    const big = await createSegment(server, 'big', 50)
    const { result, rows } = await costing(
      server,
      () => rolloutOf(server, big, 300_000),
      ({ done }) => done,
    )
    const { seconds, done } = result
    yield [
      { name: `roll-out over ${done} customers`, value: done / seconds, unit: 'customers/s', target: '≥ 2,000' },
      ...rows,
    ]
    // Each event of another customer than the ones before, as long as there are any, in both measurements.
    await intake(server, bodies(0, customers, 20_000), 3_000)
    const alone = await intake(server, bodies(1, customers, 50_000), BESIDE_MS / 2)
    const beside = rolloutOf(server, await createSegment(server, 'bigger', 80), 600_000)
    const during = await intake(server, bodies(2, customers, 50_000), BESIDE_MS, beside)
    yield [
      {
        name: `intake over all ${customers} customers, the whole time of a roll-out (at most ${BESIDE_MS / 1_000} s) / right before`,
        value: during.perSecond / alone.perSecond,
        unit: '',
        target: '≥ 0.70',
      },
    ]
    const { seconds: besideSeconds, done: besideDone } = await beside
    yield [{ name: 'roll-out beside that intake', value: besideDone / besideSeconds, unit: 'customers/s' }]
    // The thousand whose events it sends have left memory meanwhile: what it costs to read them is measured above.
    await intake(server, few, WARM_MS)
    await caughtUp(server)
    yield await visibility(server, big)
    yield await exits(server)
  } finally {
    await server.stop()
  }
}

/** So many windows end within so many ms. */
const EXITS = 10_000
const EXITS_MS = 60_000

/** Customers who enter a window of a few seconds at a steady rate: how late each exit is recorded and can be read. */
const exits = async (server: Server): Promise<Row[]> => {
  const made = await call(server, 'POST', '/v1/segments', server.headers, {
    name: 'just now',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than: 0 }, within: 'PT5S' },
  })
  const { id } = made.body as { id: string }
  await rolloutOf(server, id, 300_000)
  const ids: string[] = []
  const enter = async (n: number): Promise<void> => {
    const sent = await call(server, 'POST', '/v1/events', server.headers, {
      event: 'bought',
      customer: { source_id: `exit-${n}` },
      metadata: { amount: 1 },
    })
    ids.push((sent.body as { customer: { id: string } }).customer.id)
  }
  await steadily((EXITS / EXITS_MS) * 1_000, EXITS, enter)
  const late: number[] = []
  for (const customer of ids) {
    for (;;) {
      const { body } = await call(
        server,
        'GET',
        `/v1/customers/${customer}/activity?type=customer.segment.left`,
        server.headers,
      )
      const left = (
        body as {
          data: {
            recorded_at: string
            data: { became_true_at: string; segment: { id: string } }
          }[]
        }
      ).data.find((entry) => entry.data.segment.id === id)
      if (left) {
        late.push(Date.parse(left.recorded_at) - Date.parse(left.data.became_true_at))
        break
      }
      await new Promise((ok) => setTimeout(ok, 20))
    }
  }
  return [
    {
      name: `window exits, ${EXITS} within ${EXITS_MS / 1_000} s, recorded after their instant, p99`,
      value: quantile(late, 0.99),
      unit: 'ms',
      target: '< 1,000',
    },
  ]
}

/**
 * Events at a steady rate, most of them of customers who are known, every tenth of a new one whom it brings into a segment: from
 * the answer to that event until the segment is shown among the customer's.
 */
const visibility = (server: Server, segment: string): Promise<Row[]> => {
  const send = (source_id: string, amount: number) =>
    call(server, 'POST', '/v1/events', server.headers, {
      event: 'bought',
      customer: { source_id },
      metadata: { amount },
    })
  const look = async (n: number): Promise<number> => {
    const sent = await send(`see-${n}`, 99)
    const answered = performance.now()
    const { customer } = sent.body as { customer: { id: string } }
    const shown = await call(server, 'GET', `/v1/customers/${customer.id}/segments`, {
      ...server.headers,
      'Consistency-Token': sent.headers.get('consistency-token') ?? '',
      Prefer: 'wait=10',
    })
    const { data } = shown.body as { data: { id: string }[] }
    if (!data.some(({ id }) => id === segment)) throw new Error(`see-${n} is not shown in the segment`)
    return performance.now() - answered
  }
  return seen(server, 'append to GET …/segments showing it', (n) => send(`c-${(n * 7_919) % 1_000}`, 1), look, {
    p99: 250,
  })
}

export async function* benchSegments(): AsyncGenerator<readonly Row[]> {
  yield decisions()
  yield* whole(Number(process.env.BENCH_CUSTOMERS ?? 200_000))
}
