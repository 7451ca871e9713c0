// Outages: a steady stream of events while a server is killed. How soon after the server is back an event is acknowledged again, and
// what processor time the node takes meanwhile.
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { call, type Row, type Server, startProcess, startServer } from './harness.ts'
import { spent } from './threads.ts'

const PER_SECOND = 50
/** How long both servers are gone, and how long is looked afterwards, ms. */
const GONE_MS = 5_000
const AFTER_MS = 5_000
const LIMIT_MS = 60_000

const schema = { name: 'bought', schema: { properties: { amount: { type: 'number' } } } }

interface Servers {
  readonly eventStore: string
  readonly mongodb: string
  readonly child: ChildProcess
}

const startServers = async (dir: string, ports = ['0', '0']): Promise<Servers> => {
  const { child, match } = await startProcess(
    ['dist/cli.js', 'engines', '--data', dir, '--eventstore-port', ports[0]!, '--mongodb-port', ports[1]!],
    {},
    /(esdb:\/\/\S+)[\s\S]*(mongodb:\/\/\S+)/,
  )
  return { eventStore: match[1]!, mongodb: match[2]!, child }
}

const portOf = (url: string): string => new URL(url).port

/** The process that holds an engine's directory. */
const processOf = (dir: string): number => {
  const lock = readdirSync(dir).find((name) => name.startsWith('lock.') && name !== 'lock.mdb')
  return JSON.parse(readFileSync(join(dir, lock!), 'utf8')).pid
}

/** Sends events at a steady rate until it is stopped; knows when each was acknowledged. */
const stream = (server: Server) => {
  const acknowledged: number[] = []
  let running = true
  let n = 0
  const sent: Promise<void>[] = []
  const send = async (): Promise<void> => {
    const event = { event: 'bought', customer: { source_id: `outage-${n++ % 500}` }, metadata: { amount: n } }
    try {
      await call(server, 'POST', '/v1/events', server.headers, event)
      acknowledged.push(performance.now())
    } catch {
      // That it is refused meanwhile is what is measured.
    }
  }
  const all = (async () => {
    while (running) {
      sent.push(send())
      await sleep(1_000 / PER_SECOND)
    }
    await Promise.all(sent)
  })()
  return {
    /** When the first event was acknowledged of those sent after `since`; by performance.now(). */
    firstAfter: async (since: number): Promise<number> => {
      for (const end = performance.now() + LIMIT_MS; performance.now() < end; await sleep(10)) {
        const found = acknowledged.find((at) => at > since)
        if (found !== undefined) return found
      }
      throw new Error(`no event was acknowledged within ${LIMIT_MS} ms`)
    },
    stop: () => {
      running = false
      return all
    },
  }
}

/** From `down` to some time after the server was back; `down` resolves with the moment at which it is. */
const outage = async (server: Server, name: string, down: () => Promise<number>): Promise<Row[]> => {
  const events = stream(server)
  await events.firstAfter(performance.now())
  const calmFrom = spent(server.pid)
  const calm = performance.now()
  await sleep(AFTER_MS)
  const calmShare = (spent(server.pid).all - calmFrom.all) / (performance.now() - calm) / 1_000
  const before = spent(server.pid)
  const began = performance.now()
  const back = await down()
  const first = await events.firstAfter(back)
  await sleep(AFTER_MS)
  const share = (spent(server.pid).all - before.all) / (performance.now() - began) / 1_000
  await events.stop()
  return [
    { name: `${name}: back to first event`, value: (first - back) / 1_000, unit: 's', target: '≤ 3' },
    { name: `${name}: processors in use, over those in calm`, value: share / calmShare, unit: '×' },
  ]
}

/** Kills an engine, which is started anew by itself; what is asked meanwhile tells when it is there. */
const killed = (dir: string) => async (): Promise<number> => {
  const before = processOf(dir)
  process.kill(before, 'SIGKILL')
  for (;;) {
    await sleep(10)
    try {
      if (processOf(dir) !== before) return performance.now()
    } catch {
      // Between the two nobody holds it.
    }
  }
}

export const benchOutage = async (dir: string): Promise<readonly Row[]> => {
  let servers = await startServers(dir)
  const server = await startServer({ EVENTSTORE_URL: servers.eventStore, MONGODB_URL: servers.mongodb })
  try {
    await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, schema)
    const ports = [portOf(servers.eventStore), portOf(servers.mongodb)]
    const both = async () => {
      servers.child.kill('SIGKILL')
      await sleep(GONE_MS)
      servers = await startServers(dir, ports)
      return performance.now()
    }
    return [
      ...(await outage(server, 'event store killed', killed(join(dir, 'events')))),
      ...(await outage(server, 'document store killed', killed(join(dir, 'documents')))),
      ...(await outage(server, `both gone for ${GONE_MS / 1_000} s`, both)),
    ]
  } finally {
    await server.stop()
    servers.child.kill('SIGTERM')
  }
}
