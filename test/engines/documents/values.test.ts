// Values of the document store: one order for comparing, sorting and index keys; bytes that decode to what they were.

import { BSON } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decode } from '../../../src/engines/documents/bson.ts'
import { encode } from '../../../src/engines/documents/bson-encode.ts'
import { compareValues } from '../../../src/engines/documents/compare.ts'
import { inverted, keyOf } from '../../../src/engines/documents/keys.ts'
import {
  Binary,
  BSONRegExp,
  Decimal128,
  Double,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  type Value,
} from '../../../src/engines/documents/values.ts'
import fc from '../../fc.ts'
import { times } from '../../soak.ts'

const runs = times(1_000, 20_000)

const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.integer({ min: -30, max: 30 }))
  .map(([digits, exponent]) => Decimal128.fromString(`${digits}E${exponent}`))

/** Numbers that are close to each other, of all four kinds, around where doubles become coarse. */
const number: fc.Arbitrary<Value> = fc.oneof(
  fc.integer(),
  fc.integer({ min: -3, max: 3 }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }),
  fc.double().map((n) => new Double(n)),
  fc
    .constantFrom(0, -0, 0.1, 1.5, 2 ** 53, -(2 ** 53), 2 ** 63, Number.NaN, Infinity, -Infinity)
    .map((n) => new Double(n)),
  decimal,
  fc
    .constantFrom('0.1', '1.50', '9007199254740993', '1E+400', '-1E+400', '1E-400', 'NaN', 'Infinity')
    .map((t) => Decimal128.fromString(t)),
)

const scalar: fc.Arbitrary<Value> = fc.oneof(
  { weight: 4, arbitrary: number },
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', 'a', 'a\0', 'a\0b', 'ab', '\ud83d\ude00', '\uffff', 'ä'),
  fc.boolean(),
  fc.constant(null),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes)),
  fc.uint8Array({ maxLength: 5 }).map((bytes) => new Binary(bytes)),
  fc.tuple(fc.nat(), fc.nat()).map(([t, i]) => new Timestamp({ t, i })),
  fc.constantFrom('a', 'ab').map((pattern) => new BSONRegExp(pattern, 'i')),
  fc.constantFrom(new MinKey(), new MaxKey()),
)

const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { weight: 6, arbitrary: scalar },
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.constantFrom('a', 'b', '2', '1', '__proto__'), tie('value')), { maxLength: 3 })
      .map((e) => new Map(e)),
  ),
})).value

const sign = (n: number): number => Math.sign(n)
const byKey = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

test('the order of keys is the order of values, up and down', () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      const order = sign(compareValues(a, b))
      assert.is(byKey(keyOf(a), keyOf(b)), order)
      // Two parts of a compound key follow each other, so the turned key is followed by something too.
      assert.is(byKey(`${inverted(keyOf(a))}x`, `${inverted(keyOf(b))}x`), -order + 0)
    }),
    { numRuns: runs },
  )
})

test('the order is total: antisymmetric and transitive', () => {
  fc.assert(
    fc.property(value, value, value, (a, b, c) => {
      assert.is(sign(compareValues(a, b)) + sign(compareValues(b, a)), 0)
      const [x, y, z] = [a, b, c].sort(compareValues) as [Value, Value, Value]
      assert.ok(compareValues(x, y) <= 0 && compareValues(y, z) <= 0 && compareValues(x, z) <= 0)
    }),
    { numRuns: runs },
  )
})

test('a key is followed by no part of another: no key is the beginning of a different one', () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      const [x, y] = [keyOf(a), keyOf(b)]
      if (x !== y) assert.not.ok(y.startsWith(x), `${JSON.stringify(x)} begins ${JSON.stringify(y)}`)
    }),
    { numRuns: runs },
  )
})

test('what is encoded decodes to the same bytes, and is what the driver writes', () => {
  fc.assert(
    fc.property(value, (v) => {
      const bytes = encode({ v })
      assert.equal(encode(decode(bytes)), bytes)
      assert.equal(Buffer.from(BSON.serialize(new Map([['v', v]]))), bytes)
    }),
    { numRuns: runs },
  )
})

test('bytes that are no document are refused, never read beyond their end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), (noise, at) => {
      const bytes = Buffer.concat([encode({ a: 1, b: 'text', c: { d: [1, 2, new ObjectId()] } }), Buffer.alloc(4)])
      bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length))
      try {
        decode(bytes)
      } catch (error) {
        assert.is((error as Error).constructor.name, 'CommandError', String(error))
      }
    }),
    { numRuns: runs },
  )
})

test.run()
