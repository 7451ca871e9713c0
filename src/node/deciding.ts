// What decides: the read models' projector, customers as they are in memory, and how much is asked of them.

import { randomUUID } from 'node:crypto'
import { type ActivityDocument, firstEntryOf } from '../../projections/activity.ts'
import { projections } from '../../projections/index.ts'
import { customerStream } from '../domain/ids.ts'
import { sleep } from '../line/backoff.ts'
import { processTime, within } from '../line/time.ts'
import type { Logger } from '../log.ts'
import { createObserver, createProjector, type Observer, type Projector } from '../projector/index.ts'
import { type CustomerRuntime, createCustomerRuntime } from '../runtime/customers.ts'
import { createErasures } from '../runtime/erasure.ts'
import { createLoad } from '../runtime/load.ts'
import { createCustomers } from '../runtime/loader.ts'
import { projectorMetrics } from '../runtime/operation.ts'
import type { RulebookRuntime } from '../runtime/rulebook.ts'
import { createSnapshotStore } from '../runtime/snapshots.ts'
import { whenReached } from '../runtime/starting.ts'
import { ReadModelBehind } from '../trouble.ts'
import type { Part, PrimaryPart } from './part.ts'
import type { OnStop, Stores } from './stores.ts'

/** Customers kept in memory; a cold one costs a read of its stream. */
const CACHED_CUSTOMERS = 20_000

/** How long a start waits for the read models to be there, ms. */
const START_LIMIT_MS = 5_000

/** How long a node that stops writes down whom it has in memory, ms: who comes later is not written, and costs a read after the start. */
const LEAVING_MS = 3_000

/** What stands back when there is much to do looks at what is asked of the workers, too. */
const withWorkers = (own: CustomerRuntime, { busy }: PrimaryPart): CustomerRuntime => ({
  ...own,
  get pending() {
    return own.pending + busy().pending
  },
  get asked() {
    return own.asked + busy().asked
  },
})

const asStop = (stop: () => void) => async () => stop()

/** What it needs of the node. */
export interface DecidingParts {
  readonly stores: Stores
  readonly rulebook: RulebookRuntime
  readonly log: Logger
  readonly signal: AbortSignal
  readonly part: Part
  readonly onStop: OnStop
}

export const startDeciding = async ({ stores, rulebook, log, signal, part, onStop }: DecidingParts) => {
  const { metrics, now, vault, store, readModel } = stores
  let isCrowded = () => false
  const group = 'main'
  /** `making`: where this process makes the read models. */
  const startProjector = (): { readonly projector: Observer; readonly making: Projector | undefined } => {
    if (part.kind === 'worker') {
      const { onLane, askFor } = part
      return { projector: createObserver({ group, projections, readModel, onLane, askFor }), making: undefined }
    }
    const making = createProjector({
      now,
      isCrowded: () => isCrowded(),
      group,
      projections,
      store,
      readModel,
      log,
      metrics: projectorMetrics(metrics.registry),
      ...(part.kind === 'primary' ? { onLane: part.moved } : {}),
    })
    return { projector: making, making }
  }
  const { projector, making } = startProjector()
  onStop(() => projector.stop())
  // Collections and their names are there once the projector is past its start; stores in trouble do not keep a node down.
  const isStarting = () => making?.status().state === 'starting'
  for (let waited = 0; isStarting() && waited < START_LIMIT_MS; waited += 10) await sleep(10)
  // Random bytes of its own a key would cost a system call each; the pool behind UUIDs does not.
  const randomKey = () => randomUUID().replaceAll('-', '')
  const snapshots = createSnapshotStore(readModel, log)
  const erasures = createErasures({ vault, store, readModel })
  const own = createCustomerRuntime({
    store,
    head: (await whenReached(log, signal, () => store.head())) ?? -1n,
    customers: createCustomers({
      store,
      snapshots,
      cacheSize: CACHED_CUSTOMERS,
      ...(part.kind === 'whole' ? {} : { recordedElsewhere: (id) => part.board.others('streams', customerStream(id)) }),
    }),
    rulebook: rulebook.current,
    wasUsed: async (customer, key, upTo) => {
      if (!(await projector.waitFor(upTo, 2_000))) throw new ReadModelBehind()
      const activity = readModel.collection<ActivityDocument>('activity')
      return (await activity.findOne(firstEntryOf(customer, key), { projection: { _id: 1 } })) !== null
    },
    randomKey,
    sleep,
    random: Math.random,
    now,
  })
  const customers = part.kind === 'primary' ? withWorkers(own, part) : own
  onStop(async () => {
    const late = new AbortController()
    const leaving = customers.leave(late.signal)
    await within(processTime, LEAVING_MS, leaving, () => new Error('late')).catch(() => undefined)
    late.abort()
  })
  const load = createLoad({
    pending: () => own.pending,
    asked: () => own.asked,
    clock: () => performance.now(),
  })
  onStop(async () => load.stop())
  isCrowded = part.kind === 'primary' ? () => load.isCrowded() || part.busy().isCrowded : load.isCrowded
  if (part.kind === 'worker')
    onStop(
      asStop(
        processTime.onTick(() => {
          part.report({ pending: customers.pending, asked: customers.asked, isCrowded: load.isCrowded() })
          return customers.pending === 0 ? 'calm' : 'watching'
        }),
      ),
    )
  return { projector, making, customers, load, snapshots, erasures, randomKey }
}
export type Deciding = Awaited<ReturnType<typeof startDeciding>>
