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

/** The directory cannot be used as it is; the message says why and what to do. */
export class StoreUnusable extends Error {
  override readonly name = 'StoreUnusable'
}

/** Layout of the tables; a directory of another version is refused. */
export const LAYOUT = 1

const DATA_FILE = 'data.mdb'
/** Written once the tables are there: from then on an empty data file is a lost one. */
const MARKER_FILE = 'event-log.json'
const Marker = v.object({ layout: v.number() })

/** LMDB's two meta pages: where in each the magic number, page size, last page and transaction are. */
const META_PAGES = 2
const SMALLEST_PAGE = 4096
const META_AT = 24
const MAGIC = 0xbeefc0de
const PAGE_SIZE_AT = META_AT + 24
const LAST_PAGE_AT = META_AT + 120
const TRANSACTION_AT = META_AT + 128

const readMetas = (fd: number): readonly { readonly transaction: bigint; readonly bytes: bigint }[] => {
  const head = Buffer.alloc(SMALLEST_PAGE)
  const metaAt = (offset: number) => {
    const read = readSync(fd, head, 0, SMALLEST_PAGE, offset)
    if (read < SMALLEST_PAGE || head.readUInt32LE(META_AT) !== MAGIC) return undefined
    const pageSize = head.readUInt32LE(PAGE_SIZE_AT)
    return {
      pageSize,
      transaction: head.readBigUInt64LE(TRANSACTION_AT),
      bytes: (head.readBigUInt64LE(LAST_PAGE_AT) + 1n) * BigInt(pageSize),
    }
  }
  const first = metaAt(0)
  const second = first && metaAt(first.pageSize)
  return first === undefined || second === undefined ? [] : [first, second]
}

/** Throws StoreUnusable when the data file of `dir` is not whole. A directory without one is a new log. */
export const checkDataFile = (dir: string): void => {
  const path = join(dir, DATA_FILE)
  const marker = join(dir, MARKER_FILE)
  const known = existsSync(marker)
  if (known) {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Marker), readFileSync(marker, 'utf8'))
    const layout = parsed.success ? parsed.output.layout : 'unknown'
    if (layout !== LAYOUT) {
      throw new StoreUnusable(`the event log in ${dir} has layout ${layout}; this program reads layout ${LAYOUT}`)
    }
  }
  const lost = `the event log in ${dir} is damaged`
  if (!existsSync(path)) {
    if (known) throw new StoreUnusable(`${lost}: ${DATA_FILE} is missing; restore it from a copy`)
    return
  }
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    if (size === 0 && !known) return
    const metas = size < META_PAGES * SMALLEST_PAGE ? [] : readMetas(fd)
    if (metas.length === 0) throw new StoreUnusable(`${lost}: ${DATA_FILE} is not a data file; restore it from a copy`)
    const newest = metas.reduce((a, b) => (b.transaction > a.transaction ? b : a))
    if (BigInt(size) < newest.bytes) {
      throw new StoreUnusable(
        `${lost}: ${DATA_FILE} has ${size} bytes and should have ${newest.bytes}; restore it from a copy`,
      )
    }
  } finally {
    closeSync(fd)
  }
}

/** Says that the log in `dir` exists, and makes sure that this and the names of its files are on disk. */
export const markCreated = (dir: string): void => {
  const marker = join(dir, MARKER_FILE)
  if (existsSync(marker)) return
  const draft = `${marker}.new`
  const fd = openSync(draft, 'w')
  writeSync(fd, JSON.stringify({ layout: LAYOUT }))
  fsyncSync(fd)
  closeSync(fd)
  renameSync(draft, marker)
  if (process.platform === 'win32') return
  const folder = openSync(dir, 'r')
  fsyncSync(folder)
  closeSync(folder)
}

/** The data file's size, asked at any time. */
export const openDataFile = (dir: string): { size(): number; close(): void } => {
  const fd = openSync(join(dir, DATA_FILE), 'r')
  return { size: () => fstatSync(fd).size, close: () => closeSync(fd) }
}
