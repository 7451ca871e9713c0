// Bad input, item by item: always the reference's error body, the right status, no handler called, the process alive.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readBody } from '../../src/http/body.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'
import { clientKey, errorOf, json, managementKey, serverKey, type Toy, toyApp } from './toy.ts'

const good = { event: 'review_left', customer: { source_id: 'ada' } }

const post = (
  { app }: Toy,
  body: string | Uint8Array | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
  path = '/v1/events',
) => {
  const init = { method: 'POST', headers: { ...serverKey('integrator'), ...json, ...headers }, body }
  return app.request(path, { ...init, duplex: 'half' })
}

/** Sends a body and expects this refusal; returns its details. */
const refused = async (body: string | Uint8Array, status: number, key: string): Promise<string> => {
  const toy = toyApp()
  const res = await post(toy, body)
  assert.is(res.status, status, String(body).slice(0, 80))
  const error = await errorOf(res)
  assert.is(error.key, key)
  assert.equal(toy.seen, [])
  return error.details ?? ''
}

test('missing and wrong keys 401, in each audience', async () => {
  const { app, seen } = toyApp()
  const cases: readonly (readonly [string, string, Record<string, string>])[] = [
    ['POST', '/v1/events', {}],
    ['POST', '/v1/events', { 'X-App-Id': 'app-admin' }],
    ['POST', '/v1/events', { 'X-App-Id': 'app-admin', 'X-App-Token': 'wrong' }],
    ['POST', '/v1/events', { 'X-App-Id': 'nobody', 'X-App-Token': 'token-of-admin-0123456789' }],
    ['POST', '/v1/events', managementKey()],
    ['POST', '/client/v1/events', serverKey('admin')],
    ['POST', '/client/v1/events', { ...clientKey(), 'X-Client-Token': 'wrong' }],
    ['PUT', '/management/v1/projects/proj_main/things/1', serverKey('admin')],
  ]
  for (const [method, path, headers] of cases) {
    const res = await app.request(path, { method, headers: { ...json, ...headers }, body: JSON.stringify(good) })
    assert.is(res.status, 401, `${path} ${JSON.stringify(headers)}`)
    assert.is((await errorOf(res)).key, 'unauthorized')
  }
  assert.equal(seen, [])
})

test('a right key of a wrong role 403, in each audience', async () => {
  const { app, seen } = toyApp()
  const client = (role: string) => {
    const { 'X-App-Id': id = '', 'X-App-Token': token = '' } = serverKey(role)
    return { 'X-Client-Application-Id': id, 'X-Client-Token': token }
  }
  const cases: readonly (readonly [string, string, Record<string, string>])[] = [
    ['POST', '/v1/events', serverKey('reader')],
    ['POST', '/v1/events', serverKey('auditor')],
    ['POST', '/v1/events', serverKey('client')],
    ['POST', '/client/v1/events', client('admin')],
    ['PUT', '/management/v1/projects/proj_main/things/1', managementKey('integrator')],
  ]
  for (const [method, path, headers] of cases) {
    const res = await app.request(path, { method, headers: { ...json, ...headers }, body: JSON.stringify(good) })
    assert.is(res.status, 403, `${path} ${JSON.stringify(headers)}`)
    assert.is((await errorOf(res)).key, 'forbidden')
  }
  assert.equal(seen, [])
})

test('a client key works from its origins only', async () => {
  const ask = (key: string, origin?: string) =>
    toyApp().app.request('/client/v1/events', {
      method: 'POST',
      headers: { ...clientKey(key), ...json, ...(origin === undefined ? {} : { Origin: origin }) },
      body: JSON.stringify(good),
    })
  assert.is((await ask('client', 'https://shop.test')).status, 200)
  assert.is((await ask('client', 'https://evil.test')).status, 403)
  assert.is((await ask('client', 'null')).status, 403)
  assert.is((await ask('client')).status, 403)
  assert.is((await ask('anywhere', 'https://evil.test')).status, 200)
  assert.is((await ask('anywhere')).status, 200)
})

test('malformed JSON 400', async () => {
  for (const body of ['{', '{"event":}', 'event=review', '[1,2', '{"a":1}x', '"\u0001"', '\u{feff}x', 'NaN', "{'a':1}"])
    await refused(body, 400, 'malformed_json')
  await refused(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'malformed_json')
  const details = await refused('{"email":"ada@example.com",}', 400, 'malformed_json')
  assert.not.match(details, /ada@/, 'what was sent is not repeated')
})

test('an empty body, or JSON that is no object, 400', async () => {
  for (const body of ['', 'null', '[]', '"text"', '7']) await refused(body, 400, 'invalid_payload')
})

test('wrong content type 415', async () => {
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'json',
    '',
  ]) {
    const res = await post(toyApp(), JSON.stringify(good), { 'Content-Type': type })
    assert.is(res.status, 415, type)
    assert.is((await errorOf(res)).key, 'unsupported_media_type')
  }
  const charset = await post(toyApp(), JSON.stringify(good), { 'Content-Type': 'application/json; charset=utf-16' })
  assert.is(charset.status, 415)
  const gzip = await post(toyApp(), JSON.stringify(good), { 'Content-Encoding': 'gzip' })
  assert.is(gzip.status, 415)
  for (const type of [
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
    'application/merge-patch+json',
  ])
    assert.is((await post(toyApp(), JSON.stringify(good), { 'Content-Type': type })).status, 200, type)
})

test('without a body the content type does not matter, however the absence is said', async () => {
  const nothing = () => new ReadableStream<Uint8Array>({ start: (controller) => controller.close() })
  const absences: readonly Record<string, string>[] = [
    {},
    { 'Content-Type': 'text/plain' },
    { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': '0' },
    { 'Content-Encoding': 'gzip', 'Transfer-Encoding': 'chunked' },
  ]
  for (const headers of absences) {
    const said = { ...serverKey('integrator'), ...headers }
    const init = { method: 'POST', headers: said, body: nothing(), duplex: 'half' as const }
    const read = await readBody(new Request('http://node.test/', init), 100)
    assert.equal(read, { value: undefined, bytes: 0 }, JSON.stringify(headers))
    const bare = await readBody(new Request('http://node.test/', { method: 'POST', headers: said }), 100)
    assert.equal(bare, { value: undefined, bytes: 0 }, JSON.stringify(headers))
  }
})

/** An event whose body has exactly this many bytes. */
const sized = (bytes: number): string => {
  const frame = JSON.stringify({ ...good, metadata: { pad: '' } })
  return frame.replace('"pad":""', `"pad":"${'x'.repeat(bytes - frame.length)}"`)
}

test('a body over 1 MiB 413, one of exactly 1 MiB passes, a route may take more', async () => {
  const limit = 1024 * 1024
  assert.is((await post(toyApp(), sized(limit))).status, 200)
  const over = sized(limit + 1)
  for (const headers of [undefined, { 'Content-Length': String(over.length) }]) {
    const res = await post(toyApp(), over, headers)
    assert.is(res.status, 413)
    assert.is((await errorOf(res)).key, 'payload_too_large')
  }
  const batch = JSON.stringify({ events: ['x'.repeat(limit * 5)] })
  assert.is((await post(toyApp(), batch, {}, '/v1/events/batch')).status, 200)
  const tooMuch = JSON.stringify({ events: ['x'.repeat(limit * 10)] })
  assert.is((await post(toyApp(), tooMuch, {}, '/v1/events/batch')).status, 413)
})

test('an endless body is given up at the limit', async () => {
  let sent = 0
  let cancelled = false
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      sent += 65_536
      controller.enqueue(new Uint8Array(65_536).fill(0x20))
    },
    cancel: () => {
      cancelled = true
    },
  })
  const res = await post(toyApp(), endless)
  assert.is(res.status, 413)
  assert.ok(sent <= 1024 * 1024 + 4 * 65_536, `${sent} bytes were taken`)
  assert.ok(cancelled)
})

test('nesting over 20 levels 400, 20 levels pass', async () => {
  // The body itself is level 1, metadata level 2.
  const nested = (levels: number, open: string, close: string) =>
    `{"event":"e","customer":{"source_id":"a"},"metadata":{"deep":${open.repeat(levels)}1${close.repeat(levels)}}}`
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    assert.is((await post(toyApp(), nested(18, open, close))).status, 200)
    assert.match(await refused(nested(19, open, close), 400, 'invalid_payload'), /deeper than 20/)
    await refused(nested(100_000, open, close), 400, 'invalid_payload')
  }
})

test('property names that reach a prototype 400, wherever they stand and however they are written', async () => {
  for (const name of ['__proto__', 'constructor', 'prototype', '\\u005f_proto__', 'nul\\u0000'])
    for (const body of [
      `{"event":"e","customer":{"source_id":"a"},"${name}":{"role":"admin"}}`,
      `{"event":"e","customer":{"source_id":"a"},"metadata":{"list":[{"${name}":1}]}}`,
    ])
      assert.match(await refused(body, 400, 'invalid_payload'), /property name .* is not allowed/)
  // As values they are harmless.
  assert.is((await post(toyApp(), JSON.stringify({ ...good, metadata: { a: '__proto__' } }))).status, 200)
})

test('texts that are no Unicode and numbers that are no numbers 400', async () => {
  const withMeta = (value: string) => `{"event":"e","customer":{"source_id":"a"},"metadata":{"a":${value}}}`
  assert.match(await refused(withMeta('"\\ud83d"'), 400, 'invalid_payload'), /well-formed/)
  assert.match(await refused(withMeta('"\\ude00\\ud83d"'), 400, 'invalid_payload'), /well-formed/)
  assert.match(await refused(withMeta('{"\\ud83d":1}'), 400, 'invalid_payload'), /well-formed/)
  for (const number of ['1e999', '-1e999', '9007199254740993', '12345678901234567890'])
    assert.match(
      await refused(withMeta(number), 400, 'invalid_payload'),
      /^Property \.metadata\.\w+ must be between .* send others as a string$/,
    )
  assert.is((await post(toyApp(), withMeta('"\\ud83d\\ude00"'))).status, 200)
})

test('a name that is given twice in one object 400, with its path, in small bodies and large ones', async () => {
  const event = (more: string) => `{"event":"e","customer":{"source_id":"a"},${more}}`
  const cases = [
    [event('"event":"f"'), 'Property .event is given twice in one object'],
    [
      event('"metadata":{"list":[{},{"a":1,"\\u0061":2}]}'),
      'Property .metadata.list[1].a is given twice in one object',
    ],
    [event('"metadata":{"text":"\\":{\\"x","b" : 1 , "b" : 1}'), 'Property .metadata.b is given twice in one object'],
    [
      event(`"metadata":{"b":1,"text":"${'x'.repeat(300_000)}","b":1}`),
      'Property .metadata.b is given twice in one object',
    ],
  ] as const
  for (const [body, said] of cases) assert.is(await refused(body, 400, 'invalid_payload'), said)
  const alike = '{"a":{"b":1},"b":{"b":1,"a":"\\":\\":"},"list":[{"b":1},{"b":1}]}'
  assert.is((await post(toyApp(), event(`"metadata":${alike}`))).status, 200)
})

test('of items that are taken each by itself, one that is not as it was said keeps none of the others out', async () => {
  const item = (more: string) => `{"event":"e","metadata":{${more}}}`
  const items = [item('"a":1'), item('"a":1,"a":2'), item('"n":[9007199254740993]'), item('"__proto__":1'), item('')]
  const path = '/v1/events/batch'
  for (const filler of ['', 'x'.repeat(300_000)]) {
    const answer = await post(toyApp(), `{"events":[${[...items, item(`"x":"${filler}"`)].join()}]}`, {}, path)
    const { count, flaws } = (await answer.json()) as { count: number; flaws: [number, string][] }
    assert.is(count, 6)
    assert.equal(
      flaws.toSorted(([a], [b]) => a - b).map(([n, flaw]) => `${n} ${flaw}`.slice(0, 40)),
      [
        '1 Property .metadata.a is given twice in',
        '2 Property .metadata.n[0] must be betwee',
        '3 Property .metadata has the property na',
      ],
    )
  }
  const twice = await post(toyApp(), `{"events":[${items[0]}],"events":[]}`, {}, path)
  assert.is((await errorOf(twice)).details, 'Property .events is given twice in one object')
})

test('schema faults name every property, in the words of the reference', async () => {
  const details = await refused(
    JSON.stringify({ event: '', customer: { source_id: 7 }, referral: {}, occurred_at: 'yesterday' }),
    400,
    'invalid_payload',
  )
  assert.equal(details.split('; ').sort(), [
    'Property .customer.source_id must be string',
    'Property .event must NOT have fewer than 1 characters',
    'Property .occurred_at must match format "date-time"',
    "Property .referral should have required property 'code'",
  ])
  const long = JSON.stringify({ ...good, event: 'x'.repeat(301) })
  assert.is(await refused(long, 400, 'invalid_payload'), 'Property .event must NOT have more than 300 characters')
  assert.is((await post(toyApp(), JSON.stringify({ ...good, event: 'x'.repeat(300) }))).status, 200)
  const empty = await refused('{}', 400, 'invalid_payload')
  assert.is(empty, "Payload should have required property 'event'; Payload should have required property 'customer'")
})

test('times that are no times 400', async () => {
  for (const time of ['2024-02-30T10:00:00Z', '2024-13-01T10:00:00Z', '2024-01-01', '2024-01-01T25:00:00Z', '1', '', 7])
    await refused(JSON.stringify({ ...good, occurred_at: time }), 400, 'invalid_payload')
  for (const time of ['2024-02-29T10:00:00Z', '2024-01-01T10:00:00.123+02:00', '2024-01-01T10:00Z'])
    assert.is((await post(toyApp(), JSON.stringify({ ...good, occurred_at: time }))).status, 200, time)
})

test('bad queries 400 with what is wrong', async () => {
  const { app } = toyApp()
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['limit=0', 'invalid_query_params', /\.limit must be >= 1/],
    ['limit=101', 'invalid_query_params', /\.limit must be <= 100/],
    ['limit=ten', 'invalid_query_params', /\.limit must be integer/],
    ['limit=1&limit=2', 'invalid_query_params', /\.limit must be integer/],
    ['filters[__proto__][a]=1', 'invalid_query_params', /not allowed/],
    ['filters[a]=1&filters[a][b]=2', 'invalid_query_params', /contradicts/],
    ['filters[a][b]=2&filters[a]=1', 'invalid_query_params', /contradicts/],
    ['filters[a][b]=2&filters[a][]=1', 'invalid_query_params', /contradicts/],
    ['filters[a', 'invalid_query_params', /not allowed/],
    [`filters${'[a]'.repeat(30)}=1`, 'invalid_query_params', /not allowed/],
    ['a=1&'.repeat(1001), 'query_too_large', /at most 1000/],
  ]
  for (const [query, key, details] of cases) {
    const res = await app.request(`/v1/customers?${query}`, { headers: serverKey('reader') })
    assert.is(res.status, 400, query.slice(0, 60))
    const error = await errorOf(res)
    assert.is(error.key, key)
    assert.match(error.details ?? '', details)
  }
})

const runs = times(300, 20_000)

test('no body whatever brings a 500 or reaches the handler unchecked', async () => {
  const toy = toyApp()
  const nearly = fc.record(
    {
      event: fc.oneof(fc.string(), fc.jsonValue()),
      customer: fc.oneof(fc.record({ source_id: fc.oneof(fc.string(), fc.jsonValue()) }), fc.jsonValue()),
      metadata: fc.jsonValue({ maxDepth: 30 }),
      occurred_at: fc.oneof(
        fc.string(),
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      ),
    },
    { requiredKeys: [] },
  )
  const body = fc.oneof(
    nearly.map((value) => JSON.stringify(value)),
    fc.json(),
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ maxLength: 200 }),
  )
  await fc.assert(
    fc.asyncProperty(body, async (sent) => {
      const before = toy.seen.length
      const res = await post(toy, sent)
      if (res.status === 200) assert.is(toy.seen.length, before + 1)
      else {
        assert.is(res.status, 400)
        await errorOf(res)
        assert.is(toy.seen.length, before)
      }
    }),
    { numRuns: runs },
  )
})

test.run()
