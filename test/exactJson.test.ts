// JSON from outside: whatever would not be taken as it was said is refused by name, and nothing else is.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { flawText, InexactJson, namesAtMost, parseExactly, repeatedNames, Walk } from '../src/exactJson.ts'
import fc from './fc.ts'
import { times } from './soak.ts'

/** JSON as it is written: objects as pairs, numbers as their digits. */
type Written =
  | { readonly text: string }
  | { readonly number: string }
  | { readonly list: readonly Written[] }
  | { readonly pairs: readonly (readonly [name: string, value: Written])[] }

/** A number as digits and a power of ten, neither with noughts at its ends. */
const decimal = (written: string): readonly [digits: bigint, power: number] => {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(
    written,
  )!
  return [BigInt(`${sign}${whole}${fraction}`), Number(exponent) - fraction.length]
}

const LARGEST = BigInt(Number.MAX_SAFE_INTEGER)

/** Whether a written number is beyond what is kept exactly, reckoned without a double; a fraction may round onto the bound. */
const isBeyond = (written: string): boolean => {
  const [digits, power] = decimal(written)
  const size = digits < 0n ? -digits : digits
  if (size === 0n) return false
  if (String(size).length + power > 20) return true
  const scaled = power >= 0 ? size * 10n ** BigInt(power) * 10n : (size * 10n) / 10n ** BigInt(-power)
  return scaled >= LARGEST * 10n + 5n
}

/** What is wrong with it, by the plainest means: the path of each flaw. */
const flawsOf = (value: Written, path: string): readonly string[] => {
  if ('number' in value) return isBeyond(value.number) ? [path] : []
  if ('list' in value) return value.list.flatMap((item, n) => flawsOf(item, `${path}[${n}]`))
  if (!('pairs' in value)) return []
  return value.pairs.flatMap(([name, one], n) => [
    ...(value.pairs.slice(0, n).some(([before]) => before === name) ? [`${path}.${name}`] : []),
    ...flawsOf(one, `${path}.${name}`),
  ])
}

/** A string in one of the ways in which it can be written. */
const spelled = (text: string, isEscaped: boolean): string =>
  isEscaped
    ? `"${[...text].map((sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`
    : JSON.stringify(text)

const written = (value: Written, space: string, isEscaped: boolean): string => {
  if ('number' in value) return value.number
  if ('text' in value) return spelled(value.text, isEscaped)
  if ('list' in value) return `[${space}${value.list.map((one) => written(one, space, isEscaped)).join(`,${space}`)}]`
  const pairs = value.pairs.map(
    ([name, one]) => `${spelled(name, isEscaped)}${space}:${space}${written(one, space, isEscaped)}`,
  )
  return `{${pairs.join(`${space},${space}`)}${space}}`
}

const NUMBERS = [
  '0',
  '-0',
  '1',
  '-1.5e3',
  '0.1',
  '0.12345678901234567890',
  '9007199254740991',
  '-9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '-9007199254740993',
  '9007199254740990.4',
  '9007199254740991.4',
  '90071992547409910e-1',
  '1e15',
  '1E+16',
  '12345678901234567890',
  '1e400',
  '-1e400',
  '1e-400',
  '0e999',
]
/** Texts that look like more JSON, and names that are hard to tell apart. */
const TEXTS = [
  '',
  'a',
  'b',
  ':',
  '":',
  '{"a":1,"a":2}',
  'a\\',
  '\\"',
  '"',
  ' :',
  'ä',
  '12345678901234567890',
  '10:00:00',
]

const any = fc.letrec<{ any: Written }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...NUMBERS).map((number) => ({ number })),
    fc.constantFrom(...TEXTS).map((text) => ({ text })),
    fc.array(tie('any'), { maxLength: 4 }).map((list) => ({ list })),
    fc.array(fc.tuple(fc.constantFrom(...TEXTS), tie('any')), { maxLength: 4 }).map((pairs) => ({ pairs })),
  ),
})).any

const outcomeOf = (text: string): { readonly value: unknown } | { readonly fault: string } => {
  try {
    return { value: parseExactly(text) }
  } catch (error) {
    if (error instanceof InexactJson) return { fault: error.message }
    throw error
  }
}

test('what is refused is what a slow reading finds, and its path is told', () => {
  fc.assert(
    fc.property(any, fc.constantFrom('', ' ', '\n\t'), fc.boolean(), (value, space, isEscaped) => {
      const text = written(value, space, isEscaped)
      const flaws = flawsOf(value, '')
      const outcome = outcomeOf(text)
      if (flaws.length === 0) assert.equal(outcome, { value: JSON.parse(text) })
      else {
        assert.ok('fault' in outcome, text)
        const subjects = flaws.map((path) => (path === '' ? 'Payload' : `Property ${path}`))
        assert.ok(
          subjects.some((subject) => outcome.fault.startsWith(`${subject} `)),
          `${text}: ${outcome.fault}`,
        )
      }
    }),
    { numRuns: times(3_000, 200_000) },
  )
})

test('names are looked for in pieces of any length with the same outcome', () => {
  fc.assert(
    fc.property(any, fc.integer({ min: 1, max: 9 }), (value, piece) => {
      const text = written(value, ' ', false)
      const inPieces = (size: number) => {
        const found: string[] = []
        const search = repeatedNames(text, (flaw) => found.push(flawText(flaw)) > 0)
        for (let to = size; !search.run(to); ) to += size
        return found
      }
      assert.equal(inPieces(piece), inPieces(text.length))
      let names = 0
      for (let from = 0; from < text.length; from += piece) names += namesAtMost(text, from, from + piece)
      assert.is(names, namesAtMost(text))
    }),
    { numRuns: times(500, 20_000) },
  )
})

test('a usual body is not looked through name by name', () => {
  const body = {
    event: 'a',
    occurred_at: '2026-11-29T10:00:00Z',
    metadata: { url: 'https://a.example/?b=c:d', n: [1, { x: null }] },
  }
  for (const text of [JSON.stringify(body), JSON.stringify(body, undefined, 2)]) {
    const walk = new Walk(text, 20)
    assert.is(walk.flawIn(JSON.parse(text)), undefined)
    assert.is(walk.names, namesAtMost(text))
  }
})

test('a fault is told by its path, with numbers in brackets', () => {
  const outcome = outcomeOf('{"a":[{"":{"b.c":1e400}}]}') as { fault: string }
  assert.is(outcome.fault.split(' must')[0], 'Property .a[0]..b.c')
})

test('nesting without end is refused and does not overflow', () => {
  assert.match((outcomeOf('['.repeat(200_000) + ']'.repeat(200_000)) as { fault: string }).fault, /nested deeper/)
})

test.run()
