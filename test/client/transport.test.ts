// When the client asks again, with what, and how long it waits; how it goes from page to page. No server: answers are made here.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { TributaryError } from '../../src/client/errors.ts'
import { allOf, nextQuery } from '../../src/client/pages.ts'
import { addressOf, createTransport, type Transport, type TransportOptions } from '../../src/client/transport.ts'

interface Sent {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly method: string
  readonly body: unknown
}

type Given = () => Response | Promise<Response>
const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Given =>
  () =>
    new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } })
const ok = json(200, { id: 'x' })
const away: Given = () => Promise.reject(new TypeError('fetch failed'))

/** A transport whose server gives these answers, the last one again and again. */
const served = (answers: readonly Given[], options: Partial<TransportOptions> = {}) => {
  const sent: Sent[] = []
  const waits: number[] = []
  const transport: Transport = createTransport({
    url: 'http://node.test/base/',
    appId: 'app',
    token: 'secret',
    onRetry: (_, waitMs) => waits.push(waitMs),
    async fetch(url, { headers, method, body }) {
      sent.push({ url, headers: headers as Sent['headers'], method: method!, body })
      return answers[Math.min(sent.length, answers.length) - 1]!()
    },
    ...options,
  })
  return { transport, sent, waits }
}

const failure = async (call: Promise<unknown>): Promise<TributaryError> => {
  const error = await call.then(
    () => undefined,
    (reason) => reason,
  )
  assert.instance(error, TributaryError)
  return error
}

test('a change is asked again under one key, after what Retry-After says', async () => {
  const { transport, sent, waits } = served([
    json(503, {}, { 'Retry-After': '0' }),
    away,
    json(429, {}, { 'Retry-After': '1' }),
    ok,
  ])
  const { data } = await transport.send({ method: 'POST', path: '/v1/events', body: { event: 'e' } })
  assert.equal(data, { id: 'x' })
  assert.is(sent.length, 4)
  const keys = new Set(sent.map(({ headers }) => headers['Idempotency-Key']))
  assert.is(keys.size, 1)
  assert.match([...keys][0]!, /^[0-9a-f-]{36}$/)
  assert.ok(waits[2]! >= 1_000)
  await transport.send({ method: 'POST', path: '/v1/events', body: { event: 'e' } })
  assert.not.ok(keys.has(sent[4]!.headers['Idempotency-Key']!))
  await transport.send({ method: 'PUT', path: '/v1/x', body: {}, call: { idempotencyKey: 'mine' } })
  assert.is(sent[5]!.headers['Idempotency-Key'], 'mine')
  assert.is(sent[5]!.url, 'http://node.test/base/v1/x')
})

test('what is refused is not asked again, nor is anything past its time', async () => {
  for (const status of [400, 404, 409, 422, 500]) {
    const { transport, sent } = served([json(status, { key: 'no', message: 'No', details: 'why', request_id: 'v-1' })])
    const error = await failure(transport.send({ method: 'POST', path: '/v1/x', body: {} }))
    assert.equal(
      [error.status, error.key, error.message, error.requestId, sent.length],
      [status, 'no', 'No: why', 'v-1', 1],
    )
  }
  const late = served([json(503, {}, { 'Retry-After': '3600' })])
  const error = await failure(late.transport.send({ method: 'GET', path: '/v1/x' }))
  assert.equal([error.retryAfter, late.sent.length], [3600, 1])
  const never = served([away], { retryForMs: 0 })
  assert.equal((await failure(never.transport.send({ method: 'GET', path: '/v1/x' }))).key, 'unreachable')
})

test('a try has its time, and the caller may end all of them', async () => {
  const silent = served([], {
    timeoutMs: 5,
    retryForMs: 0,
    fetch: (_, { signal }) =>
      new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason))),
  })
  assert.is((await failure(silent.transport.send({ method: 'GET', path: '/v1/x' }))).key, 'timeout')
  const stop = new AbortController()
  const { transport } = served([away], { onRetry: () => stop.abort(new Error('enough')) })
  const ended = await transport
    .send({ method: 'GET', path: '/v1/x', call: { signal: stop.signal } })
    .catch((reason) => reason)
  assert.is(ended.message, 'enough')
})

test('reads carry the newest position that was written, others do not', async () => {
  const { transport, sent } = served([
    json(200, {}, { 'Consistency-Token': '90' }),
    json(200, {}, { 'Consistency-Token': '100' }),
    json(200, {}, { 'Consistency-Token': '9' }),
    ok,
  ])
  for (let i = 0; i < 3; i++) await transport.send({ method: 'POST', path: '/v1/x', body: {} })
  await transport.send({ method: 'GET', path: '/v1/x' })
  await transport.send({ method: 'GET', path: '/v1/x', call: { consistencyToken: '', waitSeconds: 7 } })
  assert.equal(
    sent.map(({ headers }) => headers['Consistency-Token']),
    [undefined, undefined, undefined, '100', undefined],
  )
  assert.is(sent[4]!.headers.Prefer, 'wait=7')
  const off = served([json(200, {}, { 'Consistency-Token': '5' }), ok], { readYourWrites: false })
  await off.transport.send({ method: 'POST', path: '/v1/x', body: {} })
  await off.transport.send({ method: 'GET', path: '/v1/x' })
  assert.is(off.sent[1]!.headers['Consistency-Token'], undefined)
  assert.is(off.transport.consistencyToken, '5')
})

test('keys go into the headers of their kind of path', async () => {
  const { transport, sent } = served([ok], { customerToken: async () => 'jwt' })
  for (const path of ['/v1/x', '/client/v1/x', '/management/v1/x']) await transport.send({ method: 'GET', path })
  assert.equal(
    sent.map(({ headers }) => [
      headers['X-App-Id'],
      headers['X-Client-Token'],
      headers['X-Management-Id'],
      headers['X-Customer-Token'],
    ]),
    [
      ['app', undefined, undefined, undefined],
      [undefined, 'secret', undefined, 'jwt'],
      [undefined, undefined, 'app', undefined],
    ],
  )
})

test('a file goes as it is, a form as one, anything else as JSON', async () => {
  const { transport, sent } = served([ok])
  const file = new FormData()
  file.append('file', new Blob(['code\nA']), 'codes.csv')
  await transport.send({ method: 'POST', path: '/v1/x', body: file })
  await transport.send({ method: 'POST', path: '/v1/x', body: { scope: 'a b' }, isForm: true })
  await transport.send({ method: 'POST', path: '/v1/x', body: [1] })
  assert.is(sent[0]!.body, file)
  assert.equal(
    sent.map(({ headers, body }) => [headers['Content-Type'], body === file ? undefined : body]),
    [
      [undefined, undefined],
      ['application/x-www-form-urlencoded', 'scope=a+b'],
      ['application/json', '[1]'],
    ],
  )
})

test('addresses: parts are encoded, a missing one is an error, queries nest', () => {
  assert.is(addressOf('/v1/a/{id}/b/{code}', ['x/y z', 'ü']), '/v1/a/x%2Fy%20z/b/%C3%BC')
  for (const bad of [[], [''], ['.'], ['..']]) assert.throws(() => addressOf('/v1/a/{id}', bad), /id must be/)
  const query = { limit: 3, gone: undefined, created_at: { after: new Date(0) }, ids: ['a', 'b'], dry_run: true }
  assert.is(
    decodeURIComponent(addressOf('/v1/a', [], query)),
    '/v1/a?limit=3&created_at[after]=1970-01-01T00:00:00.000Z&ids[0]=a&ids[1]=b&dry_run=true',
  )
})

test('pages go on by what an answer says: cursor, last id, number', async () => {
  const query = { limit: 2, page: 1, city: 'x' }
  const two = [1, 2]
  assert.equal(nextQuery(query, { data: two, next_cursor: 'c' }, 2), { limit: 2, city: 'x', cursor: 'c' })
  assert.is(nextQuery(query, { data: two, next_cursor: null, has_more: true }, 2), undefined)
  assert.equal(nextQuery(query, { data: two, has_more: true, more_starting_after: 'i' }, 2), {
    limit: 2,
    city: 'x',
    starting_after_id: 'i',
  })
  assert.is(nextQuery(query, { data: two, has_more: false, total: 9 }, 2), undefined)
  assert.equal(nextQuery(query, { data: two, total: 3 }, 2), { limit: 2, city: 'x', page: 2 })
  assert.is(nextQuery(query, { data: two, total: 2 }, 2), undefined)
  assert.is(nextQuery(query, { data: [], total: 9 }, 2), undefined)
  // A list of the older form, of five in pages of two.
  const asked: unknown[] = []
  const ask = async ({ page = 1 }: { readonly page?: unknown }) => {
    asked.push(page)
    const at = (Number(page) - 1) * 2
    return { object: 'list', data_ref: 'things', things: [1, 2, 3, 4, 5].slice(at, at + 2), total: 5 }
  }
  const all: unknown[] = []
  for await (const one of allOf(ask, { limit: 2 })) all.push(one)
  assert.equal(
    [all, asked],
    [
      [1, 2, 3, 4, 5],
      [1, 2, 3],
    ],
  )
})

test.run()
