// A server process is killed with SIGKILL in the middle of its work, again and again: nothing acknowledged is missing, no
// append is half there, a write that is tried again is there once, and the log opens by itself.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as es from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { program } from '../../program.ts'
import { times } from '../../soak.ts'
import { collect, until } from './toolkit.ts'

const KILLS = times(4, 220)
const WRITERS = 24

const dir = mkdtempSync(join(tmpdir(), 'tributary-crash-'))
let child: ChildProcess | undefined

const test = suite('event log that is killed')
test.after(() => {
  child?.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

const startServer = async (port: number): Promise<string> => {
  child = spawn(process.execPath, [...program(import.meta.dirname, 'serverProcess.ts'), dir, String(port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [url] = await once(child.stdout!, 'data')
  return String(url).trim()
}

/** One append: `of` events that belong together. */
interface Attempt {
  readonly id: string
  readonly stream: string
  readonly events: readonly es.EventData[]
  /** Its stream is this writer's alone and this is its next revision; -1 stands for a new stream. */
  readonly expected: number | undefined
  acknowledged: number | undefined
}

const attempt = (stream: string, expected: number | undefined): Attempt => {
  const id = randomUUID()
  // Large ones fill the part of the index that is kept in memory, so that kills hit its way to disk as well.
  const of = randomInt(6) === 0 ? 300 : randomInt(1, 5)
  const events = Array.from({ length: of }, (_, index) =>
    es.jsonEvent({ type: 'Part', data: { id, index, of, filler: 'x'.repeat(of > 5 ? 0 : randomInt(0, 400)) } }),
  )
  return { id, stream, events, expected, acknowledged: undefined }
}

const perform = async (client: es.EventStoreDBClient, one: Attempt): Promise<boolean> => {
  const expectedRevision = one.expected === undefined ? es.ANY : one.expected < 0 ? es.NO_STREAM : BigInt(one.expected)
  try {
    const { nextExpectedRevision } = await client.appendToStream(one.stream, [...one.events], { expectedRevision })
    one.acknowledged = Number(nextExpectedRevision)
    return true
  } catch {
    return false
  }
}

test(`survives ${KILLS} kills`, async () => {
  const url = await startServer(0)
  const port = Number(new URL(url.replace('esdb:', 'http:')).port)
  const client = es.EventStoreDBClient.connectionString(url)
  const own = Array.from({ length: WRITERS }, () => ({ stream: `own-${randomUUID()}`, last: -1 }))
  const attempts: Attempt[] = []
  let retried = 0

  for (let kill = 0; kill < KILLS; kill++) {
    let killed = false
    const pending: Attempt[] = []
    const writing = own.map(async (writer, i) => {
      while (!killed) {
        const alone = i % 2 === 0
        const one = alone ? attempt(writer.stream, writer.last) : attempt(`shared-${i % 5}`, undefined)
        attempts.push(one)
        if (await perform(client, one)) {
          if (alone) writer.last += one.events.length
        } else if (alone) {
          pending.push(one)
          return
        }
      }
    })
    await new Promise((resolve) => setTimeout(resolve, randomInt(20, 250)))
    child!.kill('SIGKILL')
    await once(child!, 'exit')
    killed = true
    await Promise.all(writing)

    await startServer(port)
    await until(
      () =>
        client.appendToStream(`$up-${randomUUID()}`, es.jsonEvent({ type: 'Up', data: {} })).then(
          () => true,
          () => false,
        ),
      'back',
    )
    for (const one of pending) {
      // Whether it was stored or not: with the same ids and expectation it is stored once.
      assert.ok(await perform(client, one))
      const writer = own.find(({ stream }) => stream === one.stream)!
      writer.last += one.events.length
      assert.is(one.acknowledged, writer.last)
      retried++
    }
  }

  const found = new Map<string, { readonly positions: bigint[]; readonly revisions: number[]; readonly of: number }>()
  const newest = new Map<string, number>()
  let previous = -1n
  for (const { event } of await collect(client.readAll())) {
    if (event === undefined) continue
    assert.ok(event.position!.commit > previous)
    previous = event.position!.commit
    assert.is(Number(event.revision), (newest.get(event.streamId) ?? -1) + 1)
    newest.set(event.streamId, Number(event.revision))
    if (event.type !== 'Part') continue
    const { id, index, of } = event.data as { readonly id: string; readonly index: number; readonly of: number }
    const whole = found.get(id) ?? { positions: [], revisions: [], of }
    assert.is(index, whole.positions.length)
    whole.positions.push(event.position!.commit)
    whole.revisions.push(Number(event.revision))
    found.set(id, whole)
  }
  for (const { positions, of } of found.values()) assert.is(positions.length, of)
  let acknowledged = 0
  for (const one of attempts) {
    if (one.acknowledged === undefined) continue
    acknowledged++
    const whole = found.get(one.id)
    assert.ok(whole, `an acknowledged append to ${one.stream} is missing`)
    assert.is(whole.revisions.at(-1), one.acknowledged)
  }
  for (const { stream, last } of own) {
    if (last >= 0) assert.is((await collect(client.readStream(stream))).length, last + 1)
  }
  assert.ok(acknowledged > KILLS)
  console.log(`${KILLS} kills, ${acknowledged} acknowledged, ${retried} tried again, ${found.size} found`)
  await client.dispose()
})

test.run()
