// How large values are, places in the log as moments, and what schemas of definitions bound: by examples and as a record.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toJsonSchema } from '@valibot/to-json-schema'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { MAX_KEYS, MAX_ROLES } from '../../src/domain/access/access.ts'
import { MAX_USERS } from '../../src/domain/access/users.ts'
import { MAX_CODE } from '../../src/domain/codes.ts'
import { MAX_CONDITION_NESTING, MAX_LEVELS, MAX_NODES, MAX_VALUES } from '../../src/domain/conditions/faults.ts'
import { MAX_WINDOW_MS } from '../../src/domain/conditions/native.ts'
import { MAX_STEPS } from '../../src/domain/conditions/steps.ts'
import { AHEAD_MS, MAX_ORDER_ITEMS } from '../../src/domain/conditions/subject.ts'
import { MAX_HISTORY } from '../../src/domain/customer/consents.ts'
import { MAX_DECLINED, MAX_FACTS, MAX_ROUNDS } from '../../src/domain/customer/draft.ts'
import { ROLLBACK_WINDOW_MS } from '../../src/domain/customer/loyalty/state.ts'
import { MAX_PROFILE_BYTES } from '../../src/domain/customer/profile.ts'
import { MAX_ABANDONED, ROLLBACK_MS } from '../../src/domain/customer/redemptions/state.ts'
import { MAX_ORDER } from '../../src/domain/order.ts'
import { MAX_ORDER_BYTES } from '../../src/domain/orders/content.ts'
import { MAX_POINTS, MAX_TOTAL } from '../../src/domain/points.ts'
import { asMoment, ofMoment, sortable } from '../../src/domain/position.ts'
import { MAX_CAP } from '../../src/domain/rulebook/distribution.ts'
import { kindNamed, kindNames } from '../../src/domain/rulebook/kinds.ts'
import { MAX_PERIOD_MS } from '../../src/domain/rulebook/periods.ts'
import { MAX_TIERS } from '../../src/domain/rulebook/promotionTier.ts'
import { MAX_REDEEMABLES } from '../../src/domain/rulebook/stackingRules.ts'
import { MAX_AMOUNT } from '../../src/domain/rulebook/voucherSpec.ts'
import {
  GivenMetadata,
  MAX_BATCH_BYTES,
  MAX_EVENT_BYTES,
  MAX_METADATA_BYTES,
  MAX_METADATA_KEYS,
  sizeOf,
} from '../../src/domain/size.ts'
import { MAX_VALUE } from '../../src/domain/templates/plain.ts'
import { MAX_TEMPLATE } from '../../src/domain/templates/template.ts'
import { MAX_ITEMS } from '../../src/domain/vouchers/job.ts'
import fc from '../fc.ts'
import { DAY, MINUTE } from '../given.ts'

test('a value is about as large as it is written', () => {
  const sizes: readonly (readonly [value: unknown, bytes: number, keys: number])[] = [
    ['', 2, 0],
    ['ä', 4, 0],
    [12.5, 4, 0],
    [true, 4, 0],
    [null, 4, 0],
    [undefined, 4, 0],
    [false, 5, 0],
    [[], 2, 0],
    [[1, 2], 6, 0],
    [{}, 2, 0],
    [{ a: 1 }, 8, 1],
    [{ a: { b: 1 }, c: undefined }, 15, 2],
    [new Map([['a', 1]]), 2 + 4 + 3 + 1, 0],
    [new Set([true]), 2 + 4, 0],
  ]
  for (const [value, bytes, keys] of sizes) assert.equal(sizeOf(value), { bytes, keys }, JSON.stringify(value))
})

test('what is nested without end is larger than any bound', () => {
  const deep = (levels: number): unknown => {
    let value: unknown = 1
    for (let n = 1; n < levels; n++) value = [value]
    return value
  }
  assert.is(sizeOf(deep(1_000)).bytes, 999 * 3 + 1)
  assert.is(sizeOf(deep(1_001)).bytes, 2 ** 40)
  const round: unknown[] = []
  round.push(round, round)
  assert.ok(sizeOf(round).bytes >= 2 ** 40)
})

test('metadata is taken to its bounds', () => {
  const keys = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, 1]))
  const fits = (value: unknown) => v.safeParse(GivenMetadata, value).success
  assert.equal([fits(keys(MAX_METADATA_KEYS)), fits(keys(MAX_METADATA_KEYS + 1))], [true, false])
  const bytes = (n: number) => ({ a: 'x'.repeat(n - sizeOf({ a: '' }).bytes) })
  assert.equal([fits(bytes(MAX_METADATA_BYTES)), fits(bytes(MAX_METADATA_BYTES + 1))], [true, false])
})

test('the bounds that tests and texts call by name are these', () => {
  const [kilobyte, trillion] = [1_024, 10 ** 12]
  assert.equal(
    [MAX_METADATA_BYTES, MAX_METADATA_KEYS, MAX_EVENT_BYTES, MAX_BATCH_BYTES, MAX_PROFILE_BYTES, MAX_ORDER_BYTES],
    [256 * kilobyte, 2_000, 1_024 * kilobyte, 10_240 * kilobyte, 64 * kilobyte, 160 * kilobyte],
  )
  assert.equal([MAX_AMOUNT, MAX_ORDER, MAX_POINTS, MAX_TOTAL], [trillion, 1_000 * trillion, trillion, 1_000 * trillion])
  assert.equal(
    [ROLLBACK_MS, ROLLBACK_WINDOW_MS, MAX_PERIOD_MS, MAX_WINDOW_MS, AHEAD_MS],
    [92 * DAY, 92 * DAY, 366 * DAY, 1_825 * DAY, 5 * MINUTE],
  )
  assert.equal([MAX_ROUNDS, MAX_FACTS, MAX_DECLINED, MAX_ABANDONED, MAX_HISTORY], [16, 256, 32, 64, 100])
  assert.equal([MAX_CONDITION_NESTING, MAX_LEVELS, MAX_NODES, MAX_VALUES, MAX_STEPS], [64, 20, 500, 1_000, 250_000])
  assert.equal([MAX_ORDER_ITEMS, MAX_REDEEMABLES, MAX_TIERS, MAX_CAP, MAX_ITEMS], [500, 30, 100, 100, 100_000])
  assert.equal([MAX_KEYS, MAX_ROLES, MAX_USERS, MAX_CODE], [1_000, 100, 1_000, 300])
  assert.equal([MAX_TEMPLATE, MAX_VALUE], [100_000, 1_000])
})

test('a place is a moment and back, up to a petabyte', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 999_999_999_999_999n }), (place) => {
      assert.is(ofMoment(asMoment(sortable(place))), sortable(place))
    }),
  )
  assert.is(asMoment(sortable(1_001n)), '1970-01-01T00:00:00.001001Z')
  assert.is(ofMoment('1970-01-01T00:00:00Z'), sortable(0n))
  assert.is(ofMoment('2001-09-09T01:46:39.999Z'), sortable(999_999_999_999_000n))
  for (const time of ['2001-09-09T01:46:40.000Z', '1969-12-31T23:59:59.999Z', 'soon'])
    assert.is(ofMoment(time), undefined, time)
})

/** A bound that becomes another is a change for whoever sends definitions, and is to be meant: `UPDATE=1 npm test -- domain/measures`. */
test('definitions are bounded as they were', () => {
  const file = join(import.meta.dirname, '../data/definitions.json')
  const now = Object.fromEntries(
    kindNames.map((kind) => [
      kind,
      JSON.parse(JSON.stringify(toJsonSchema(kindNamed(kind).schema, { typeMode: 'input', errorMode: 'ignore' }))),
    ]),
  )
  if (process.env.UPDATE === '1') writeFileSync(file, `${JSON.stringify(now, null, 1)}\n`)
  assert.equal(now, JSON.parse(readFileSync(file, 'utf8')))
})

test.run()
