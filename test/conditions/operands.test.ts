// What is sent with each operator: what is read of it, and what is refused, one step from each bound.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { calendarOf } from '../../src/domain/calendar.ts'
import type { Test } from '../../src/domain/conditions/ast.ts'
import * as operands from '../../src/domain/conditions/operands.ts'

const calendar = calendarOf('Europe/Berlin')

type Shape = Partial<operands.Operand['shape']> & Pick<operands.Operand['shape'], 'type'>
type Read = (operand: operands.Operand) => Test | undefined

/** The test that a value becomes, or the fault. */
const read = (reader: Read, value: unknown, shape: Shape = { type: 'any' }): Test | string => {
  let said = ''
  const fault = (message: string): undefined => {
    said ||= message
    return undefined
  }
  return reader({ value, shape: { array: undefined, ...shape }, path: 'p', calendar, fault }) ?? said
}

const refused = (reader: Read, values: readonly unknown[], words: RegExp, shape?: Shape) => {
  for (const value of values) assert.match(String(read(reader, value, shape)), words, JSON.stringify(value))
}

test('numbers are numbers or texts that are some', () => {
  const numbers = { '5': 5, ' -5.5 ': -5.5, '+.5': 0.5, '5.': 5, '1e3': 1000 }
  for (const [text, number] of Object.entries(numbers)) assert.is(operands.toNumber(text), number, text)
  for (const none of ['', 'x', '5x', '1e999', '0x10', Number.NaN, Number.POSITIVE_INFINITY, true, null])
    assert.is(operands.toNumber(none), undefined, String(none))
})

test('one value is one value, bare or in a list', () => {
  const ask = operands.order('gte')
  assert.equal(read(ask, 5), { op: 'gte', value: 5 })
  assert.equal(read(ask, ['5']), { op: 'gte', value: 5 })
  refused(ask, [[], [5, 6]], /must have exactly one value/)
  refused(ask, ['x', true], /must be a number/)
})

test('lists hold one value to so many', () => {
  const ask = operands.equality('in')
  assert.equal(read(ask, 'a'), { op: 'in', values: ['a'] })
  refused(ask, [[]], /at least one value/)
  const most = Number(
    /more than (\d+)/.exec(
      String(
        read(
          ask,
          Array.from({ length: 1_000_000 }, () => 'a'),
        ),
      ),
    )?.[1],
  )
  assert.not.type(
    read(
      ask,
      Array.from({ length: most }, () => 'a'),
    ),
    'string',
  )
  assert.type(
    read(
      ask,
      Array.from({ length: most + 1 }, () => 'a'),
    ),
    'string',
  )
})

test('values are read as the type that they are compared with', () => {
  const ask = operands.equality('in')
  const as = (type: operands.Operand['shape']['type'], value: unknown) => {
    const found = read(ask, value, { type })
    return typeof found === 'string' ? found : (found as { readonly values: readonly unknown[] }).values
  }
  assert.equal(as('number', '5'), [5])
  assert.equal(as('string', 5), ['5'])
  assert.equal([as('boolean', 'true'), as('boolean', false), as('boolean', 'false')], [[true], [false], [false]])
  assert.equal(as('date', '2026-03-01'), ['2026-03-01'])
  assert.equal(as('any', 5), [5])
  for (const [type, value] of [
    ['number', 'x'],
    ['boolean', 'yes'],
    ['boolean', 1],
    ['date', 5],
    ['datetime', 'soon'],
    ['any', {}],
    ['any', null],
  ] as const)
    assert.type(as(type, value), 'string', `${type} ${JSON.stringify(value)}`)
})

test('flags are true', () => {
  const ask = operands.flag({ op: 'in', values: [1] })
  for (const yes of [true, 'true', null, [true]]) assert.not.type(read(ask, yes), 'string', JSON.stringify(yes))
  refused(ask, [false, 'false', 1, [true, false]], /must be true/)
})

test('a day as an end is all of it', () => {
  const day = Date.parse('2026-03-01T00:00:00+01:00')
  assert.equal(read(operands.date('before'), '2026-03-01'), { op: 'before', at: day })
  assert.equal(read(operands.date('before_equal'), '2026-03-01'), { op: 'before_equal', at: day + 86_400_000 - 1 })
  assert.equal(read(operands.date('before_equal'), '2026-03-01T10:00:00Z'), {
    op: 'before_equal',
    at: Date.parse('2026-03-01T10:00:00Z'),
  })
  refused(operands.date('after'), ['soon', 5], /ISO 8601 date or time/)
})

test('lengths of time are whole days or durations, up to a thousand years', () => {
  const ask = operands.distance('older')
  const days = (n: number) => ({ op: 'older', by: { years: 0, months: 0, days: n, ms: 0 } })
  assert.equal([read(ask, 0), read(ask, '3')], [days(0), days(3)])
  assert.equal(read(ask, 'PT90S'), { op: 'older', by: { years: 0, months: 0, days: 0, ms: 90_000 } })
  assert.not.type(read(ask, 366_000), 'string')
  refused(ask, [-1, 1.5, 366_001, 'x', true], /whole number of days or an ISO 8601 duration/)
})

test('days around a date, and anniversaries, are bounded by a year', () => {
  const ask = (sign: 1 | -1, yearly: boolean, value: unknown) => read(operands.onDay(sign, { yearly }), value)
  assert.equal(ask(-1, true, 366), { op: 'on_day', shift: -366, yearly: true })
  assert.equal(ask(1, false, 367), { op: 'on_day', shift: 367, yearly: false })
  assert.ok(Object.is((ask(-1, true, 0) as { readonly shift: number }).shift, 0), 'no negative nothing')
  assert.type(ask(1, true, 367), 'string')
  assert.type(ask(1, false, 366_001), 'string')
  assert.type(ask(1, false, -1), 'string')
  assert.equal(read(operands.anniversary('ago', 'more'), 366), {
    op: 'anniversary',
    direction: 'ago',
    compare: 'more',
    days: 366,
  })
  refused(operands.anniversary('ago', 'more'), [367, -1, 0.5], /from 0 to 366/)
})

test('parts of dates lie between their ends', () => {
  const ask = operands.part('month', 1, 12)
  assert.equal(read(ask, [1, '12']), { op: 'part', part: 'month', values: [1, 12] })
  refused(ask, [0, 13, 1.5, 'x'], /whole number from 1 to 12/)
  assert.equal(read(operands.dayOrWeekday, 6), { op: 'part', part: 'weekday', values: [6] })
  refused(operands.dayOrWeekday, [7, -1], /from 0 to 6/)
  const from = Date.parse('2026-03-01T00:00:00+01:00')
  assert.equal(read(operands.dayOrWeekday, '2026-03-01'), { op: 'between', from, to: from + 86_400_000 })
})

test('a size of a number is the number, of a list its length', () => {
  assert.equal(read(operands.size('eq'), 3, { type: 'number' }), { op: 'in', values: [3] })
  assert.equal(read(operands.size('gt'), 3, { type: 'number' }), { op: 'gt', value: 3 })
  assert.equal(read(operands.size('gt'), 3, { type: 'number', array: true }), { op: 'size', compare: 'gt', value: 3 })
  assert.equal(read(operands.size('lt'), 1_000_000_000), { op: 'size', compare: 'lt', value: 1_000_000_000 })
  refused(operands.size('lt'), [1_000_000_001, -1, 0.5], /whole number from 0 to 1000000000/)
})

test('what recurs does so after a minute or more, and lasts no longer', () => {
  const start = Date.parse('2026-03-01T00:00:00Z')
  const span = (ms: number) => ({ years: 0, months: 0, days: 0, ms })
  assert.equal(read(operands.recurring, '2026-03-01T00:00:00Z;PT1M;PT1M'), {
    op: 'recurring',
    start,
    every: span(60_000),
    lasting: span(60_000),
  })
  for (const text of ['PT59S;PT1S', 'PT1M;PT61S', 'PT1M;PT0S'])
    assert.match(String(read(operands.recurring, `2026-03-01T00:00:00Z;${text}`)), /recur after a minute/, text)
  refused(operands.recurring, ['soon;PT1M;PT1M', '2026-03-01;x;PT1M', '2026-03-01;PT1M;x'], /time and two durations/)
  refused(operands.recurring, ['2026-03-01;PT1M', 'a;b;c;d', 5], /must be 'start;every;lasting'/)
})

test('a stretch ends after it begins', () => {
  assert.equal(read(operands.between, '2026-03-01T00:00:00Z; 2026-03-01T00:00:01Z'), {
    op: 'between',
    from: Date.parse('2026-03-01T00:00:00Z'),
    to: Date.parse('2026-03-01T00:00:01Z'),
  })
  refused(
    operands.between,
    ['2026-03-01T00:00:00Z;2026-03-01T00:00:00Z', '2026-03-02;2026-03-01', 'x;2026-03-01', '2026-03-01;x'],
    /the earlier first/,
  )
  refused(operands.between, ['2026-03-01', '1;2;3'], /must be 'from;to'/)
})

test('hours of the day are read to the second, from midnight to midnight, on all days or some', () => {
  const every = [0, 1, 2, 3, 4, 5, 6]
  const hours = (h: number, m = 0, s = 0) => ((h * 60 + m) * 60 + s) * 1000
  assert.equal(read(operands.daily, '00:00;24:00'), { op: 'daily', from: 0, to: hours(24), days: every })
  assert.equal(read(operands.daily, '09:05:06;17:59:59; '), {
    op: 'daily',
    from: hours(9, 5, 6),
    to: hours(17, 59, 59),
    days: every,
  })
  assert.equal(read(operands.daily, '19:00;23:59;6,0,6'), {
    op: 'daily',
    from: hours(19),
    to: hours(23, 59),
    days: [0, 6],
  })
  refused(
    operands.daily,
    ['24:01;10:00', '09:60;10:00', '25:00;10:00', '09:00;10:00:60', '9:00;10:00', '09:00;10:00;7', '09:00;10:00;-1'],
    /two times of day and days/,
  )
  refused(operands.daily, ['09:00', '09:00;10:00;1;2', 9], /must be 'HH:MM;HH:MM;days'/)
})

test('a circle is a text or an object', () => {
  const circles = [{ latitude: 1, longitude: -2, metres: 0.5 }]
  assert.equal(read(operands.near('near'), '1,-2,0.5'), { op: 'near', circles })
  assert.equal(read(operands.near('not_near'), [{ latitude: '1', longitude: -2, metres: 0.5 }]), {
    op: 'not_near',
    circles,
  })
  refused(operands.near('near'), ['1,2', { latitude: 1, longitude: 2 }, 5, '91,0,1', '0,181,1', '0,0,0'], /metres/)
})

test('`$from` is a bound of numbers, and of dates', () => {
  assert.equal(read(operands.from, '5', { type: 'number' }), { op: 'gte', value: 5 })
  assert.equal(read(operands.from, 5), { op: 'gte', value: 5 })
  const at = Date.parse('2026-03-01T00:00:00+01:00')
  assert.equal(read(operands.from, '2026-03-01'), { op: 'after_equal', at })
  assert.equal(read(operands.from, '2026-03-01', { type: 'date' }), { op: 'after_equal', at })
})

test.run()
