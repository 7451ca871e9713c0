// Imports into a whole server that is killed in the middle: every line once, whatever happened on the way.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Connection } from '../../src/import/client.ts'
import { type ImportOptions, type Report, runImport } from '../../src/import/run.ts'
import type { GeneratedKey } from '../../src/keys.ts'
import { end, type Served, START_MS, serve } from '../served.ts'
import { times } from '../soak.ts'

/** A batch is a sixteenth of the file. */
const LINES = times(480, 4_000)
const CUSTOMERS = times(60, 170)
/** On servers that other tests use too, only this run's events count. */
const EVENT = `purchase ${Date.now().toString(36)}`

const dir = mkdtempSync(join(tmpdir(), 'tributary-import-node-'))
const file = join(dir, 'purchases.csv')
let server: Served | undefined

const start = (port: string): Promise<Served> => serve(dir, port, { MONGODB_DATABASE: 'test_import_node' })

const connection = (role: string): Connection => {
  const keys = JSON.parse(readFileSync(join(dir, 'keys.json'), 'utf8')) as GeneratedKey[]
  const { appId, token } = keys.find((key) => key.role === role)!
  return { url: server!.url, appId, token }
}

const runs = (more: Partial<ImportOptions>): Promise<Report> =>
  runImport({
    file,
    format: 'csv',
    delimiter: ',',
    mapping: { event: EVENT, customer: 'household', occurred_at: 'at', metadata: { amount: 'money' }, rest: true },
    connection: connection('integrator'),
    schemaConnection: connection('admin'),
    dryRun: false,
    refusedPath: join(dir, 'refused.ndjson'),
    inFlight: 4,
    batchSize: LINES / 16,
    retryForMs: START_MS,
    signal: new AbortController().signal,
    ...more,
  })

/** Calls back once, when so many events are dealt with. */
const at = (events: number, then: () => void): ImportOptions['onProgress'] => {
  let done = false
  return ({ recorded, repeated }) => {
    if (done || recorded + repeated < events) return
    done = true
    then()
  }
}

const ask = async (method: string, path: string, body?: unknown, token?: string) => {
  const { url, appId, token: secret } = connection('integrator')
  return fetch(url + path, {
    method,
    headers: {
      'X-App-Id': appId,
      'X-App-Token': secret,
      'Content-Type': 'application/json',
      ...(token === undefined ? {} : { 'Consistency-Token': token, Prefer: 'wait=10' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** What the read side counts after everything that was recorded before: a last event's token says when it is there. */
const counted = async (): Promise<unknown> => {
  const probe = { event: EVENT, customer: { source_id: 'h0' }, id: 'probe', metadata: {} }
  const sent = await ask('POST', '/v1/events', probe)
  assert.is(sent.status, 200, await sent.clone().text())
  const token = sent.headers.get('consistency-token') ?? undefined
  const until = Date.now() + START_MS
  for (;;) {
    const answer = await ask('GET', `/v1/events/count?event=${encodeURIComponent(EVENT)}`, undefined, token)
    if (answer.status === 200 || Date.now() > until) return answer.json()
    await sleep(50) // a server that has just started is still reading its log
  }
}

const test = suite('import into a server')
test.before(async () => {
  const lines = Array.from({ length: LINES }, (_, i) => {
    const time = new Date(Date.UTC(2017, 0, 1) + i * 60_000).toISOString()
    return `h${(i * 7) % CUSTOMERS},${time},${i % 40},${i % 9}.${i % 10}`
  })
  writeFileSync(file, `household,at,basket,amount\n${lines.join('\n')}\n`)
  server = await start('0')
})
test.after(async () => {
  if (server && server.child.exitCode === null) await end(server, 'SIGTERM')
  rmSync(dir, { recursive: true })
})

test('killed in the middle, started again, run again: exactly the lines of the file', async () => {
  const { port } = new URL(server!.url)

  // Nobody waits for the server that dies: the import ends and says so.
  const first = await runs({ retryForMs: 0, onProgress: at(LINES / 4, () => server!.child.kill('SIGKILL')) })
  assert.is(first.ended.kind, 'failed')
  assert.ok(first.recorded >= LINES / 4 && first.recorded < LINES, `${first.recorded}`)
  server = await start(port)

  // The next one waits for the server that dies under it, and goes on by itself.
  let restarted: Promise<Served> | undefined
  const second = await runs({
    onProgress: at((LINES * 5) / 8, () => {
      restarted = end(server!, 'SIGKILL').then(() => start(port))
    }),
  })
  server = await restarted!
  assert.is(second.ended.kind, 'complete')
  assert.is(second.recorded + second.repeated, LINES)
  assert.ok(second.repeated >= first.recorded)

  const third = await runs({})
  assert.equal([third.recorded, third.repeated, third.refused], [0, LINES, 0])
  assert.equal(await counted(), { object: 'count', events: LINES + 1 })
})

test('the server stops in order when it is told to', async () => {
  await end(server!, 'SIGTERM')
  assert.is(server!.child.exitCode, 0)
})

test.run()
