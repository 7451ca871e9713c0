// Lists of definitions: filters, ranges, order and pages, as the contract writes them in a query.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { definitionListQuery, listDefinitions } from '../../src/api/lists/definitions.ts'
import type { Entry } from '../../src/domain/rulebook/kind.ts'
import { parseQuery } from '../../src/http/query.ts'

const day = (n: number): number => Date.UTC(2026, 2, n)
const entry = (id: string, name: string, made: number, changed: number | null = null): Entry<{ name: string }> => ({
  id,
  definition: { name },
  createdAt: day(made),
  updatedAt: changed === null ? null : day(changed),
  revision: '0',
})
const ENTRIES = [entry('a', 'alpha', 1, 9), entry('b', 'beta', 3), entry('c', 'alpine', 5, 6), entry('d', 'delta', 5)]

const list = (text: string) => {
  const parsed = parseQuery(text)
  if ('failed' in parsed) throw new Error(parsed.details)
  const query = v.parse(v.object(definitionListQuery), parsed.value)
  return listDefinitions(ENTRIES, query, { texts: ['name'] }, { timeZone: 'UTC', now: day(10) })
}

const CASES: readonly (readonly [string, string])[] = [
  ['', 'd c b a'],
  ['order=created_at', 'a b c d'],
  ['order=-updated_at', 'a c d b'],
  ['order=updated_at', 'b d c a'],
  ['limit=3', 'd c b'],
  ['limit=3&page=2', 'a'],
  ['limit=3&page=3', ''],
  ['filters[created_at][conditions][$before][0]=2026-03-05T00:00:00Z', 'b a'],
  ['filters[created_at][conditions][$after][]=2026-03-01T00:00:00.000Z', 'd c b'],
  ['filters[created_at][conditions][$after]=2026-03-01&filters[created_at][conditions][$before]=2026-03-05', 'b'],
  ['filters[created_at][conditions][$is_days_ago]=5', 'd c'],
  ['filters[name][conditions][$starts_with][0]=alp', 'c a'],
  ['filters[junction]=or&filters[name][conditions][$is]=beta&filters[id][conditions][$in][0]=a', 'b a'],
  ['filters[junction]=and&filters[name][conditions][$is]=beta&filters[id][conditions][$in][0]=a', ''],
  ['filters[updated_at][conditions][$is_unknown]=true', 'd b'],
  ['filters[junction]=or', 'd c b a'],
  ['created_at[after]=2026-03-01&created_at[before]=2026-03-05', 'b'],
  ['updated_at[after]=2026-03-06', 'a'],
  ['start_date=2026-03-03&end_date=2026-03-04', 'b'],
  ['start_date=2026-03-03&end_date=2026-03-05', 'd c b'],
  ['start_date=2026-03-03&end_date=2026-03-05T00:00:00Z', 'b'],
]

for (const [query, ids] of CASES)
  test(`?${query}`, async () => {
    const listed = await list(query)
    assert.is('entries' in listed ? listed.entries.map(({ id }) => id).join(' ') : listed.details, ids)
  })

test('the total is of all pages', async () => {
  const listed = await list('limit=1&filters[name][conditions][$contains]=l')
  assert.equal('total' in listed && [listed.entries.length, listed.total], [1, 3])
})

const FAULTS: readonly (readonly [string, RegExp])[] = [
  [
    'filters[colour][conditions][$is]=red',
    /^Property \.filters\.colour is none that this list can be filtered by \(id,/,
  ],
  ['filters[created_at][conditions][$near]=1', /^Property \.filters\.created_at\.conditions\.\$near unknown operator/],
  [
    'filters[created_at][conditions][$before]=x',
    /^Property \.filters\.created_at\.conditions\.\$before must be an ISO/,
  ],
  ['filters[created_at]=2026', /^Property \.filters\.created_at\.conditions must be an object of operators/],
  ['filters[name][conditions][$more_than]=1', /\$more_than operator '\$more_than' cannot be used with field 'name'/],
  ['filters[junction]=xor&filters[id][conditions][$is]=a', /^Property \.filters\.junction must be 'and' or 'or'/],
]

for (const [query, details] of FAULTS)
  test(`refused: ?${query}`, async () => {
    const listed = await list(query)
    assert.is('key' in listed && listed.key, 'invalid_query_params')
    assert.match('details' in listed ? String(listed.details) : '', details)
  })

test.run()
