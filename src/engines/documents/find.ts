// The answer of a find: planned once, read in slices, sorted, skipped, limited and projected.
import { decode } from './bson.ts'
import { encode } from './bson-encode.ts'
import type { Collection } from './catalog.ts'
import { countedBy, createCount } from './count.ts'
import type { Answer, Demand } from './cursors.ts'
import { lookupKey } from './documents.ts'
import { badValue, CommandError } from './errors.ts'
import { compileExpressionFilter } from './expression-filter.ts'
import type { Filter } from './filter.ts'
import { type Index, valuesOfKey } from './indexes.ts'
import type { Memory } from './memory.ts'
import type { Between, Plan } from './planner.ts'
import { compileProjection } from './project.ts'
import { breathe, createScan, type FoundDocument, rawTest } from './scan.ts'
import { idOfFilter, naturalOf, planQuery } from './select.ts'
import { createSorter, parseSort, type SortFields, sortKey, sortNeeds } from './sort.ts'
import type { Reading } from './store.ts'
import { type Doc, docOf, isDoc, isTrue, type Maybe, type MutableDoc } from './values.ts'

/** What reading needs from the command it is for. */
export interface Reader {
  reading(): Reading
  /** Throws when nobody waits for the answer any more. */
  check(): void
  /** What of the answer is held in memory. */
  readonly memory: Memory
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
  readonly hint: Maybe
  readonly between: Between | undefined
  readonly skip: number
  /** 0 for all. */
  readonly limit: number
  readonly project: ((doc: MutableDoc) => Doc) | undefined
  /** Shows of each document only what the index that is read has of it. */
  readonly returnKey: boolean
}

const isGiven = (value: Maybe): value is Doc => isDoc(value) && value.size > 0

/** The order that a find asks for; that of the collection is asked for like a hint. */
const orderOf = (sort: Maybe, hint: Maybe): { readonly sort: SortFields; readonly hint: Maybe } => {
  if (!isDoc(sort) || !sort.has('$natural')) return { sort: parseSort(isDoc(sort) ? sort : undefined), hint }
  const natural = naturalOf(sort)
  const other = hint !== undefined && !(isDoc(hint) && (hint.size === 0 || hint.has('$natural')))
  if (other || (isDoc(hint) && hint.has('$natural') && naturalOf(hint) !== natural))
    throw badValue('cannot sort by $natural with another hint')
  return { sort: [], hint: sort }
}

const betweenOf = (min: Maybe, max: Maybe, hint: Maybe): Between | undefined => {
  if (!isGiven(min) && !isGiven(max)) return undefined
  if (hint === undefined || (isDoc(hint) && (hint.size === 0 || hint.has('$natural'))))
    throw new CommandError(51173, 'When using min()/max() a hint of which index to use must be provided')
  if (isGiven(min) && isGiven(max) && [...min.keys()].join() !== [...max.keys()].join())
    throw new CommandError(51176, 'min and max must have the same field names')
  return { min: isGiven(min) ? min : undefined, max: isGiven(max) ? max : undefined }
}

const wholeOf = (body: Doc, name: string): number => Number(body.get(name) ?? 0)

/** Reads the fields of a find command, checked before, whose expressions see the given variables. */
export const findRequest = (body: Doc, variables?: ReadonlyMap<string, Maybe>): FindRequest => {
  const query = (body.get('filter') ?? new Map()) as Doc
  const filter = compileExpressionFilter(query, variables)
  const projection = body.get('projection')
  const { sort, hint } = orderOf(body.get('sort'), body.get('hint'))
  return {
    query,
    filter,
    sort,
    hint,
    between: betweenOf(body.get('min'), body.get('max'), hint),
    skip: wholeOf(body, 'skip'),
    limit: Math.abs(wholeOf(body, 'limit')),
    project: isGiven(projection) ? compileProjection(projection, filter, variables) : undefined,
    returnKey: isTrue(body.get('returnKey')),
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

/** Most matches that are handed on at once. */
const CHUNK = 1000

/** All matches in the order asked for, in chunks of what `demand` wants; `unseen` ones are not to be looked at, only counted. */
const matching = async function* (
  reader: Reader,
  ns: string,
  request: FindRequest,
  demand: Demand,
  unseen = false,
): AsyncGenerator<readonly FoundDocument[], void, undefined> {
  const { filter, sort } = request
  const first = reader.reading()
  const collection = first.collection(ns)
  if (!collection) return
  const id = request.hint === undefined ? idOfFilter(request.query) : undefined
  if (id !== undefined) {
    const key = lookupKey(id)
    const raw = first.view.get(collection.space, key)
    if (raw) note(reader, 1, 1)
    if (raw && (request.query.size === 1 || rawTest(filter)(raw))) yield [{ key, raw }]
    return
  }
  const plan = planQuery(collection, first, request)
  // Who asks what was examined wants to know what a find would look at.
  const counted = unseen && reader.examined === undefined ? countedBy(collection, plan, filter, first.asOf) : undefined
  const scan = counted ? createCount(counted) : createScan(collection, plan, filter, request.returnKey)
  const sorter =
    plan.sorted || counted
      ? undefined
      : createSorter<FoundDocument>(reader.memory, request.limit > 0 ? request.limit + request.skip : undefined)
  const needs = new Set(sortNeeds(sort))
  try {
    while (!scan.done) {
      reader.check()
      const found = scan.take(
        current(reader, ns, collection, plan).view,
        sorter ? CHUNK : Math.min(CHUNK, demand.wanted),
      )
      if (sorter) for (const f of found) sorter.add(sortKey(sort, decode(f.raw, needs)), f, f.raw.length)
      else if (found.length > 0) yield found
      if (!scan.done && (sorter || found.length === 0)) await breathe()
    }
  } finally {
    note(reader, wholeCollection(plan) ? 0 : scan.keys, scan.documents)
  }
  if (sorter) yield* sorter.finish()
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
  if (request.returnKey) return keysAnswer(reader, ns, request, demand)
  const found = window(matching(reader, ns, request, demand), request.skip, request.limit, demand)
  return (async function* () {
    for await (const chunk of found) yield chunk.map(({ raw }) => (project ? encode(project(decode(raw))) : raw))
  })()
}

/** The index that a request is answered by; `undefined` when the documents are read in their own order. */
const indexOf = (reader: Reader, ns: string, request: FindRequest): Index | undefined => {
  const reading = reader.reading()
  const collection = reading.collection(ns)
  if (!collection) return undefined
  if (request.hint === undefined && idOfFilter(request.query) !== undefined) return collection.indexes[0]
  const plan = planQuery(collection, reading, request)
  return plan.index ?? (wholeCollection(plan) ? undefined : collection.indexes[0])
}

/** What the index has of each match, in chunks; nothing where none is read. */
const keysAnswer = (reader: Reader, ns: string, request: FindRequest, demand: Demand): Answer => {
  const index = indexOf(reader, ns, request)
  const shown = ({ key, raw, entry }: FoundDocument): Doc => {
    if (index === undefined) return NOTHING
    const doc = decode(raw)
    if (entry === undefined) return docOf({ _id: doc.get('_id')! })
    const own = index.unique ? entry : entry.slice(0, entry.length - key.length)
    return docOf(valuesOfKey(index, doc, own))
  }
  const found = window(matching(reader, ns, request, demand), request.skip, request.limit, demand)
  return (async function* () {
    for await (const chunk of found) yield chunk.map((one) => encode(shown(one)))
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
  const unseen = needs?.size === 0
  const found = window(matching(reader, ns, request, demand, unseen), request.skip, request.limit, demand)
  for await (const chunk of found) yield chunk.map(({ raw }) => (unseen ? NOTHING : decode(raw, needs)))
}
