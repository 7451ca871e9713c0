// Keys of commands: what memory answers of them, after any pauses in which they were written down, is what a plain map answers.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createKeyMemory, type KeyMemory, MAX_KEYS } from '../../src/runtime/keys.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'

/** As a document store keeps it: text in UTF-8. */
const writtenDown = (keys: KeyMemory): KeyMemory =>
  createKeyMemory(
    JSON.parse(Buffer.from(JSON.stringify(keys.save()).replace(/\\u(d[89a-f]..)/g, '?'), 'utf8').toString()),
  )

const KEYS = [
  'a',
  'aa',
  'a\tb',
  'a\nb',
  '\na\t1',
  'a\\nb',
  '\\',
  'process:a',
  'process:a\n',
  '\ud83d',
  'é😀',
  '中ÿ',
  'constructor',
  '#"',
]
const PRINTS = [undefined, 'print', 'of\ntwo\tlines', '']

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      key: fc.constantFrom(...KEYS),
      facts: fc.integer({ min: 1, max: 3 }),
      print: fc.constantFrom(...PRINTS),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      key: fc.string({ unit: 'binary', maxLength: 8 }),
      facts: fc.constant(1),
      print: fc.constant('p'),
    }),
  },
  { weight: 1, arbitrary: fc.constant('written down' as const) },
)

test('whatever keys are called and however often they are written down, each is found with where its facts stand', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let keys = createKeyMemory()
      const known = new Map<string, { first: bigint; count: number; print: string | undefined }>()
      let revision = -1n
      for (const one of steps) {
        if (one === 'written down') {
          keys = writtenDown(keys)
          continue
        }
        for (let n = 0; n < one.facts; n++) {
          revision++
          keys.note(one.key, revision, revision * 10n, one.print)
          const before = known.get(one.key)
          known.set(
            one.key,
            before ? { ...before, count: before.count + 1 } : { first: revision, count: 1, print: one.print },
          )
        }
      }
      for (const memory of [keys, writtenDown(keys)]) {
        for (const [key, { first, count, print }] of known) {
          const found = memory.find(key)
          assert.equal([found?.first, found?.count, found?.print], [first, count, print], JSON.stringify(key))
        }
        for (const key of [...KEYS, '', '1', 'process:'])
          if (!known.has(key)) assert.is(memory.find(key), undefined, JSON.stringify(key))
        assert.is(memory.forgottenUpTo, undefined)
      }
    }),
    { numRuns: times(300, 20_000) },
  )
})

test(`the oldest of more than ${MAX_KEYS} keys make room, and it is known up to where; a process's never do`, () => {
  let keys = createKeyMemory()
  keys.note('process:transfer', 0n, 1n)
  const last = MAX_KEYS + 40
  for (let n = 1; n <= last; n++) {
    keys.note(`k${n}`, BigInt(n), BigInt(n * 10))
    if (n === 500 || n === MAX_KEYS + 20) keys = writtenDown(keys)
    const forgotten = n - MAX_KEYS
    assert.is(keys.forgottenUpTo, forgotten > 0 ? BigInt(forgotten * 10) : undefined)
  }
  assert.is(keys.find('k40'), undefined)
  assert.is(keys.find('k41')?.first, 41n)
  assert.is(keys.find(`k${last}`)?.first, BigInt(last))
  assert.is(keys.find('process:transfer')?.first, 0n)
})

test.run()
