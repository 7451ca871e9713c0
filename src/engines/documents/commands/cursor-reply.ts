// Answers in batches: a first one, and the rest kept as a cursor.
import { encode } from '../bson-encode.ts'
import { type Answer, createBatches, type Demand } from '../cursors.ts'
import { createMemory } from '../memory.ts'
import type { PipelineReader } from '../stages.ts'
import { type Doc, isDoc, isTrue } from '../values.ts'
import type { Context, Reply } from './context.ts'

/** Documents of a first batch when the client does not say. */
export const FIRST_BATCH = 101

/** Reads for whichever command asks at the moment: a cursor outlives the command, and the connection, that made it. */
export const createReader = (first: Context): PipelineReader & { use(context: Context): void } => {
  let current = first
  return {
    database: first.database,
    memory: createMemory(),
    reading: () => current.reading(),
    check: () => current.check(),
    use: (context) => {
      current = context
    },
  }
}
export type CursorReader = ReturnType<typeof createReader>

/** Runs what reads for one command only, and gives back what it held. */
export const withReader = async <T>(context: Context, work: (reader: CursorReader) => Promise<T>): Promise<T> => {
  const reader = createReader(context)
  try {
    return await work(reader)
  } finally {
    reader.memory.free()
  }
}

export const sessionOf = (context: Context): string | undefined => context.session?.key

interface Answering {
  readonly reader: CursorReader
  readonly ns: string
  readonly answer: Answer
  readonly demand: Demand
  /** Documents of the first batch. */
  readonly first: number
  /** No more than the first batch is wanted. */
  readonly single?: boolean
}

/** Answers with a first batch, and keeps the rest as a cursor. */
export const cursorReply = async (
  context: Context,
  { reader, ns, answer, demand, first, single = false }: Answering,
): Promise<Reply> => {
  const batches = createBatches(answer, demand)
  const close = async (): Promise<void> => {
    await batches.close().finally(() => reader.memory.free())
  }
  try {
    const { documents, done } = first === 0 ? { documents: [], done: false } : await batches.next(first)
    const open = !done && !single
    if (!open) await close()
    const cursor = open
      ? context.cursors.add(
          {
            ns,
            session: sessionOf(context),
            transaction: context.transaction?.number,
            use: reader.use,
            next: batches.next,
            close,
          },
          isTrue(context.body.get('noCursorTimeout')),
        )
      : undefined
    return { cursor: { firstBatch: documents, id: cursor?.id ?? 0n, ns } }
  } catch (error) {
    await close()
    throw error
  }
}

/** How many documents the option `cursor` asks for at first. */
export const firstOf = (context: Context, fallback = FIRST_BATCH): number => {
  const cursor = context.body.get('cursor')
  const size = isDoc(cursor) ? cursor.get('batchSize') : undefined
  return size === undefined ? fallback : Number(size)
}

/** Answers with a list that is already there; no cursor is left open when all of it is asked for. */
export const listReply = (context: Context, ns: string, docs: readonly (Doc | Reply)[]): Promise<Reply> => {
  const answer = (async function* () {
    yield docs.map((doc) => encode(doc))
  })()
  const asked = firstOf(context, Number.POSITIVE_INFINITY)
  const first = docs.length <= asked ? Number.POSITIVE_INFINITY : asked
  return cursorReply(context, { reader: createReader(context), ns, answer, demand: { wanted: first }, first })
}
