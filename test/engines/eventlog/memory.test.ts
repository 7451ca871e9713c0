// Reads and subscriptions stream from disk: a large log, read whole and by slow subscribers, stays within bounded memory.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as es from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { program } from '../../program.ts'
import { isSoak } from '../../soak.ts'
import { until } from './toolkit.ts'

/** Events and the size of each: in the short run fewer and larger ones, so that the log is larger than the bound as well. */
const [EVENTS, FILLER, PER_APPEND] = isSoak ? [1_000_000, 200, 500] : [16_000, 16_000, 50]
const BOUND_MB = 300
const SUBSCRIBERS = 10

const test = suite('event log memory')

test(`${EVENTS} events, read by one and by ${SUBSCRIBERS} slow subscribers, in ${BOUND_MB} MB`, async () => {
  // Only Linux says what another process holds.
  if (!existsSync('/proc/self/status')) return
  const dir = mkdtempSync(join(tmpdir(), 'tributary-memory-'))
  const start = async () => {
    const child = spawn(process.execPath, [...program(import.meta.dirname, 'serverProcess.ts'), dir, '0'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const [url] = await once(child.stdout!, 'data')
    return { child, client: es.EventStoreDBClient.connectionString(String(url).trim()) }
  }
  const writing = await start()
  const filler = Buffer.alloc(FILLER, 'x')
  for (let i = 0; i < EVENTS / PER_APPEND; i++) {
    const events = Array.from({ length: PER_APPEND }, () => es.binaryEvent({ type: 'T', data: filler }))
    await writing.client.appendToStream(`s-${i % 100}`, events)
  }
  writing.child.kill('SIGTERM')
  await once(writing.child, 'exit')

  const { child, client } = await start()
  let most = 0
  const look = () => {
    const status = readFileSync(`/proc/${child.pid}/status`, 'latin1')
    most = Math.max(most, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)
  }
  const looking = setInterval(look, 20)
  let count = 0
  for await (const _ of client.readAll()) count++
  assert.ok(count >= EVENTS)

  const subscriptions = Array.from({ length: SUBSCRIBERS }, () => client.subscribeToAll())
  const seen = subscriptions.map(() => 0)
  for (const [i, subscription] of subscriptions.entries()) {
    // They end with the server, at the end of the test.
    subscription.on('error', () => {})
    subscription.on('data', () => {
      seen[i]!++
      if (seen[i]! % 20 > 0) return
      subscription.pause()
      setTimeout(() => subscription.resume(), 5 + i)
    })
  }
  const enough = Math.min(EVENTS / 100, 2_000)
  await until(() => seen.every((n) => n >= enough), 'every subscriber got on', 60_000)
  clearInterval(looking)
  look()
  child.kill('SIGKILL')
  await once(child, 'exit')
  rmSync(dir, { recursive: true, force: true })
  console.log(`${count} events read, at most ${Math.round(most)} MB resident`)
  assert.ok(most < BOUND_MB, `${Math.round(most)} MB`)
})

test.run()
