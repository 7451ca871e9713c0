// A node's stores: engines or servers, the keys of personal data, and beside them its clock and its disks.

import { startEngines } from '@tributary/engines'
import type { Config } from '../config.ts'
import { diskMetrics, watchDisks } from '../disk.ts'
import { ACCESS_STREAM } from '../domain/access/facts.ts'
import { customerOfStream, RULEBOOK_STREAM } from '../domain/ids.ts'
import { factRegistry } from '../domain/registry.ts'
import { createCodec } from '../eventstore/codec.ts'
import { type AppendResult, createEventStore, type EventStore } from '../eventstore/index.ts'
import { processTime, within } from '../line/time.ts'
import type { Logger } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { loadMasterKeys } from '../privacy/masterKey.ts'
import { createVault } from '../privacy/vault.ts'
import { createReadModel } from '../readmodel/index.ts'
import { dropLeftBehind } from '../readmodel/scratch.ts'
import { watchServers } from '../runtime/operation.ts'
import { whenReached } from '../runtime/starting.ts'
import { isElsewhere, newestIn } from '../time/newest.ts'
import { clockMetrics, createNodeClock, type Machine } from '../time/nodeClock.ts'
import type { Board } from './board.ts'
import type { Part } from './part.ts'

/** How long a stop waits for the removal of what was left behind, ms: it is looked for again at the next start. */
const CLEARING_MS = 1_000

/** Says what is to be done when the node stops; what was said last is done first. */
export type OnStop = (stop: () => Promise<unknown>) => void

/** Writes on the board what is recorded, before anybody is told of it. */
const noting = (store: EventStore, board: Board): EventStore => {
  const noted = async (stream: string, appending: Promise<AppendResult>): Promise<AppendResult> => {
    const result = await appending
    if (result.kind === 'appended') {
      if (customerOfStream(stream) !== undefined) board.note('streams', stream, result.position)
      else if (stream === RULEBOOK_STREAM) board.note('rulebook', stream, result.position)
      else if (stream === ACCESS_STREAM) board.note('access', stream, result.position)
    }
    return result
  }
  return {
    ...store,
    append: (stream, ...rest) => noted(stream, store.append(stream, ...rest)),
    appendRecords: (stream, ...rest) => noted(stream, store.appendRecords(stream, ...rest)),
  }
}

/** Opens them without waiting for anything that is not on this machine. */
export const openStores = async (
  config: Config,
  log: Logger,
  machine: Machine | undefined,
  part: Part,
  onStop: OnStop,
) => {
  const engines = part.kind === 'worker' ? part.engines : await startEngines({ dir: config.dataDir }, config)
  onStop(() => engines.stop())
  const metrics = createMetrics({ defaults: true })
  const time = createNodeClock({ log, onTick: processTime.onTick, machine })
  onStop(async () => time.stop())
  // What all processes of a node would say alike is said by one.
  if (part.kind !== 'worker') clockMetrics(metrics.registry, time)
  const { now } = time
  const disks = await watchDisks({ paths: config.watchedDisks, marks: config.minFree, log })
  onStop(async () => disks.stop())
  if (part.kind !== 'worker') diskMetrics(metrics.registry, disks)
  const masterKeys = loadMasterKeys(config)
  const vault = masterKeys && createVault({ masterKeys, now })
  if (!vault) log.warn('MASTER_KEY_FILE is not set: personal data is recorded as it is, and the log keeps it for good')
  const opened = createEventStore({
    url: engines.eventStoreUrl,
    namespace: config.eventStoreNamespace,
    codec: createCodec(factRegistry, vault),
    log,
    now,
  })
  const store = part.kind === 'whole' ? opened : noting(opened, part.board)
  onStop(() => store.close())
  const readModel = createReadModel({ url: engines.mongodbUrl, database: config.mongodbDatabase, log, now })
  onStop(() => readModel.close())
  const servers = watchServers({ store, readModel })
  onStop(async () => servers.stop())
  return { engines, metrics, time, now, disks, vault, store, readModel, servers }
}
export type Stores = Awaited<ReturnType<typeof openStores>>

/** Waits until the stores can be used, however long that takes, and looks where the log ends. */
export const reachStores = async (
  { engines, time, now, vault, store, readModel }: Stores,
  {
    config,
    log,
    signal,
    part,
    onStop,
  }: { config: Config; log: Logger; signal: AbortSignal; part: Part; onStop: OnStop },
) => {
  const versions = {
    mongodb: await whenReached(log, signal, () => readModel.checkServer()),
    eventStore: await whenReached(log, signal, () => store.checkServer()),
  }
  log.info({ versions }, 'the versions of the servers are ones with which this program works')
  if (vault) await whenReached(log, signal, () => vault.open(store))
  if (isElsewhere(config.mongodbUrl)) time.listenTo(readModel.serverTime)
  const scratch = {
    url: engines.mongodbUrl,
    database: config.mongodbDatabase,
    alone: config.mongodbUrl === undefined,
  }
  if (part.kind !== 'worker') {
    const clearing = dropLeftBehind({ ...scratch, now: now() }).then(
      (names) => names.length > 0 && log.info({ names }, 'scratch databases that were left behind are removed'),
      (error: unknown) => log.warn({ err: error }, 'scratch databases could not be looked for'),
    )
    // A server that hangs is not waited for.
    onStop(() => within(processTime, CLEARING_MS, clearing, () => new Error('late')).catch(() => undefined))
  }
  const newest = await whenReached(log, signal, () => newestIn(store))
  if (newest !== undefined) time.found(newest)
}
