// Keeps the memory that LMDB maps within bounds: pages that were read stay resident until the map is closed.
import { readFileSync } from 'node:fs'

export interface Resident {
  /** Counts bytes that were read or written through the map. */
  touched(bytes: number): void
  /** To be asked when nothing is open on the map: true when it should be closed and opened again. */
  isTooMuch(): boolean
  /** The map was opened again. */
  renewed(): void
}

/** Mapped memory above which the map is renewed, bytes. */
const LIMIT = 96 * 1024 * 1024
/** What must be touched before it is worth asking the system. */
const ASK_EVERY = 16 * 1024 * 1024
const PAGE = 4096

/** Resident memory of this process that belongs to files, bytes; undefined where the system does not say. */
const residentFiles = (): number | undefined => {
  try {
    return Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[2]) * PAGE
  } catch {
    return undefined
  }
}

export const createResident = (limit = LIMIT): Resident => {
  let touched = 0
  let bound = (residentFiles() ?? 0) + limit
  return {
    touched: (bytes) => {
      touched += bytes
    },
    isTooMuch: () => {
      if (touched < ASK_EVERY) return false
      touched = 0
      return (residentFiles() ?? 0) > bound
    },
    // Other files of the process are mapped, too, and stay so: what is left now is where counting begins.
    renewed: () => {
      bound = (residentFiles() ?? 0) + limit
    },
  }
}
