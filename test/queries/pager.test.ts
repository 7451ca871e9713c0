// Pages of large entries: bounded by bytes, and whole when they are followed.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_PAGE_BYTES, type Paging, pageOf } from '../../src/api/lists/pager.ts'
import { inMemory, type Source } from '../../src/api/lists/sources.ts'
import fc from '../fc.ts'

interface Entry {
  readonly id: string
  readonly at: number
  readonly text: string
}

const ORDERS = { created_at: ['at', 'id'] }
const timed = { prefix: 'e_', at: ({ at }: Entry) => at, id: ({ id }: Entry) => id }

/** Entries of which many share an instant, and what is read of them. */
const listOf = (sizes: readonly number[]) => {
  const entries = sizes.map(
    (size, i): Entry => ({
      id: `e_${String(i % 7)}aa${String(i).padStart(4, '0')}`,
      at: 1_000_000 + Math.floor(i / 5),
      text: 'x'.repeat(size),
    }),
  )
  const source = inMemory(
    entries,
    (entry, key) => (key === 'at' ? new Date(entry.at) : entry.id),
    ({ id }) => id,
  )
  const count = { bytes: 0 }
  const counting: Source<Entry> = {
    ...source,
    async read(...args) {
      const found = await source.read(...args)
      for (const { text } of found) count.bytes += text.length
      return found
    },
  }
  return { entries, source: counting, count }
}

const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(2_000) },
  { weight: 2, arbitrary: fc.constantFrom(200_000, 700_000, 1_100_000) },
  { weight: 1, arbitrary: fc.constant(3_000_000) },
)

test('pages end by bytes, and followed by cursor they hold every entry once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(size, { maxLength: 60 }),
      fc.constantFrom(1, 10, 100),
      fc.constantFrom('created_at', '-created_at'),
      async (sizes, limit, order) => {
        const { entries, source } = listOf(sizes)
        const seen: string[] = []
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const page = await pageOf(source, ORDERS, { limit, order, cursor })
          if ('failed' in page) throw new Error(page.details)
          const bytes = page.entries.reduce((sum, { text }) => sum + text.length, 0)
          assert.ok(bytes <= MAX_PAGE_BYTES || page.entries.length === 1, `${bytes} bytes`)
          assert.ok(page.entries.length > 0 || entries.length === 0)
          assert.is(page.more, page.cursor !== null)
          seen.push(...page.entries.map(({ id }) => id))
          cursor = page.cursor
        }
        const ids = [...entries].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)).map(({ id }) => id)
        assert.equal(seen, order === 'created_at' ? ids : ids.reverse())
      },
    ),
    { numRuns: 40 },
  )
})

test('whatever is sent as a cursor is a place in the list or refused', async () => {
  const { source } = listOf([1, 1, 1])
  const value = fc.oneof(fc.jsonValue(), fc.record({ at: fc.oneof(fc.double(), fc.constantFrom(1e300, 8.64e15, 1.5)) }))
  const cursor = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(fc.constantFrom('created_at', 'at', 5), fc.array(value, { maxLength: 3 }))
      .map(([order, place]) => Buffer.from(JSON.stringify([order, ...place])).toString('base64url')),
  )
  const ask = (text: string) => pageOf(source, ORDERS, { limit: 10, order: 'created_at', cursor: text })
  await fc.assert(
    fc.asyncProperty(cursor, async (text) => {
      const page = await ask(text)
      if ('failed' in page) assert.is(page.status, 400)
    }),
  )
  const refused = [
    ...[1e300, 1.5, 8.64e15 + 1].map((at) => JSON.stringify(['created_at', { at }, 'e_'])),
    // No entry lacks its last key: behind nulls alone, in a descending order, is nothing that a store can be asked for.
    '["created_at",null,null]',
    // Read, but not as what it says.
    '["created_at",1e999,"e_"]',
    '["created_at",{"at":1,"at":2},"e_"]',
  ]
  const encoded = (text: string) => Buffer.from(text).toString('base64url')
  for (const text of refused) assert.ok('failed' in (await ask(encoded(text))), text)
  assert.not.ok('failed' in (await ask(encoded('["created_at",{"at":1},"e_"]'))))
})

test('followed by the time of the last entry they hold every entry, whatever shares an instant', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 40 }), async (sizes) => {
      const { entries, source } = listOf(sizes)
      const seen = new Set<string>()
      let paging: Paging = { limit: 10, order: '-created_at' }
      for (let pages = 0; ; pages++) {
        assert.ok(pages <= entries.length, 'it goes on')
        const page = await pageOf(source, ORDERS, paging, timed)
        if ('failed' in page) throw new Error(page.details)
        for (const { id } of page.entries) seen.add(id)
        const last = page.entries.at(-1)
        if (!page.more || !last) break
        const digits = /\.\d{3}(\d{6})Z/.exec(page.timeOf(last))?.[1]
        paging = {
          limit: 10,
          order: '-created_at',
          starting_after: { at: last.at, slot: digits === undefined ? undefined : Number(digits) },
        }
      }
      assert.is(seen.size, entries.length)
    }),
    { numRuns: 40 },
  )
})

test('a page of large entries reads no more than a few of them too many, and one of small entries reads twice at most', async () => {
  const large = listOf(Array.from({ length: 100 }, () => 500_000))
  await pageOf(large.source, ORDERS, { limit: 100, order: 'created_at' })
  assert.ok(large.count.bytes <= 16 * 500_000, `${large.count.bytes}`)
  const small = listOf(Array.from({ length: 300 }, () => 100))
  await pageOf(small.source, ORDERS, { limit: 100, order: 'created_at' })
  assert.is(small.count.bytes, 101 * 100)
})

test.run()
