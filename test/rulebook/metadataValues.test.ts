// Metadata against each bound of a property, one step from each side.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Definitions } from '../../src/domain/rulebook/kind.ts'
import { type MetadataProperty, metadataRefused } from '../../src/domain/rulebook/metadataSchema.ts'

type Property = Partial<MetadataProperty> & Pick<MetadataProperty, 'type'>

const schemas = (
  of: Readonly<Record<string, Readonly<Record<string, Property>>>>,
  isClosed = false,
  off?: string,
): Definitions =>
  ({
    entries: {
      metadataSchema: new Map(
        Object.entries(of).map(([related_object, properties]) => [
          related_object,
          {
            id: related_object,
            off,
            definition: {
              related_object,
              allow_defined_only: isClosed,
              properties: Object.fromEntries(
                Object.entries(properties).map(([name, one]) => [
                  name,
                  { optional: true, array: false, deleted: false, ...one },
                ]),
              ),
            },
          },
        ]),
      ),
    },
  }) as unknown as Definitions

const faultOf = (all: Definitions, metadata: Record<string, unknown> | undefined, isNew = true): string | undefined =>
  metadataRefused(all, 'customer', metadata, { isNew })?.refused.details

/** What is said of a value of a property; undefined when it fits. */
const said = (property: Property, value: unknown): string | undefined =>
  faultOf(schemas({ customer: { p: property } }), { p: value })

const BOUNDS: readonly (readonly [bound: Partial<MetadataProperty>, fits: unknown, not: unknown, words: RegExp])[] = [
  [{ lt: 5 }, 4.9, 5, /must be less than 5/],
  [{ lte: 5 }, 5, 5.1, /must be less than or equal to 5/],
  [{ gt: 5 }, 5.1, 5, /must be greater than 5/],
  [{ gte: 5 }, 5, 4.9, /must be greater than or equal to 5/],
  [{ min_length: 2 }, 'ab', 'a', /at least 2 characters/],
  [{ max_length: 2 }, 'ab', 'abc', /at most 2 characters/],
  [{ exact_length: 2 }, 'ab', 'abc', /must be 2 characters/],
  [{ exact_length: 2 }, 'ab', 'a', /must be 2 characters/],
  [{ eq: [1, 2] }, 2, 3, /equal to one of 1,2/],
  [{ ne: [1, 2] }, 3, 2, /not be equal to any of 1,2/],
]

test('a value may lie on its bound, or beside it, as the bound says', () => {
  for (const [bound, fits, not, words] of BOUNDS) {
    const type = typeof fits === 'number' ? 'number' : 'string'
    assert.is(said({ type, ...bound }, fits), undefined, JSON.stringify([bound, fits]))
    assert.match(said({ type, ...bound }, not) ?? '', words)
  }
  assert.is(said({ type: 'number', eq: [], ne: [] }, 7), undefined, 'empty lists bound nothing')
})

const TYPES: readonly (readonly [type: MetadataProperty['type'], fits: readonly unknown[], not: readonly unknown[]])[] =
  [
    ['string', ['', 'a'], [1, true, {}]],
    ['number', [0, -1.5], ['1', true, Number.NaN]],
    ['boolean', [true, false], ['true', 0]],
    ['date', ['2026-02-28'], ['2026-02-30', '2026-02-28T00:00:00Z', 20_260_228]],
    ['datetime', ['2026-02-28T10:00:00Z', '2026-02-28'], ['10:00', 5]],
    ['image_url', ['http://a.test/b.png', 'HTTPS://a.test'], ['a.test', 'https://a b', 5]],
    [
      'geopoint',
      [
        { lat: 1, lon: 2 },
        { latitude: 0, lng: 0 },
        { lat: 1, longitude: 2 },
      ],
      [{ lat: 1 }, { lat: '1', lon: 2 }, [1, 2], '1,2'],
    ],
    ['object', [{}, { a: 1 }], [[], 'a', 1]],
  ]

test('a value is of its type', () => {
  for (const [type, fits, not] of TYPES) {
    for (const one of fits) assert.is(said({ type }, one), undefined, `${type}: ${JSON.stringify(one)}`)
    for (const one of not) assert.match(said({ type }, one) ?? '', /must be a/, `${type}: ${JSON.stringify(one)}`)
  }
})

test('a list is asked for where there is to be one, and each of its values is looked at', () => {
  const numbers = { type: 'number', array: true, lte: 5 } as const
  assert.is(said(numbers, [1, 5]), undefined)
  assert.match(said(numbers, 1) ?? '', /must be an array/)
  assert.match(said(numbers, [1, 6, 7]) ?? '', /actual value is 6\).*actual value is 7\)/)
  assert.match(said({ type: 'number' }, [1]) ?? '', /must be a number/)
})

test('what is required must be there of a new resource, and cannot be cleared of one that is known', () => {
  const needed = schemas({ customer: { p: { type: 'string', optional: false } } })
  assert.match(faultOf(needed, {}) ?? '', /p: property is required/)
  assert.match(faultOf(needed, undefined) ?? '', /p: property is required/)
  assert.is(faultOf(needed, {}, false), undefined)
  assert.is(faultOf(needed, undefined, false), undefined)
  assert.match(faultOf(needed, { p: null }, false) ?? '', /p: property is required/)
  assert.is(faultOf(schemas({ customer: { p: { type: 'string' } } }), { p: null }), undefined)
  assert.is(faultOf(schemas({ customer: { p: { type: 'string', optional: false, deleted: true } } }), {}), undefined)
})

test('names that are not defined are refused where only those that are may be used', () => {
  const properties = { customer: { p: { type: 'string' } as const } }
  assert.is(faultOf(schemas(properties), { q: 1 }), undefined)
  assert.is(faultOf(schemas(properties, true), { p: 'a' }), undefined)
  assert.match(faultOf(schemas(properties, true), { p: 'a', q: 1 }) ?? '', /^q: property is not defined$/)
  assert.match(faultOf(schemas(properties, true), { toString: 1 }) ?? '', /toString: property is not defined/)
})

test('an object has the schema that its property names, five levels down and no further', () => {
  const all = schemas({
    customer: { a: { type: 'object', object_type: 'node' } },
    node: { n: { type: 'number' }, a: { type: 'object', object_type: 'node' } },
  })
  const nested = (depth: number): Record<string, unknown> => (depth === 0 ? { n: 'x' } : { a: nested(depth - 1) })
  assert.match(faultOf(all, nested(1)) ?? '', /^a\.n: must be a number \(actual value is 'x'\)$/)
  assert.match(faultOf(all, nested(4)) ?? '', /^a\.a\.a\.a\.n: must be a number/)
  assert.is(faultOf(all, nested(5)), undefined)
})

test('a schema that is switched off, or of another kind, asks nothing', () => {
  const properties = { p: { type: 'number' } as const }
  assert.is(faultOf(schemas({ customer: properties }, false, 'hand'), { p: 'x' }), undefined)
  assert.is(faultOf(schemas({ order: properties }), { p: 'x' }), undefined)
})

test('twenty faults are told, of values and of names, and long ones in part', () => {
  const all = schemas({ customer: { p: { type: 'number', array: true } } }, true)
  const many = Array.from({ length: 30 }, () => 'x')
  assert.is(faultOf(all, { p: many })?.split('; ').length, 20)
  const names = Object.fromEntries(many.map((_, n) => [`q${n}`, 1]))
  assert.is(faultOf(all, names)?.split('; ').length, 20)
  const shown = (length: number) => /is ('[^)]*)\)/.exec(said({ type: 'number' }, 'y'.repeat(length)) ?? '')?.[1]
  assert.equal([shown(98)?.length, shown(99)?.length, shown(99)?.at(-1)], [100, 101, '…'])
})

test.run()
