// Engines that end by themselves under load: it is said why, they are started anew, nothing acknowledged is lost, and whoever
// cannot go on ends with a code that says so.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as es from '@eventstore/db-client'
import { MongoClient } from 'mongodb'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hostEngine } from '../../src/engines/host.ts'
import { programFile } from '../program.ts'
import { runOnOwnServers } from '../skip.ts'
import { isSoak } from '../soak.ts'
import { testNode } from '../system/node.ts'
import { spawnTributary } from '../tributary.ts'
import { until } from '../until.ts'

const test = suite('the end of an engine')
const root = mkdtempSync(join(tmpdir(), 'tributary-death-'))
test.after(() => rmSync(root, { recursive: true, force: true }))

const module = pathToFileURL(programFile(import.meta.dirname, 'dyingProcess.ts'))

/** Writes until it is stopped, through whatever happens; knows what was acknowledged. */
interface Load {
  readonly acknowledged: readonly number[]
  stop(): Promise<void>
}
const LINES = 4
/** Steady, not as fast as it goes: it lasts as long as the engine's starts do. Failing is dear, for clients are made anew. */
const PAUSE_MS = 30
const FAILED_PAUSE_MS = 100

const loadOf = (write: (n: number) => Promise<unknown>): Load => {
  const acknowledged: number[] = []
  let running = true
  let n = 0
  const line = async () => {
    while (running) {
      const mine = n++
      let pauseMs = PAUSE_MS
      try {
        await write(mine)
        acknowledged.push(mine)
      } catch {
        pauseMs = FAILED_PAUSE_MS
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  const lines = Array.from({ length: LINES }, line)
  return {
    acknowledged,
    stop: async () => {
      running = false
      await Promise.all(lines)
    },
  }
}

/** Call by call, with a fresh client after each failure: what a client does about a broken connection is not looked at here. */
const APART = { credentials: { username: 'any', password: 'any' } }
const eventLoad = (url: string) => {
  let client = es.EventStoreDBClient.connectionString(url)
  const load = loadOf(async (n) => {
    const mine = client
    try {
      await mine.appendToStream(`s-${n % 10}`, es.jsonEvent({ type: 'T', data: { n } }), APART)
    } catch (error) {
      if (client === mine) client = es.EventStoreDBClient.connectionString(url)
      throw error
    }
  })
  const stored = async () => {
    const found: number[] = []
    for await (const { event } of es.EventStoreDBClient.connectionString(url).readAll())
      if (event?.type === 'T') found.push(Number((event.data as { n: number }).n))
    return found
  }
  return { load, stored, close: async () => {} }
}

const documentLoad = (url: string) => {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 2_000 })
  const things = client.db('test').collection<{ _id: number }>('things')
  const load = loadOf((n) => things.insertOne({ _id: n }, { writeConcern: { w: 'majority' } }))
  const stored = async () => (await things.find().toArray()).map(({ _id }) => _id)
  return { load, stored, close: () => client.close(true) }
}

const REASONS = {
  memory: 'lack of memory: its heap may have 256 MB',
  throw: 'an error: thrown by the test',
  exit: 'exit code 0',
} as const

/** The host's part is the same for both: the ways that cost most are gone with one of them. */
const WAYS: Readonly<Record<'events' | 'documents', readonly (keyof typeof REASONS)[]>> = {
  events: ['memory', 'throw', 'exit'],
  documents: isSoak ? ['memory', 'throw', 'exit'] : ['memory'],
}

for (const kind of ['events', 'documents'] as const) {
  test(`${kind}: by ${WAYS[kind].join(', ')}, under load; stopped in whatever state`, async () => {
    const dir = join(root, kind)
    mkdirSync(dir)
    const said: string[] = []
    const engine = await hostEngine({
      name: kind,
      module,
      options: { kind, dir },
      say: (line) => said.push(line),
      onceInMs: 0,
    })
    const die = (how: string) => {
      writeFileSync(join(dir, '.die'), how)
      renameSync(join(dir, '.die'), join(dir, 'die'))
    }
    const { load, stored, close } = kind === 'events' ? eventLoad(engine.url) : documentLoad(engine.url)
    const goesOn = async () => {
      const before = load.acknowledged.length
      await until(() => load.acknowledged.length > before + 20)
    }
    await goesOn()
    for (const how of WAYS[kind]) {
      said.length = 0
      die(how)
      await until(() => said.length === 2, Boolean, 90_000)
      assert.match(said[0]!, `has ended by ${REASONS[how]}`)
      assert.match(said[1]!, `is back at port ${engine.port}`)
      assert.is(engine.trouble(), undefined)
      await goesOn()
    }
    await load.stop()
    const found = new Set(await stored())
    assert.equal(
      load.acknowledged.filter((n) => !found.has(n)),
      [],
    )
    await close()
    if (kind === 'events') {
      die('hang')
      await until(() => !readdirSync(dir).includes('die'))
    }
    await engine.stop()
    assert.is(/did not end within/.test(said.at(-1)!), kind === 'events')
  })
}

const pidIn = (dir: string): number => {
  const lock = readdirSync(dir).find((name) => name.startsWith('lock.'))
  return JSON.parse(readFileSync(join(dir, lock!), 'utf8')).pid
}

test('a node whose engine ends is not ready, is again by itself, and has lost nothing', async () => {
  const node = await testNode()
  const track = (n: number) =>
    node.call('POST', '/v1/events', { event: 'seen', customer: { source_id: 'c' }, metadata: { n } })
  assert.is((await node.call('PUT', '/v1/event-schemas/seen', { name: 'seen', properties: {} })).status < 500, true)
  const ready = async () => (await fetch(`${node.url}/health/ready`)).status
  await until(async () => (await ready()) === 200)
  const before = await track(1)
  for (const engine of ['events', 'documents']) {
    process.kill(pidIn(join(node.dir, engine)), 'SIGKILL')
    await until(async () => (await ready()) === 503)
    await until(async () => (await ready()) === 200)
    await until(async () => (await track(2)).status === before.status)
  }
  await node.end()
})

test('`tributary engines` with one engine gone for good ends with a code that says so, and names it', async () => {
  const dir = join(root, 'cli')
  const { child, ended } = spawnTributary(['engines', '--data', dir])
  let out = ''
  child.stdout!.on('data', (chunk) => {
    out += chunk
  })
  await until(() => /MONGODB_URL=/.test(out))
  const documents = join(dir, 'documents')
  const first = pidIn(documents)
  process.kill(first, 'SIGKILL')
  await until(() => {
    try {
      return pidIn(documents) !== first
    } catch {
      return false
    }
  })
  process.kill(pidIn(documents), 'SIGKILL')
  const { code, err } = await ended
  assert.is(code, 1)
  assert.match(err, `The document store (process ${first}) has ended by signal SIGKILL. It is started anew`)
  assert.match(err, /has ended by signal SIGKILL, for the second time|could not be started anew/)
})

runOnOwnServers(test)
