// `tributary engines` as a process: both URLs, one process a directory, an orderly end however it is asked for.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CLI } from '../tributary.ts'

const DEADLINE_MS = 60_000

const test = suite<{ dir: string }>('engines')
test.before.each((context) => {
  context.dir = mkdtempSync(join(tmpdir(), 'tributary-engines-'))
})
test.after.each(({ dir }) => rmSync(dir, { recursive: true, force: true }))

interface Running {
  readonly eventStore: URL
  readonly mongodb: URL
}

const started = (child: ChildProcess): Promise<Running> =>
  new Promise((resolve, reject) => {
    let out = ''
    const late = setTimeout(() => reject(new Error(`no URLs: ${out}`)), DEADLINE_MS)
    child.stdout?.on('data', (chunk) => {
      out += chunk
      const match = /^EVENTSTORE_URL=(.+)\nMONGODB_URL=(.+)\n$/.exec(out)
      if (!match) return
      clearTimeout(late)
      resolve({ eventStore: new URL(match[1]!), mongodb: new URL(match[2]!) })
    })
  })

const listens = (port: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

test('prints both URLs and serves them; a second process on the directory is told why not; SIGTERM ends it', async ({
  dir,
}) => {
  const args = [CLI, 'engines', '--data', dir]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const { eventStore, mongodb } = await started(child)
  assert.equal([eventStore.protocol, mongodb.protocol], ['esdb:', 'mongodb:'])
  assert.ok(eventStore.password && mongodb.password)
  assert.ok(await listens(eventStore.port))
  assert.ok(await listens(mongodb.port))

  const second = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  second.stderr.on('data', (chunk) => {
    said += chunk
  })
  assert.equal((await once(second, 'close'))[0], 1)
  assert.match(said, /in use by process/)
  assert.not.match(said, /\n {4}at /, 'a message, no stack')

  child.kill('SIGTERM')
  assert.equal(await ended, [0, null])
  assert.not(await listens(mongodb.port))
})

test('started by npm, it ends when the shell between them is gone', async ({ dir }) => {
  const shell = spawn('sh', ['-c', `"$0" "$1" engines --data "$2"; true`, process.execPath, CLI, dir], {
    env: { ...process.env, npm_lifecycle_event: 'start' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { mongodb } = await started(shell)
  shell.kill('SIGKILL')
  const until = Date.now() + DEADLINE_MS
  while (await listens(mongodb.port)) {
    if (Date.now() > until) throw new Error('it is still there')
    await sleep(50)
  }
})

test.run()
