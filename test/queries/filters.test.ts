// Filters of lists as queries: the document store finds what the same filter, asked in memory, finds among all documents, page by
// page in every order, and reads no list without an index.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type DocumentFields,
  type Field,
  filterQuery,
  NOTHING,
  predicateOf,
  TEXT,
  TIME,
} from '../../src/api/lists/filters.ts'
import { pageOf } from '../../src/api/lists/pager.ts'
import { documents } from '../../src/api/lists/sources.ts'
import { parseQuery } from '../../src/http/query.ts'
import { createReadModel, type ReadModel } from '../../src/readmodel/index.ts'
import { documentStoreUnderTest, type ServerUnderTest } from '../engines/servers.ts'

interface Thing {
  _id: string
  readonly name: string | null
  readonly kind: 'a' | 'b'
  readonly at: Date | null
}

const NAMES = [null, 'Ann', 'ann', 'a.n', 'Bob (1)', 'an$', 'x\\y', '-Ann', 'Ann\n']
const DAYS = [null, '2026-03-01T00:00:00Z', '2026-03-01T23:59:59.999Z', '2026-03-02T00:00:00Z', '2026-03-09T12:00:00Z']
const THINGS: readonly Thing[] = Array.from({ length: 90 }, (_, i) => {
  const day = DAYS[i % DAYS.length] ?? null
  return {
    _id: `t_${String((i * 37) % 90).padStart(3, '0')}`,
    name: NAMES[i % NAMES.length] ?? null,
    kind: i % 7 < 3 ? 'a' : 'b',
    at: day === null ? null : new Date(day),
  }
})

const STORED: DocumentFields = {
  name: { path: 'name' },
  at: { path: 'at', shape: TIME },
  kind: {
    cases: [
      [{ kind: 'a' }, 'first'],
      [{ kind: 'b' }, 'second'],
      [NOTHING, 'third'],
    ],
  },
}
const IN_MEMORY = new Map<string, Field<Thing>>([
  ['name', [TEXT, ({ name }) => name]],
  ['at', [TIME, ({ at }) => at?.getTime()]],
  ['kind', [TEXT, ({ kind }) => (kind === 'a' ? 'first' : 'second'), ['first', 'second', 'third']]],
])
const SETTING = { timeZone: 'Europe/Warsaw', now: Date.parse('2026-03-10T00:00:00Z') }

const TEXTS = ['Ann', 'a', '.', '$', '(1)', '\\', '-']
const of = (field: string, op: string, ...values: readonly string[]): string =>
  values.map((value) => `filters[${field}][conditions][${op}][]=${encodeURIComponent(value)}`).join('&')

const FILTERS: readonly string[] = [
  ...['$is', '$is_not', '$in', '$not_in', '$contains', '$not_contain', '$starts_with'].flatMap((op) =>
    TEXTS.map((text) => of('name', op, text)),
  ),
  ...['$contains', '$not_contain', '$starts_with', '$ends_with'].map((op) => of('name', op, '')),
  of('name', '$contains', '', 'A'),
  ...['Ann', 'n', '$', ')'].map((text) => of('name', '$ends_with', text)),
  of('name', '$in', 'Ann', 'Bob (1)'),
  of('name', '$contains', 'A', '('),
  of('name', '$not_contain', 'A', '('),
  ...['name', 'at'].flatMap((field) => ['$has_value', '$is_unknown'].map((op) => of(field, op, 'true'))),
  ...['$after', '$before'].flatMap((op) =>
    ['2026-03-01T00:00:00Z', '2026-03-02', '2026-03-05'].map((day) => of('at', op, day)),
  ),
  of('at', '$is', '2026-03-02'),
  of('at', '$is_not', '2026-03-02'),
  ...['first', 'second', 'third'].flatMap((kind) => ['$is', '$is_not'].map((op) => of('kind', op, kind))),
  of('kind', '$starts_with', 'f'),
  `filters[junction]=or&${of('name', '$is', 'Ann')}&${of('kind', '$is', 'first')}`,
  `filters[junction]=and&${of('name', '$contains', 'n')}&${of('kind', '$is', 'first')}&${of('at', '$has_value', 'true')}`,
]

let engine: ServerUnderTest
let readModel: ReadModel
const test = suite('filters as queries')
const things = () => readModel.plain<Thing>('things')
test.before(async () => {
  engine = await documentStoreUnderTest()
  readModel = createReadModel({ url: engine.url, database: `filters-${Date.now()}` })
  await readModel.prepare('things', [{ key: { name: 1, _id: 1 } }, { key: { at: 1, _id: 1 } }])
  await things().bulkWrite(THINGS.map((document) => ({ insertOne: { document } })))
})
test.after(async () => {
  await readModel.close()
  await engine.end()
})

const ORDERS = { id: ['_id'], name: ['name', '_id'], at: ['at', '_id'] } as const
const filtersOf = (text: string): Record<string, unknown> => {
  const parsed = parseQuery(text)
  if ('failed' in parsed) throw new Error(parsed.details)
  return (parsed.value as { filters: Record<string, unknown> }).filters
}

for (const [i, text] of FILTERS.entries())
  test(decodeURIComponent(text), async () => {
    const filters = filtersOf(text)
    const query = filterQuery(filters, STORED, SETTING)
    const passes = predicateOf(filters, IN_MEMORY, SETTING)
    if ('failed' in query || typeof passes !== 'function') throw new Error(JSON.stringify({ query, passes }))
    const wanted = THINGS.filter(passes).map(({ _id }) => _id)
    const source = documents(things(), query as Record<string, unknown>)
    const names = Object.keys(ORDERS)
    const order = `${i % 2 === 0 ? '' : '-'}${names[i % names.length]}`
    const seen: string[] = []
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await pageOf(source, ORDERS, { limit: 20, order, cursor })
      if ('failed' in page) throw new Error(page.details)
      seen.push(...page.entries.map(({ _id }) => _id))
      cursor = page.cursor
    }
    assert.equal([...seen].sort(), [...wanted].sort())
    assert.is(await source.total(), wanted.length)
  })

test('what is kept in a form is asked for in it', () => {
  const fields: DocumentFields = { mail: { path: 'key', form: (text) => text.trim().toLowerCase() } }
  const asked = (op: string, ...texts: readonly string[]) =>
    filterQuery(filtersOf(of('mail', op, ...texts)), fields, SETTING)
  assert.equal(asked('$is', ' Ann@Shop.test'), { key: { $in: ['ann@shop.test'] } })
  assert.equal(asked('$not_in', 'Ann', 'BOB'), { key: { $nin: ['ann', 'bob'] } })
  assert.equal(asked('$starts_with', 'Ann'), { key: { $regex: '^ann' } })
  assert.equal(asked('$contains', 'Shop.'), { key: { $regex: 'shop\\.' } })
})

test('what no query can be made of, and what a field can never be, is refused by name', () => {
  for (const text of [of('at', '$more_than_ago', 'P1D'), of('kind', '$is', 'fourth'), of('colour', '$is', 'red')]) {
    const query = filterQuery(filtersOf(text), STORED, SETTING)
    assert.match('details' in query ? String(query.details) : '', /^Property \.filters\.(?:at|kind|colour)/, text)
  }
})

test.run()
