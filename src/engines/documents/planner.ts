// The planner: which index, which ranges of it, and whether they already come in the order asked for.
import type { Collection } from './catalog.ts'
import { compareValues, rankOf } from './compare.ts'
import { CommandError, notImplemented } from './errors.ts'
import type { Condition, Filter } from './filter.ts'
import { comparisonTest } from './filter-tests.ts'
import type { Index } from './indexes.ts'
import { after, inverted, type Key, keyOf, partKey } from './keys.ts'
import type { SortFields } from './sort.ts'
import { BSONRegExp, type Doc, isArray, isDoc, MaxKey, MinKey, type Value } from './values.ts'

/** Keys from `from` up to, not including, `to`; no `to` is the end. */
export interface KeyRange {
  readonly from: Key
  readonly to: Key | undefined
}

export interface Plan {
  /** `undefined` reads the whole collection in the order of `_id`. */
  readonly index: Index | undefined
  readonly ranges: readonly KeyRange[]
  readonly reverse: boolean
  /** The order asked for is the order of reading. */
  readonly sorted: boolean
  /** The index was chosen, be it only for its order. */
  readonly ordered: boolean
}

/** Values of one field, as keys: between `low` and `high`, each included or not. */
interface Interval {
  readonly low: Key
  readonly lowOpen: boolean
  readonly high: Key
  readonly highOpen: boolean
  readonly point: boolean
}

/** Most ranges one plan may have; more alternatives leave the remaining fields to the filter. */
const MAX_RANGES = 400
/** Keys longer than this may have been cut (keys.ts); such a bound is shortened to a prefix. */
const SAFE_PREFIX = 860

const pointOf = (value: Value): Interval | undefined => {
  if (isArray(value) || value instanceof BSONRegExp) return undefined
  const key = keyOf(value)
  return { low: key, lowOpen: false, high: key, highOpen: false, point: true }
}

const isOrdered = (value: Value): boolean =>
  value !== null && !isArray(value) && !isDoc(value) && !(value instanceof MinKey) && !(value instanceof MaxKey)

const rangeOf = (op: 'gt' | 'gte' | 'lt' | 'lte', value: Value): Interval | undefined => {
  if (!isOrdered(value) || value instanceof BSONRegExp) return undefined
  const type = String.fromCharCode(rankOf(value))
  const key = keyOf(value)
  return op === 'gt' || op === 'gte'
    ? { low: key, lowOpen: op === 'gt', high: type, highOpen: false, point: false }
    : { low: type, lowOpen: false, high: key, highOpen: op === 'lt', point: false }
}

const upper = ({ high, highOpen }: Interval): Key | undefined => (highOpen ? high : after(high))
const lower = ({ low, lowOpen }: Interval): Key => (lowOpen ? (after(low) ?? low) : low)

const intersection = (a: Interval, b: Interval): Interval => {
  const lowFromA = lower(a) >= lower(b)
  const [ua, ub] = [upper(a), upper(b)]
  const highFromA = ub === undefined || (ua !== undefined && ua <= ub)
  const low = lowFromA ? a : b
  const high = highFromA ? a : b
  return { low: low.low, lowOpen: low.lowOpen, high: high.high, highOpen: high.highOpen, point: false }
}

const isEmpty = (interval: Interval): boolean => {
  const to = upper(interval)
  return to !== undefined && lower(interval) >= to
}

/** Bounds that the conditions put on a path: disjoint intervals in order, or nothing known. */
const boundsOf = (path: string, filter: Filter, multikey: boolean): readonly Interval[] | undefined => {
  let points: readonly Interval[] | undefined
  let range: Interval | undefined
  for (const condition of filter.conditions) {
    if (condition.path !== path || condition.op === 'exists') continue
    if (condition.op === 'eq' || condition.op === 'in') {
      const made = (condition.op === 'in' ? condition.values : [condition.value]).map(pointOf)
      if (made.every((p) => p !== undefined) && (points === undefined || made.length < points.length))
        points = made as readonly Interval[]
    } else {
      const made = rangeOf(condition.op, condition.value)
      // Different elements of an array may fulfil the two ends of a range, so only one end bounds a multikey index.
      if (made) range = range === undefined ? made : multikey ? range : intersection(range, made)
    }
  }
  if (points) return disjoint(points)
  if (range) return isEmpty(range) ? [] : [range]
  for (const alternatives of filter.alternatives) {
    const each = alternatives.map((alternative) => boundsOf(path, alternative, multikey))
    if (each.every((bounds) => bounds !== undefined)) return disjoint((each as Interval[][]).flat())
  }
  return undefined
}

const disjoint = (intervals: readonly Interval[]): readonly Interval[] => {
  const ordered = [...intervals].sort((a, b) => (lower(a) < lower(b) ? -1 : lower(a) > lower(b) ? 1 : 0))
  const out: Interval[] = []
  for (const next of ordered) {
    const last = out.at(-1)
    const end = last && upper(last)
    if (last === undefined || (end !== undefined && lower(next) >= end)) out.push(next)
    else {
      const own = upper(next)
      const wider = end !== undefined && (own === undefined || own > end) ? next : last
      const same = last.point && next.point && last.low === next.low
      out[out.length - 1] = same
        ? last
        : { low: last.low, lowOpen: last.lowOpen, high: wider.high, highOpen: wider.highOpen, point: false }
    }
  }
  return out
}

const keyRange = (prefix: Key, interval: Interval, descending: boolean): KeyRange => {
  const { low, lowOpen, high, highOpen } = interval
  const cut = (key: Key): Key => prefix + (descending ? inverted(key) : key)
  const first = cut(descending ? high : low)
  const last = cut(descending ? low : high)
  const firstOpen = descending ? highOpen : lowOpen
  const lastOpen = descending ? lowOpen : highOpen
  if (first.length > SAFE_PREFIX || last.length > SAFE_PREFIX)
    return { from: first.slice(0, SAFE_PREFIX), to: after(last.slice(0, SAFE_PREFIX)) }
  return { from: firstOpen ? (after(first) ?? first) : first, to: lastOpen ? last : after(last) }
}

/** Whether every match of the query's conditions fulfils a condition of a partial index. */
const implies = (filter: Filter, wanted: Condition): boolean =>
  filter.conditions.some((given) => {
    if (given.path !== wanted.path) return false
    if (wanted.op === 'exists')
      return given.op === 'exists' || (given.op === 'eq' ? given.value !== null : given.op !== 'in')
    if (given.op === 'exists') return false
    if (wanted.op === 'in')
      return given.op === 'eq' && wanted.values.some((value) => compareValues(value, given.value) === 0)
    const test = comparisonTest(wanted.op, wanted.value)
    if (given.op === 'in') return given.values.every((value) => !isArray(value) && test(value))
    if (given.op === 'eq') return !isArray(given.value) && test(given.value)
    if (!isOrdered(given.value) || rankOf(given.value) !== rankOf(wanted.value)) return false
    const order = compareValues(given.value, wanted.value)
    if (wanted.op === 'gt') return (given.op === 'gt' && order >= 0) || (given.op === 'gte' && order > 0)
    if (wanted.op === 'gte') return (given.op === 'gt' || given.op === 'gte') && order >= 0
    if (wanted.op === 'lt') return (given.op === 'lt' && order <= 0) || (given.op === 'lte' && order < 0)
    return wanted.op === 'lte' && (given.op === 'lt' || given.op === 'lte') && order <= 0
  })

/** Whether a partial or sparse index holds every match. */
const holdsAll = (index: Index, filter: Filter, bounds: readonly (readonly Interval[] | undefined)[]): boolean => {
  if (index.partial && !(index.partial.complete && index.partial.conditions.every((c) => implies(filter, c))))
    return false
  if (!index.sparse) return true
  const nothing = keyOf(null)
  return bounds.some((intervals) => intervals?.every((i) => i.low > nothing || i.high < nothing))
}

interface Candidate {
  readonly plan: Plan
  readonly score: number
}

/** Fields of an index that a query holds to one value. */
interface OneValueFields {
  /** The document has this value and no other. */
  readonly fixed: ReadonlySet<string>
  /** The entries have it; the document may have others beside it, in an array. */
  readonly entries: ReadonlySet<string>
}

const NO_FIELDS: OneValueFields = { fixed: new Set(), entries: new Set() }

const isArrayField = (index: Index, place: number): boolean => (index.arrays & (1 << place)) !== 0

/** How far the order of an index, some of its fields held to one value, is the order asked for. */
const orderOf = (
  index: Index,
  { fixed, entries }: OneValueFields,
  sort: SortFields,
): { readonly sorted: boolean; readonly reverse: boolean } => {
  const wanted = sort.filter((s) => !fixed.has(s.path))
  if (wanted.length === 0) return { sorted: true, reverse: false }
  const free = index.fields.filter((f) => !entries.has(f.path))
  if (index.cut || index.fields.some((f, i) => !entries.has(f.path) && isArrayField(index, i)))
    return { sorted: false, reverse: false }
  const own = free.map((f) => ({ path: f.path, descending: f.descending }))
  if (!index.unique) own.push({ path: '_id', descending: false })
  const reverse = own[0] !== undefined && own[0].descending !== wanted[0]!.descending
  const sorted =
    wanted.length <= own.length &&
    wanted.every((s, i) => s.path === own[i]!.path && (s.descending !== own[i]!.descending) === reverse)
  return { sorted, reverse: sorted && reverse }
}

const candidate = (
  index: Index,
  filter: Filter,
  sort: SortFields,
  { hinted = false }: { readonly hinted?: boolean } = {},
): Candidate | undefined => {
  const bounds = index.fields.map((f) => boundsOf(f.path, filter, index.multikey))
  if (!hinted && !holdsAll(index, filter, bounds)) return undefined
  let prefixes: readonly Key[] = ['']
  let ranges: readonly KeyRange[] | undefined
  let score = 0
  const fixed = new Set<string>()
  const entries = new Set<string>()
  let used = 0
  for (const [i, field] of index.fields.entries()) {
    const intervals = bounds[i]
    if (intervals === undefined) break
    used += 1
    const points = intervals.every((interval) => interval.point)
    if (!points || prefixes.length * intervals.length > MAX_RANGES) {
      ranges = prefixes.flatMap((p) => intervals.map((interval) => keyRange(p, interval, field.descending)))
      score += 50
      break
    }
    if (intervals.length === 1) entries.add(field.path)
    if (intervals.length === 1 && !isArrayField(index, i)) fixed.add(field.path)
    score += intervals.length === 1 ? 100 : 80
    prefixes = prefixes.flatMap((p) =>
      intervals.map((interval) => p + (field.descending ? inverted(interval.low) : interval.low)),
    )
  }
  ranges ??= prefixes.map((p) => {
    const prefix = p.slice(0, SAFE_PREFIX)
    return { from: prefix, to: prefix === '' ? undefined : after(prefix) }
  })
  if (index.unique && fixed.size === index.fields.length) score += index.primary ? 5000 : 1000
  // Ranges are read in the order of the index, and a field that has several is held to no value: its order counts.
  const { sorted, reverse } = orderOf(index, { fixed, entries }, sort)
  if (sort.length > 0 && sorted) score += 60
  if (used === 0 && !(sort.length > 0 && sorted)) return undefined
  const inOrder = [...ranges].sort((a, b) => (a.from < b.from ? -1 : 1))
  return {
    score,
    plan: {
      index: index.primary ? undefined : index,
      ranges: inOrder,
      reverse,
      sorted,
      ordered: true,
    },
  }
}

/** How a command asks to be read: along an index, or in the order of the collection, forwards or in reverse. */
export type Hint = { readonly index: Index } | { readonly natural: 1 | -1 }

/** Bounds of an index that a command gives itself: from `min` up to, not including, `max`. */
export interface Between {
  readonly min: Doc | undefined
  readonly max: Doc | undefined
}

export interface PlanRequest {
  readonly collection: Collection
  readonly filter: Filter
  readonly sort: SortFields
  /** Indexes that became ready after this commit are not used. */
  readonly asOf: number
  readonly hint?: Hint | undefined
  /** Only with an index as hint. */
  readonly between?: Between | undefined
}

const WHOLE: KeyRange = { from: '', to: undefined }

const wholeCollection = (sort: SortFields, reverse = false): Plan => ({
  index: undefined,
  ranges: [WHOLE],
  reverse,
  sorted: sort.length === 0,
  ordered: false,
})

const boundKey = (index: Index, bound: Doc): Key => {
  const names = [...bound.keys()]
  if (names.length !== index.fields.length || index.fields.some(({ path }, i) => path !== names[i]))
    throw new CommandError(51174, `The index chosen is not compatible with min/max: ${index.name}`)
  const key = index.fields.map(({ path, descending }) => partKey(bound.get(path)!, descending)).join('')
  if (index.cut || key.length > SAFE_PREFIX) throw notImplemented('min or max on an index with keys this long')
  return key
}

const alongBounds = (index: Index, sort: SortFields, { min, max }: Between): Plan => {
  const from = min ? boundKey(index, min) : ''
  const to = max && boundKey(index, max)
  if (to !== undefined && to <= from) throw new CommandError(51175, 'max() must be greater than min()')
  const order = orderOf(index, NO_FIELDS, sort)
  return { index: index.primary ? undefined : index, ranges: [{ from, to }], ...order, ordered: true }
}

/** Along the index that is asked for, be it that it does not hold every document. */
const alongIndex = (index: Index, filter: Filter, sort: SortFields): Plan =>
  candidate(index, filter, sort, { hinted: true })?.plan ?? {
    index: index.primary ? undefined : index,
    ranges: [WHOLE],
    reverse: false,
    sorted: sort.length === 0,
    ordered: true,
  }

/** Chooses how to read. Whatever it chooses, the filter is applied to each document again. */
export const plan = ({ collection, filter, sort, asOf, hint, between }: PlanRequest): Plan => {
  if (hint && 'natural' in hint) return wholeCollection(sort, hint.natural === -1)
  if (hint) return between ? alongBounds(hint.index, sort, between) : alongIndex(hint.index, filter, sort)
  let best: Candidate | undefined
  for (const index of collection.indexes) {
    if (index.building || index.hidden || index.readySince > asOf) continue
    const found = candidate(index, filter, sort)
    if (found && (best === undefined || found.score > best.score)) best = found
  }
  return best?.plan ?? wholeCollection(sort)
}
