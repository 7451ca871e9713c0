// What looking through promotion tiers, stacks and codes has in common: what is asked, the order, the bound, and what is found.
import type { QualificationFilters } from '../src/domain/redemption/qualify.ts'
import type { Entry } from '../src/domain/rulebook/kind.ts'

export interface Scan<F> {
  readonly found: readonly F[]
  /** Where to go on; null when there is nothing more. */
  readonly next: string | null
}

export interface ScanOptions {
  readonly filters?: QualificationFilters | null | undefined
  /** A place in the order, or a time (ms): what was made before it. */
  readonly starting_after?: string | number | null | undefined
}

/** How many of a kind are looked through for one answer; the next page goes on from there. */
export const MAX_SCANNED = 1_000

/** Definitions in the order of their places, the last first, from where a page begins: behind a place, or made before a time (ms). */
export const newestFirst = <D>(
  entries: Iterable<Entry<D>>,
  after: ScanOptions['starting_after'],
  placeOf: (entry: Entry<D>) => string,
): readonly { readonly entry: Entry<D>; readonly place: string }[] =>
  [...entries]
    .map((entry) => ({ entry, place: placeOf(entry) }))
    .filter(({ entry, place }) =>
      typeof after === 'number' ? entry.createdAt < after : typeof after !== 'string' || place < after,
    )
    .sort((a, b) => (a.place < b.place ? 1 : -1))
