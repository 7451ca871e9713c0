// Lists of definitions, which are read from the rulebook in memory: what they are asked by, in which order, which page.

import * as v from 'valibot'
import { isRecord } from '../../domain/isRecord.ts'
import type { Entry } from '../../domain/rulebook/kind.ts'
import { type Failure, isFailure } from '../../http/errors.ts'
import type { Outcome } from '../../http/route.ts'
import type { Services } from '../../services.ts'
import { type Field, type FilterSetting, predicateOf, TEXT, TIME } from './filters.ts'
import { listBody, orderOf, type Page, type Paging, pagedByNumber, pageOf, type Timed } from './pager.ts'
import { isWithin, Range, spanFields, spanOf } from './range.ts'
import { inMemory, type SortValue } from './sources.ts'

/** What all lists of definitions can be asked by, beside order and page. */
const asked = {
  ...pagedByNumber,
  created_at: Range,
  updated_at: Range,
  /** Made at or after, and before. */
  ...spanFields,
  filters: v.optional(v.record(v.string(), v.unknown())),
}

/** Parameters of a list of definitions; `filters` is `filters[<field>][conditions][<operator>]=…`, joined by `filters[junction]`. */
export const definitionListQuery = { ...asked, order: orderOf(['created_at', 'updated_at'], '-created_at') }

/** The same for what has a name to be sorted by. */
export const namedListQuery = { ...asked, order: orderOf(['created_at', 'updated_at', 'name'], '-created_at') }

const Query = v.object(asked)

export type DefinitionListQuery = v.InferOutput<typeof Query> & Paging

type EntryField<D> = Field<Entry<D>>

const text = <D>(definition: D, name: string): unknown =>
  isRecord(definition) && Object.hasOwn(definition, name) ? definition[name] : undefined

/** What a list may be filtered by: its id, its times, texts of the definition such as `name`, and what else it says. */
const fieldsOf = <D>({ texts, fields = {} }: DefinitionFields<D>): ReadonlyMap<string, EntryField<D>> =>
  new Map<string, EntryField<D>>([
    ['id', [TEXT, ({ id }) => id]],
    ['created_at', [TIME, ({ createdAt }) => createdAt]],
    ['updated_at', [TIME, ({ updatedAt }) => updatedAt]],
    ...texts.map((name): [string, EntryField<D>] => [name, [TEXT, ({ definition }) => text(definition, name)]]),
    ...Object.entries(fields),
  ])

/** What a list can be filtered by beside id and times: texts of the definition by their names, and anything else. */
export interface DefinitionFields<D> {
  readonly texts: readonly string[]
  readonly fields?: Readonly<Record<string, EntryField<D>>>
}

const ORDERS = {
  created_at: ['createdAt', 'id'],
  updated_at: ['changedAt', 'id'],
  name: ['name', 'id'],
  /** Tiers, by where they begin. */
  points: ['points.from', 'id'],
} as const

const keyValue = <D>(entry: Entry<D>, key: string): SortValue => {
  switch (key) {
    case 'createdAt':
      return entry.createdAt
    case 'changedAt':
      return entry.updatedAt ?? entry.createdAt
    case 'id':
      return entry.id
    default: {
      const value = key.split('.').reduce<unknown>(text, entry.definition)
      return typeof value === 'string' || typeof value === 'number' ? value : null
    }
  }
}

/** Entries as a source of pages. */
export const entriesOf = <D>(entries: readonly Entry<D>[]) => inMemory(entries, keyValue, ({ id }) => id)

export interface ListedDefinitions<D> extends Page<Entry<D>> {
  /** How many there are on all pages. */
  readonly total: number
  timeOf(entry: Entry<D>): string
}

/** The definitions that a query asks for; a refusal names the path of every fault of its filters. */
export const listDefinitions = async <D>(
  entries: Iterable<Entry<D>>,
  query: DefinitionListQuery,
  fields: DefinitionFields<D>,
  setting: FilterSetting,
  timed?: Timed<Entry<D>>,
): Promise<ListedDefinitions<D> | Failure> => {
  const passes = predicateOf(query.filters, fieldsOf<D>(fields), setting)
  if (typeof passes !== 'function') return passes
  const { timeZone } = setting
  const { from, to } = spanOf(query, timeZone)
  const all = [...entries]
    .filter(
      ({ createdAt, updatedAt }) =>
        isWithin(createdAt, query.created_at, timeZone) && isWithin(updatedAt, query.updated_at, timeZone),
    )
    .filter(({ createdAt }) => createdAt >= from && createdAt < to)
    .filter(passes)
  const page = await pageOf(entriesOf(all), ORDERS, query, timed)
  return isFailure(page) ? page : { ...page, total: all.length }
}

/** The answer to a list of definitions that is paged by number; `ref` names where they are in it. */
export const pageOfDefinitions = async <D>(
  { rulebook }: Pick<Services, 'rulebook'>,
  entries: Iterable<Entry<D>>,
  { query, now }: { readonly query: DefinitionListQuery; readonly now: number },
  fields: DefinitionFields<D>,
  show: (entry: Entry<D>) => object | Promise<object>,
  ref = 'data',
): Promise<Outcome> => {
  const { timeZone } = rulebook.current().project
  const listed = await listDefinitions(entries, query, fields, { timeZone, now })
  if (isFailure(listed)) return listed
  const shown = await Promise.all(listed.entries.map(show))
  return { body: listBody(ref, listed, shown, { total: listed.total }) }
}
