// Metadata against its schema costs so many steps and no more, however long lists and however deep objects are.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import type { Definitions } from '../../src/domain/rulebook/kind.ts'
import {
  type MetadataProperty,
  MetadataSchema,
  metadataRefused,
  metadataSchemaKind,
} from '../../src/domain/rulebook/metadataSchema.ts'

type Properties = Readonly<Record<string, Partial<MetadataProperty> & Pick<MetadataProperty, 'type'>>>

const schemas = (of: Readonly<Record<string, Properties>>): Definitions =>
  ({
    entries: {
      metadataSchema: new Map(
        Object.entries(of).map(([related_object, properties]) => [
          related_object,
          {
            id: related_object,
            definition: {
              related_object,
              allow_defined_only: false,
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

const detailsOf = (all: Definitions, metadata: Record<string, unknown>): string | undefined =>
  metadataRefused(all, 'customer', metadata)?.refused.details

/** A list that counts how often it is written out. */
const listed = (values: readonly number[]) => {
  const counted = { joined: 0, values: [...values] }
  counted.values.join = (by) => {
    counted.joined++
    return Array.prototype.join.call(values, by)
  }
  return counted
}

test('values that fit are compared without writing out what they may be, and those that do not a few times', () => {
  const eq = listed(Array.from({ length: 1_000 }, (_, n) => n))
  const ne = listed([-1])
  const all = schemas({ customer: { a: { type: 'number', array: true, eq: eq.values, ne: ne.values } } })
  assert.is(detailsOf(all, { a: Array.from({ length: 40_000 }, (_, n) => n % 1_000) }), undefined)
  assert.equal([eq.joined, ne.joined], [0, 0])
  const wrong = detailsOf(all, { a: Array.from({ length: 40_000 }, () => -1) })
  assert.match(wrong!, /^a: must be equal to one of 0,1,2,.*…, must not be equal to any of -1 /)
  assert.ok(eq.joined <= 20 && wrong!.length < 50_000, `${eq.joined} ${wrong!.length}`)
})

test('what is equal is what it was: of its type, and not a number is itself', () => {
  const all = schemas({ customer: { a: { type: 'string', eq: ['1', 'b'] }, b: { type: 'number', ne: [2] } } })
  assert.is(detailsOf(all, { a: '1', b: 3 }), undefined)
  assert.match(detailsOf(all, { a: 'c' })!, /equal to one of 1,b/)
  assert.match(detailsOf(all, { b: 2 })!, /not be equal to any of 2/)
})

test('long lists, and objects whose schemas ask for many more, end at a bound', () => {
  let looked = 0
  const empty = new Proxy(
    {},
    {
      getOwnPropertyDescriptor: () => {
        looked++
        return undefined
      },
    },
  )
  const own = Object.fromEntries(
    Array.from({ length: 100 }, (_, n) => [`p${n}`, { type: 'object' as const, object_type: 'part' }]),
  )
  const all = schemas({
    customer: { parts: { type: 'object', object_type: 'part', array: true }, n: { type: 'number', array: true } },
    part: own,
  })
  assert.match(detailsOf(all, { parts: Array.from({ length: 80_000 }, () => empty) })!, /more than \d+ values/)
  assert.ok(looked > 1_000 && looked <= 50_000, String(looked))
  assert.match(detailsOf(all, { n: Array.from({ length: 120_000 }, () => 1) })!, /^n: there are more than 50000 values/)
  assert.is(detailsOf(all, { n: Array.from({ length: 30_000 }, () => 1) }), undefined)
})

test('the steps of one resource are counted to the last, a property and each of its values one', () => {
  const one = schemas({ customer: { a: { type: 'number', array: true } } })
  const two = schemas({ customer: { a: { type: 'number', array: true }, b: { type: 'number' } } })
  const asked = (all: Definitions, n: number) => detailsOf(all, { a: Array.from({ length: n }, () => 1) })
  assert.equal(
    [asked(one, 49_999), asked(one, 50_000), asked(two, 49_998), asked(two, 49_999)],
    [
      undefined,
      'a: there are more than 50000 values to be checked',
      undefined,
      'b: there are more than 50000 values to be checked',
    ],
  )
})

test('a list of what may be is told to a thousand characters', () => {
  const told = (n: number) => {
    const all = schemas({ customer: { a: { type: 'string', eq: ['x'.repeat(n)] } } })
    return /one of (x+)(…?) /
      .exec(`${detailsOf(all, { a: 'y' })} `)!
      .slice(1)
      .map(({ length }) => length)
  }
  assert.equal(
    [told(1_000), told(1_001)],
    [
      [1_000, 0],
      [1_000, 1],
    ],
  )
})

test('a schema has a hundred properties, and an object’s name goes with an object', () => {
  const properties = (n: number) =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}`, { type: 'string' as const }]))
  const takes = (n: number) => v.safeParse(MetadataSchema, { related_object: 'r', properties: properties(n) }).success
  assert.equal([takes(100), takes(101)], [true, false])
  const faults = (type: MetadataProperty['type'], object_type?: string) =>
    metadataSchemaKind.check(
      'ms_1',
      v.parse(MetadataSchema, { related_object: 'r', properties: { a: { type, object_type } } }),
      schemas({}),
    ).length
  assert.equal([faults('object', 'part'), faults('object'), faults('string'), faults('string', 'part')], [0, 0, 0, 1])
})

test('a place has two numbers, by either of their names', () => {
  const all = schemas({ customer: { a: { type: 'geopoint' }, u: { type: 'image_url' } } })
  for (const a of [
    { lat: 1, lon: 2 },
    { lat: 1, lng: 2 },
    { latitude: 1, longitude: 2 },
  ])
    assert.is(detailsOf(all, { a }), undefined, JSON.stringify(a))
  for (const a of [{ lat: 1 }, { lon: 1 }, { lat: '1', lon: 2 }, [1, 2], 'x'])
    assert.match(detailsOf(all, { a })!, /must be a place/, JSON.stringify(a))
  assert.equal(
    ['https://a.test/b', 'HTTP://a', 'ftp://a', 'https://', 'https://a b', 5].map(
      (u) => detailsOf(all, { u }) === undefined,
    ),
    [true, true, false, false, false, false],
  )
})

test.run()
