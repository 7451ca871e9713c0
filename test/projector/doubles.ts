// A log and a document store in memory for the projector: the store refuses documents, and its commits fail, as a test says.
import { setImmediate as turn } from 'node:timers/promises'
import type { ProjectedDocument } from '../../projections/projection.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import type { Batch, EventStore, Source } from '../../src/eventstore/index.ts'
import type { ParkedFact } from '../../src/projector/parked.ts'
import type { Committed, Keyed, Lane, ReadModel, RefusedDocument, Writes } from '../../src/readmodel/index.ts'
import { ReadModelUnavailable } from '../../src/readmodel/index.ts'

/** What has no place in these tests. */
const absent = (name: string) => (): never => {
  throw new Error(`the double has no ${name}`)
}

export const memoryLog = (facts: readonly RecordedFact[]): EventStore => ({
  append: absent('append'),
  appendRecords: absent('appendRecords'),
  readRecords: absent('readRecords'),
  readStream: absent('readStream'),
  readAll: absent('readAll'),
  subscribeStream: absent('subscribeStream'),
  removeStream: absent('removeStream'),
  checkServer: absent('checkServer'),
  head: () => Promise.resolve(facts.at(-1)?.position),
  health: () => ({ ok: true, since: 0 }),
  close: () => Promise.resolve(),
  subscribeAll({ from }): Promise<Source> {
    let left = typeof from === 'bigint' ? facts.filter(({ position }) => position > from) : [...facts]
    let closed: (() => void) | undefined
    let told = false
    return Promise.resolve({
      get buffered() {
        return left.length
      },
      async next(max): Promise<Batch> {
        await turn()
        if (left.length === 0 && told) await new Promise<void>((resolve) => (closed = resolve))
        const taken = left.slice(0, max)
        left = left.slice(max)
        told = left.length === 0
        return { facts: taken, unreadable: [], position: taken.at(-1)?.position, revision: undefined, caughtUp: told }
      },
      close: () => {
        closed?.()
        return Promise.resolve()
      },
    })
  },
})

export interface StoreBehaviour {
  /** Why a document is refused; undefined: it is taken. */
  readonly refuses: (collection: string, key: string) => string | undefined
  /** How many of the refused documents of one commit it names at most; one at least, as the real one. */
  readonly names: number
  /** Asked once a commit: what goes wrong with it although nothing is refused. */
  readonly fate: () => 'well' | 'not written' | 'written, answer lost' | 'lost'
}

export interface MemoryStore extends ReadModel {
  documents(collection: string): ReadonlyMap<string, ProjectedDocument>
  parked(): readonly ParkedFact[]
  /** Commits tried so far. */
  readonly commits: number
}

export const memoryStore = (behaviour: StoreBehaviour, first: Lane): MemoryStore => {
  const all = new Map<string, Map<string, Keyed>>()
  let lane = first
  let commits = 0
  const of = (name: string) => {
    const own = all.get(name) ?? new Map<string, Keyed>()
    all.set(name, own)
    return own
  }
  const commit = async (from: Lane, position: bigint | undefined, writes: readonly Writes[]): Promise<Committed> => {
    await turn()
    commits++
    if (from.seq !== lane.seq) return { kind: 'lost', underWay: false }
    const refused: RefusedDocument[] = writes.flatMap(({ collection, inserts, replaces }) =>
      [...inserts, ...replaces].flatMap(({ _id }) => {
        const error = behaviour.refuses(collection, _id)
        return error === undefined ? [] : [{ collection, key: _id, error }]
      }),
    )
    if (refused.length > 0)
      return { kind: 'rejected', refused: refused.slice(0, behaviour.names), error: refused[0]!.error }
    const fate = behaviour.fate()
    if (fate === 'lost') return { kind: 'lost', underWay: false }
    if (fate === 'not written') throw new ReadModelUnavailable('not written')
    for (const { collection, inserts, replaces, deletes } of writes) {
      for (const document of [...inserts, ...replaces]) of(collection).set(document._id, structuredClone(document))
      for (const key of deletes) of(collection).delete(key)
    }
    lane = { ...lane, position: position ?? lane.position, seq: lane.seq + 1 }
    if (fate === 'written, answer lost') throw new ReadModelUnavailable('the answer was lost')
    return { kind: 'committed', lane }
  }
  const parked = () => [...of('parked').values()] as ParkedFact[]
  const plain = (name: string) => ({
    find: async ({ _id }: { readonly _id: { readonly $in: readonly string[] } }) =>
      _id.$in.flatMap((key) => of(name).get(key) ?? []),
    // Only the park is asked like this, for its names.
    aggregate: async () => {
      const groups = new Map<string, object>()
      for (const { projection, key, position, error } of parked().sort((a, b) => (a.position < b.position ? -1 : 1))) {
        const id = `${projection} ${key}`
        if (!groups.has(id)) groups.set(id, { _id: { projection, key }, facts: 1, since: position, error })
      }
      return [...groups.values()]
    },
  })
  return {
    collection: absent('collection'),
    counts: absent('counts'),
    plain: plain as unknown as ReadModel['plain'],
    aliases: { resolve: absent('resolve'), note: () => undefined, all: absent('all'), create: absent('create') },
    checkServer: async () => '7.0.0',
    serverTime: async () => Date.now(),
    health: () => ({ ok: true, since: 0 }),
    prepare: () => Promise.resolve(),
    drop: absent('drop'),
    dropDatabase: absent('dropDatabase'),
    close: () => Promise.resolve(),
    lanes: {
      read: () => Promise.resolve(lane),
      create: absent('create'),
      commit: absent('commit'),
      committer: () =>
        Promise.resolve({
          commit: (from, { position }, writes) => commit(from, position, writes),
          close: () => Promise.resolve(),
        }),
      endOthers: () => Promise.resolve(),
      hold: absent('hold'),
      remove: absent('remove'),
    },
    documents: (collection) => of(collection),
    parked,
    get commits() {
      return commits
    },
  }
}
