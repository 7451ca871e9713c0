// Delivery: from the append to the receiver at a steady rate, and how fast a backlog drains.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { call, type Row, type Server, startServer } from './harness.ts'
import { delayRows } from './seen.ts'

const RATE = 200
const RATE_MS = 15_000
const BACKLOG = 20_000
const BATCH = 500
const LIMIT_MS = 180_000

interface Receiver {
  readonly url: string
  /** Message → the instant, ms, of its first arrival. */
  readonly arrived: Map<string, number>
  repeats: number
  onMessage: (body: string, at: number) => void
  close(): Promise<void>
}

const startReceiver = async (): Promise<Receiver> => {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const at = Date.now()
      response.writeHead(200).end()
      const id = String(request.headers['idempotency-key'])
      if (receiver.arrived.has(id)) receiver.repeats++
      else {
        receiver.arrived.set(id, at)
        receiver.onMessage(body, at)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived: new Map(),
    repeats: 0,
    onMessage: () => undefined,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  return receiver
}

const define = async (server: Server, url: string): Promise<void> => {
  await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, {
    name: 'bought',
    schema: { properties: { sent: { type: 'number' } } },
  })
  await call(server, 'POST', '/v1/distributions', server.headers, {
    name: 'bench',
    trigger: { type: 'event', event: 'bought' },
    channel: { type: 'webhook', url },
  })
}

const until = async (test: () => boolean): Promise<void> => {
  const end = Date.now() + LIMIT_MS
  while (!test()) {
    if (Date.now() > end) throw new Error(`not done within ${LIMIT_MS / 1_000} s`)
    await sleep(5)
  }
}

const env = { WEBHOOK_ALLOW_PRIVATE: 'true' }

/** Events at a fixed rate, whatever the answers; each carries the instant at which its request began. */
const steady = async (): Promise<Row[]> => {
  const receiver = await startReceiver()
  const server = await startServer(env)
  const times: number[] = []
  let isWarm = false
  receiver.onMessage = (body, at) => {
    const { sent } = (JSON.parse(body) as { data: { event: { metadata: { sent: number } } } }).data.event.metadata
    if (isWarm) times.push(at - sent)
  }
  try {
    await define(server, receiver.url)
    const pace = async (ms: number): Promise<number> => {
      const began = performance.now()
      const pending: Promise<unknown>[] = []
      let n = 0
      while (performance.now() - began < ms) {
        for (const due = Math.floor(((performance.now() - began) * RATE) / 1_000); n < due; n++)
          pending.push(
            call(server, 'POST', '/v1/events', server.headers, {
              event: 'bought',
              customer: { source_id: `steady-${n % 2_000}` },
              metadata: { sent: Date.now() },
            }),
          )
        await sleep(2)
      }
      await Promise.all(pending)
      return n
    }
    let sent = await pace(3_000)
    await until(() => receiver.arrived.size >= sent)
    isWarm = true
    sent += await pace(RATE_MS)
    await until(() => receiver.arrived.size >= sent)
    return delayRows(`from the request to the receiver, ${RATE}/s`, times, { p99: 200 })
  } finally {
    await server.stop()
    await receiver.close()
  }
}

/** A backlog made while nothing is sent, then a server over the same directory that sends. */
const drain = async (dir: string): Promise<Row[]> => {
  const receiver = await startReceiver()
  const data = `${dir}/drain`
  const maker = await startServer({ ...env, DELIVERY: 'off' }, data)
  try {
    await define(maker, receiver.url)
    for (let from = 0; from < BACKLOG; from += BATCH)
      await call(maker, 'POST', '/v1/events/batch', maker.headers, {
        events: Array.from({ length: BATCH }, (_, i) => ({
          event: 'bought',
          customer: { source_id: `drain-${(from + i) % 10_000}` },
          metadata: { sent: 0 },
        })),
      })
  } finally {
    await maker.stop()
  }
  const sender = await startServer(env, data)
  try {
    await until(() => receiver.arrived.size >= BACKLOG)
    const all = [...receiver.arrived.values()].sort((a, b) => a - b)
    const seconds = (all[all.length - 1]! - all[0]!) / 1_000
    return [
      { name: `drain of ${BACKLOG} webhooks`, value: BACKLOG / seconds, unit: 'messages/s', target: '≥ 500' },
      { name: 'drain, received twice', value: receiver.repeats, unit: 'messages', target: '0' },
    ]
  } finally {
    await sender.stop()
    await receiver.close()
  }
}

/** Needs a directory of its own; gives the figures of both. */
export const benchDelivery = async (dir: string): Promise<Row[]> => [...(await steady()), ...(await drain(dir))]
