// What should not happen and does: damaged files, a full disk, two processes on a directory, rubbish on the port, connections
// that do nothing. Each ends in a clear error or a clean close; the server lives and what it acknowledged stays.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as es from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startEventLog } from '../../../src/engines/eventlog/index.ts'
import { listen } from '../../../src/engines/eventlog/server.ts'
import { framed } from '../../../src/engines/eventlog/wire/framing.ts'
import { bool, message, string } from '../../../src/engines/eventlog/wire/protobuf.ts'
import fc from '../../fc.ts'
import { program } from '../../program.ts'
import { times } from '../../soak.ts'
import { collect, errorOf, event, streamName, until } from './toolkit.ts'

const root = mkdtempSync(join(tmpdir(), 'tributary-misuse-'))
const children: ChildProcess[] = []
let made = 0
const newDir = () => join(root, String(made++))

const test = suite('event log that is misused')
test.after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(root, { recursive: true, force: true })
})

const clientOf = (url: string) => es.EventStoreDBClient.connectionString(url)
const filler = 'x'.repeat(2_000)

/** A log with `count` events in stream `s`, closed. */
const madeLog = async (count: number): Promise<string> => {
  const dir = newDir()
  const log = await startEventLog({ access: 'open', dir })
  const client = clientOf(log.url)
  const proposed = Array.from({ length: count }, () => event('T', { filler }))
  await client.appendToStream('s', proposed)
  await client.dispose()
  await log.stop()
  return dir
}

const spawnServer = async (
  dir: string,
  ...rest: readonly string[]
): Promise<{ readonly child: ChildProcess; readonly url: string; readonly errors: () => string }> => {
  const child = spawn(process.execPath, [...program(import.meta.dirname, 'serverProcess.ts'), dir, '0', ...rest], {
    stdio: 'pipe',
  })
  children.push(child)
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += String(chunk)
  })
  const url = await Promise.race([
    once(child.stdout, 'data').then(([chunk]) => String(chunk).trim()),
    once(child, 'exit').then(() => ''),
  ])
  return { child, url, errors: () => errors }
}

test('a data file that is cut off, replaced, emptied or gone is refused with its name, and left as it is', async () => {
  const whole = await madeLog(300)
  const { size } = statSync(join(whole, 'data.mdb'))
  const damages: readonly (readonly [string, (file: string) => void])[] = [
    ['cut by a page', (file) => truncateSync(file, size - 4_096)],
    ['cut in half', (file) => truncateSync(file, size / 2)],
    ['cut to its head', (file) => truncateSync(file, 8_192)],
    ['cut in its head', (file) => truncateSync(file, 5_000)],
    ['cut to nothing', (file) => truncateSync(file, 0)],
    ['replaced', (file) => writeFileSync(file, Buffer.alloc(size, 'rubbish'))],
    ['gone', (file) => rmSync(file)],
  ]
  for (const [how, damage] of damages) {
    const dir = newDir()
    cpSync(whole, dir, { recursive: true })
    damage(join(dir, 'data.mdb'))
    const error = await errorOf(startEventLog({ access: 'open', dir }))
    assert.match(error.message, `the event log in ${dir} is damaged: data.mdb`, how)
    assert.not.ok(
      readdirSync(dir).some((name) => name.startsWith('lock.') && name !== 'lock.mdb'),
      how,
    )
  }
  const log = await startEventLog({ access: 'open', dir: whole })
  const client = clientOf(log.url)
  assert.is((await collect(client.readStream('s'))).length, 300)
  await client.dispose()
  await log.stop()
})

test('a log of another layout is refused', async () => {
  const dir = await madeLog(1)
  writeFileSync(join(dir, 'event-log.json'), '{"layout":99}')
  assert.match((await errorOf(startEventLog({ access: 'open', dir }))).message, 'has layout 99; this program reads 1')
})

test('a port that is taken is said so, and the directory is free again', async () => {
  const first = await startEventLog({ access: 'open', dir: newDir() })
  const dir = newDir()
  assert.match((await errorOf(startEventLog({ access: 'open', dir, port: first.port }))).message, 'EADDRINUSE')
  await (await startEventLog({ access: 'open', dir })).stop()
  await first.stop()
})

/** Appends until one is refused; the server must go on reading, and writing when there is room again. */
const fill = async (url: string, makeRoom: () => Promise<void>, message: RegExp): Promise<void> => {
  const client = clientOf(url)
  const stored: string[] = []
  let refused: (Error & { type?: string }) | undefined
  while (refused === undefined) {
    const proposed = Array.from({ length: 20 }, () => event('T', { filler }))
    await client.appendToStream('s', proposed).then(
      () => stored.push(...proposed.map(({ id }) => id)),
      (error: Error) => {
        refused = error
      },
    )
  }
  assert.match(refused.message, message)
  const found = (await collect(client.readStream('s'))).map(({ event }) => event?.id ?? '')
  assert.equal(found, stored)
  await makeRoom()
  const one = event()
  const expectedRevision = BigInt(stored.length - 1)
  await until(
    () =>
      client.appendToStream('s', one, { expectedRevision }).then(
        ({ nextExpectedRevision }) => Number(nextExpectedRevision) === stored.length,
        () => false,
      ),
    'written again',
  )
  await client.dispose()
}

test('a log at its limit refuses appends and serves reads; with a higher limit it goes on', async () => {
  const dir = newDir()
  let log = await startEventLog({ access: 'open', dir, maxBytes: 2_000_000 })
  const { port } = log
  await fill(
    log.url,
    async () => {
      await log.stop()
      log = await startEventLog({ access: 'open', dir, port, maxBytes: 20_000_000 })
    },
    /the event log is full/,
  )
  await log.stop()
})

test('a full disk refuses appends and serves reads; with room again it goes on', async () => {
  const disk = newDir()
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk], { stdio: 'ignore' })
  } catch {
    // Only who may mount can have a small disk; elsewhere the limit above stands for it.
    return
  }
  const ballast = join(disk, 'ballast')
  writeFileSync(ballast, Buffer.alloc(2_000_000))
  try {
    const { child, url } = await spawnServer(join(disk, 'log'))
    await fill(url, async () => rmSync(ballast), /the event log could not be written/)
    child.kill('SIGTERM')
    await once(child, 'exit')
  } finally {
    execFileSync('umount', ['-l', disk])
  }
})

test('a second process on the same directory is refused with the first named; killed, it is replaced at once', async () => {
  const dir = newDir()
  const first = await spawnServer(dir)
  const client = clientOf(first.url)
  await client.appendToStream('s', event())
  const second = await spawnServer(dir)
  assert.is(second.url, '')
  assert.match(second.errors(), `${dir} is in use by process ${first.child.pid}`)
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const third = await spawnServer(dir)
  const again = clientOf(third.url)
  assert.is((await collect(again.readStream('s'))).length, 1)
  third.child.kill('SIGKILL')
  await Promise.all([client.dispose(), again.dispose()])
})

test('rubbish on the port, before and after a preface, ends its own connection only', async () => {
  const log = await startEventLog({ access: 'open', dir: newDir() })
  const client = clientOf(log.url)
  await client.appendToStream('s', event())
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
  const send = async (bytes: Buffer) => {
    const socket = connect(log.port, '127.0.0.1')
    socket.on('error', () => {})
    const closed = once(socket, 'close').catch(() => {})
    await once(socket, 'connect').catch(() => {})
    socket.end(bytes)
    socket.resume()
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 200))])
    socket.destroy()
  }
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 400 }),
      fc.constantFrom(0, 1, 2, 3),
      async (bytes, how) => {
        const rubbish = Buffer.from(bytes)
        const framed = Buffer.concat([Buffer.from([0, 0, rubbish.length & 0xff]), rubbish])
        const before = [Buffer.alloc(0), preface, Buffer.concat([preface, settings]), Buffer.from('GET / HTTP/1.1\r\n')]
        await send(Buffer.concat([before[how]!, how === 2 ? framed : rubbish]))
      },
    ),
    { numRuns: times(40, 1_000), includeErrorInReport: true },
  )
  // A call with rubbish for a message, to every method.
  const session = connectHttp2(`http://127.0.0.1:${log.port}`)
  const methods = ['Read', 'Append', 'BatchAppend', 'Delete', 'Tombstone'].map((m) => `streams.Streams/${m}`)
  for (const method of [...methods, 'gossip.Gossip/Read', 'nothing.Nothing/Nothing']) {
    const call = session.request({
      ':method': 'POST',
      ':path': `/event_store.client.${method}`,
      'content-type': 'application/grpc',
    })
    const statuses: unknown[] = []
    call.on('response', (headers) => void statuses.push(headers['grpc-status']))
    call.on('trailers', (headers) => void statuses.push(headers['grpc-status']))
    call.end(Buffer.concat([Buffer.from([0, 0, 0, 0, 4]), Buffer.from([0x0a, 0xff, 0xff, 0x01])]))
    call.resume()
    await once(call, 'close')
    assert.ok(statuses.some((status) => status !== undefined))
  }
  session.close()
  await client.appendToStream('s', event())
  assert.is((await collect(client.readStream('s'))).length, 2)
  await client.dispose()
  await log.stop()
})

test('1,000 idle connections and half-open ones: others are served, and stopping is quick', async () => {
  const { child, url } = await spawnServer(newDir())
  const { port } = new URL(url.replace('esdb:', 'http:'))
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')
  const sockets: Socket[] = []
  for (let i = 0; i < 1_000; i++) {
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
    // Four kinds: silent, half a preface, a whole one, half an HTTP/1.1 request.
    if (i % 4 > 0) socket.write([preface.subarray(0, 10), preface, Buffer.from('GET /inf')][(i % 4) - 1]!)
  }
  const client = clientOf(url)
  const stream = streamName()
  for (let i = 0; i < 20; i++) await client.appendToStream(stream, event())
  assert.is((await collect(client.readStream(stream))).length, 20)
  child.kill('SIGTERM')
  await once(child, 'exit')
  for (const socket of sockets) socket.destroy()
  await client.dispose()
})

test('a connection whose other side has vanished is ended; one that answers pings is not', async () => {
  const server = await listen({
    host: '127.0.0.1',
    port: 0,
    pingMs: 40,
    onCall: (call) => call.finish(),
    onHttp: (_, response) => response.end(),
  })
  const session = connectHttp2(`http://127.0.0.1:${server.port}`)
  await once(session, 'connect')
  const silent = connect(server.port, '127.0.0.1')
  silent.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1'))
  silent.resume()
  await once(silent, 'close')
  assert.is(session.closed, false)
  session.close()
  await server.close(100)
})

test('a client that sends appends and takes no answers is not listened to without end', async () => {
  const log = await startEventLog({ access: 'open', dir: newDir() })
  const session = connectHttp2(`http://127.0.0.1:${log.port}`, { settings: { initialWindowSize: 0 } })
  const call = session.request({
    ':method': 'POST',
    ':path': '/event_store.client.streams.Streams/BatchAppend',
    'content-type': 'application/grpc',
  })
  call.on('error', () => {})
  const uuid = (text: string) => message(1, string(2, text))
  const chunk = () =>
    framed(
      Buffer.concat([
        uuid(randomUUID()),
        message(2, message(1, string(3, 's'.repeat(900))), message(4)),
        message(
          3,
          uuid(randomUUID()),
          message(2, string(1, 'type'), string(2, 'T')),
          message(2, string(1, 'content-type'), string(2, 'x')),
        ),
        bool(4, true),
      ]),
    )
  let sent = 0
  let stalled = false
  while (sent < 20_000 && !stalled) {
    sent++
    if (call.write(chunk())) continue
    stalled = await Promise.race([
      once(call, 'drain').then(() => false),
      new Promise<boolean>((resolve) => setTimeout(resolve, 1_000, true)),
    ])
  }
  assert.ok(stalled, `${sent} appends were taken`)
  const client = clientOf(log.url)
  await client.appendToStream('other', event())
  session.destroy()
  await client.dispose()
  await log.stop()
})

test('a request in single bytes is understood', async () => {
  const log = await startEventLog({ access: 'open', dir: newDir() })
  const socket = connect(log.port, '127.0.0.1')
  socket.setNoDelay(true)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += String(chunk)
  })
  for (const byte of Buffer.from('PUT /info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')) {
    socket.write(Buffer.from([byte]))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await once(socket, 'close')
  assert.match(answer, 'HTTP/1.1 404')
  await log.stop()
})

test('what is in flight when the server stops is answered, and is there afterwards', async () => {
  const dir = newDir()
  const log = await startEventLog({ access: 'open', dir })
  const client = clientOf(log.url)
  await client.appendToStream('s', event())
  const proposed = Array.from({ length: 64 }, () => event())
  const answers = Promise.allSettled(proposed.map((one) => client.appendToStream('s', one)))
  await new Promise((resolve) => setTimeout(resolve, 3))
  await log.stop()
  const settled = await answers
  const acknowledged = proposed.filter((_, i) => settled[i]!.status === 'fulfilled').map(({ id }) => id)
  for (const one of settled) {
    // Cancelled where it had arrived and was not carried out, unavailable where it found no server any more.
    if (one.status === 'rejected') assert.ok([1, 14].includes((one.reason as { readonly code?: number }).code ?? 0))
  }
  const again = await startEventLog({ access: 'open', dir })
  const other = clientOf(again.url)
  const found = new Set((await collect(other.readStream('s'))).map(({ event }) => event?.id))
  assert.ok(acknowledged.every((id) => found.has(id)))
  await Promise.all([client.dispose(), other.dispose()])
  await again.stop()
})

test.run()
