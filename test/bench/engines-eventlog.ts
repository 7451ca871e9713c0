// Speed of the embedded event log through the official client, beside what LMDB and the client can do at best on this machine.

import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as es from '@eventstore/db-client'
import { open } from 'lmdb'
import { builtFile } from '../../src/engines/built.ts'
import { hostEngine } from '../../src/engines/host.ts'
import { programFile } from '../program.ts'
import type { Row } from './harness.ts'

const ONE_BY_ONE = 2_000
const IN_FLIGHT = 128
const MANY = 40_000
const STREAMS = 1_000
/** Rates are taken as the best of so many runs: what else runs on the machine only ever makes them worse. */
const RUNS = 3

const payload = {
  customer: 'cust_1234567890abcdef',
  event: 'order_paid',
  amount: 12_345,
  items: Array.from({ length: 5 }, (_, n) => ({ sku: `sku-${n}`, n })),
  note: 'x'.repeat(60),
}
const event = () => es.jsonEvent({ type: 'CustomEventTracked', data: payload, metadata: { $correlationId: 'abc' } })

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? 0
const rate = (count: number, startedAt: number): number => Math.round((count * 1000) / (performance.now() - startedAt))
const bestOf = async (run: () => Promise<number> | number): Promise<number> => {
  let best = 0
  for (let i = 0; i < RUNS; i++) best = Math.max(best, await run())
  return best
}

/** Appends with `inFlight` of them under way; per second. */
const appendRate = async (client: es.EventStoreDBClient, count: number, inFlight: number): Promise<number> => {
  let left = count
  const startedAt = performance.now()
  const writer = async () => {
    while (left-- > 0) await client.appendToStream(`many-${left % STREAMS}`, event())
  }
  await Promise.all(Array.from({ length: inFlight }, writer))
  return rate(count, startedAt)
}

const readRate = async (client: es.EventStoreDBClient): Promise<number> => {
  const startedAt = performance.now()
  let count = 0
  for await (const _ of client.readAll()) count++
  return rate(count, startedAt)
}

const catchUpRate = async (client: es.EventStoreDBClient): Promise<number> => {
  const startedAt = performance.now()
  let count = 0
  const subscription = client.subscribeToAll({ fromPosition: es.START })
  await new Promise((resolve, reject) => {
    subscription.on('data', () => count++)
    subscription.on('caughtUp', resolve)
    subscription.on('error', reject)
  })
  const perSecond = rate(count, startedAt)
  await subscription.unsubscribe()
  return perSecond
}

/** LMDB alone: 128 events of the same size a transaction, two rows each, on disk before the next one begins. */
const lmdbFigures = async (dir: string): Promise<{ readonly commits: number; readonly scan: number }> => {
  const env = open({ path: dir, maxDbs: 4, overlappingSync: false })
  const log = env.openDB<Buffer, number>('log', { encoding: 'binary' })
  const index = env.openDB<Buffer, [number, number]>('index', { encoding: 'binary' })
  const record = Buffer.alloc(Buffer.byteLength(JSON.stringify(payload)) + 250, 'x')
  const position = Buffer.alloc(8)
  let at = 0
  const commits = await bestOf(() => {
    const startedAt = performance.now()
    for (let done = 0; done < MANY; done += IN_FLIGHT) {
      env.transactionSync(() => {
        for (let i = 0; i < IN_FLIGHT; i++) {
          at++
          position.writeDoubleBE(at)
          log.putSync(at * 500, record)
          index.putSync([at % STREAMS, at], position)
        }
      })
    }
    return rate(MANY, startedAt)
  })
  const scan = await bestOf(() => {
    const startedAt = performance.now()
    let count = 0
    for (const _ of log.getRange({})) count++
    return rate(count, startedAt)
  })
  await env.close()
  return { commits, scan }
}

const ratio = (a: number, b: number): number => Math.round((a / b) * 100) / 100

/** All figures of the event log; takes about a minute. */
export const benchEventLog = async (): Promise<readonly Row[]> => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-bench-'))
  try {
    const lmdb = await lmdbFigures(join(dir, 'lmdb'))
    const engine = await hostEngine({
      name: 'event log',
      module: builtFile('eventlog-engine.js'),
      options: { dir: join(dir, 'log'), access: 'open' },
    })
    const client = es.EventStoreDBClient.connectionString(engine.url)
    await appendRate(client, 2_000, 16)

    const single: number[] = []
    for (let i = 0; i < ONE_BY_ONE; i++) {
      const startedAt = performance.now()
      await client.appendToStream(`one-${i % 50}`, event())
      single.push(performance.now() - startedAt)
    }
    const many = await bestOf(() => appendRate(client, MANY, IN_FLIGHT))
    const own: number[] = []
    const stream = `own-${randomUUID()}`
    const subscription = client.subscribeToStream(stream)
    await new Promise((resolve) => subscription.once('caughtUp', resolve))
    for (let i = 0; i < 500; i++) {
      const startedAt = performance.now()
      const seen = new Promise((resolve) => subscription.once('data', resolve))
      await client.appendToStream(stream, event())
      await seen
      own.push(performance.now() - startedAt)
    }
    await subscription.unsubscribe()
    const reads = await bestOf(() => readRate(client))
    const catchUp = await bestOf(() => catchUpRate(client))
    await client.dispose()
    await engine.stop()

    const stub = await hostEngine({
      name: 'stub',
      module: pathToFileURL(programFile(import.meta.dirname, 'cannedEventLogProcess.ts')),
      options: { events: MANY * 2, data: JSON.stringify(payload) },
    })
    const stubbed = es.EventStoreDBClient.connectionString(stub.url)
    const cannedMany = await bestOf(() => appendRate(stubbed, MANY, IN_FLIGHT))
    const cannedReads = await bestOf(() => readRate(stubbed))
    const cannedCatchUp = await bestOf(() => catchUpRate(stubbed))
    await stubbed.dispose()
    await stub.stop()

    return [
      { name: 'append, one at a time, median', value: quantile(single, 0.5), unit: 'ms', target: 'under 0.7' },
      { name: 'append, one at a time, p99', value: quantile(single, 0.99), unit: 'ms' },
      { name: `appends, ${IN_FLIGHT} in flight`, value: many, unit: '/s', target: 'at least 12,000' },
      { name: 'the same against canned answers (ceiling of the client)', value: cannedMany, unit: '/s' },
      { name: 'share of the ceiling of the client', value: ratio(many, cannedMany), unit: '' },
      { name: `LMDB, ${IN_FLIGHT} events a commit`, value: lmdb.commits, unit: '/s' },
      { name: "share of LMDB's group-commit rate", value: ratio(many, lmdb.commits), unit: '' },
      { name: 'append to own subscriber, median', value: quantile(own, 0.5), unit: 'ms', target: 'under 0.8' },
      { name: 'readAll', value: reads, unit: 'events/s', target: '60,000 or the ceiling of the client' },
      { name: 'readAll against canned answers', value: cannedReads, unit: 'events/s' },
      { name: 'readAll, share of the ceiling', value: ratio(reads, cannedReads), unit: '' },
      { name: 'catch-up', value: catchUp, unit: 'events/s', target: '60,000 or the ceiling of the client' },
      { name: 'catch-up against canned answers', value: cannedCatchUp, unit: 'events/s' },
      { name: 'catch-up, share of the ceiling', value: ratio(catchUp, cannedCatchUp), unit: '' },
      { name: 'bare LMDB scan', value: lmdb.scan, unit: 'rows/s' },
      { name: 'readAll, share of the bare scan', value: ratio(reads, lmdb.scan), unit: '' },
    ]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
