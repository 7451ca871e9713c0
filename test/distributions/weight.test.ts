// What filters of templates are counted to go through: characters, elements, and what is looked up in each.
import { Drop } from 'liquidjs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { weighed, weightOf } from '../../src/domain/templates/weight.ts'

class Held extends Drop {
  override valueOf(): unknown {
    return 'abc'
  }
}

test('a text weighs its characters, a list its elements and their characters', () => {
  assert.equal(['abc', 5, null, new Held(), [], ['a', 5, 'bcd']].map(weightOf), [103, 100, 100, 103, 100, 134])
})

test('a call weighs what it is of and given, more where it looks into each element', () => {
  const used = (name: string, value: unknown, ...args: readonly unknown[]) => {
    let sum = 0
    const filter = weighed(name, (one: unknown) => one)
    if (typeof filter !== 'function') throw new Error('a function stays one')
    const context = { memoryLimit: { use: (weight: number) => (sum += weight) } }
    assert.is(filter.call({ context } as never, value, ...args), value)
    return Math.round(sum)
  }
  const cases: readonly (readonly [number, Parameters<typeof used>])[] = [
    [103, ['upcase', 'abc']],
    [115, ['append', 'abc', 'de']],
    [111, ['where', ['a']]],
    [5 * 111 + 11, ['where', ['a'], 'k']],
    [5 * 111 + 11, ['sort_natural', ['a'], 'k']],
    [111 + 11, ['join', ['a'], 'k']],
    [Math.round(111 * (1 + 11.1)), ['where_exp', ['a'], 'k']],
    [1_500 + 2 * 150, ['date', 'now', '%d']],
    [1_500, ['date_to_string', 'now']],
  ]
  for (const [weight, call] of cases) assert.is(used(...call), weight, call[0])
  const object = weighed('raw', { raw: true, handler: (one: unknown) => one })
  assert.is(typeof object === 'object' && object.raw, true)
})

test.run()
