// The newest revisions that this node knows of customers' streams: a few bytes a customer, so that millions fit in memory.

export interface Revisions {
  /** The newest revision known; undefined: this node does not know, so the stream is to be asked. */
  get(id: string): bigint | undefined
  set(id: string, revision: bigint): void
  /** What is known may be wrong. */
  forget(id: string): void
  readonly size: number
}

/** Three numbers of 32 bits a place; a table that is more than half full doubles. */
const SMALLEST = 1 << 12
const LARGEST = 1 << 22
/** Revisions from here on do not fit and are not kept; no customer has so many facts. */
const MOST = 0xffff_fffe

/**
 * Ids are told apart by 64 bits of a hash, which two of a billion share hardly ever; who is taken for another finds out by the
 * append, which expects the exact revision. A table that is full begins anew: to forget costs reads and nothing else.
 */
export const createRevisions = (largest = LARGEST): Revisions => {
  let places = Math.min(SMALLEST, largest)
  let table = new Uint32Array(3 * places)
  let size = 0
  /** The hash of the id that was looked at last. */
  let high = 0
  let low = 0

  /** FNV-1a, twice from different beginnings; never 0 in both, which is an empty place. */
  const hash = (id: string): void => {
    let a = 0x811c9dc5
    let b = 0x9e3779b9
    for (let i = 0; i < id.length; i++) {
      const code = id.charCodeAt(i)
      a = Math.imul(a ^ code, 0x01000193)
      b = Math.imul(b ^ code, 0x85ebca6b) ^ (b >>> 15)
    }
    high = a >>> 0
    low = (b | 1) >>> 0
  }
  /** The place of the id whose hash was taken, or the empty one where it would be. */
  const placeOf = (): number => {
    let at = (high ^ (low >>> 7)) & (places - 1)
    while (table[3 * at + 1] !== 0 && (table[3 * at] !== high || table[3 * at + 1] !== low))
      at = (at + 1) & (places - 1)
    return 3 * at
  }
  const grow = (): void => {
    const before = table
    places = 2 * places > largest ? SMALLEST : 2 * places
    table = new Uint32Array(3 * places)
    size = 0
    if (before.length > table.length) return
    for (let at = 0; at < before.length; at += 3) {
      if (before[at + 1] === 0 || before[at + 2] === 0) continue
      high = before[at]!
      low = before[at + 1]!
      const place = placeOf()
      table[place] = high
      table[place + 1] = low
      table[place + 2] = before[at + 2]!
      size++
    }
  }

  return {
    get(id) {
      hash(id)
      const known = table[placeOf() + 2]!
      // A place that was forgotten stays taken, with nothing in it.
      return known === 0 ? undefined : BigInt(known - 1)
    },
    set(id, revision) {
      if (revision < 0n || revision > MOST) return
      if (2 * size >= places) grow()
      hash(id)
      const place = placeOf()
      if (table[place + 1] === 0) size++
      table[place] = high
      table[place + 1] = low
      table[place + 2] = Number(revision) + 1
    },
    forget(id) {
      hash(id)
      table[placeOf() + 2] = 0
    },
    get size() {
      return size
    },
  }
}
