// Values of a file read as types: exact money, real days, times with and without a zone, and what is refused.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseInstant, parseValue, type ValueFormat, type ValueType } from '../../src/import/values.ts'
import fc from '../fc.ts'

const as = (type: ValueType, more: Partial<ValueFormat> = {}): ValueFormat => ({
  type,
  decimals: 2,
  format: 'iso',
  timeZone: 'UTC',
  decimalSign: '.',
  ...more,
})

const read = (raw: unknown, format: ValueFormat): unknown => {
  const parsed = parseValue(raw, format)
  return parsed.ok ? parsed.value : new Error(parsed.fault)
}

const refused = (raw: unknown, format: ValueFormat): string => {
  const parsed = parseValue(raw, format)
  if (parsed.ok) throw new Error(`${JSON.stringify(raw)} was read as ${JSON.stringify(parsed.value)}`)
  return parsed.fault
}

test('money is whole minor units, exactly', () => {
  for (const [text, minor] of [
    ['12.50', 1250],
    ['1.5', 150],
    ['0', 0],
    ['-3.99', -399],
    ['+0.07', 7],
    ['1.500', 150],
    ['90071992547409.91', 9_007_199_254_740_991],
    ['4.440892e-16', 0],
    ['-4.440892e-16', 0],
    ['0.30000000000000004', 30],
    ['2.9999999999999996', 300],
    ['4.0128e+10', 4_012_800_000_000],
  ] as const)
    assert.is(read(text, as('money')), minor, text)
  assert.is(read(1.15, as('money')), 115, 'a JSON number is read by its digits')
  assert.is(read('12', as('money', { decimals: 0 })), 12)
  assert.is(read('1.234', as('money', { decimals: 3 })), 1234)
  assert.is(read('1234,5', as('money', { decimalSign: ',' })), 123_450)
  assert.is(read('-1,234.50', as('money')), -123_450)
  for (const text of ['1,234,567', '1 234 567', '1\u00a0234\u202f567', "1'234'567.00", '1’234’567'])
    assert.is(read(text, as('money')), 123_456_700)
  assert.is(read('1.234.567,8', as('money', { decimalSign: ',' })), 123_456_780)
  assert.is(read('1,234', as('money', { thousandsSign: ',' })), 123_400)
  assert.is(read('1,234.5', as('number', { thousandsSign: ',' })), 1234.5)
})

test('money with more digits than its currency, with signs or separators, is refused', () => {
  assert.match(refused('1.505', as('money')), /more than 2 digits/)
  assert.match(refused('1.001', as('money')), /more than 2 digits/)
  for (const text of [
    '$5',
    '1,234',
    '1,23',
    '1,2345.0',
    '1,234 567',
    '5 EUR',
    'abc',
    '.',
    '1e',
    '--1',
    '٣',
    '0x10',
    'Infinity',
    'NaN',
  ])
    assert.match(refused(text, as('money')), /not an amount/, text)
  assert.match(refused('90071992547409.92', as('money')), /too large/)
  assert.match(refused('1e300', as('money')), /too large/)
})

test('money read back from its printed form is what it was', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 4 }), (minor, decimals) => {
      const digits = String(Math.abs(minor)).padStart(decimals + 1, '0')
      const cut = digits.length - decimals
      const text = `${minor < 0 ? '-' : ''}${digits.slice(0, cut)}${decimals > 0 ? `.${digits.slice(cut)}` : ''}`
      assert.is(read(text, as('money', { decimals })), minor === 0 ? 0 : minor)
    }),
  )
})

test('numbers are decimal numbers and nothing else', () => {
  assert.is(read(' 42 ', as('number')), 42)
  assert.is(read('-0.5', as('number')), -0.5)
  assert.is(read('1e3', as('number')), 1000)
  assert.is(read('0,5', as('number', { decimalSign: ',' })), 0.5)
  assert.is(read(7, as('number')), 7)
  assert.is(read(0.5, as('number', { decimalSign: ',' })), 0.5, 'JSON numbers have a point')
  for (const text of ['', 'x', '1,5', '0x1f', 'Infinity', '1_000', '1 000'])
    assert.ok(refused(text, as('number')), text)
  assert.match(refused('9007199254740993', as('number')), /read it as a string/)
  assert.match(refused([1], as('number')), /object or array/)
})

test('booleans, strings and JSON', () => {
  for (const text of ['true', 'YES', '1', 't']) assert.is(read(text, as('boolean')), true)
  for (const text of ['false', 'No', '0', 'f']) assert.is(read(text, as('boolean')), false)
  assert.is(read(true, as('boolean')), true)
  assert.match(refused('maybe', as('boolean')), /neither true nor false/)
  assert.is(read(' as it is ', as('string')), ' as it is ')
  assert.is(read(12, as('string')), '12')
  assert.equal(read('[1,"a"]', as('json')), [1, 'a'])
  assert.equal(read({ a: 1 }, as('json')), { a: 1 })
  assert.match(refused('{', as('json')), /not JSON/)
})

test('dates and times are real ones', () => {
  assert.is(read('2024-02-29', as('date')), '2024-02-29')
  assert.match(refused('2023-02-29', as('date')), /not a date/)
  assert.match(refused('2023-02-28T10:00:00Z', as('date')), /not a date/)
  assert.is(read('31.12.2023', as('date', { format: 'dd.LL.yyyy', timeZone: 'Europe/Warsaw' })), '2023-12-31')
  assert.is(read('2017-01-01T12:30:27Z', as('datetime')), '2017-01-01T12:30:27.000Z')
  assert.is(read('2017-01-01T12:30:27+02:00', as('datetime')), '2017-01-01T10:30:27.000Z')
  for (const text of ['2017-02-30T12:00:00Z', '2017-02-28T12:00:00+24:00', '2017-02-28T12:00:00-0160'])
    assert.match(refused(text, as('datetime')), /not a time/)
})

test('a time without a zone is one of the zone given', () => {
  const at = (text: string, format: string, timeZone: string) => {
    const parsed = parseInstant(text, { format, timeZone })
    return parsed.ok ? new Date(parsed.value).toISOString() : parsed.fault
  }
  assert.is(at('2024-07-01 12:00', 'iso', 'UTC'), '2024-07-01T12:00:00.000Z')
  assert.is(at('2024-07-01 12:00', 'iso', 'Europe/Warsaw'), '2024-07-01T10:00:00.000Z')
  assert.is(at('2024-01-01T12:00', 'iso', 'Europe/Warsaw'), '2024-01-01T11:00:00.000Z')
  assert.is(at('2024-01-01', 'iso', 'Europe/Warsaw'), '2023-12-31T23:00:00.000Z')
  assert.is(at('2024-01-01T12:00Z', 'iso', 'Europe/Warsaw'), '2024-01-01T12:00:00.000Z')
  assert.is(at('1700000000', 'unix', 'UTC'), '2023-11-14T22:13:20.000Z')
  assert.is(at('1700000000.5', 'unix', 'UTC'), '2023-11-14T22:13:20.500Z')
  assert.is(at('1700000000500', 'unix-ms', 'UTC'), '2023-11-14T22:13:20.500Z')
  assert.is(at('5.7.2024 8:05', 'd.L.yyyy H:mm', 'America/New_York'), '2024-07-05T12:05:00.000Z')
  assert.match(at('yesterday', 'iso', 'UTC'), /not a time/)
  assert.match(at('1700000000000000', 'unix', 'UTC'), /not a time/)
  assert.match(at('32.1.2024', 'd.L.yyyy', 'UTC'), /not a time/)
})

test.run()
