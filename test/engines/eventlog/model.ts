// A small model of the event log: what each command answers and what readers then see, in a few lines of plain data.

export interface ModelEvent {
  readonly stream: string
  readonly revision: number | 'tombstone'
  /** Undefined for events that the server writes itself. */
  readonly id: string | undefined
  readonly type: string
}

interface Metadata {
  readonly maxCount?: number
  readonly truncateBefore?: number | 'deleted'
}

interface ModelStream {
  readonly events: ModelEvent[]
  metadata: Metadata | undefined
  tombstoned: boolean
}

export type Expectation = 'any' | 'no_stream' | 'stream_exists' | number

export type Answer = { readonly next: number } | { readonly error: 'stream-deleted' | 'wrong-expected-version' }

const DELETED: Answer = { error: 'stream-deleted' }
const WRONG: Answer = { error: 'wrong-expected-version' }

export const createModel = () => {
  const streams = new Map<string, ModelStream>()
  const all: ModelEvent[] = []

  const of = (name: string): ModelStream => {
    const known = streams.get(name)
    if (known !== undefined) return known
    const stream: ModelStream = { events: [], metadata: undefined, tombstoned: false }
    streams.set(name, stream)
    return stream
  }
  const push = (name: string, id: string | undefined, type: string) => {
    const { events } = of(name)
    const event = { stream: name, revision: events.length, id, type }
    events.push(event)
    all.push(event)
  }
  const isDeleted = ({ metadata }: ModelStream): boolean => metadata?.truncateBefore === 'deleted'
  const writeMetadata = (name: string, metadata: Metadata) => {
    push(`$$${name}`, undefined, '$metadata')
    of(name).metadata = metadata
  }
  const revive = (name: string, metadata: Metadata | undefined, truncateBefore: number) =>
    writeMetadata(name, { ...metadata, truncateBefore })

  /** Whether an append, or a delete, with ids that were never used goes through. */
  const check = (stream: ModelStream, expected: Expectation, count: number): Answer | undefined => {
    const last = stream.events.length - 1
    if (stream.tombstoned) return DELETED
    if (expected === 'any') return undefined
    if (expected === 'stream_exists') {
      if (isDeleted(stream)) return DELETED
      return last < 0 && stream.metadata === undefined ? WRONG : undefined
    }
    if (expected === 'no_stream') {
      return last < 0 || (isDeleted(stream) && count > 0) ? undefined : WRONG
    }
    return expected === last ? undefined : WRONG
  }

  return {
    all: (): readonly ModelEvent[] => all,
    last: (name: string): number => of(name).events.length - 1,

    append: (name: string, expected: Expectation, ids: readonly string[]): Answer => {
      const stream = of(name)
      const refused = check(stream, expected, ids.length)
      if (refused !== undefined) return refused
      const before = stream.events.length
      for (const id of ids) push(name, id, 'T')
      if (isDeleted(stream)) revive(name, undefined, before)
      return { next: Math.max(stream.events.length - 1, 0) }
    },
    /** The same ids with the same exact expectation as before: recognised, whatever was written since. */
    repeat: (name: string, next: number): Answer => (of(name).tombstoned ? DELETED : { next }),

    delete: (name: string): Answer => {
      const stream = of(name)
      if (stream.tombstoned) return DELETED
      if (stream.events.length === 0 && stream.metadata === undefined) return WRONG
      writeMetadata(name, { truncateBefore: 'deleted' })
      return { next: 0 }
    },
    tombstone: (name: string): Answer => {
      const stream = of(name)
      if (stream.tombstoned) return DELETED
      stream.tombstoned = true
      all.push({ stream: name, revision: 'tombstone', id: undefined, type: '$streamDeleted' })
      return { next: 0 }
    },
    setMetadata: (name: string, metadata: Metadata): Answer => {
      const stream = of(name)
      if (stream.tombstoned) return DELETED
      const revives = isDeleted(stream)
      writeMetadata(name, metadata)
      if (revives) revive(name, metadata, stream.events.length)
      return { next: of(`$$${name}`).events.length - 1 - (revives ? 1 : 0) }
    },

    /** Ids of the readable events, oldest first. */
    read: (name: string): readonly string[] | { readonly error: 'stream-deleted' | 'stream-not-found' } => {
      const { events, metadata, tombstoned } = of(name)
      if (tombstoned) return { error: 'stream-deleted' }
      if (events.length === 0 || metadata?.truncateBefore === 'deleted') return { error: 'stream-not-found' }
      const byCount = metadata?.maxCount === undefined ? 0 : events.length - metadata.maxCount
      const first = Math.max(metadata?.truncateBefore ?? 0, byCount, 0)
      return events.slice(first).map(({ id }) => id ?? '')
    },
  }
}
