// The board of a node that is several processes: what each of them has recorded, where all see it. A small file in memory, so that
// to write and to look is a system call and no message: what a process wrote before it answered is seen by whoever looks after that.
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nameHash } from './nameHash.ts'

/**
 * What names on the board are of, and how many places there are for them. Names that share a place cost a needless look at the
 * log, or a wait for somebody else's position, and never a stale answer.
 */
const AREAS = {
  /** Streams that all processes follow, which have a place each. */
  rulebook: 1,
  access: 1,
  /** Sessions and tokens that ended. */
  ended: 1,
  /** What API keys were told is recorded. */
  keys: 4_096,
  /** Streams of customers. */
  streams: 131_072,
  counts: 16_384,
} as const

export type Area = keyof typeof AREAS

/** The place of each area's first row. */
const FROM = Object.fromEntries(
  Object.keys(AREAS).map((area, n) => [
    area,
    Object.values(AREAS)
      .slice(0, n)
      .reduce((sum, rows) => sum + rows, 0),
  ]),
) as Record<Area, number>

const ROWS = Object.values(AREAS).reduce((sum, rows) => sum + rows, 0)
/** Two words a cell: a position and its complement, so that one that is read while it is written is known for that. */
const CELL = 16
/** Rows that are read at a time at the start. */
const CHUNK = 8_192
const WORD = 0xffff_ffff_ffff_ffffn

export interface Board {
  /** Notes what this process has recorded under a name, up to a position of the log. To be called before anybody is told of it. */
  note(area: Area, name: string, position: bigint): void
  /** Up to where the other processes have noted something under a name, or one that shares its place; -1n: nothing yet. */
  others(area: Area, name: string): bigint
  /** The same of the streams that all follow, and of what ended, in one look. */
  followed(): { readonly rulebook: bigint; readonly access: bigint; readonly ended: bigint }
  /**
   * Says what this process counts under a name in the window that begins at `start` (ms since the epoch), and gives what the
   * others do. Names that share a place may count less, never more.
   */
  count(name: string, start: number, own: number): number
  close(): void
}

const rowOf = (area: Area, name: string): number =>
  AREAS[area] === 1 ? FROM[area] : FROM[area] + (nameHash(name) % AREAS[area])

/**
 * The board in an open file, of so many processes, as the one with this number (from 0): each writes cells of its own, so that
 * none waits for another, and one that was killed leaves nothing locked. Whoever takes over a number takes over its cells.
 */
export const createBoard = (file: number, processes: number, self: number): Board => {
  const width = processes * CELL
  const row = Buffer.alloc(width)
  const cell = Buffer.alloc(CELL)
  const many = Buffer.alloc(3 * width)

  /** Undefined while it is being written. */
  const read = (from: Buffer, at: number): bigint | undefined => {
    const position = from.readBigUInt64LE(at)
    return position === 0n || position === WORD - from.readBigUInt64LE(at + 8) ? position : undefined
  }

  /** This process's own cells of positions, as they stand in the file: those of who had the number before, too. */
  const mine = new BigUint64Array(FROM.counts)
  for (let at = 0; at < mine.length; at += CHUNK) {
    const chunk = Buffer.alloc(Math.min(CHUNK, mine.length - at) * width)
    readSync(file, chunk, 0, chunk.length, at * width)
    for (let n = 0; n * width < chunk.length; n++) mine[at + n] = read(chunk, n * width + self * CELL) ?? 0n
  }

  /** The newest of a row of others. Positions are kept one higher: 0 is nothing. */
  const newestIn = (rows: Buffer, from: number): bigint | undefined => {
    let newest = 0n
    for (let n = 0; n < processes; n++) {
      if (n === self) continue
      const position = read(rows, from + n * CELL)
      if (position === undefined) return undefined
      if (position > newest) newest = position
    }
    return newest - 1n
  }

  const look = (first: number, into: Buffer): void => {
    readSync(file, into, 0, into.length, first * width)
  }

  /** Again where a cell is just being written: its writer is in one system call, which it leaves whatever becomes of it. */
  const others = (first: number): bigint => {
    for (;;) {
      look(first, row)
      const newest = newestIn(row, 0)
      if (newest !== undefined) return newest
    }
  }

  return {
    note(area, name, position) {
      const at = rowOf(area, name)
      // Names that share a place, and answers that overtake each other: the newest stays.
      if (mine[at]! > position) return
      mine[at] = position + 1n
      cell.writeBigUInt64LE(position + 1n, 0)
      cell.writeBigUInt64LE(WORD - (position + 1n), 8)
      writeSync(file, cell, 0, CELL, at * width + self * CELL)
    },
    others: (area, name) => others(rowOf(area, name)),
    followed() {
      for (;;) {
        look(FROM.rulebook, many)
        const [rulebook, access, ended] = [0, 1, 2].map((n) => newestIn(many, n * width))
        if (rulebook !== undefined && access !== undefined && ended !== undefined) return { rulebook, access, ended }
      }
    },
    count(name, start, own) {
      const at = FROM.counts + (nameHash(name) % AREAS.counts)
      const tag = [nameHash(name, start >>> 0), nameHash(name, 0x9e3779b9)] as const
      cell.writeUInt32LE(tag[0], 0)
      cell.writeUInt32LE(tag[1], 4)
      cell.writeDoubleLE(own, 8)
      writeSync(file, cell, 0, CELL, at * width + self * CELL)
      look(at, row)
      let sum = 0
      for (let n = 0; n < processes; n++) {
        const from = n * CELL
        if (n !== self && row.readUInt32LE(from) === tag[0] && row.readUInt32LE(from + 4) === tag[1])
          sum += row.readDoubleLE(from + 8)
      }
      return sum
    },
    close: () => closeSync(file),
  }
}

/** Where files lie in memory and not on a disk, where there is such a place. */
const IN_MEMORY = '/dev/shm'

const emptyFile = (folder: string, bytes: number): number => {
  const dir = mkdtempSync(join(folder, 'tributary-'))
  try {
    const file = openSync(join(dir, 'board'), 'wx+', 0o600)
    try {
      // All of it now: there is no room later for a file with holes on a disk that is full.
      const zeros = Buffer.alloc(1 << 20)
      for (let at = 0; at < bytes; at += zeros.length) writeSync(file, zeros, 0, Math.min(zeros.length, bytes - at), at)
      return file
    } catch (error) {
      closeSync(file)
      throw error
    }
  } finally {
    // Whoever has it open keeps it; nothing is left behind, however they end.
    rmSync(dir, { recursive: true, force: true })
  }
}

/** An empty board for so many processes: a file without a name, which is handed to them. */
export const boardFile = (processes: number): number => {
  const bytes = ROWS * processes * CELL
  if (existsSync(IN_MEMORY))
    try {
      return emptyFile(IN_MEMORY, bytes)
    } catch {}
  return emptyFile(tmpdir(), bytes)
}
