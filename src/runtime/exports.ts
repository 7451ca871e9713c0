// Exports: files that are made in the background, part by part, and kept beside the log for a day. Whoever dies over one leaves it to
// the next node that looks, which begins it again.

import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { verdictOf, wordsOf } from '../trouble.ts'
import { startWorker } from '../worker/worker.ts'

export interface ExportDocument {
  readonly _id: string
  readonly object: string
  /** JSON of what was asked for. */
  readonly parameters: string
  readonly channel: string
  readonly status: 'SCHEDULED' | 'IN_PROGRESS' | 'DONE' | 'ERROR'
  readonly rows: number
  readonly parts: number
  readonly error: string | null
  readonly created_at: Date
  /** When whoever makes it was last heard of. */
  readonly seen_at: Date
  readonly worker: string | null
}

interface PartDocument {
  readonly _id: string
  readonly export: string
  readonly text: string
}

export interface Exports {
  /** Takes an export up; the same id is the same export. Undefined: too many wait already. */
  request(wish: Pick<ExportDocument, '_id' | 'object' | 'parameters' | 'channel'>): Promise<ExportDocument | undefined>
  find(id: string): Promise<ExportDocument | null>
  /** The file, part by part; ends early where it is taken away meanwhile. */
  content(document: ExportDocument): AsyncIterable<string>
  remove(id: string): Promise<boolean>
  stop(): Promise<void>
}

export type ExportLines = (object: string, parameters: string) => AsyncIterable<string>

export interface ExportsOptions {
  readonly readModel: Pick<ReadModel, 'plain' | 'prepare'>
  /** The lines of an export, its head first. */
  readonly lines: Promise<ExportLines>
  readonly log: Pick<Logger, 'warn'>
  readonly now: () => number
  readonly worker: string
}

export const EXPORTS = 'exports'
const PARTS = 'exportParts'
const PART_CHARACTERS = 256 * 1024
/** Characters of one file at most. */
const MAX_CHARACTERS = 2 ** 31
const KEPT_MS = 86_400_000
/** One of which nothing was heard for so long is nobody's. */
const QUIET_MS = 30_000
const LOOK_EVERY_MS = 60_000
/** Exports that wait to be made: one is made at a time. */
export const MAX_WAITING = 100

/** Takes all files away: they may hold what somebody wants forgotten. One that is being made is given up. */
export const dropExports = async (readModel: Pick<ReadModel, 'plain'>): Promise<void> => {
  await readModel.plain<ExportDocument>(EXPORTS).deleteMany({})
  await readModel.plain<PartDocument>(PARTS).deleteMany({})
}

/** How long the file of an export can be had, ms since the epoch. */
export const expiryOfExport = ({ created_at }: Pick<ExportDocument, 'created_at'>): number =>
  created_at.getTime() + KEPT_MS

export const startExports = ({ readModel, lines, log, now, worker }: ExportsOptions): Exports => {
  const all = () => readModel.plain<ExportDocument>(EXPORTS)
  const parts = () => readModel.plain<PartDocument>(PARTS)
  let isPrepared = false

  const claim = (): Promise<ExportDocument | null> =>
    all().findOneAndUpdate(
      {
        $or: [{ status: 'SCHEDULED' }, { status: 'IN_PROGRESS', seen_at: { $lt: new Date(now() - QUIET_MS) } }],
      } as never,
      { $set: { status: 'IN_PROGRESS', worker, seen_at: new Date(now()), rows: 0, parts: 0 } } as never,
      { sort: { created_at: 1 }, returnDocument: 'after' },
    )

  /** Notes how far an export is; false when it is another's by now, or gone. */
  const note = async (id: string, set: Partial<ExportDocument>): Promise<boolean> => {
    const { matchedCount } = await all().updateOne(
      { _id: id, worker } as never,
      { $set: { ...set, seen_at: new Date(now()) } } as never,
    )
    return matchedCount > 0
  }

  const make = async ({ _id: id, object, parameters }: ExportDocument, signal: AbortSignal): Promise<void> => {
    await parts().deleteMany({ export: id })
    let [text, rows, n, characters] = ['', -1, 0, 0]
    const flush = async (): Promise<boolean> => {
      const _id = `${id}/${n++}`
      await parts().replaceOne({ _id }, { _id, export: id, text }, { upsert: true })
      text = ''
      return note(id, { rows, parts: n })
    }
    for await (const line of (await lines)(object, parameters)) {
      if (signal.aborted) return
      text += line
      rows++
      characters += line.length
      if (characters > MAX_CHARACTERS) throw new Error('the file would be larger than 2 GiB: ask for less')
      if (text.length >= PART_CHARACTERS && !(await flush())) return
    }
    if (await flush()) await note(id, { status: 'DONE' })
  }

  const sweep = async (): Promise<void> => {
    const old = { created_at: { $lt: new Date(now() - KEPT_MS) } } as never
    for (const { _id } of await all().find(old, { limit: 100 })) await remove(_id)
  }

  const remove = async (id: string): Promise<boolean> => {
    const { deletedCount } = await all().deleteOne({ _id: id })
    await parts().deleteMany({ export: id })
    return deletedCount > 0
  }

  const prepare = async (): Promise<void> => {
    if (isPrepared) return
    await readModel.prepare(EXPORTS, [{ key: { created_at: 1, _id: 1 } }, { key: { status: 1, created_at: 1 } }])
    await readModel.prepare(PARTS, [{ key: { export: 1 } }])
    isPrepared = true
  }

  const background = startWorker<ExportDocument>({
    async look() {
      await prepare()
      const one = await claim()
      if (one) return { items: [one], restMs: 0 }
      await sweep()
      return { items: [], restMs: LOOK_EVERY_MS }
    },
    async handle(one, signal) {
      try {
        await make(one, signal)
      } catch (error) {
        log.warn({ err: error, export: one._id }, 'an export could not be made')
        // A store in trouble is no fault of the export: somebody begins it again.
        if (verdictOf(error) !== 'wait') await note(one._id, { status: 'ERROR', error: wordsOf(error) })
      }
    },
    concurrency: 1,
    backoff: { baseMs: QUIET_MS, maxMs: QUIET_MS },
    onTrouble: (error) => log.warn({ err: error }, 'exports are looked for later'),
  })

  return {
    async request(wish) {
      const known = await all().findOne({ _id: wish._id })
      if (known) return known
      if ((await all().count({ status: 'SCHEDULED' }, { limit: MAX_WAITING })) >= MAX_WAITING) return undefined
      const at = new Date(now())
      const made = { rows: 0, parts: 0, error: null, created_at: at, seen_at: at, worker: null } as const
      const document: ExportDocument = { ...wish, status: 'SCHEDULED', ...made }
      await all().replaceOne({ _id: wish._id }, document, { upsert: true })
      background.wake()
      return document
    },
    find: (id) => all().findOne({ _id: id }),
    async *content({ _id, parts: n }) {
      for (let part = 0; part < n; part++) {
        const found = await parts().findOne({ _id: `${_id}/${part}` })
        if (!found) throw new Error('the export is gone')
        yield found.text
      }
    },
    remove,
    stop: () => background.stop(),
  }
}
