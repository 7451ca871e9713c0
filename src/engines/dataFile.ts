// Looks at LMDB's file before LMDB does, which would end the process over a file that is cut off or is none of its own.
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { FILE_MODE } from './private.ts'

/** The directory cannot be used as it is; the message says why and what to do. */
export class StoreUnusable extends Error {
  override readonly name = 'StoreUnusable'
}

/** Which store a directory holds, and in which layout its tables are. */
export interface StoreKind {
  /** As messages name it: `event log`, `document store`. */
  readonly name: string
  /** File written once the tables are there: from then on an empty data file is a lost one. */
  readonly marker: string
  readonly layout: number
}

export const DATA_FILE = 'data.mdb'
const Marker = v.object({ layout: v.number() })

// LMDB's format: two meta pages, each with the roots of two trees (free pages, data), in pages with a header of 24 bytes.
const SMALLEST_PAGE = 4096
const HEADER = 24
const MAGIC = 0xbeefc0de
const PAGE_SIZE_AT = HEADER + 24
const FREE_ROOT_AT = HEADER + 64
const DATA_ROOT_AT = HEADER + 112
const LAST_PAGE_AT = HEADER + 120
const TRANSACTION_AT = HEADER + 128
const NO_PAGE = 0xffffffffffffffffn

const FLAGS_AT = 18
const LOWER_AT = 20
const BRANCH = 1
const LEAF = 2
const NODE_HEADER = 8
const OVERFLOWS = 1
const SUBTREE = 2
const SUBTREE_ROOT_AT = 40

interface Meta {
  readonly pageSize: number
  readonly transaction: bigint
  readonly roots: readonly bigint[]
  /** The file's length when all its pages have been written. */
  readonly bytes: bigint
}

const readMeta = (fd: number, offset: number): Meta | undefined => {
  const head = Buffer.alloc(SMALLEST_PAGE)
  if (readSync(fd, head, 0, SMALLEST_PAGE, offset) < SMALLEST_PAGE || head.readUInt32LE(HEADER) !== MAGIC)
    return undefined
  const pageSize = head.readUInt32LE(PAGE_SIZE_AT)
  if (pageSize < SMALLEST_PAGE || pageSize > 65536) return undefined
  return {
    pageSize,
    transaction: head.readBigUInt64LE(TRANSACTION_AT),
    roots: [head.readBigUInt64LE(FREE_ROOT_AT), head.readBigUInt64LE(DATA_ROOT_AT)],
    bytes: (head.readBigUInt64LE(LAST_PAGE_AT) + 1n) * BigInt(pageSize),
  }
}

/** Pages that a page points to; of an overflow only the last, as the others come before it. */
const children = (page: Buffer): readonly bigint[] => {
  const flags = page.readUInt16LE(FLAGS_AT)
  if ((flags & (BRANCH | LEAF)) === 0) throw new RangeError('a page of an unexpected kind')
  const out: bigint[] = []
  for (let i = 0; i < page.readUInt16LE(LOWER_AT) >> 1; i += 1) {
    const node = page.readUInt16LE(HEADER + i * 2) + HEADER
    const low = page.readUInt32LE(node)
    const nodeFlags = page.readUInt16LE(node + 4)
    const data = node + NODE_HEADER + page.readUInt16LE(node + 6)
    if (flags & BRANCH) out.push(BigInt(low) | (BigInt(nodeFlags) << 32n))
    else if (nodeFlags & OVERFLOWS) out.push(-(page.readBigUInt64LE(data) + page.readBigUInt64LE(data + 16) - 1n))
    else if (nodeFlags & SUBTREE) out.push(page.readBigUInt64LE(data + SUBTREE_ROOT_AT))
  }
  return out
}

/**
 * Whether every page in use lies inside a file that is shorter than its last page: pages that were taken and given back
 * within one commit are never written, so that such a file may be whole. Reads all of its pages.
 */
const isWhole = (fd: number, { pageSize, roots }: Meta, size: number): boolean => {
  const pages = BigInt(Math.floor(size / pageSize))
  const open = roots.filter((root) => root !== NO_PAGE)
  const page = Buffer.alloc(pageSize)
  try {
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if ((next < 0n ? -next : next) >= pages) return false
      // An overflow, told by its sign, holds nothing but data.
      if (next < 0n) continue
      if (readSync(fd, page, 0, pageSize, Number(next) * pageSize) < pageSize) return false
      open.push(...children(page))
    }
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** Throws StoreUnusable when the data file of `dir` is not whole. A directory without one is a new store. */
export const checkDataFile = (dir: string, { name, marker, layout }: StoreKind): void => {
  const path = join(dir, DATA_FILE)
  const known = existsSync(join(dir, marker))
  if (known) {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Marker), readFileSync(join(dir, marker), 'utf8'))
    const found = parsed.success ? parsed.output.layout : 'unknown'
    if (found !== layout)
      throw new StoreUnusable(`the ${name} in ${dir} has layout ${found}; this program reads ${layout}`)
  }
  const lost = `the ${name} in ${dir} is damaged`
  if (!existsSync(path)) {
    if (known) throw new StoreUnusable(`${lost}: ${DATA_FILE} is missing; restore it from a copy`)
    return
  }
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    if (size === 0 && !known) return
    const first = readMeta(fd, 0)
    const second = first && readMeta(fd, first.pageSize)
    if (!first || !second) throw new StoreUnusable(`${lost}: ${DATA_FILE} is not a data file; restore it from a copy`)
    const newest = second.transaction > first.transaction ? second : first
    if (BigInt(size) < newest.bytes && !isWhole(fd, newest, size))
      throw new StoreUnusable(
        `${lost}: ${DATA_FILE} has ${size} bytes and should have ${newest.bytes}; restore it from a copy`,
      )
  } finally {
    closeSync(fd)
  }
}

/** Says that the store in `dir` exists, and makes sure that this and the names of its files are on disk. */
export const markCreated = (dir: string, { marker, layout }: StoreKind): void => {
  const path = join(dir, marker)
  if (existsSync(path)) return
  const draft = `${path}.new`
  const fd = openSync(draft, 'w', FILE_MODE)
  writeSync(fd, JSON.stringify({ layout }))
  fsyncSync(fd)
  closeSync(fd)
  renameSync(draft, path)
  if (process.platform === 'win32') return
  const folder = openSync(dir, 'r')
  fsyncSync(folder)
  closeSync(folder)
}
