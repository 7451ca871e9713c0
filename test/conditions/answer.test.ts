// How answers combine: truth by truth, and until the first instant at which it could be another.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, allOf, answer, anyOf, during, FAILS, HOLDS, negated } from '../../src/domain/conditions/answer.ts'
import { parseLogic } from '../../src/domain/conditions/logic.ts'
import fc from '../fc.ts'

/** A part that holds, or fails, until an instant, and is the other from then on for ever. */
const part = fc.record({
  holds: fc.boolean(),
  until: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(Number.POSITIVE_INFINITY)),
})
const at = ({ holds, until }: Answer, now: number): boolean => (now < until ? holds : !holds)

test('what is joined says what its parts say, and does not change before it says', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      const all = allOf(parts, (one) => one)
      const any = anyOf(parts, (one) => one)
      assert.is(
        all.holds,
        parts.every(({ holds }) => holds),
      )
      assert.is(
        any.holds,
        parts.some(({ holds }) => holds),
      )
      for (let now = 0; now < 8; now++) {
        if (now < all.until)
          assert.is(
            parts.every((one) => at(one, now)),
            all.holds,
          )
        if (now < any.until)
          assert.is(
            parts.some((one) => at(one, now)),
            any.holds,
          )
      }
    }),
  )
})

test('what holds ends with its first part, what fails with the last that does', () => {
  const of = (holds: boolean, ...until: number[]) => until.map((one) => answer(holds, one))
  const same = (one: Answer) => one
  assert.equal([allOf(of(true, 3, 2, 4), same), anyOf(of(false, 3, 2, 4), same)], [answer(true, 2), answer(false, 2)])
  assert.equal(allOf([...of(false, 3, 5, 4), ...of(true, 1)], same), answer(false, 5))
  assert.equal(anyOf([...of(true, 3, 5, 4), ...of(false, 1)], same), answer(true, 5))
  assert.equal([allOf([], same), anyOf([], same)], [HOLDS, FAILS])
  let asked = 0
  const counting = (one: Answer) => {
    asked++
    return one
  }
  assert.equal([allOf([FAILS, HOLDS], counting), anyOf([HOLDS, FAILS], counting), asked], [FAILS, HOLDS, 2])
  assert.equal([negated(HOLDS), negated(answer(false, 3))], [FAILS, answer(true, 3)])
})

test('a stretch holds from its begin to before its end', () => {
  const seen = (from: number, to: number) => [1, 2, 3, 4].map((now) => during(from, to, now))
  assert.equal(seen(2, 4), [answer(false, 2), answer(true, 4), answer(true, 4), FAILS])
  assert.equal(seen(3, 3), [FAILS, FAILS, FAILS, FAILS])
  assert.equal(seen(4, 2), [FAILS, FAILS, FAILS, FAILS])
  assert.is(during(1, Number.POSITIVE_INFINITY, 1), HOLDS)
})

test('a logic text has five thousand characters, and what is wrong is told with its place', () => {
  const text = (length: number) => parseLogic('1'.padEnd(length)).ok
  assert.equal([text(5_000), text(5_001)], [true, false])
  const message = (logic: string) => {
    const parsed = parseLogic(logic)
    return parsed.ok ? '' : parsed.message
  }
  const cases: readonly (readonly [string, string])[] = [
    ['1 AND 2 or (3)', ''],
    ['', "expected a rule or '(' but found the end"],
    ['1 and', "expected a rule or '(' but found the end"],
    ['and 1', "expected a rule or '(' but found 'and' at 1"],
    ['1 or  or 2', "expected a rule or '(' but found 'or' at 7"],
    ['(1', "expected ')' but found the end"],
    ['(1 2)', "expected ')' but found '2' at 4"],
    ['1 2', "expected 'and', 'or' or the end but found '2' at 3"],
    ['1)', "expected 'and', 'or' or the end but found ')' at 2"],
    ['1 & 2', "unexpected '&' at 3"],
  ]
  for (const [logic, said] of cases) assert.is(message(logic), said, logic)
  const parsed = parseLogic('1 and 2 or 3 and (4 or 5)')
  const rule = (name: string) => ({ kind: 'rule', rule: name })
  assert.equal(parsed, {
    ok: true,
    logic: {
      kind: 'any',
      of: [
        { kind: 'all', of: [rule('1'), rule('2')] },
        { kind: 'all', of: [rule('3'), { kind: 'any', of: [rule('4'), rule('5')] }] },
      ],
    },
  })
})

test.run()
