// The customers in parts: consecutive in the order of their ids, so that a part's streams are told by the beginnings of names.
import { customerIdBeginnings, customerStream } from '../domain/ids.ts'
import { customerKeyStream } from '../domain/personalFacts.ts'

export interface Part {
  /** The part has the ids from this one on (inclusive); the first part also has what comes before. */
  readonly from: string
  /** And those before this one; undefined in the last part. */
  readonly before: string | undefined
  /**
   * What the names of its customers' streams begin with, and those of their keys, which so come by before what they open: each would
   * be read by itself otherwise. An id of another form has a part, too, but no such beginning.
   */
  readonly streams: readonly string[]
  /** About so many customers. */
  readonly size: number
}

/** Customers in a part at most: each part costs passing by the whole log, and its customers are in memory beside those who are. */
const MOST = 40_000
/** Customers in a part at least: with a past so long that these are too many, no part is worth a reading. */
const LEAST = 200
/** Bytes of the log whose facts are folded for one part: what is held of them is in memory until the part is done with. */
const PART_BYTES = 128 * 1024 * 1024

/** How many customers a part may have: `logBytes` is the position of the log's head. */
export const sizeOfParts = (customers: number, logBytes: number): number =>
  Math.max(LEAST, Math.min(MOST, Math.floor((customers * PART_BYTES) / Math.max(1, logBytes))))

/** All customers in parts of about `size` at most. */
export const partsOf = (customers: number, size: number): readonly Part[] => {
  let digits = 0
  while (customers / 62 ** digits > size) digits++
  const beginnings = customerIdBeginnings(digits)
  const each = customers / beginnings.length
  const together = Math.max(1, Math.min(beginnings.length, Math.floor(size / Math.max(each, 1))))
  const parts: Part[] = []
  for (let at = 0; at < beginnings.length; at += together) {
    const own = beginnings.slice(at, at + together)
    parts.push({
      from: own[0]!,
      before: beginnings[at + together],
      streams: [...own.map(customerStream), ...own.map(customerKeyStream)],
      size: Math.round(each * own.length),
    })
  }
  return parts
}

/** The part in which one goes on after the customer `cursor`; null: from the beginning. */
export const partAfter = (parts: readonly Part[], cursor: string | null): Part =>
  parts.findLast(({ from }) => cursor !== null && from <= cursor) ?? parts[0]!

/** A stream that is read by itself costs so much processor time more than its facts, µs: a call, and writes to sockets. */
const STREAM_US = 1_000
/** What the log's server needs to pass by what a filter leaves out, µs a byte of the log: 1.5 µs a fact of 400 bytes and more. */
const SKIP_US = 0.004
/** A fact that is read and folded, µs a byte: 40 µs for one of 700. */
const FOLD_US = 0.06

/**
 * Whether it is worth reading the whole log for a part: for `needed` of its `size` customers, who would each cost the reading
 * of a stream; the others' facts come with them. `logBytes` is the position of the log's head; `share` of it is the part's.
 */
export const isWorthReading = (
  needed: number,
  { size, share, logBytes }: { readonly size: number; readonly share: number; readonly logBytes: number },
): boolean => {
  const inVain = size > needed ? (logBytes * share * FOLD_US * (size - needed)) / size : 0
  return logBytes * SKIP_US + inVain < needed * STREAM_US
}
