// The answer of a find: planned once, read in slices, sorted, skipped, limited and projected.
import { decode } from './bson.ts'
import { encode } from './bson-encode.ts'
import type { Collection } from './catalog.ts'
import type { Answer, Demand } from './cursors.ts'
import { lookupKey } from './documents.ts'
import { badValue, CommandError, notImplemented } from './errors.ts'
import { compileExpressionFilter } from './expression-filter.ts'
import type { Filter } from './filter.ts'
import type { Plan } from './planner.ts'
import { compileProjection } from './project.ts'
import { breathe, createScan, type FoundDocument, rawTest } from './scan.ts'
import { hintName, idOfFilter, planQuery, refuseCollation } from './select.ts'
import { createSorter, parseSort, type SortFields, sortKey, sortNeeds } from './sort.ts'
import type { Reading } from './store.ts'
import type { Doc, Maybe, MutableDoc, Value } from './values.ts'

/** What reading needs from the command it is for. */
export interface Reader {
  reading(): Reading
  /** Throws when nobody waits for the answer any more. */
  check(): void
  /** Where it is noted what was looked at, for `explain`. */
  readonly examined?: Examined
}

export interface Examined {
  keys: number
  documents: number
}

export interface FindRequest {
  readonly query: Doc
  readonly filter: Filter
  readonly sort: SortFields
  readonly hint: Value | undefined
  readonly skip: number
  /** 0 for all. */
  readonly limit: number
  readonly project: ((doc: MutableDoc) => Doc) | undefined
}

const whole = (body: Doc, name: string): number => {
  const value = body.get(name)
  if (value === undefined) return 0
  const number = Number(value)
  if (!Number.isInteger(number)) throw new CommandError(9, `'${name}' must be a whole number`)
  return number
}

const REFUSED = ['min', 'max', 'returnKey', 'showRecordId', 'tailable', 'awaitData']

/** Reads the fields of a find command, whose expressions see the given variables. */
export const findRequest = (body: Doc, variables?: ReadonlyMap<string, Maybe>): FindRequest => {
  refuseCollation(body.get('collation'))
  for (const name of REFUSED) {
    const value = body.get(name)
    if (value !== undefined && value !== false && !(value instanceof Map && value.size === 0))
      throw notImplemented(`the option "${name}" of find`)
  }
  const filterDoc = body.get('filter') ?? new Map<string, Value>()
  if (!(filterDoc instanceof Map)) throw new CommandError(14, "BSON field 'find.filter' is the wrong type")
  const query = filterDoc as Doc
  const filter = compileExpressionFilter(query, variables)
  const sort = body.get('sort')
  const projection = body.get('projection')
  const skip = whole(body, 'skip')
  if (skip < 0) throw badValue("BSON field 'skip' value must be >= 0")
  const plain = sort instanceof Map && (sort as Doc).has('$natural') ? undefined : (sort as Doc | undefined)
  if (sort !== undefined && plain === undefined && Number((sort as Doc).get('$natural')) < 0)
    throw notImplemented('reading in reverse natural order')
  return {
    query,
    filter,
    sort: parseSort(plain),
    hint: body.get('hint'),
    skip,
    limit: Math.abs(whole(body, 'limit')),
    project:
      projection instanceof Map && projection.size > 0
        ? compileProjection(projection as Doc, filter, variables)
        : undefined,
  }
}

const note = ({ examined }: Reader, keys: number, documents: number): void => {
  if (!examined) return
  examined.keys += keys
  examined.documents += documents
}

/** A plan that reads documents one after the other, without a bound of `_id`. */
export const wholeCollection = (plan: Plan): boolean =>
  plan.index === undefined &&
  !plan.ordered &&
  plan.ranges.length === 1 &&
  plan.ranges[0]!.from === '' &&
  plan.ranges[0]!.to === undefined

/** All matches in the order asked for, in chunks of what `demand` wants. */
const matching = async function* (
  reader: Reader,
  ns: string,
  request: FindRequest,
  demand: Demand,
): AsyncGenerator<readonly FoundDocument[], void, undefined> {
  const { filter, sort } = request
  const first = reader.reading()
  const collection = first.collection(ns)
  if (!collection) {
    hintName(undefined, request.hint)
    return
  }
  const id = request.hint === undefined ? idOfFilter(request.query) : undefined
  if (id !== undefined) {
    const key = lookupKey(id)
    const raw = first.view.get(collection.space, key)
    if (raw) note(reader, 1, 1)
    if (raw && (request.query.size === 1 || rawTest(filter)(raw))) yield [{ key, raw }]
    return
  }
  const plan = planQuery(collection, first, { filter, sort, hint: hintName(collection, request.hint) })
  const scan = createScan(collection, plan, filter)
  const sorter = plan.sorted
    ? undefined
    : createSorter<FoundDocument>(request.limit > 0 ? request.limit + request.skip : undefined)
  const needs = new Set(sortNeeds(sort))
  while (!scan.done) {
    reader.check()
    const found = scan.take(current(reader, ns, collection, plan).view, sorter ? 1000 : Math.min(1000, demand.wanted))
    if (sorter) for (const f of found) sorter.add(sortKey(sort, decode(f.raw, needs)), f, f.raw.length)
    else if (found.length > 0) yield found
    if (!scan.done && (sorter || found.length === 0)) await breathe()
  }
  note(reader, wholeCollection(plan) ? 0 : scan.keys, scan.documents)
  if (sorter) yield sorter.finish()
}

/** The state as it is now, unless what the plan reads has been dropped meanwhile. */
const current = (reader: Reader, ns: string, collection: Collection, { index }: Plan): Reading => {
  const reading = reader.reading()
  const now = reading.collection(ns)
  if (now?.space !== collection.space) throw new CommandError(175, `the collection was dropped: ${ns}`)
  if (index && now !== collection && !now.indexes.some(({ space }) => space === index.space))
    throw new CommandError(175, `the index was dropped: ${index.name}`)
  return reading
}

/** Leaves out the first `skip` and what comes after `limit` more. */
const window = async function* (
  chunks: AsyncGenerator<readonly FoundDocument[], void, undefined>,
  skip: number,
  limit: number,
  demand: Demand,
): AsyncGenerator<readonly FoundDocument[], void, undefined> {
  let left = skip
  let rest = limit === 0 ? Number.POSITIVE_INFINITY : limit
  for (;;) {
    const wanted = demand.wanted
    demand.wanted = Math.min(wanted, rest) + left
    const { value, done } = await chunks.next()
    demand.wanted = wanted
    if (done) return
    const kept = value.slice(left, left + rest)
    left = Math.max(0, left - value.length)
    rest -= kept.length
    if (kept.length > 0) yield kept
    if (rest <= 0) {
      await chunks.return()
      return
    }
  }
}

/** Raw documents of a find, in chunks. */
export const findAnswer = (reader: Reader, ns: string, request: FindRequest, demand: Demand): Answer => {
  const { project } = request
  const found = window(matching(reader, ns, request, demand), request.skip, request.limit, demand)
  return (async function* () {
    for await (const chunk of found) yield chunk.map(({ raw }) => (project ? encode(project(decode(raw))) : raw))
  })()
}

/** Stands for a document nothing is asked of but that it is there. */
const NOTHING: Doc = new Map()

/** Decoded matches, in chunks; with `needs` only those of their fields. */
export const matchingDocs = async function* (
  reader: Reader,
  ns: string,
  request: FindRequest,
  demand: Demand,
  needs?: ReadonlySet<string>,
): AsyncGenerator<Doc[], void, undefined> {
  const found = window(matching(reader, ns, request, demand), request.skip, request.limit, demand)
  for await (const chunk of found) yield chunk.map(({ raw }) => (needs?.size === 0 ? NOTHING : decode(raw, needs)))
}
