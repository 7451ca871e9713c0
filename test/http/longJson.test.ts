// Long bodies are read in pieces, with what reading them in one go gives.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_ITEMS, MAX_NAMES } from '../../src/exactJson.ts'
import { JsonFault, parseInPieces, TooDeep, TooMany } from '../../src/http/longJson.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'

/** Longer than a piece. */
const LONG = 'x'.repeat(70_000)
const NESTING = 20

const outcomeOf = async (read: () => unknown): Promise<unknown> => {
  try {
    return { value: await read() }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof JsonFault) return 'no JSON'
    throw error
  }
}

/** Values of which some are long, so that every way of cutting is gone. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(null, true, -1.5e3, '', 'a\\"]},', '\\\\', LONG, `${LONG}"`),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', '', 'b"', '__proto__', ',]', LONG), tie('any'), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
})).any

test('what is JSON comes to the same', async () => {
  await fc.assert(
    fc.asyncProperty(value, fc.constantFrom(0, 1, '\t'), async (given, space) => {
      const text = JSON.stringify(given, null, space)
      assert.equal(await parseInPieces(text, NESTING), JSON.parse(text))
    }),
    { numRuns: times(150, 3_000) },
  )
})

test('what is none is refused, wherever the mistake is', async () => {
  const signs = ['', ',', '[', ']', '{', '}', '"', ':', ' ', '\\', '1', ',,', '\n']
  await fc.assert(
    fc.asyncProperty(value, fc.nat(), fc.constantFrom(...signs), fc.nat(2), async (given, at, sign, away) => {
      const text = JSON.stringify([given, LONG])
      // Near a sign rather than within a long text.
      const places = [...text.matchAll(/[[\]{},:"]/g)].map(({ index }) => index)
      const place = places[at % places.length]!
      const changed = text.slice(0, place) + sign + text.slice(place + away)
      assert.equal(await outcomeOf(() => parseInPieces(changed, NESTING)), await outcomeOf(() => JSON.parse(changed)))
    }),
    { numRuns: times(300, 5_000) },
  )
})

test('a comma with nothing beside it is a mistake between long members too', async () => {
  const long = JSON.stringify(LONG)
  for (const text of [`[${long},,${long}]`, `[,${long}]`, `[${long},]`, `{"a":${long},,"b":1}`, `{,"a":${long}}`])
    assert.is(await outcomeOf(() => parseInPieces(text, NESTING)), 'no JSON', text.replaceAll(LONG, '…'))
})

test('a name given twice has its last value, and stands where it stood first', async () => {
  const text = `{"a":1,"b":"${LONG}","a":"${LONG}","c":2,"b":3}`
  const read = (await parseInPieces(text, NESTING)) as object
  assert.equal(Object.entries(read), Object.entries(JSON.parse(text)))
})

test('where the mistake is', async () => {
  const items = Array.from({ length: 20_000 }, (_, i) => `{"code":"C${i}"}`)
  items[15_000] = '{"code";1}'
  const text = `[${items.join(',')}]`
  const fault = await parseInPieces(text, NESTING).catch((error: unknown) => error)
  assert.is((fault as JsonFault).position, text.indexOf(';'))
})

test('depth and members have bounds', async () => {
  const refusedWith = (text: string): Promise<unknown> =>
    parseInPieces(text, NESTING).catch((error: Error) => error.constructor)
  assert.is(await refusedWith(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), TooDeep)
  assert.is(await refusedWith(`[${'0,'.repeat(MAX_ITEMS)}0]`), TooMany)
  assert.is(((await parseInPieces(`[${'0,'.repeat(MAX_ITEMS - 1)}0]`, NESTING)) as unknown[]).length, MAX_ITEMS)
  const named = (count: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`name${i}`, 0])))
  assert.is(await refusedWith(named(MAX_NAMES + 1)), TooMany)
  assert.is(Object.keys((await parseInPieces(named(MAX_NAMES), NESTING)) as object).length, MAX_NAMES)
})

test('others have their turn in between', async () => {
  let theirs = 0
  let isOver = false
  const other = (): void => {
    theirs++
    if (!isOver) setImmediate(other)
  }
  setImmediate(other)
  const text = JSON.stringify(Array.from({ length: 60_000 }, (_, i) => ({ code: `C${i}`, text: 'x'.repeat(40) })))
  await parseInPieces(text, NESTING)
  isOver = true
  assert.ok(theirs > 1, `${theirs} turns`)
})

test.run()
