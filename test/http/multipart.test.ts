// Bodies of multipart/form-data: what browsers, fetch and curl send is read byte by byte; what could take long is refused.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { boundaryIn, partsOf } from '../../src/http/multipart.ts'
import fc from '../fc.ts'

const read = async (body: string | Uint8Array, boundary = 'b') => {
  const parts = await partsOf(typeof body === 'string' ? Buffer.from(body) : body, boundary)
  return 'failed' in parts
    ? parts.details
    : parts.map(({ name, content }) => [name, Buffer.from(content).toString('latin1')])
}
const part = (name: string, content: string, more = ''): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${content}\r\n`

test('a boundary is found however it is written', () => {
  assert.is(boundaryIn('multipart/form-data; boundary=abc'), 'abc')
  assert.is(boundaryIn('Multipart/Form-Data;boundary="a b/c"'), 'a b/c')
  assert.is(boundaryIn('multipart/form-data; charset=utf-8; boundary=x; more=1'), 'x')
  for (const none of [
    'multipart/form-data',
    'multipart/form-data; boundary=',
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
  ])
    assert.is(boundaryIn(none), undefined)
})

test('what fetch sends comes back as it was, whatever bytes it is', async () => {
  const bytes = fc.uint8Array({ maxLength: 300 })
  /** Much that is nearly a delimiter. */
  const tricky = fc.array(fc.constantFrom('\r', '\n', '\r\n', '--', '\r\n--', 'b', '-', '\r\n--b', 'é'), {
    maxLength: 40,
  })
  const anything = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  const punctuated = fc.string({ unit: fc.constantFrom(...'\\"; =%a'), minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.oneof(anything, punctuated), fc.oneof(bytes, tricky)), { maxLength: 5 }),
      async (fields) => {
        const form = new FormData()
        const sent = fields.map(([name, value]) => {
          const content = value instanceof Uint8Array ? value : new TextEncoder().encode(value.join(''))
          form.append(name, new Blob([content as never]), 'x.csv')
          // What a form does to names (HTML, 4.10.21.8).
          return [
            name
              .replace(/\r\n?|\n/g, '\r\n')
              .replace(/\r\n/g, '%0D%0A')
              .replaceAll('"', '%22'),
            Buffer.from(content).toString('latin1'),
          ]
        })
        const request = new Response(form)
        const boundary = boundaryIn(request.headers.get('content-type')!)!
        const got = await read(new Uint8Array(await request.arrayBuffer()), boundary)
        assert.equal(got, sent)
      },
    ),
  )
})

test('windows of a long body lose no delimiter', async () => {
  const around = 1024 * 1024
  for (let by = -12; by <= 12; by++) {
    const head = part('file', '').length - 2
    const content = 'x'.repeat(around - head + by)
    const got = await read(`${part('file', content)}${part('more', 'y')}--b--\r\n`)
    assert.equal(got, [
      ['file', content],
      ['more', 'y'],
    ])
  }
})

test('names may be tokens, hold escaped quotes, and stand after other parameters', async () => {
  const of = (value: string) => read(`--b\r\nContent-Disposition: ${value}\r\nContent-Type: text/csv\r\n\r\nx\r\n--b--`)
  assert.equal(await of('form-data; name=file'), [['file', 'x']])
  assert.equal(await of('form-data; filename="a; name=\\"b\\".csv"; name="file"'), [['file', 'x']])
  assert.equal(await of('FORM-DATA;name="a\\"b"'), [['a"b', 'x']])
  assert.equal(await of('form-data; name="\\"; filename="C:\\a\\"'), [['\\', 'x']])
  assert.equal(await of('form-data; filename="\\\\"; name="a\\\\"'), [['a\\\\', 'x']])
})

test('what is not as it should be is refused as a whole, with what is wrong', async () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /begin with its boundary/],
    ['x', /begin with its boundary/],
    ['--b', /cut off/],
    ['--bx\r\n', /cut off/],
    ['--b\r\nContent-Disposition: form-data; name="a"\r\n', /headers of a part/],
    [part('a', 'x'), /last boundary/],
    [`${part('a', 'x')}--b`, /cut off/],
    ['--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--', /no name/],
    ['--b\r\nContent-Disposition: attachment; name="a"\r\n\r\nx\r\n--b--', /no name/],
    ['--b\r\nContent-Disposition: form-data; name="a\r\n\r\nx\r\n--b--', /no name/],
    ['--b\r\nX\r\n\r\nx\r\n--b--', /no colon/],
    ['--b\r\nA: 1\r\na: 2\r\n\r\nx\r\n--b--', /twice/],
    [`${part('a', 'x', '\r\nContent-Transfer-Encoding: base64')}--b--`, /Content-Transfer-Encoding/],
    [`--b\r\n${'X: y\r\n'.repeat(700_000)}`, /headers of a part/],
    [`${Array.from({ length: 21 }, (_, n) => part(`a${n}`, '')).join('')}--b--`, /more than 20/],
  ]
  for (const [body, why] of refused) {
    const got = await read(body)
    assert.is(typeof got, 'string', body.slice(0, 100))
    assert.match(got as string, why, body.slice(0, 100))
  }
})

test.run()
