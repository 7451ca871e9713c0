// Values in messages for people: plain words on one line, unless the template says otherwise.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isEmptyMessage } from '../../src/domain/channels/index.ts'
import { isSeenInHtml } from '../../src/domain/channels/seen.ts'
import { MAX_VALUE, plainValue } from '../../src/domain/templates/plain.ts'
import {
  MAX_TEMPLATE,
  type TemplateContext,
  type TemplateForm,
  templateFault,
  templateOf,
} from '../../src/domain/templates/template.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'

const SETTING = { timeZone: 'Europe/Warsaw', now: Date.parse('2024-07-01T22:30:00Z') }

const fill = (source: string, value: unknown, form: TemplateForm, code: string | null = null): string => {
  const context: TemplateContext = {
    customer: { name: value },
    event: {},
    segment: null,
    points: {},
    code,
    distribution: {},
    message: {},
  }
  return templateOf(source, form).render(context, SETTING)
}
const put = (value: unknown, form: TemplateForm, filters = '', code: string | null = null): string =>
  fill(`{{ customer.name${filters} }}`, value, form, code)

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

test('HTML is escaped whatever is kept, but for raw', () => {
  const value = '<b>&"\' https://shop.example'
  assert.is(put(value, 'html'), '&lt;b&gt;&amp;&#34;&#39; shop. example')
  assert.is(put(value, 'html', ' | links'), '&lt;b&gt;&amp;&#34;&#39; https://shop.example')
  assert.is(put(value, 'html', ' | raw'), value)
})

test('a value in JSON is what it is, within quotes and without', () => {
  const values = [
    '<b>&"\' https://shop.example',
    'one\r\ntwo\ttab',
    'c:\\x',
    '"}',
    'x", "admin": true, "y": "',
    '\u2028\0',
    '',
  ]
  const asJson = [
    '{{ customer.name | json }}',
    '{{ customer.name | json | strip }}',
    '{{ customer.name | raw | json }}',
    '{% assign n = customer.name | json %}{{ n }}',
    '{% assign n = customer.name | json %}{{ "" | append: n }}',
    '{% capture n %}{{ customer.name }}{% endcapture %}{{ n | json }}',
    '{% capture n %}{{ customer.name | json }}{% endcapture %}{{ n }}',
    '{% capture n %}{% capture m %}{{ customer.name }}{% endcapture %}{{ m }}{% endcapture %}{{ n | json }}',
  ]
  const quoted = [
    '',
    ' | links',
    ' | lines',
    ' | default: "nobody"',
    ' | append: ""',
    ' | slice: 0, 100',
    ' | split: "," | join: ","',
  ]
  for (const value of values) {
    for (const source of asJson) assert.is(JSON.parse(fill(source, value, 'data')), value, source)
    for (const filters of quoted)
      if (value !== '') assert.is(JSON.parse(`"${put(value, 'data', filters)}"`), value, `${value}${filters}`)
  }
  for (const value of [7, 1.5, true, false]) assert.is(JSON.parse(put(value, 'data')), value)
  assert.is(put('{"a":1}', 'data', ' | raw'), '{"a":1}')
})

test('what is missing is null to programs, whichever way a template says so', () => {
  for (const source of [
    '{{ customer.none | json }}',
    '{{ customer.none.at.all | json }}',
    '{{ nil | json }}',
    '{{ null | json }}',
    '{{ customer.none | default: nil | json }}',
    '{% assign n = nil %}{{ n | json }}',
    '{{ customer.none | first | json }}',
    '{{ customer.none.at.all | last | json }}',
    '{{ customer.list | first | json }}',
    '{{ customer.none | inspect }}',
    '{{ customer.none | date: "%Y" | json }}',
    '{{ customer.none[0].x | jsonify }}',
    '{{ customer.name | json }}',
  ])
    for (const form of ['data', 'text', 'html'] as const)
      assert.is(fill(source, null, form), 'null', `${form} ${source}`)
})

test('a mail with nothing in it is empty, however much is around', () => {
  const blank = [
    '',
    ' ',
    '<p></p>',
    '<html><head><title>Shop</title><style>p { color: red }</style></head><body><p>&nbsp;<br>\u200b</p></body></html>',
    '<!-- Hello --><table><tr><td>&#160;</td></tr></table>',
    '<script>hello()</script>',
    '<!-- never closed',
    '<style>never closed',
  ]
  for (const html of blank) assert.is(isSeenInHtml(html), false, html)
  for (const html of [
    '0',
    '<p>0</p>',
    '<img src="x">',
    '&amp;',
    'a < b',
    '<b>x',
    '1 <',
    '<p>&copy;</p>',
    '<!-- a -->b',
  ])
    assert.is(isSeenInHtml(html), true, html)
  const mail = (parts: { html?: string; text?: string }) =>
    isEmptyMessage({ channel: 'email', to: 'a@b.example', subject: 'Your points', ...parts })
  assert.equal(
    [
      mail({ html: '<p></p>' }),
      mail({ text: ' \n' }),
      mail({ html: '<p></p>', text: 'x' }),
      mail({ html: '<b>0</b>', text: '' }),
    ],
    [true, true, false, false],
  )
  const hostile = ['<', '<!--', '<style>', '<p>', '&nbsp;'].map((piece) => piece.repeat(200_000))
  for (const html of hostile) isSeenInHtml(html)
})

test('numbers, lists, nothing, and the code of the message', () => {
  assert.equal(
    [put(7, 'text'), put(1.5, 'html'), put(true, 'text'), put(null, 'text'), put(['a', 'b'], 'text')],
    ['7', '1.5', 'true', '', 'ab'],
  )
  assert.is(put('AB.CODE', 'text', '', 'AB.CODE'), 'AB.CODE')
})

test('in HTML a value is escaped once, whatever filters say so and whatever they are followed by', () => {
  const value = '<b>&amp;"x"'
  const once = '&lt;b&gt;&amp;amp;&#34;x&#34;'
  for (const filters of [
    '',
    ' | escape',
    ' | escape | escape',
    ' | xml_escape',
    ' | escape | raw',
    ' | escape | strip | raw',
    ' | links | escape',
    ' | escape | lines | links',
    ' | escape | append: "" | raw',
    ' | escape | split: "," | first | raw',
    ' | escape | default: "nobody"',
    ' | newline_to_br',
  ])
    assert.is(put(value, 'html', filters), once, filters)
  assert.is(put(value, 'html', ' | escape_once'), '&lt;b&gt;&amp;&#34;x&#34;')
  assert.is(put(value, 'html', ' | escape | upcase'), '&lt;B&gt;&amp;AMP;&#34;X&#34;')
  for (const source of [
    '{% assign n = customer.name | escape %}{{ n }}',
    '{% assign n = customer.name | escape %}{{ n | raw }}',
    '{% assign n = customer.name | escape %}{{ "" | append: n | raw }}',
    '{% capture n %}{{ customer.name }}{% endcapture %}{{ n }}',
    '{% capture n %} {{ customer.name | escape }} {% endcapture %}{{ n | strip }}',
    '{% capture n %}{{ customer.name }}{% endcapture %}{{ n | escape }}',
    '{% capture n %}{{ customer.name }}{% endcapture %}{% capture m %}{{ n }}{% endcapture %}{{ m | raw }}',
    '{% liquid echo customer.name %}',
  ])
    assert.is(fill(source, value, 'html'), once, source)
  assert.is(fill('{% capture n %}<i>{{ customer.name }}</i>{% endcapture %}{{ n }}', 'a', 'html'), '<i>a</i>')
  assert.is(
    fill('{% capture n %}{{ customer.name }}{% endcapture %}{% if n == "a" %}{{ n.size }}{% endif %}', 'a', 'html'),
    '1',
  )
})

test('nothing of a value comes through, whatever filters follow one that escapes', () => {
  const after = [
    'upcase',
    'replace: "&lt;", "<"',
    'url_decode',
    'strip_html',
    'split: "" | join: ""',
    'newline_to_br',
    'truncate: 20',
  ]
  const others = ['raw', 'links', 'lines', 'escape_once', 'strip', 'default: "x"', 'append: "!"', 'json']
  const filter = fc.constantFrom(...after, ...others)
  fc.assert(
    fc.property(
      fc.constantFrom('escape', 'xml_escape', 'escape_once'),
      fc.array(filter, { maxLength: 4 }),
      (first, rest) => {
        const filters = ` | ${[first, ...rest].join(' | ')}`
        const shown = put('%3Ci%3E<b> &lt;u&gt;\n"x"', 'html', filters).replaceAll('<br />', '')
        assert.not.match(shown, /[<>"]/, filters)
      },
    ),
    { numRuns: times(500, 20_000) },
  )
})

test('breaks of HTML are breaks, and what they part is escaped', () => {
  for (const filters of [
    ' | newline_to_br',
    ' | escape | newline_to_br',
    ' | newline_to_br | escape',
    ' | escape | newline_to_br | raw',
  ])
    assert.is(put('<one>\r\ntwo', 'html', filters), '&lt;one&gt;<br />\ntwo', filters)
  assert.is(put('one\ufdd0two', 'html'), 'onetwo')
  assert.is(put('one\ufdd0two', 'html', ' | newline_to_br'), 'onetwo')
})

test('what is missing is null to programs', () => {
  assert.is(fill('{{ customer.nothing.at.all | json }}', 'x', 'data'), 'null')
  assert.is(put(undefined, 'data', ' | json'), 'null')
  assert.is(put({ a: [null, { b: 1 }] }, 'data', ' | json'), '{"a":[null,{"b":1}]}')
})

test('dates are those of the project, whatever the zone of the machine', () => {
  const cases: readonly (readonly [unknown, string, string])[] = [
    ['2024-03-01', 'date: "%d.%m.%Y"', '01.03.2024'],
    ['1990-02-28', 'date: "%Y-%m-%d %H:%M", "Pacific/Kiritimati"', '1990-02-28 00:00'],
    // The clocks go forward at one o'clock UTC, and back again in October.
    ['2024-03-31T00:30:00Z', 'date: "%H:%M %z"', '01:30 +0100'],
    ['2024-03-31T01:30:00Z', 'date: "%H:%M %:z"', '03:30 +02:00'],
    ['2024-10-27T00:30:00.000Z', 'date: "%H:%M"', '02:30'],
    ['2024-10-27T01:30:00Z', 'date: "%H:%M"', '02:30'],
    // What clocks of New York skip.
    ['2024-03-10T01:30:00Z', 'date: "%H:%M"', '02:30'],
    ['2024-07-01T22:30:00+05:00', 'date: "%d %H:%M"', '01 19:30'],
    ['2024-07-01T22:30:00', 'date: "%d %H:%M"', '01 22:30'],
    ['2024-07-01 22:30', 'date: "%d %H:%M"', '01 22:30'],
    ['2024-07-01T22:30:00Z', 'date: "%d %H:%M %Z", "Asia/Tokyo"', '02 07:30 Asia/Tokyo'],
    ['2024-07-01T22:30:00Z', 'date: "%H:%M %z", 360', '16:30 -0600'],
    ['now', 'date: "%Y-%m-%d %H:%M"', '2024-07-02 00:30'],
    [1719873000, 'date: "%F %s %K", "UTC"', '2024-07-01 1719873000 %K'],
    [
      '2024-02-09T17:05:07Z',
      'date: "%D|%r|%R|%T|%v|%G-W%V|%g"',
      '02/09/24|06:05:07 PM|18:05|18:05:07| 9-FEB-2024|2024-W06|24',
    ],
    ['March 14, 2016', 'date: "%b %d, %y"', 'Mar 14, 16'],
    ['Thu, 14 Mar 2024 23:30:00 GMT', 'date: "%a %-d %H:%M"', 'Fri 15 00:30'],
    [
      '2024-02-09T17:05:07.045Z',
      'date: "%e|%k|%l|%-I|%P|%j|%L|%N|%U|%W|%u|%w|%q|%^b|%_m|%10Y|%%"',
      ' 9|18| 6|6|pm|040|045|045000000|05|06|5|5|th|FEB| 2|0000002024|%',
    ],
    ['2024-02-09T17:05:07Z', 'date', 'Friday, February 9, 2024 at 6:05 pm +0100'],
    ['2024-02-02', 'date_to_string: "ordinal", "US"', 'Feb 2nd, 2024'],
    ...(
      ['1st', '3rd', '4th', '10th', '11th', '12th', '13th', '14th', '20th', '21st', '22nd', '23rd', '31st'] as const
    ).map((day) => [`2024-01-${day.slice(0, -2).padStart(2, '0')}`, 'date: "%-d%q"', day] as const),
    // Widths and fillings that are asked for.
    [
      '2024-02-09T17:05:07.045Z',
      'date: "%N|%2N|%3N|%12N|%6L|%5d|%0e|%_d"',
      '045000000|04|045|045000000000|000045|00009|09| 9',
    ],
    [
      '2024-02-09T17:05:07Z',
      'date: "%a|%A|%b|%h|%B|%^A|%#B|%10a"',
      'Fri|Friday|Feb|Feb|February|FRIDAY|FEBRUARY|       Fri',
    ],
    ['2024-01-07', 'date: "%w %u"', '0 7'],
    ['2024-12-30', 'date: "%U %W %V %G %g %C %y"', '52 53 01 2025 25 20 24'],
    ['1705-01-01', 'date: "%C %y %Y"', '17 05 1705'],
    ['2024-07-01T22:30:00Z', 'date: "%Z|%:Z", 360', '-0600|-06:00'],
    ['1719873000', 'date: "%s"', '1719873000'],
    ['today', 'date: "%F"', '2024-07-02'],
    [`March 14, 2016${' '.repeat(86)}`, 'date: "%d"', '14'],
    [`March 14, 2016${' '.repeat(87)}`, 'date: "%d"', `March 14, 2016${' '.repeat(87)}`],
    ['now', 'date: "%100d"', '2'.padStart(100, '0')],
    ['now', 'date: "%101d"', '2'.padStart(100, '0')],
    ['2024-02-02', 'date_to_string: "ordinal"', '2nd Feb 2024'],
    ['2024-07-01T00:00:00', 'date: "%I %l %p"', '12 12 AM'],
    ['2024-07-01T12:00:00', 'date: "%I %l %p"', '12 12 PM'],
    ['2024-07-01T13:00:00', 'date: "%I %l %#p %C"', '01  1 pm 20'],
    ['2024-01-07', 'date: "%U %W"', '01 01'],
    ['2024-01-06', 'date: "%U %W"', '00 01'],
    ['March 14, 2016', 'date: "%d %H:%M", "Asia/Tokyo"', '14 00:00'],
    ['March 14, 2016 10:00', 'date: "%d %H:%M %z", "Asia/Tokyo"', '14 18:00 +0900'],
    ['2024-02-02', 'date_to_long_string', '02 February 2024'],
    ['2024-07-01T22:30:00Z', 'date_to_xmlschema', '2024-07-02T00:30:00+02:00'],
    ['2024-07-01T22:30:00Z', 'date_to_rfc822', 'Tue, 02 Jul 2024 00:30:00 +0200'],
    ['2024-02-30', 'date: "%d"', '2024-02-30'],
    ['soon', 'date: "%d"', 'soon'],
    [null, 'date: "%d"', ''],
  ]
  const zone = process.env.TZ
  try {
    for (const machine of ['America/New_York', 'Pacific/Apia', 'UTC']) {
      process.env.TZ = machine
      for (const [value, filter, shown] of cases)
        assert.is(put(value, 'data', ` | ${filter}`), shown, `${machine}: ${value} | ${filter}`)
    }
  } finally {
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
  }
  assert.throws(() => put('now', 'text', ' | date: "%d", "Mars/Olympus"'), /unknown time zone/)
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
    { numRuns: times(2_000, 100_000) },
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
      assert.throws(() => templateOf(source, form).render(context, SETTING), /limit exceeded/, `${what}, as ${form}`)
  const usual = '{% for a in (1..400) %}{{ a }} {{ event.list[a] | upcase }}{% if a > 3 %}!{% endif %}{% endfor %}'
  assert.match(templateOf(usual, 'html').render(context, SETTING), 'W400!')
})

/** What takes long in ways of its own, beside what goes through much. */
const SLOW: Readonly<Record<string, string>> = {
  ...COSTLY,
  dates: '{% for a in (1..20000) %}{{ event.at | date: "%A, %B %-e, %Y at %-l:%M %P %z" }}{% endfor %}',
  'dates in words': '{% for a in (1..20000) %}{{ event.at | date: "%c %x %X" }}{% endfor %}',
  'dates elsewhere': '{% for a in (1..20000) %}{{ event.at | date: "%Z", "America/New_York" }}{% endfor %}',
  'dates of no zone': '{% for a in (1..20000) %}{{ event.at | date: "%Z", "Mars/Olympus" }}{% endfor %}',
  'a long form of a date': '{% for a in (1..20000) %}{{ event.at | date: event.form }}{% endfor %}',
  groups: '{% for a in (1..20000) %}{% assign x = event.list | group_by: "x" %}{% endfor %}',
  numbers: '{% for a in (1..20000) %}{{ a | plus: 1 | times: 3 | modulo: 7 | round: 2 | at_least: 3 }}{% endfor %}',
  'values that read as links': '{% for a in (1..20000) %}{{ event.dots }}{% endfor %}',
}
/** Of a processor: so long a rendering may keep others waiting. */
const MOST_MS = 100

test('no template keeps others waiting', () => {
  const context: TemplateContext = {
    customer: {},
    event: {
      text: 'word. '.repeat(40_000),
      list: Array.from({ length: 2_000 }, (_, i) => `w${i}`),
      at: '2024-03-31T01:30:00Z',
      form: '%A %B %c %x %X '.repeat(2_000),
      dots: 'a.bc'.repeat(15_000),
    },
    segment: null,
    points: {},
    code: null,
    distribution: {},
    message: {},
  }
  for (const form of ['text', 'html'] as const)
    for (const [what, source] of Object.entries(SLOW)) {
      let least = Number.POSITIVE_INFINITY
      // Once the template is read; and now and then garbage is collected meanwhile.
      for (let i = 0; i < 5 && least > MOST_MS; i++) {
        const before = process.cpuUsage()
        try {
          templateOf(source, form).render(context, SETTING)
        } catch {
          // Most are more than may be.
        }
        least = Math.min(least, process.cpuUsage(before).user / 1_000)
      }
      assert.ok(least <= MOST_MS, `${what}, as ${form}: ${least} ms`)
    }
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
