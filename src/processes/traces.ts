// The process of deletions: what a deleted customer left in read models is named in facts, which erase it there.
import { customerOfStream, uuidFrom } from '../domain/ids.ts'
import { sortable } from '../domain/position.ts'
import type { RecordedFact } from '../domain/recorded.ts'
import { TRACED, TRACES_ERASED, type Traced, type TracesErased, tracesStream } from '../domain/traces.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { SnapshotStore } from '../runtime/snapshots.ts'
import { ACTOR, type Process } from './process.ts'

export interface TraceProcessesOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>
  readonly readModel: Pick<ReadModel, 'collection'>
  readonly snapshots: Pick<SnapshotStore, 'erase'>
  /** Whether these read models come to show everything up to a position, within so many ms. */
  readonly show: (position: bigint, timeoutMs: number, names: readonly string[]) => Promise<boolean>
  readonly now: () => number
}

interface TraceDocument {
  readonly _id: string
  readonly position: string
  /** Of custom events. */
  readonly event?: string
}

/** Ids of facts, and the newest revision of their stream. */
interface Begun {
  readonly facts: Set<string>
  revision: bigint | 'no_stream'
}

const PAGE = 500
const KINDS = Object.keys(TRACED) as Traced[]
const WAIT_MS = 5_000

const counted = (found: readonly TraceDocument[]): TracesErased['events'] => {
  const events = new Map<string, number>()
  for (const { event } of found) if (event !== undefined) events.set(event, (events.get(event) ?? 0) + 1)
  return [...events].map(([event, n]) => ({ event, events: n }))
}

export const traceProcesses = ({
  store,
  readModel,
  snapshots,
  show,
  now,
}: TraceProcessesOptions): readonly Process[] => {
  /** What a deletion that was begun before has recorded already, so that nothing is recorded twice, and where its stream stands. */
  const begunOf = async (customer: string): Promise<Begun> => {
    const begun: Begun = { facts: new Set(), revision: 'no_stream' }
    for await (const { id, revision } of store.readStream(tracesStream(customer))) {
      begun.facts.add(id)
      begun.revision = revision
    }
    return begun
  }

  /** Pages by the place in the log: what comes after the deletion is somebody's who came back. */
  const erase = async (of: Traced, customer: string, deletion: RecordedFact, begun: Begun): Promise<void> => {
    const collection = readModel.collection<TraceDocument>(of)
    const until = sortable(deletion.position)
    let after = ''
    for (;;) {
      const found = await collection.find(
        { [TRACED[of]]: customer, position: { $gt: after, $lte: until } },
        {
          sort: { position: 1 },
          limit: PAGE,
          projection: of === 'activity' ? { position: 1, event: 1 } : { position: 1 },
        },
      )
      const last = found.at(-1)
      if (!last) return
      const keys = found.map(({ _id }) => _id)
      const events = of === 'activity' ? counted(found) : []
      const fact = {
        id: uuidFrom('traces', deletion.id, of, ...keys),
        type: TRACES_ERASED,
        data: { customer, of, keys, events, occurredAt: now() },
        metadata: {
          $correlationId: deletion.metadata.$correlationId,
          $causationId: deletion.id,
          actor: ACTOR,
          now: now(),
        },
      }
      if (!begun.facts.has(fact.id)) {
        const result = await store.append(tracesStream(customer), [fact], begun.revision)
        if (result.kind === 'conflict') throw new Error('another node erases these traces too: tried again')
        begun.revision = result.revision
      }
      if (found.length < PAGE) return
      after = last.position
    }
  }

  return [
    {
      name: 'traces-of-customers',
      types: ['CustomerDeleted'],
      async handle(fact) {
        const customer = customerOfStream(fact.stream)
        if (customer === undefined) return
        if (!(await show(fact.position, WAIT_MS, KINDS)))
          throw new Error('the read models do not show the deletion yet')
        await snapshots.erase(customer, fact.position)
        const begun = await begunOf(customer)
        for (const of of KINDS) await erase(of, customer, fact, begun)
      },
    },
  ]
}
