// The nested query parser: the forms that SDKs send, and laws that hold for any input.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseQuery, queryOf } from '../../src/http/query.ts'
import { isRefusedName } from '../../src/refusedNames.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'

const runs = times(300, 20_000)

/** The parsed value as plain JSON, so that it can be compared whatever its prototype. */
const parsed = (query: string): unknown => {
  const result = parseQuery(query)
  if ('failed' in result) throw new Error(result.details)
  return JSON.parse(JSON.stringify(result.value))
}

test('the forms that SDKs send', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['', {}],
    ['a=1', { a: '1' }],
    ['a', { a: '' }],
    ['a=', { a: '' }],
    ['=x', { '': 'x' }],
    ['a=1&a=2&a=3', { a: ['1', '2', '3'] }],
    ['a[]=1&a[]=2', { a: ['1', '2'] }],
    ['a[0]=x&a[1]=y', { a: ['x', 'y'] }],
    ['a[7]=late&a[2]=early', { a: ['early', 'late'] }],
    ['a[1]=x&a[]=y', { a: ['x', 'y'] }],
    ['a[7]=x&a[]=y&a=z', { a: ['x', 'y', 'z'] }],
    ['a[1][b]=x&a[][b]=y', { a: [{ b: 'x' }, { b: 'y' }] }],
    ['filters[city][conditions][$in][0]=Rome', { filters: { city: { conditions: { $in: ['Rome'] } } } }],
    ['filters%5Bjunction%5D=and', { filters: { junction: 'and' } }],
    ['created_at[before]=2024-01-01T00%3A00%3A00Z', { created_at: { before: '2024-01-01T00:00:00Z' } }],
    ['item[0][id]=a&item[0][q]=2&item[1][id]=b', { item: [{ id: 'a', q: '2' }, { id: 'b' }] }],
    ['a+b=c+d', { 'a b': 'c d' }],
    ['[x]=1', { '[x]': '1' }],
    ['0=a&1=b', { 0: 'a', 1: 'b' }],
  ]
  for (const [query, expected] of cases) assert.equal(parsed(query), expected, query)
})

test('the query is the part between the mark and the fragment', () => {
  assert.is(queryOf('http://h/p?a=1#f?b'), 'a=1')
  assert.is(queryOf('http://h/p'), '')
})

/** Whatever a name may hold that is no bracket, as a browser sends it. */
const name = fc
  .oneof(fc.stringMatching(/^[a-z$_][a-z_]{0,5}$/), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }))
  .filter((text) => !/[[\]]|^\d+$/.test(text) && !isRefusedName(text))
const leaf = fc.oneof(fc.string({ maxLength: 6 }), fc.string({ unit: 'grapheme', maxLength: 6 }))
const tree = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }),
    fc.dictionary(name, tie('node'), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
  ),
})).node

const write = (value: unknown, prefix: string): readonly string[] => {
  if (typeof value === 'string') return [`${encodeURIComponent(prefix)}=${encodeURIComponent(value)}`]
  return Object.entries(value as object).flatMap(([key, child]) => write(child, `${prefix}[${key}]`))
}

test('what is written in bracket and index form is read back', () => {
  fc.assert(
    fc.property(fc.dictionary(name, tree, { maxKeys: 4, noNullPrototype: true }), (value) => {
      const query = Object.entries(value)
        .flatMap(([key, child]) => write(child, key))
        .join('&')
      assert.equal(parsed(query), value)
    }),
    { numRuns: runs },
  )
})

test('values without an index follow in the order in which they were sent, behind those that have one', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 20 }), { maxLength: 5 }), fc.nat({ max: 5 }), (indexes, more) => {
      const query = [...indexes.map((n) => `a[${n}]=${n}`), ...Array.from({ length: more }, (_, n) => `a[]=${n + 100}`)]
      const values = [...indexes.sort((x, y) => x - y), ...Array.from({ length: more }, (_, n) => n + 100)].map(String)
      assert.equal(parsed(query.join('&')), values.length === 0 ? {} : { a: values })
    }),
    { numRuns: runs },
  )
})

test('no input throws, and none reaches a prototype', () => {
  const piece = fc.constantFrom(
    'a',
    '[',
    ']',
    '[]',
    '[0]',
    '[b]',
    '=',
    '&',
    '__proto__',
    'constructor',
    '%',
    '%5B',
    '\0',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const result = parseQuery(pieces.join(''))
      if ('failed' in result) assert.is(result.status, 400)
      else assert.not.ok(JSON.stringify(result.value).includes('"__proto__":'))
      assert.is(Object.hasOwn(Object.prototype, 'b'), false)
    }),
    { numRuns: runs },
  )
})

test.run()
