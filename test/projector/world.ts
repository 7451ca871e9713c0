// One test's part of the two databases: names of its own in a log that others use too, a database of its own, and the documents
// that its facts must lead to.
import { randomUUID } from 'node:crypto'
import * as assert from 'uvu/assert'
import type { NewFact, RecordedFact } from '../../src/domain/recorded.ts'
import type { EventStore } from '../../src/eventstore/index.ts'
import { createProjector, type Projection, type Projector, type ProjectorOptions } from '../../src/projector/index.ts'
import type { Keyed, ReadModel } from '../../src/readmodel/index.ts'
import { type Engines, openReadModel, openStore, PATIENCE_MS, until } from './engines.ts'
import { countersOf, journalOf } from './facts.ts'
import { countsOf, project, withoutNone } from './laws.ts'

export interface World {
  readonly prefix: string
  readonly store: EventStore
  readonly readModel: ReadModel
  readonly projections: readonly Projection[]
  /** Appends without an expectation, to this test's stream of that name; gives the position. */
  append(stream: string, facts: readonly NewFact[]): Promise<bigint>
  start(options?: Partial<ProjectorOptions>): Projector
  /** What this test's facts in the log lead to, by a plain fold. */
  expected(projection: Projection): Promise<Record<string, object>>
  /** What a read model holds. */
  documents(name: string): Promise<Record<string, object>>
  /** Waits until the read models hold what they must. */
  settled(projector: Projector, projections?: readonly Projection[]): Promise<void>
  close(): Promise<void>
}

export const createWorld = (engines: Engines, makeProjections?: (prefix: string) => readonly Projection[]): World => {
  const prefix = `t-${randomUUID().slice(0, 8)}-`
  const store = openStore(engines)
  const readModel = openReadModel(engines, `test-${prefix}`)
  const projections = makeProjections?.(prefix) ?? [countersOf(prefix), journalOf(prefix)]
  const projectors = new Set<Projector>()

  const facts = async (): Promise<RecordedFact[]> => {
    const own: RecordedFact[] = []
    for await (const fact of store.readAll({ filter: (_, stream) => stream.startsWith(prefix) })) own.push(fact)
    return own
  }

  const world: World = {
    prefix,
    store,
    readModel,
    projections,
    async append(stream, newFacts) {
      const result = await store.append(`${prefix}${stream}`, newFacts, 'any')
      if (result.kind !== 'appended') throw new Error('conflict')
      return result.position
    },
    start(options = {}) {
      const projector = createProjector({ group: 'main', projections, store, readModel, takeoverMs: 300, ...options })
      projectors.add(projector)
      return projector
    },
    async expected(projection) {
      return { ...project(projection, [await facts()]) }
    },
    async documents(name) {
      const found: Record<string, object> = {}
      for await (const { _id, _at, ...document } of readModel.collection<Keyed>(name).stream({}, { sort: { _id: 1 } }))
        found[_id] = document
      return found
    },
    async settled(projector, wanted = projections) {
      const head = await store.head()
      // A log of nothing is passed at once: it has no position to wait for.
      if (head !== undefined && !(await projector.waitFor(head, PATIENCE_MS)))
        throw new Error(
          `not at ${head} in time: ${JSON.stringify(projector.status(), (_, v) => (typeof v === 'bigint' ? `${v}` : v))}`,
        )
      for (const projection of wanted) {
        const documents = await world.documents(projection.name)
        assert.equal(documents, await world.expected(projection))
        assert.equal(withoutNone(await readModel.counts(projection.name)), countsOf(projection, documents))
      }
    },
    async close() {
      await Promise.all([...projectors].map((projector) => projector.stop()))
      await Promise.all([store.close(), readModel.close()])
    },
  }
  return world
}

export const isLive = (projector: Projector): Promise<void> =>
  until(() => projector.status().state === 'live', { what: () => projector.status().state })
