// Room for a commit, made sure of before LMDB writes: it does not survive a write that fails, neither do those who use it.
import { closeSync, fstatSync, openSync, statfsSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import * as v from 'valibot'

/** There is no room for what a commit would write. Nothing of it was written. */
export class DiskFull extends Error {
  override readonly name = 'DiskFull'
  constructor(path: string) {
    super(`no space left on the disk of ${path}`)
  }
}

export interface Room {
  /** A commit begins: nothing of it is counted yet. */
  begin(): void
  /** Counts a row that the commit will write, bytes; throws DiskFull when it may not fit any more. */
  take(bytes: number): void
}

/** What of an environment's statistics is looked at: lmdb-js leaves their type open. */
const Stats = v.object({ lastPageNumber: v.number(), root: v.object({ pageSize: v.number() }) })

export interface RoomOptions {
  /** The data file. */
  readonly file: string
  /** The statistics of its environment. */
  readonly stats: () => unknown
}

/** With so much free beyond what a commit takes nothing is reserved, bytes. */
const PLENTY = 64 * 1024 * 1024
/** Pages that a commit takes whatever it writes: its free list, the roots, those of tables it opens. */
const BASE_PAGES = 32
/** Pages of trees that a row can make new: the way from a root to a leaf, halves of those that are split included. */
const TREE_PAGES = 12
/** What a row takes beside its key and value, bytes. */
const ROW_EXTRA = 32
/** Pages are made sure of this many at a time, or as few as are needed when there are no more. */
const PORTION = 256
const ZEROS = Buffer.alloc(256 * 1024)

/**
 * Keeps a data file long enough for each commit, by writing zeros behind its last page while the disk is nearly full. What LMDB
 * writes then has its place on the disk already, whoever else fills it meanwhile.
 *
 * The reason is in LMDB as lmdb-js has it: a write that fails is told in a buffer that is too short for the words, after which
 * the process ends by itself, sooner or later.
 */
export const createRoom = ({ file, stats }: RoomOptions): Room => {
  const { pageSize } = v.parse(Stats, stats()).root
  /** Bytes of rows that share pages, which may be half empty, and pages of rows that have their own. */
  let shared = 0
  let own = 0
  let rows = 0
  let sure = 0
  /** Pages of the file as the commit began: those that LMDB adds are written at its end. */
  let there: number | undefined

  const reserve = (pages: number): boolean => {
    const { bavail, bsize } = statfsSync(dirname(file))
    const free = bavail * bsize
    if (free > pages * pageSize + PLENTY) return true
    const fd = openSync(file, 'r+')
    try {
      const { size, blocks } = fstatSync(fd)
      const wanted = (v.parse(Stats, stats()).lastPageNumber + 1 + pages) * pageSize
      // Not even begun with when it cannot be: what is free is for the smaller commits of others.
      if (wanted - size > free) return false
      for (let at = size; at < wanted; ) at += writeSync(fd, ZEROS, 0, Math.min(ZEROS.length, wanted - at), at)
      // Pages that were never written have no place yet, although the file is longer than them.
      const holes = Math.max(0, size - blocks * 512)
      return free - Math.max(0, wanted - size) >= Math.min(holes, pages * pageSize)
    } catch {
      return false
    } finally {
      closeSync(fd)
    }
  }

  /** At most; `trees`: pages of trees that exist, each of which is made new once. */
  const needed = (trees: number) =>
    BASE_PAGES + own + Math.ceil((2 * shared) / pageSize) + Math.min(rows * TREE_PAGES, trees)

  return {
    begin() {
      shared = 0
      own = 0
      rows = 0
      sure = 0
      there = undefined
    },
    take(bytes) {
      rows++
      if (bytes + ROW_EXTRA < pageSize / 2) shared += bytes + ROW_EXTRA
      else own += Math.ceil((bytes + ROW_EXTRA) / pageSize) + 1
      // The file is looked at only when the larger bound, which costs nothing, is over what is sure.
      if (needed(Number.POSITIVE_INFINITY) <= sure) return
      there ??= Math.ceil(statSync(file).size / pageSize)
      const pages = needed(there)
      if (pages <= sure) return
      const generous = Math.max(2 * pages, PORTION)
      if (reserve(generous)) sure = generous
      else if (reserve(pages)) sure = pages
      else throw new DiskFull(file)
    },
  }
}
