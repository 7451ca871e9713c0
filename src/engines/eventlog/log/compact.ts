// Taking away for good what readers of the log do not see any more: events of deleted streams, and those before a stream's first
// readable one. What a server does while scavenging, on a log that nobody uses meanwhile.
import { type Database, open } from 'lmdb'
import { LMDB_FILES } from '../../private.ts'
import { firstReadable, isMetastream, METASTREAM_METADATA, parseMetadata, streamOfMetastream } from './metadata.ts'
import { dataOf, isTombstone, revisionOf, spanOf, streamOf } from './record.ts'
import { nameKey } from './store.ts'
import { indexKey, indexValue, TOMBSTONE_INDEX } from './streamIndex.ts'

/** Rows changed in one transaction. */
const PORTION = 10_000

/** Of a stream: the first revision that stays; infinity: none does but a tombstone. */
type FirstKept = ReadonlyMap<string, number>

/**
 * Removes from the log's table in `dir` what nobody can read, and gives how many events that were. Positions and revisions of
 * the rest stay as they are. Everything removed is removed again after a crash on the way.
 */
export const removeUnreadable = async (dir: string): Promise<number> => {
  const env = open({ path: dir, maxDbs: 8, overlappingSync: false, ...LMDB_FILES })
  try {
    const log: Database<Buffer, number> = env.openDB('log', { encoding: 'binary' })
    const index: Database<Buffer, Buffer> = env.openDB('index', { encoding: 'binary', keyEncoding: 'binary' })
    const streams: Database<Buffer, Buffer> = env.openDB('streams', { encoding: 'binary', keyEncoding: 'binary' })
    const sys: Database<string | number, string> = env.openDB('sys', { encoding: 'json' })
    const kept = firstKept(log)
    const indexed = Number(sys.get('indexed'))
    let end = Number(sys.get('head'))
    let newest = indexed - 1
    let removed = 0
    let gone: number[] = []
    let unindexed: { readonly no: number; readonly revision: number; readonly position: number }[] = []
    const write = () => {
      env.transactionSync(() => {
        // The index first: of a stream without events it alone knows how far the revisions went.
        for (const { no, revision, position } of unindexed) index.putSync(indexKey(no, revision), indexValue(position))
        if (newest >= indexed) sys.putSync('indexed', newest + 1)
        sys.putSync('head', end)
        for (const position of gone) log.removeSync(position)
      })
      removed += gone.length
      gone = []
      unindexed = []
    }
    for (const { key: position, value: record } of log.getRange({ snapshot: false })) {
      const stream = streamOf(record)
      const revision = revisionOf(record)
      end = Math.max(end, position + spanOf(record))
      if (position >= indexed) {
        const row = streams.get(nameKey(stream))
        if (row) unindexed.push({ no: row.readUInt32BE(0), revision: revision ?? TOMBSTONE_INDEX, position })
        newest = position
      }
      if (revision !== null && revision < (kept.get(stream) ?? 0)) gone.push(position)
      if (gone.length + unindexed.length >= PORTION) write()
    }
    write()
    return removed
  } finally {
    await env.close()
  }
}

/** Only streams that hide something have an entry. */
const firstKept = (log: Database<Buffer, number>): FirstKept => {
  const last = new Map<string, number>()
  const hiding = new Map<string, { first: (last: number) => number; softDeleted: boolean }>()
  const tombstoned = new Set<string>()
  for (const { value: record } of log.getRange({})) {
    const stream = streamOf(record)
    if (isTombstone(record)) tombstoned.add(stream)
    if (!isMetastream(stream)) continue
    const metadata = parseMetadata(dataOf(record))
    last.set(stream, revisionOf(record) ?? 0)
    hiding.set(streamOfMetastream(stream), {
      first: (newest) => firstReadable(metadata, newest),
      softDeleted: metadata.softDeleted,
    })
  }
  // A second look, at those streams only: how far each went says what a bound by count leaves.
  for (const { value: record } of log.getRange({})) {
    const stream = streamOf(record)
    const revision = revisionOf(record)
    if (hiding.has(stream) && revision !== null) last.set(stream, Math.max(last.get(stream) ?? 0, revision))
  }
  const kept = new Map<string, number>()
  for (const [stream, { first, softDeleted }] of hiding)
    kept.set(stream, softDeleted ? Number.POSITIVE_INFINITY : first(last.get(stream) ?? 0))
  for (const [stream, newest] of last)
    if (isMetastream(stream)) kept.set(stream, firstReadable(METASTREAM_METADATA, newest))
  for (const stream of tombstoned) kept.set(stream, Number.POSITIVE_INFINITY)
  return kept
}
