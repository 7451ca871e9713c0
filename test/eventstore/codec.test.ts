// The codec: what is refused, what is ignored, what is upcast, and what a malformed fact says.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { listedEntries, wholeFields } from '../../src/domain/personal.ts'
import { AppendRefused, createCodec, MalformedFact, type RawRecord } from '../../src/eventstore/index.ts'
import fc from '../fc.ts'

const codec = createCodec({
  Moved: {
    version: 3,
    schema: v.object({ to: v.object({ city: v.string() }), times: v.optional(v.number(), 1) }),
    upcasters: {
      1: (data) => ({ place: (data as { where: string }).where }),
      2: (data) => ({ to: { city: (data as { place: string }).place.toUpperCase() } }),
    },
  },
})

const record = (
  data: unknown,
  metadata: unknown = { $correlationId: 'c', schemaVersion: 3 },
  type = 'Moved',
): RawRecord => ({
  stream: 'customer-1',
  revision: 7n,
  position: 700n,
  id: '0b0f6d6c-6f0e-4b0e-9d2b-2f8d8f1f0001',
  type,
  data,
  metadata,
  created: 5,
})
const fact = (data: unknown, type = 'Moved') => ({
  id: '0b0f6d6c-6f0e-4b0e-9d2b-2f8d8f1f0001',
  type,
  data,
  metadata: { $correlationId: 'c' },
})

test('encode notes the version and keeps only what the schema knows', () => {
  const encoded = codec.encode(fact({ to: { city: 'Rome', extra: 1 }, more: 2 }), 's')
  assert.equal(encoded.data, { to: { city: 'Rome' }, times: 1 })
  assert.is(encoded.metadata.schemaVersion, 3)
})

test('encode refuses what does not fit, with its path, and unknown types', () => {
  assert.throws(
    () => codec.encode(fact({ to: { city: 1 } }), 's'),
    (e: unknown) => e instanceof AppendRefused && e.reason === 'malformed' && e.message.includes('to.city'),
  )
  assert.throws(
    () => codec.encode(fact({}, 'Unheard'), 's'),
    (e: unknown) => e instanceof AppendRefused && e.reason === 'unknown_type',
  )
})

test('decode ignores unknown types by name', () => {
  assert.is(codec.decode(record({ any: 1 }, {}, '$metadata')), undefined)
  assert.is(codec.decode(record('not even json', undefined, 'Foreign')), undefined)
})

test('decode upcasts step by step; no version means the first', () => {
  assert.equal(codec.decode(record({ where: 'rome' }, { $correlationId: 'c' }))?.data, {
    to: { city: 'ROME' },
    times: 1,
  })
  assert.equal(codec.decode(record({ place: 'rome' }, { $correlationId: 'c', schemaVersion: 2 }))?.data, {
    to: { city: 'ROME' },
    times: 1,
  })
})

test('decode keeps stream, revision, position, id, time and metadata', () => {
  const decoded = codec.decode(
    record({ to: { city: 'Rome' } }, { $correlationId: 'c', schemaVersion: 3, rulebook: '12', own: 1 }),
  )
  assert.is(decoded?.revision, 7n)
  assert.is(decoded?.position, 700n)
  assert.is(decoded?.created, 5)
  assert.is(decoded?.metadata.rulebook, '12')
  assert.is(decoded?.metadata.own, 1)
})

test('a malformed fact names stream and revision', () => {
  for (const [data, metadata] of [
    [{ to: { city: 1 } }, { schemaVersion: 3 }],
    ['text', { schemaVersion: 3 }],
    [null, { schemaVersion: 3 }],
    [{}, { schemaVersion: 4 }],
    [{}, { schemaVersion: 0 }],
    [{}, { schemaVersion: 'two' }],
    [undefined, undefined],
  ] as const) {
    assert.throws(
      () => codec.decode(record(data, metadata)),
      (e: unknown) => e instanceof MalformedFact && e.message.includes('customer-1@7') && e.fact.position === 700n,
    )
  }
})

test('a registry without a needed upcaster is a fault of the program', () => {
  assert.throws(() => createCodec({ A: { version: 2, schema: v.object({}) } }), /no upcaster from version 1/)
})

test('whether something is personal is told without taking it apart, and what is taken is put back', () => {
  const value = fc.oneof(
    fc.constant(null),
    fc.constant(''),
    fc.string(),
    fc.constant({}),
    fc.object({ maxDepth: 1, withNullPrototype: false }),
  )
  const data = fc.record(
    {
      email: value,
      profile: fc.record({ name: value, role: value }, { requiredKeys: [], noNullPrototype: true }),
      metadata: fc.dictionary(fc.constantFrom('note', 'stars', 'toString'), value, { noNullPrototype: true }),
      personal: fc.array(fc.constantFrom('note', 'other', 'toString')),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  const parts = [wholeFields({ email: '', 'profile.name': undefined }), listedEntries('metadata', 'personal')]
  fc.assert(
    fc.property(data, (one) => {
      for (const part of parts) {
        const taken = part.take(one)
        assert.is(part.holds(one), taken !== undefined)
        if (taken) assert.equal(part.put(taken.rest, taken.taken), one)
      }
    }),
  )
})

test.run()
