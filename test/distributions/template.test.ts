// Values in messages for people: plain words on one line, unless the template says otherwise.
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_VALUE, plainValue } from '../../src/domain/distributions/plain.ts'
import { type TemplateContext, type TemplateForm, templateOf } from '../../src/domain/distributions/template.ts'

const put = (value: unknown, form: TemplateForm, filters = '', code: string | null = null): string => {
  const context: TemplateContext = {
    customer: { name: value },
    event: {},
    segment: null,
    points: {},
    code,
    distribution: {},
    message: {},
  }
  return templateOf(`{{ customer.name${filters} }}`, form).render(context)
}

const URL_LIKE = /https?:\/\/|\bwww\.|\p{L}\.\p{L}{2,}/u

test('links go, and what reads as one by its form', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['Win https://evil.example/x now', 'Win evil. example/x now'],
    ['HTTPS://EVIL.EXAMPLE', 'EVIL. EXAMPLE'],
    ['htthttp://p://evil.example', 'evil. example'],
    ['www.evil.example', 'evil. example'],
    ['evil.example/free', 'evil. example/free'],
    ['пример.рф', 'пример. рф'],
    ['mailto:eve@evil.example', 'eve@evil.example'],
    ['write to eve@evil.example', 'write to eve@evil. example'],
    ['ann@shop.example', 'ann@shop.example'],
    ['19.90 at 10.30, v1.2', '19.90 at 10.30, v1.2'],
    ['Ann Smith-Jones, Ph.D', 'Ann Smith-Jones, Ph.D'],
  ]
  for (const [value, shown] of cases) {
    assert.is(put(value, 'text'), shown)
    assert.is(put(value, 'html'), shown)
    assert.is(put(value, 'text', ' | links'), value)
    assert.is(put(value, 'html', ' | links'), value)
  }
})

test('a value is one line, bounded, and shows as it is written', () => {
  assert.is(put('one\r\ntwo\u2028three', 'text'), 'one two three')
  assert.is(put('one\ntwo', 'text', ' | lines'), 'one\ntwo')
  assert.is(put('one\nhttps://evil.example', 'text', ' | lines'), 'one\nevil. example')
  assert.is(put('a\u202eb\0c', 'text'), 'abc')
  assert.is(put('x'.repeat(5_000), 'text').length, MAX_VALUE)
  assert.is(put('x'.repeat(5_000), 'text', ' | links').length, MAX_VALUE)
  assert.is(put('x'.repeat(5_000), 'text', ' | raw').length, 5_000)
})

test('HTML is escaped whatever is kept, but for raw; what is for programs goes out as it is', () => {
  const value = '<b>&"\' https://shop.example'
  assert.is(put(value, 'html'), '&lt;b&gt;&amp;&#34;&#39; shop. example')
  assert.is(put(value, 'html', ' | links'), '&lt;b&gt;&amp;&#34;&#39; https://shop.example')
  assert.is(put(value, 'html', ' | raw'), value)
  assert.is(put(`${value}\n`, 'data'), `${value}\n`)
  assert.is(put(value, 'data', ' | json'), JSON.stringify(value))
  assert.is(put(value, 'data', ' | links | lines'), value)
})

test('numbers, lists, nothing, and the code of the message', () => {
  assert.equal(
    [put(7, 'text'), put(1.5, 'html'), put(true, 'text'), put(null, 'text'), put(['a', 'b'], 'text')],
    ['7', '1.5', 'true', '', 'ab'],
  )
  assert.is(put('AB.CODE', 'text', '', 'AB.CODE'), 'AB.CODE')
})

test('no value whatever becomes a link or a second line', () => {
  const part = fc.constantFrom(
    'http',
    's',
    ':',
    '/',
    '//',
    'www',
    '.',
    'evil',
    'co',
    'com',
    'ä',
    '\n',
    '\u2029',
    ' ',
    '@',
    '-',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const shown = plainValue(parts.join(''))
      assert.not.match(shown, /[\n\u2029]/)
      if (!/^[^\s@]+@[^\s@]+$/.test(shown)) assert.not.match(shown, URL_LIKE)
    }),
    { numRuns: process.env.SOAK === '1' ? 100_000 : 2_000 },
  )
})

test.run()
