// Values in messages for people: plain words on one line, unless the template says otherwise.
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_VALUE, plainValue } from '../../src/domain/distributions/plain.ts'
import {
  MAX_TEMPLATE,
  type TemplateContext,
  type TemplateForm,
  templateFault,
  templateOf,
} from '../../src/domain/distributions/template.ts'

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

/** Parts that cost more than they are long, over an event as large as one may be. */
const COSTLY: Readonly<Record<string, string>> = {
  'loops in loops': '{% for a in event.list %}{% for b in event.list %}{{ b }}{% endfor %}{% endfor %}',
  'empty loops': '{% for a in event.list %}{% for b in event.list %}{% endfor %}{% endfor %}',
  'loops over ranges': '{% for a in (1..1000) %}{% for b in (1..1000) %}{% endfor %}{% endfor %}',
  'a long value put out again and again': '{% for a in event.list %}{{ event.text }}{% endfor %}',
  'the same marked as raw': '{% for a in event.list %}{{ event.text | raw }}{% endfor %}',
  'filters of a long text': '{% for a in event.list %}{% assign x = event.text | downcase | split: "a" %}{% endfor %}',
  'expressions over elements':
    '{% for a in event.list %}{% assign x = event.list | where_exp: "i", "i == 1" %}{% endfor %}',
  'lists sorted again and again': '{% for a in event.list %}{% assign x = event.list | sort | uniq %}{% endfor %}',
  'a search in a long text': '{% for a in event.list %}{% if event.text contains "zz" %}{% endif %}{% endfor %}',
  'a text that doubles': '{% for a in event.list %}{% assign x = event.text | append: event.text | size %}{% endfor %}',
  tables: '{% tablerow a in event.list %}{{ event.text }}{% endtablerow %}',
  'JSON of all there is': '{% for a in event.list %}{% assign x = event | json %}{% endfor %}',
}

test('whatever a template does with a large event, it ends by its own bounds and not by those of time', () => {
  const context: TemplateContext = {
    customer: {},
    event: { text: 'word. '.repeat(40_000), list: Array.from({ length: 20_000 }, (_, i) => `w${i}`) },
    segment: null,
    points: {},
    code: null,
    distribution: {},
    message: {},
  }
  for (const form of ['data', 'text', 'html'] as const)
    for (const [what, source] of Object.entries(COSTLY))
      assert.throws(() => templateOf(source, form).render(context), /limit exceeded/, `${what}, as ${form}`)
  const usual = '{% for a in (1..400) %}{{ a }} {{ event.list[a] | upcase }}{% if a > 3 %}!{% endif %}{% endfor %}'
  assert.match(templateOf(usual, 'html').render(context), 'W400!')
})

test('a template that takes long to read is refused, a long one with few values is not', () => {
  const filler = (length: number) => '<p>text</p>'.repeat(length / 11)
  assert.is(templateFault(filler(MAX_TEMPLATE - 2_000) + '{{ customer.name | upcase }}'.repeat(50), 'html'), undefined)
  for (const source of [
    '{{ event.a }}'.repeat(7_000),
    `{% if event.a == 1${' or event.a == 1'.repeat(5_000)} %}{% endif %}`,
    `{{ event.a${' | upcase'.repeat(9_000)} }}`,
  ])
    assert.match(templateFault(source, 'html') ?? '', /must NOT have more than \d+ names/)
})

test.run()
