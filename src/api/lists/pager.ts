// The one pager of all lists: in which order entries stand, where a page begins and ends, and how the next one is asked for.
import * as v from 'valibot'
import { sizeOf } from '../../domain/size.ts'
import { type Failure, fail } from '../../http/errors.ts'
import { instant, pageLimit, pageNumber } from '../../http/fields.ts'
import { isoOf } from '../shapes.ts'
import type { From, Place, Source } from './sources.ts'

/** Names of orders, without the `-` of descending ones, with the keys that they sort by. */
type Orders = Readonly<Record<string, readonly string[]>>

const cursor = v.optional(v.pipe(v.string(), v.maxLength(2_000)))

/** Parameters of a list whose pages have numbers; `cursor` goes on beyond the last number. */
export const pagedByNumber = { limit: pageLimit, page: pageNumber, cursor }

/** Parameters of a list that goes on from the last entry seen. */
export const pagedById = { limit: pageLimit, starting_after_id: v.optional(v.string()), cursor }

/** Ids in a query, one or many. */
export const Ids = v.optional(
  v.union([
    v.array(v.string()),
    v.pipe(
      v.string(),
      v.transform((id) => [id]),
    ),
  ]),
)

/** The names of orders as a parameter, each also descending. */
export const orderOf = <const Name extends string>(names: readonly Name[], usual: Name | `-${Name}`) =>
  v.optional(v.picklist(names.flatMap((name): (Name | `-${Name}`)[] => [name, `-${name}`])), usual)

/**
 * An instant to go on from, and, in the six digits of its fraction behind the millisecond, where to go on within it: clients that
 * page by time know nothing but the time of the last entry, and many entries can share one.
 */
interface Moment {
  readonly at: number
  readonly slot: number | undefined
}

export const moment = v.pipe(
  v.string(),
  v.check((text) => v.is(instant, text), 'must match format "date-time"'),
  v.metadata({ format: 'date-time' }),
  v.transform((text): Moment => {
    const digits = /\.\d{3}(\d{6})(?:Z|[+-])/.exec(text)?.[1]
    return { at: v.parse(instant, text), slot: digits === undefined ? undefined : Number(digits) }
  }),
)

/** What a query says of order and page. */
export interface Paging {
  readonly limit: number
  readonly order: string
  readonly page?: number | undefined
  readonly starting_after_id?: string | undefined
  readonly starting_after?: Moment | undefined
  readonly cursor?: string | undefined
}

export interface Page<D> {
  readonly entries: readonly D[]
  readonly more: boolean
  /** Leads to the next page by value, so that the last entry need not be there any more; null at the end. */
  readonly cursor: string | null
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const SLOT_CHARS = 3

const slotStart = (id: string): number => id.indexOf('_') + 1

/** The slot of an id within an instant, below 62³: its first digits, so that slots are in the order of ids. */
const slotOf = (id: string): number => {
  const from = slotStart(id)
  return [...id.slice(from, from + SLOT_CHARS)].reduce((n, digit) => n * 62 + Math.max(0, BASE62.indexOf(digit)), 0)
}

const slotText = (slot: number): string => {
  const digits = Array.from(
    { length: SLOT_CHARS },
    (_, i) => BASE62[Math.floor(slot / 62 ** (SLOT_CHARS - 1 - i)) % 62],
  )
  return digits.join('')
}

/** Behind every id that begins like it. */
const LAST = '\uffff'

/** Lists whose entries are asked for by the time they were made, and their ids by `prefix` (`cust_`) and base-62 digits. */
export interface Timed<D> {
  readonly prefix: string
  at(entry: D): number
  id(entry: D): string
}

const placeOf = ({ at, slot }: Moment, prefix: string, descending: boolean): Place => {
  const begin = slot === undefined ? '' : prefix + slotText(slot)
  return [new Date(at), descending ? begin : begin + LAST]
}

/** Dates reach so far from 1970, ms. */
const MOST_MS = 8.64e15
const Value = v.union([
  v.string(),
  v.number(),
  v.null(),
  v.object({ at: v.pipe(v.number(), v.integer(), v.minValue(-MOST_MS), v.maxValue(MOST_MS)) }),
])

const Cursor = v.tupleWithRest([v.string()], Value)

const encoded = (order: string, place: Place): string =>
  Buffer.from(
    JSON.stringify([order, ...place.map((value) => (value instanceof Date ? { at: value.getTime() } : value))]),
  ).toString('base64url')

/**
 * The place that a cursor names: only one that `encoded` wrote, so that nothing in it was read as something else (1e999, a name given
 * twice). The last key of an entry is never null, and nothing could be asked for behind nulls alone.
 */
const decoded = (text: string, order: string, keys: readonly string[]): Place | undefined => {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Cursor), Buffer.from(text, 'base64url').toString())
  if (!parsed.success) return undefined
  const [of, ...values] = parsed.output
  if (of !== order || values.length !== keys.length) return undefined
  const place = values.map((value) => (typeof value === 'object' && value !== null ? new Date(value.at) : value))
  return place.at(-1) === null || encoded(order, place) !== text ? undefined : place
}

const ONE_START = 'Give one of page, starting_after_id, starting_after and cursor'

interface Start {
  readonly from: From
  readonly moment?: Moment
}

const startOf = async <D>(
  source: Source<D>,
  keys: readonly string[],
  paging: Paging,
  timed: Timed<D> | undefined,
): Promise<Start | Failure> => {
  const { page = 1, starting_after_id: last, starting_after: moment, cursor: given, order, limit } = paging
  if ([page > 1, last !== undefined, moment !== undefined, given !== undefined].filter(Boolean).length > 1)
    return fail('invalid_query_params', ONE_START)
  if (given !== undefined) {
    const after = decoded(given, order, keys)
    return after
      ? { from: { after, skip: 0 } }
      : fail('invalid_or_expired_cursor', 'The cursor is none of this list and order')
  }
  if (last !== undefined) {
    const entry = await source.named(last)
    return entry
      ? { from: { after: source.place(entry, keys), skip: 0 } }
      : fail('invalid_or_expired_cursor', `No entry of this list has the id ${last}`)
  }
  if (moment === undefined) return { from: { skip: (page - 1) * limit } }
  if (!timed || !/^-?created_at$/.test(order))
    return fail('invalid_query_params', 'starting_after goes with the orders created_at and -created_at')
  return { from: { after: placeOf(moment, timed.prefix, order.startsWith('-')), skip: 0 }, moment }
}

/** Bytes of entries, as JSON, that a page has at most; a single entry may be larger. */
export const MAX_PAGE_BYTES = 2 * 1024 * 1024

/** Entries that are read before it is known how large they are. */
const FIRST_READ = 16

/**
 * Entries from a place on, in order: so many, or all there are, or (`isCut`) up to the first by which they come to more than
 * `room` bytes, but two. What is read at a time is what the entries so far leave room for.
 */
const readWithin = async <D>(
  source: Source<D>,
  keys: readonly string[],
  descending: boolean,
  from: From,
  wanted: number,
  room: number,
): Promise<{ readonly found: readonly D[]; readonly isCut: boolean }> => {
  const found: D[] = []
  let bytes = 0
  for (let next = from; ; ) {
    const mean = bytes / Math.max(1, found.length)
    const fits = found.length === 0 ? FIRST_READ : Math.max(1, Math.ceil((room - bytes) / Math.max(1, mean)))
    const asked = Math.min(wanted - found.length, fits)
    const read = await source.read(keys, descending, next, asked)
    for (const entry of read) {
      found.push(entry)
      bytes += sizeOf(entry).bytes
      if (bytes > room && found.length > 1) return { found, isCut: true }
    }
    const last = read.at(-1)
    if (last === undefined || read.length < asked || found.length >= wanted) return { found, isCut: false }
    next = { after: source.place(last, keys), skip: 0 }
  }
}

/**
 * A page. It is full unless it is the last one or ends by `MAX_PAGE_BYTES`; in a `timed` list that is asked from a moment it may be longer by the few entries
 * that nothing but their ids tells apart.
 */
export const pageOf = async <D>(
  source: Source<D>,
  orders: Orders,
  paging: Paging,
  timed?: Timed<D>,
): Promise<(Page<D> & { timeOf(entry: D): string }) | Failure> => {
  const { order, limit } = paging
  const descending = order.startsWith('-')
  const keys = orders[descending ? order.slice(1) : order]
  if (!keys) throw new Error(`no keys for the order ${order}`)
  const start = await startOf(source, keys, paging, timed)
  if ('failed' in start) return start
  const isOneSlot = (a: D, b: D): boolean =>
    timed !== undefined &&
    start.moment !== undefined &&
    timed.at(a) === timed.at(b) &&
    slotOf(timed.id(a)) === slotOf(timed.id(b))
  let found: readonly D[] = []
  let end = 0
  for (let wanted = limit + 1, room = MAX_PAGE_BYTES; ; wanted *= 2, room *= 2) {
    const read = await readWithin(source, keys, descending, start.from, wanted, room)
    found = read.found
    end = Math.min(limit, read.isCut ? found.length - 1 : found.length)
    while (end > 0 && end < found.length && isOneSlot(found[end - 1]!, found[end]!)) end += 1
    if (end < found.length || (!read.isCut && found.length < wanted)) break
  }
  const entries = found.slice(0, end)
  const last = entries.at(-1)
  const next = found[end]
  // Where the next page goes on within an instant, the time of all entries of that instant says where they stand in it.
  const finer = new Set<number>()
  if (timed && last && next && timed.at(last) === timed.at(next)) finer.add(timed.at(last))
  if (start.moment?.slot !== undefined) finer.add(start.moment.at)
  return {
    entries,
    more: next !== undefined,
    cursor: next !== undefined && last !== undefined ? encoded(order, source.place(last, keys)) : null,
    timeOf(entry) {
      const at = timed!.at(entry)
      const iso = isoOf(at)
      return finer.has(at) ? `${iso.slice(0, -1)}${String(slotOf(timed!.id(entry))).padStart(6, '0')}Z` : iso
    },
  }
}

/**
 * The same with how many entries there are in all. That is counted only where the page does not show it: most lists of one customer
 * or one campaign are shorter than a page, and a count costs as much as a read.
 */
export const pageAndTotal = async <D>(
  source: Source<D>,
  orders: Orders,
  paging: Paging,
  timed?: Timed<D>,
): Promise<readonly [page: Awaited<ReturnType<typeof pageOf<D>>>, total: number]> => {
  const { page = 1, starting_after_id: last, starting_after: moment, cursor: given } = paging
  const isFirst = page === 1 && last === undefined && moment === undefined && given === undefined
  if (!isFirst) return Promise.all([pageOf(source, orders, paging, timed), source.total()])
  const first = await pageOf(source, orders, paging, timed)
  if ('failed' in first) return [first, 0]
  return [first, first.more ? await source.total() : first.entries.length]
}

/** The body of a list: `ref` names where the entries are; `total` where the list has one, `id` where it goes on from ids. */
export const listBody = <D>(
  ref: string,
  page: Page<D>,
  shown: readonly unknown[],
  { total, id }: { readonly total?: number; readonly id?: (entry: D) => string } = {},
) => {
  const last = page.entries.at(-1)
  return {
    object: 'list' as const,
    data_ref: ref,
    [ref]: shown,
    total,
    has_more: page.more,
    ...(id !== undefined && page.more && last !== undefined ? { more_starting_after: id(last) } : {}),
    next_cursor: page.cursor,
  }
}
