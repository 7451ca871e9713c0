// The words for schema faults: every kind of fault names its property, none repeats the value sent.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { describeIssues } from '../../src/http/issues.ts'

const describe = (schema: v.GenericSchema, value: unknown): string => {
  const result = v.safeParse(schema, value)
  if (result.success) throw new Error('the value is valid')
  return describeIssues(result.issues)
}

test('each kind of fault in its words', () => {
  const cases: readonly (readonly [v.GenericSchema, unknown, string])[] = [
    [v.object({ a: v.string() }), {}, "Payload should have required property 'a'"],
    [v.object({ a: v.string() }), undefined, 'Payload must be object'],
    [v.object({ a: v.string() }), { a: 1 }, 'Property .a must be string'],
    [v.object({ r: v.object({ code: v.string() }) }), { r: {} }, "Property .r should have required property 'code'"],
    [
      v.object({ a: v.array(v.object({ b: v.number() })) }),
      { a: [{ b: 1 }, { b: 'x' }] },
      'Property .a[1].b must be number',
    ],
    [
      v.object({ h: v.pipe(v.array(v.string()), v.minLength(1)) }),
      { h: [] },
      'Property .h must NOT have fewer than 1 items',
    ],
    [
      v.object({ h: v.pipe(v.string(), v.maxLength(2)) }),
      { h: 'abc' },
      'Property .h must NOT have more than 2 characters',
    ],
    [v.object({ n: v.pipe(v.number(), v.minValue(1)) }), { n: 0 }, 'Property .n must be >= 1'],
    [v.object({ n: v.pipe(v.number(), v.integer()) }), { n: 0.5 }, 'Property .n must be integer'],
    [
      v.object({ exported_object: v.picklist(['voucher', 'order']) }),
      { exported_object: 'x' },
      'Property .exported_object should be equal to one of the allowed values [ voucher, order ]',
    ],
    [v.object({ l: v.literal('on') }), { l: 'x' }, 'Property .l should be equal to one of the allowed values [ on ]'],
    [v.strictObject({ a: v.string() }), { a: '', b: 1 }, "Payload must NOT have additional property 'b'"],
    [v.object({ d: v.pipe(v.string(), v.isoDate()) }), { d: 'x' }, 'Property .d must match format "date"'],
    [v.object({ d: v.pipe(v.string(), v.email()) }), { d: 'x' }, 'Property .d must match format "email"'],
    [
      v.object({
        c: v.pipe(
          v.string(),
          v.check(() => false, 'must be known'),
        ),
      }),
      { c: '' },
      'Property .c must be known',
    ],
    [v.object({ u: v.union([v.string(), v.number()]) }), { u: true }, 'Property .u must be string or number'],
    [
      v.object({ u: v.union([v.string(), v.object({ id: v.string() })]) }),
      { u: { id: 1 } },
      'Property .u.id must be string',
    ],
    [
      v.object({ t: v.variant('type', [v.object({ type: v.literal('a') }), v.object({ type: v.literal('b') })]) }),
      { t: { type: 'c' } },
      'Property .t.type should be equal to one of the allowed values [ a, b ]',
    ],
    [v.object({ x: v.nullable(v.boolean()) }), { x: 1 }, 'Property .x must be boolean'],
    [v.record(v.string(), v.number()), { a: 'x' }, 'Property .a must be number'],
  ]
  for (const [schema, value, expected] of cases) assert.is(describe(schema, value), expected)
})

test('several faults are all named, thousands are counted', () => {
  assert.is(
    describe(v.object({ a: v.string(), b: v.number() }), { a: 1, b: '' }),
    'Property .a must be string; Property .b must be number',
  )
  const many = describe(
    v.array(v.string()),
    Array.from({ length: 5000 }, () => 1),
  )
  assert.match(many, /^Property \[0\] must be string; /)
  assert.match(many, /; and 4950 more$/)
  assert.ok(many.length < 5000)
})

test('no value and no over-long name is repeated', () => {
  const secret = 'ada@example.com'
  for (const schema of [
    v.number(),
    v.picklist(['a']),
    v.pipe(v.string(), v.maxLength(3)),
    v.pipe(v.string(), v.isoDate()),
  ])
    assert.not.match(describe(v.object({ a: schema }), { a: secret }), /ada/)
  assert.ok(describe(v.record(v.string(), v.number()), { ['k'.repeat(10_000)]: '' }).length < 300)
})

test.run()
