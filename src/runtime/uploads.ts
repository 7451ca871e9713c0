// What people sent to be dealt with in the background: kept beside the log, in parts, until the job ends. It may be about persons,
// and is no fact of anybody.
import type { ReadModel } from '../readmodel/index.ts'

interface UploadDocument {
  readonly _id: string
  /** JSON of some of the items, in their order. */
  readonly text: string
  readonly at: Date
}

export interface Uploads {
  /** Keeps the items of a job; answers in how many parts. */
  put(job: string, items: readonly unknown[]): Promise<number>
  /** The items again, as many as are there. */
  load(job: string, parts: number): Promise<readonly unknown[]>
  drop(job: string, parts: number): Promise<void>
}

const UPLOADS = 'uploads'
/** Characters of one part: a document holds 16 MiB. */
const PART_CHARACTERS = 1_000_000
/** No job takes so long, ms: what is older was left by one whose request never came about. */
const KEPT_MS = 7 * 86_400_000

export const createUploads = (readModel: Pick<ReadModel, 'plain'>, now: () => number): Uploads => {
  const uploads = () => readModel.plain<UploadDocument>(UPLOADS)
  const idsOf = (job: string, parts: number) => Array.from({ length: parts }, (_, n) => `${job}/${n}`)
  return {
    async put(job, items) {
      await uploads().deleteMany({ at: { $lt: new Date(now() - KEPT_MS) } })
      let parts = 0
      let texts: string[] = []
      let size = 0
      const flush = async () => {
        if (texts.length === 0) return
        const _id = `${job}/${parts++}`
        await uploads().replaceOne(
          { _id },
          { _id, text: `[${texts.join(',')}]`, at: new Date(now()) },
          { upsert: true },
        )
        texts = []
        size = 0
      }
      for (const item of items) {
        const text = JSON.stringify(item)
        if (size + text.length > PART_CHARACTERS) await flush()
        texts.push(text)
        size += text.length
      }
      await flush()
      return parts
    },
    async load(job, parts) {
      const items: unknown[] = []
      for (const _id of idsOf(job, parts)) {
        const found = await uploads().findOne({ _id })
        if (!found) break
        items.push(...(JSON.parse(found.text) as unknown[]))
      }
      return items
    },
    async drop(job, parts) {
      await uploads().deleteMany({ _id: { $in: idsOf(job, parts) } })
    },
  }
}
