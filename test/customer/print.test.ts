// Fingerprints: the same whatever the order of properties, for good, since they are recorded.
import { hash } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { printOf } from '../../src/domain/print.ts'
import fc from '../fc.ts'

/** How prints were made first, and how those are made that are recorded. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const names = Object.keys(value).sort()
  return Object.fromEntries(names.map((name) => [name, sorted((value as Record<string, unknown>)[name])]))
}
const recordedPrint = (value: unknown) => hash('sha256', JSON.stringify(sorted(value)) ?? '', 'base64url').slice(0, 12)

const turned = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(turned)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, turned(inner)]),
  )
}

test('a print is what it always was, in any order of properties', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.is(printOf(value), recordedPrint(value))
      assert.is(printOf(turned(value)), printOf(value))
    }),
  )
  assert.is(
    printOf({ b: { 10: 1, 9: [{ d: 1, c: 2 }] }, a: null }),
    recordedPrint({ a: null, b: { 9: [{ c: 2, d: 1 }], 10: 1 } }),
  )
  assert.is.not(printOf({ a: 1 }), printOf({ a: '1' }))
})

test.run()
