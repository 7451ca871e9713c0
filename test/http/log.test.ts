// Logs: JSON lines, none lost when the process ends by itself or is told to; and a log that cannot be written stops nothing.
import { spawn } from 'node:child_process'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { StoreUnavailable } from '../../src/eventstore/errors.ts'
import { createLogger, type LogLevel } from '../../src/log.ts'
import { createLogSink } from '../../src/logSink.ts'
import { logText } from '../../src/logText.ts'
import { ReadModelDown } from '../../src/readmodel/errors.ts'

/** Runs a program that logs, and returns its parsed lines. */
const linesOf = (program: string): Promise<readonly Record<string, unknown>[]> =>
  new Promise((resolve, reject) => {
    const source = `import { createLogger } from ${JSON.stringify(new URL('../../src/log.ts', import.meta.url).href)}\n${program}`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', reject)
    child.on('close', () =>
      resolve(
        output
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ),
    )
  })

test('lines carry time, level and fields; those below the level are left out', async () => {
  const [line, ...others] = await linesOf(
    `const log = createLogger('info'); log.debug('unseen'); log.info({ requestId: 'v-1' }, 'request')`,
  )
  assert.equal(others, [])
  assert.is(line?.level, 'info')
  assert.is(line?.requestId, 'v-1')
  assert.is(line?.msg, 'request')
  assert.match(String(line?.time), /^\d{4}-\d\d-\d\dT/)
})

test('no line is lost at the end of the process', async () => {
  const lines = await linesOf(
    `const log = createLogger('info'); for (let i = 0; i < 500; i++) log.info({ i }, 'line'); process.exit(0)`,
  )
  assert.is(lines.length, 500)
  assert.is(lines.at(-1)?.i, 499)
})

const THROWN = (code: string) => Object.assign(new Error(code), { code })

test('a device that takes nothing, or nothing now, costs lines and no more; it is said once, and forgiven', () => {
  const told: string[] = []
  let written = ''
  let fault: string | undefined
  const sink = createLogSink({
    writeSome: (bytes) => {
      if (fault !== undefined) throw THROWN(fault)
      const some = bytes.subarray(0, 5)
      written += Buffer.from(some).toString()
      return some.length
    },
    onLost: (reason) => told.push(reason),
  })
  fault = 'EAGAIN'
  sink.write('first\n')
  sink.write('second\n')
  fault = undefined
  sink.flushSync()
  assert.equal([written, sink.dropped], ['first\nsecond\n', 0])
  fault = 'ENOSPC'
  for (let i = 0; i < 3; i++) {
    sink.write('lost\n')
    sink.flushSync()
  }
  assert.equal([sink.dropped, told], [3, ['ENOSPC']])
  fault = undefined
  sink.write('again\n')
  sink.flushSync()
  assert.is(written, 'first\nsecond\nagain\n')
  fault = 'EAGAIN'
  const line = `${'x'.repeat(99_999)}\n`
  for (let i = 0; i < 60; i++) sink.write(line)
  assert.ok(sink.dropped > 10 && sink.dropped < 30, `${sink.dropped}`)
  assert.equal(told, ['ENOSPC', 'nobody reads it'])
})

/** What becomes of a process that logs far more than a pipe holds, and answers pings, while its log is not read. */
const withoutReader = (reader: 'goes' | 'stays'): Promise<{ readonly err: string; readonly code: number | null }> =>
  new Promise((resolve, reject) => {
    const source = `import { createLogger } from ${JSON.stringify(new URL('../../src/log.ts', import.meta.url).href)}
      const log = createLogger('info')
      process.on('message', (n) => {
        for (let i = 0; i < 5_000; i++) log.info({ i, text: 'x'.repeat(200) }, 'line')
        setTimeout(() => process.send(n), 300)
      })
      process.on('SIGTERM', () => log.flush(() => process.exit(0)))`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const late = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`it hangs when the reader ${reader}`))
    }, 60_000)
    let err = ''
    child.stderr!.on('data', (chunk) => {
      err += chunk
    })
    if (reader === 'goes') child.stdout!.destroy()
    child.on('message', (n) => (Number(n) < 3 ? child.send(Number(n) + 1) : child.kill('SIGTERM')))
    child.on('close', (code) => {
      clearTimeout(late)
      resolve({ err, code })
    })
    // Not read, the pipe is full soon.
    child.on('exit', () => child.stdout!.destroy())
    child.send(1)
  })

test('whoever reads the log may go away, or stop reading: the process answers, and ends when told to', async () => {
  const gone = await withoutReader('goes')
  assert.is(gone.code, 0)
  assert.is(gone.err, 'The log cannot be written (EPIPE): lines are dropped and counted.\n')
  assert.is((await withoutReader('stays')).code, 0)
})

test('on a terminal a line is text: time, level, message, fields, the stack below, nothing that steers the terminal', () => {
  const line = { level: 'warn', time: '2024-03-01T10:15:00.123Z', msg: 'slow', route: '/v1/x', n: 2, t: 'a \u001b[2J' }
  assert.is(logText(JSON.stringify(line), false), '10:15:00.123 WARN  slow route=/v1/x n=2 t="a \\u001b[2J"\n')
  const failed = { ...line, err: { type: 'Error', message: 'no', stack: 'Error: no\n  at x' } }
  assert.match(logText(JSON.stringify(failed), true), /WARN .\[0m slow.*\n {4}Error: no\n {6}at x\n$/)
  assert.is(logText('no JSON', true), 'no JSON')
})

test('what a server that is down brings about is told by the line about the server, and its consequences only to who debugs', async () => {
  const logged = (level: LogLevel) => {
    const lines: string[] = []
    const log = createLogger(level, { write: (line) => void lines.push(JSON.parse(line).level) })
    const wrapped = new Error('look failed', {
      cause: new Error('x', { cause: new ReadModelDown('the store is down') }),
    })
    for (const err of [new StoreUnavailable('the event store is down'), wrapped]) {
      log.warn({ err }, 'tried again')
      log.error({ err }, 'request failed')
    }
    log.fatal({ err: wrapped }, 'it ends')
    log.warn({ err: new StoreUnavailable('too busy', { busyMs: 5 }) }, 'tried again')
    log.warn({ err: new Error('another') }, 'tried again')
    log.warn('plain')
    return lines
  }
  assert.equal(logged('info'), ['fatal', 'warn', 'warn', 'warn'])
  assert.equal(logged('debug'), ['debug', 'debug', 'debug', 'debug', 'fatal', 'warn', 'warn', 'warn'])
})

test.run()
