// Delays: how soon what is sent can be read, at a steady rate, near the highest rate, and when nothing else is to be done.
import { costing } from './costing.ts'
import { call, caughtUp, load, type Row, type Server, startServer } from './harness.ts'
import { delayRows, seen } from './seen.ts'
import { CONNECTIONS, eventOf, schema, WARM_MS } from './tracking.ts'

const CUSTOMERS = 2_000
/** So many customers, one after the other, have their third event. */
const THIRDS = 200
const HIGHEST_MS = 8_000
/** The share of the highest rate at which answers still come in time. */
const BELOW_HIGHEST = 0.8

const bodies = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => JSON.stringify(eventOf(from - n, CUSTOMERS)))

const send = (server: Server, n: number) => call(server, 'POST', '/v1/events', server.headers, eventOf(n, CUSTOMERS))

/** Sends an event and asks for its customer's activity with its token. */
const sentToRead = async (server: Server, n: number): Promise<number> => {
  const began = performance.now()
  const sent = await send(server, n)
  const { customer } = sent.body as { customer: { id: string } }
  await call(server, 'GET', `/v1/customers/${customer.id}/activity?limit=1`, {
    ...server.headers,
    'Consistency-Token': sent.headers.get('consistency-token') ?? '',
    Prefer: 'wait=10',
  })
  return performance.now() - began
}

/** From sending a third event until its customer shows in the segment: asked once with a token, or over and over without one. */
const thirdToMember = async (server: Server, how: 'token' | 'polled'): Promise<number[]> => {
  const delays: number[] = []
  for (let n = 0; n < THIRDS; n++) {
    const { metadata } = eventOf(n, CUSTOMERS)
    const body = { event: 'bought', customer: { source_id: `${how}-${n}` }, metadata }
    const event = () => call(server, 'POST', '/v1/events', server.headers, body)
    await event()
    await event()
    await caughtUp(server)
    const began = performance.now()
    const sent = await event()
    const { id } = (sent.body as { customer: { id: string } }).customer
    const token = { 'Consistency-Token': sent.headers.get('consistency-token') ?? '', Prefer: 'wait=10' }
    const headers = how === 'token' ? { ...server.headers, ...token } : server.headers
    for (let isIn = false; !isIn; ) {
      const { body } = await call(server, 'GET', `/v1/customers/${id}/segments`, headers)
      isIn = (body as { data: readonly unknown[] }).data.length > 0
    }
    delays.push(performance.now() - began)
  }
  return delays
}

/** Batches of 100 over four connections. */
const batches = async (server: Server): Promise<number> => {
  const until = performance.now() + HIGHEST_MS
  let done = 0
  await Promise.all(
    Array.from({ length: 4 }, async (_, line) => {
      for (let from = line * 10_000_000; performance.now() < until; from += 100) {
        const events = Array.from({ length: 100 }, (_, n) => eventOf(from + n, CUSTOMERS))
        await call(server, 'POST', '/v1/events/batch', server.headers, { events })
        done += 100
      }
    }),
  )
  return (done / HIGHEST_MS) * 1_000
}

export async function* benchDelays(): AsyncIterable<readonly Row[]> {
  const server = await startServer()
  try {
    await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    const post = (list: readonly string[], ms: number) =>
      load(`${server.url}/v1/events`, server.headers, list, { connections: CONNECTIONS, ms })
    await post(bodies(0, 20_000), WARM_MS)
    yield await seen(
      server,
      'sent to read',
      (n) => send(server, n),
      (n) => sentToRead(server, n),
      { p50: 9, p99: 40 },
    )
    const { result, rows } = await costing(
      server,
      () => post(bodies(-20_000, 50_000), HIGHEST_MS),
      ({ count }) => count,
    )
    const highest = result.perSecond
    await caughtUp(server)
    const rate = highest * BELOW_HIGHEST
    const near = (n: number) => n + 1_000_000
    yield [
      { name: 'highest rate of single events', value: highest, unit: 'events/s' },
      ...rows,
      ...(await seen(
        server,
        `sent to read, at ${BELOW_HIGHEST} of it`,
        (n) => send(server, near(n)),
        (n) => sentToRead(server, near(n)),
        { rate, p99: 250 },
      )),
    ]
    yield [{ name: 'batches of 100 over 4 connections', value: await batches(server), unit: 'events/s' }]
    await call(server, 'POST', '/v1/segments', server.adminHeaders, {
      name: 'thrice',
      type: 'auto-update',
      condition: { event: 'bought', count: { $more_than_equal: 3 }, within: 'P1D' },
    })
    yield [
      ...delayRows('third event to member, idle', await thirdToMember(server, 'token'), { p50: 8 }),
      ...delayRows('the same, polled without a token', await thirdToMember(server, 'polled'), { p50: 10 }),
    ]
  } finally {
    await server.stop()
  }
}
