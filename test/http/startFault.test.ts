// Starts that fail for what an operator can mend: a sentence with what to do, no stack.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadConfig } from '../../src/config.ts'
import { builtFile } from '../../src/engines/built.ts'
import { EngineRefused } from '../../src/engines/host.ts'
import { loadKeys } from '../../src/keys.ts'
import { startFault } from '../../src/startFault.ts'
import { spawnTributary } from '../tributary.ts'

const dir = mkdtempSync(join(tmpdir(), 'tributary-start-'))
const test = suite('startFault')
test.after(() => rmSync(dir, { recursive: true }))

const settings = { host: '127.0.0.1', port: 3000, dataDir: dir }

const thrown = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

const listening = (host: string, port: number): Promise<unknown> =>
  new Promise((resolve) => {
    createServer().once('error', resolve).listen(port, host)
  })

test('a taken port, folders that cannot be written or are in use, unreadable keys and wrong settings', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const busy = startFault(await listening('127.0.0.1', port), { ...settings, port })
  other.close()
  assert.is(busy, `Port ${port} is taken by another program: stop that, or choose another port with PORT (or --port).`)
  const taken = Object.assign(new Error('listen'), { syscall: 'listen', code: 'EADDRINUSE', port: 3001 })
  assert.match(
    startFault(taken, { ...settings, pages: { metrics: 3001, docs: 'on' } })!,
    /^Port 3001 is taken.* with METRICS\.$/,
  )
  assert.match(startFault(taken, { ...settings, pages: { metrics: 3001, docs: 3001 } })!, /with METRICS and DOCS\.$/)
  assert.match(startFault(await listening('203.0.113.1', 0), settings)!, /no address 127.0.0.1.*HOST/)
  const file = join(dir, 'file')
  writeFileSync(file, '')
  for (const dataDir of [file, join(file, 'below')])
    assert.match(
      startFault(
        thrown(() => loadKeys({ dataDir })),
        { ...settings, dataDir },
      )!,
      /^\S+file\S* cannot be used: E\w+: .*choose another folder with DATA_DIR/,
    )
  // A folder that is there and in which none can be made.
  if (existsSync('/proc/self'))
    assert.match(
      startFault(
        thrown(() => loadKeys({ dataDir: '/proc/none/data' })),
        settings,
      )!,
      /cannot be used: ENOENT/,
    )
  const inUse = new EngineRefused({ message: '/d is in use by process 7', isInUse: true })
  assert.match(startFault(inUse, settings)!, /^\/d is in use by process 7\. Stop that process.*DATA_DIR/)
  mkdirSync(join(dir, 'folder'))
  for (const keysFile of [join(dir, 'folder'), join(dir, 'nothing'), file])
    assert.match(
      startFault(
        thrown(() => loadKeys({ dataDir: dir, keysFile })),
        settings,
      )!,
      /Key file .*KEYS_FILE/,
    )
  assert.match(
    startFault(
      thrown(() => loadConfig({ PORT: 'x' })),
      undefined,
    )!,
    /PORT/,
  )
  // A file that a command was given has nothing to do with the folder of data.
  const elsewhere = thrown(() => writeFileSync(join(dir, 'absent', 'export'), ''))
  for (const one of [undefined, { ...settings, dataDir: join(dir, 'data') }])
    assert.match(startFault(elsewhere, one)!, /^\S+absent\/export cannot be used: ENOENT: .*Name another place/)
  assert.is(startFault(new TypeError('x is not a function'), settings), undefined)
  assert.is(startFault('text', settings), undefined)
})

test('such a start ends with code 1 and that sentence alone', async () => {
  const { ended } = spawnTributary(['serve', '--port', '0', '--data', join(dir, 'file')])
  const { code, err } = await ended
  assert.is(code, 1)
  assert.match(err, /^\S+file cannot be used: [^\n]*\n$/)
})

test('an address that a client cannot read is named by its setting, without its password', async () => {
  for (const [setting, url, told] of [
    ['EVENTSTORE_URL', 'esdb://ann:secret@host?tls=maybe', /^EVENTSTORE_URL cannot be read: [^\n]*true or false\.\n$/],
    ['MONGODB_URL', 'mongodb://ann:secret@host:99999/', /^MONGODB_URL cannot be read: Unable to parse [^\n]*\n$/],
  ] as const) {
    const { ended } = spawnTributary(['serve', '--port', '0', '--data', join(dir, 'addresses')], {
      env: { [setting]: url, LOG_LEVEL: 'error' },
    })
    const { code, err } = await ended
    assert.is(code, 1)
    assert.match(err, told)
    assert.not.match(err, /secret/)
  }
})

test('options behind a start that reads none are refused, where they seemed to be taken', () => {
  const main = fileURLToPath(builtFile('main.js'))
  const { status, stderr } = spawnSync(process.execPath, [main, '--workers', '2'], { encoding: 'utf8' })
  assert.is(status, 1)
  assert.match(
    stderr,
    /^"--workers" is not read here: settings are environment variables .*`tributary serve` takes options\.\n$/,
  )
})

test.run()
