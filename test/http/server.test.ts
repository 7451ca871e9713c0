// The listening server: what only shows on a real connection: chunked and slow bodies, garbage, drain.
import { connect } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { route } from '../../src/http/route.ts'
import { type Running, type ServeOptions, serve } from '../../src/http/server.ts'
import { errorOf, json, serverKey, type Toy, toyApp, toyRoutes } from './toy.ts'

const running: Running[] = []

const start = async (toy: Toy, options: Partial<ServeOptions> = {}): Promise<Running> => {
  const server = await serve(toy.app, { port: 0, host: '127.0.0.1', ...options })
  running.push(server)
  return server
}

test.after.each(async () => {
  for (const server of running.splice(0)) await server.close(0)
})

const goodEvent = JSON.stringify({ event: 'review_left', customer: { source_id: 'ada' } })

const head = (extra: readonly string[], path = '/v1/events', method = 'POST'): string =>
  [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    ...Object.entries({ ...serverKey('integrator'), ...json }).map(([name, value]) => `${name}: ${value}`),
    ...extra,
    '',
    '',
  ].join('\r\n')

interface Raw {
  readonly status: number
  readonly headers: string
  readonly body: string
}

/** Sends text over a fresh connection and reads until the server ends it, or `enough` has been received. */
const talk = (port: number, send: readonly string[], enough?: RegExp): Promise<Raw> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the server did not end the connection; received: ${received.slice(0, 500)}`))
    }, 10_000)
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      const split = received.indexOf('\r\n\r\n')
      const headers = received.slice(0, split)
      resolve({ status: Number(headers.split(' ')[1]), headers, body: received.slice(split + 4) })
    }
    socket.setEncoding('utf8')
    socket.on('connect', () => {
      for (const text of send) socket.write(text)
    })
    socket.on('data', (text: string) => {
      received += text
      if (enough?.test(received) === true) done()
    })
    socket.on('end', done)
    socket.on('error', (error) => (received === '' ? reject(error) : done()))
  })

const errorIn = (raw: Raw) => errorOf(new Response(raw.body, { status: raw.status }))

/** The server must still answer a good request. */
const alive = async (server: Running): Promise<void> => {
  const res = await fetch(`${server.url}/v1/events`, {
    method: 'POST',
    headers: { ...serverKey('integrator'), ...json },
    body: goodEvent,
  })
  assert.is(res.status, 200)
  assert.is(((await res.json()) as { type: string }).type, 'review_left')
}

test('a request over TCP is answered as in memory', async () => {
  const server = await start(toyApp())
  await alive(server)
  const missing = await fetch(`${server.url}/v1/customers/missing`, { headers: serverKey('reader') })
  assert.is((await errorOf(missing)).resource_id, 'missing')
})

test('a chunked body is read; one over the limit is refused before it ends', async () => {
  const toy = toyApp()
  const server = await start(toy)
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
  const good = await talk(server.port, [
    head(['Transfer-Encoding: chunked', 'Connection: close']),
    chunk(goodEvent.slice(0, 10)),
    chunk(goodEvent.slice(10)),
    '0\r\n\r\n',
  ])
  assert.is(good.status, 200)
  // 1.5 MiB and no end: the answer must come without one.
  const endless = await talk(
    server.port,
    [head(['Transfer-Encoding: chunked']), ...Array.from({ length: 24 }, () => chunk('x'.repeat(65_536)))],
    /"request_id":"v-[0-9a-f]{18}"\}/,
  )
  assert.is(endless.status, 413)
  await errorIn(endless)
  assert.is(toy.seen.length, 1)
  await alive(server)
})

test('a declared length over the limit is refused without the body', async () => {
  const server = await start(toyApp())
  const raw = await talk(server.port, [head([`Content-Length: ${1024 ** 3}`])], /"request_id":"v-[0-9a-f]{18}"\}/)
  assert.is(raw.status, 413)
  await errorIn(raw)
  await alive(server)
})

test('a body that does not arrive gets 408', async () => {
  const toy = toyApp({ requestTimeLimitMs: 100 })
  const server = await start(toy)
  const raw = await talk(server.port, [head(['Content-Length: 100']), '{"event":'], /"request_id":"v-[0-9a-f]{18}"\}/)
  assert.is(raw.status, 408)
  assert.is((await errorIn(raw)).key, 'request_timeout')
  assert.equal(toy.seen, [])
  await alive(server)
})

test('headers that do not arrive get 408', async () => {
  const server = await start(toyApp(), { headersTimeoutMs: 50, receiveTimeoutMs: 100 })
  const raw = await talk(server.port, ['POST /v1/events HTTP/1.1\r\nHost: x\r\n'])
  assert.is(raw.status, 408)
  await errorIn(raw)
  await alive(server)
})

test('a connection that breaks inside a body harms nobody', async () => {
  const toy = toyApp()
  const server = await start(toy)
  await new Promise<void>((resolve) => {
    const socket = connect(server.port, '127.0.0.1', () => {
      socket.write(`${head(['Content-Length: 100'])}{"event":`, () => {
        socket.destroy()
        resolve()
      })
    })
  })
  await alive(server)
  assert.is(toy.seen.length, 1)
})

test('garbage gets 400 with the error body, never silence', async () => {
  const server = await start(toyApp())
  const cases: readonly (readonly [string, number])[] = [
    ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['hello\r\n\r\n', 400],
    ['GET / HTTP/9.9\r\n\r\n', 400],
    ['GET /v1/customers HTTP/1.1\r\n\r\n', 400],
    ['GET /v1/customers HTTP/1.1\r\nHost: bad host\r\nConnection: close\r\n\r\n', 400],
    ['GET http:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
    ['OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
    [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    [head(['Content-Length: 5', 'Transfer-Encoding: chunked']), 400],
    [head(['Content-Length: -5']), 400],
    [`${head(['Transfer-Encoding: chunked'])}zz\r\n`, 400],
    [head(['Connection: close'], '/v1/events', 'TRACE'), 405],
    [`${head(['Expect: miracles', 'Connection: close', 'Content-Length: 2'])}{}`, 400],
  ]
  for (const [text, status] of cases) {
    const raw = await talk(server.port, [text])
    assert.is(raw.status, status, text.slice(0, 60))
    await errorIn(raw)
  }
  await alive(server)
})

test('garbage after a good request does not take its answer away', async () => {
  const server = await start(toyApp())
  const raw = await talk(server.port, [
    `${head([`Content-Length: ${goodEvent.length}`])}${goodEvent}garbage without end\r\n\r\n`,
  ])
  assert.is(raw.status, 200)
  assert.match(raw.body, /review_left/)
})

test('a trailing slash and an encoded id arrive as sent', async () => {
  const server = await start(toyApp())
  const res = await fetch(`${server.url}/v1/customers/a%2Fb%20%40c/`, { headers: serverKey('reader') })
  assert.equal(await res.json(), { id: 'a/b @c' })
})

/** A route that answers when told. */
const gated = () => {
  let open: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  let entered: () => void = () => undefined
  const inside = new Promise<void>((resolve) => {
    entered = resolve
  })
  const slow = route({
    method: 'get',
    path: '/v1/slow',
    summary: 'Waits',
    tag: 't',
    permission: 'customers.read',
    handler: async () => {
      entered()
      await gate
      return { body: { done: true } }
    },
  })
  return { slow, open, inside }
}

test('drain: running requests finish, new connections are refused, idle ones are closed', async () => {
  const { slow, open, inside } = gated()
  const server = await start(toyApp({}, [...toyRoutes(), slow]))
  await alive(server)
  const pending = fetch(`${server.url}/v1/slow`, { headers: serverKey('reader') })
  await inside
  assert.is(server.active(), 1)
  const idle = connect(server.port, '127.0.0.1')
  await new Promise((resolve) => idle.once('connect', resolve))
  const idleClosed = new Promise((resolve) => idle.once('close', resolve))
  idle.resume()
  // A wait for the deadline would be longer than this file may take.
  const closed = server.close(3_600_000)
  const refusal = await fetch(`${server.url}/health/live`).then(
    () => 'answered',
    () => 'refused',
  )
  assert.is(refusal, 'refused')
  open()
  const res = await pending
  assert.equal(await res.json(), { done: true })
  assert.is(res.headers.get('connection'), 'close')
  assert.is(await closed, 0)
  await idleClosed
})

test('drain: what does not finish is cut off at the deadline', async () => {
  const { slow, open, inside } = gated()
  const server = await start(toyApp({}, [slow]))
  const pending = fetch(`${server.url}/v1/slow`, { headers: serverKey('reader') }).then(
    () => 'answered',
    () => 'cut off',
  )
  await inside
  assert.is(await server.close(20), 1)
  assert.is(await pending, 'cut off')
  open()
})

test('a port that is taken is an error, not silence', async () => {
  const server = await start(toyApp())
  const second = await serve(toyApp().app, { port: server.port, host: '127.0.0.1' }).then(
    () => 'listens',
    (error: NodeJS.ErrnoException) => error.code,
  )
  assert.is(second, 'EADDRINUSE')
})

test.run()
