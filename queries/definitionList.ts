// Lists of definitions, which are read from the rulebook in memory: what they are asked by, in which order, which page.
import * as v from 'valibot'
import type { Slot } from '../src/domain/conditions/environment.ts'
import { isRecord, shown, startReading } from '../src/domain/conditions/faults.ts'
import { parseTests } from '../src/domain/conditions/operators.ts'
import { prepareTests } from '../src/domain/conditions/tests.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'
import { type Failure, isFailure, refuse } from '../src/http/errors.ts'
import { instant, pageLimit, pageNumber } from '../src/http/fields.ts'
import type { Outcome } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { Range } from './range.ts'

/** Parameters of a list of definitions; `filters` is `filters[<field>][conditions][<operator>]=…`, joined by `filters[junction]`. */
export const definitionListQuery = {
  limit: pageLimit,
  page: pageNumber,
  order: v.optional(v.picklist(['created_at', '-created_at', 'updated_at', '-updated_at']), '-created_at'),
  created_at: Range,
  updated_at: Range,
  /** Made at or after, and before. */
  start_date: v.optional(instant),
  end_date: v.optional(instant),
  filters: v.optional(v.record(v.string(), v.unknown())),
}
const Query = v.object(definitionListQuery)
export type DefinitionListQuery = v.InferOutput<typeof Query>

type Field<D> = readonly [Slot, (entry: Entry<D>) => unknown]
type Predicate<D> = (entry: Entry<D>) => boolean

const TEXT: Slot = { type: 'string', array: false }
const TIME: Slot = { type: 'datetime', array: false }

const text = <D>(definition: D, name: string): unknown =>
  isRecord(definition) && Object.hasOwn(definition, name) ? definition[name] : undefined

/** What a list may be filtered by: its id, its times and texts of the definition such as `name`. */
const fieldsOf = <D>(names: readonly string[]): ReadonlyMap<string, Field<D>> =>
  new Map<string, Field<D>>([
    ['id', [TEXT, ({ id }) => id]],
    ['created_at', [TIME, ({ createdAt }) => createdAt]],
    ['updated_at', [TIME, ({ updatedAt }) => updatedAt]],
    ...names.map((name): [string, Field<D>] => [name, [TEXT, ({ definition }) => text(definition, name)]]),
  ])

const predicateOf = <D>(
  filters: Readonly<Record<string, unknown>>,
  fields: ReadonlyMap<string, Field<D>>,
  { timeZone, now }: { readonly timeZone: string; readonly now: number },
): Predicate<D> | Failure => {
  const faults: string[] = []
  const { junction: join, ...asked } = filters
  const junction = typeof join === 'string' ? join.toLowerCase() : join
  if (junction !== undefined && junction !== 'and' && junction !== 'or')
    faults.push(`Property .filters.junction must be 'and' or 'or' (is ${shown(join)})`)
  const predicates: Predicate<D>[] = []
  for (const [name, given] of Object.entries(asked)) {
    const field = fields.get(name)
    const path = `filters.${name}`
    if (!field) {
      faults.push(`Property .${path} is none that this list can be filtered by (${[...fields.keys()].join(', ')})`)
      continue
    }
    const [slot, read] = field
    const reading = startReading()
    const tests = parseTests(isRecord(given) ? given.conditions : undefined, `${path}.conditions`, {
      slot,
      timeZone,
      reading,
      what: `field '${name}'`,
    })
    if (tests) {
      const ask = prepareTests(tests, slot.type, timeZone)
      predicates.push((entry) => ask(read(entry), now).holds)
      continue
    }
    const parsed = reading.finish(undefined)
    if (!parsed.ok) faults.push(...parsed.faults.map((fault) => `Property .${fault.path} ${fault.message}`))
  }
  if (faults.length > 0) return refuse('invalid_query_params', faults.join('; '))
  return (entry) =>
    junction === 'or' && predicates.length > 0
      ? predicates.some((holds) => holds(entry))
      : predicates.every((holds) => holds(entry))
}

const isWithin = (at: number | null, range: DefinitionListQuery['created_at']): boolean =>
  range === undefined ||
  (at !== null && (range.before === undefined || at < range.before) && (range.after === undefined || at > range.after))

export interface ListedDefinitions<D> {
  /** All that were asked for, in the order asked for. */
  readonly all: readonly Entry<D>[]
  /** Those on the page asked for. */
  readonly page: readonly Entry<D>[]
}

/**
 * The definitions that a query asks for; a refusal names the path of every fault of its filters. `names` are texts of the
 * definition that filters may ask beside its id and times.
 */
export const listDefinitions = <D>(
  entries: Iterable<Entry<D>>,
  query: DefinitionListQuery,
  names: readonly string[],
  setting: { readonly timeZone: string; readonly now: number },
): ListedDefinitions<D> | Failure => {
  const passes = predicateOf(query.filters ?? {}, fieldsOf<D>(names), setting)
  if (typeof passes !== 'function') return passes
  const { start_date: start = Number.NEGATIVE_INFINITY, end_date: end = Number.POSITIVE_INFINITY } = query
  const at = query.order.endsWith('updated_at')
    ? ({ updatedAt, createdAt }: Entry<D>) => updatedAt ?? createdAt
    : ({ createdAt }: Entry<D>) => createdAt
  const all = [...entries]
    .filter(
      ({ createdAt, updatedAt }) => isWithin(createdAt, query.created_at) && isWithin(updatedAt, query.updated_at),
    )
    .filter(({ createdAt }) => createdAt >= start && createdAt < end)
    .filter(passes)
    .sort((a, b) => at(a) - at(b) || (a.id < b.id ? -1 : 1))
  if (query.order.startsWith('-')) all.reverse()
  return { all, page: all.slice((query.page - 1) * query.limit, query.page * query.limit) }
}

/** The answer to a list of definitions that is paged by number; `names` as `listDefinitions` takes them. */
export const pageOfDefinitions = <D>(
  { rulebook }: Pick<Services, 'rulebook'>,
  entries: Iterable<Entry<D>>,
  { query, now }: { readonly query: DefinitionListQuery; readonly now: number },
  names: readonly string[],
  show: (entry: Entry<D>) => object,
): Outcome => {
  const { timeZone } = rulebook.current().project
  const listed = listDefinitions(entries, query, names, { timeZone, now })
  if (isFailure(listed)) return listed
  return { body: { object: 'list', data_ref: 'data', data: listed.page.map(show), total: listed.all.length } }
}
