// Which texts were met before, in a few bytes each: a set of hashes. It may take a text for one that it has met, never the other way.

/** 52 bits of two different hashes (FNV-1a, and djb2 with exclusive or); never 0. */
export const hashOf = (text: string): number => {
  let first = 0x811c9dc5
  let second = 5381
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    first = Math.imul(first ^ code, 0x01000193)
    second = Math.imul(second, 33) ^ code
  }
  return (second & 0xfffff) * 0x1_0000_0000 + (first >>> 0) || 1
}

export interface Seen {
  /** Whether this hash was added before; adds it. */
  add(hash: number): boolean
  readonly size: number
}

/** Open addressing with linear probing, kept at most half full: 16 to 32 bytes a hash. */
export const createSeen = (): Seen => {
  let slots = new Float64Array(1 << 12)
  let size = 0
  const placeOf = (hash: number): number => {
    const mask = slots.length - 1
    let place = ((hash % 0x1_0000_0000) ^ (hash / 0x1_0000_0000)) & mask
    while (slots[place] !== 0 && slots[place] !== hash) place = (place + 1) & mask
    return place
  }
  const grow = (): void => {
    const old = slots
    slots = new Float64Array(old.length * 2)
    for (const hash of old) if (hash !== 0) slots[placeOf(hash)] = hash
  }
  return {
    add(hash) {
      const place = placeOf(hash)
      if (slots[place] === hash) return true
      slots[place] = hash
      if (++size * 2 > slots.length) grow()
      return false
    },
    get size() {
      return size
    },
  }
}
