// Starts the embedded engines over one data directory, each in a process of its own, for a node that was given no servers.
import { join } from 'node:path'
import { type EngineAccess, engineAccess } from './access.ts'
import { builtFile } from './built.ts'
import { StoreUnusable } from './dataFile.ts'
import { EngineRefused, hostEngine } from './host.ts'

export interface EngineUrls {
  /** Those of embedded engines hold their passwords: they belong in no log. */
  readonly eventStoreUrl: string
  readonly mongodbUrl: string
  /** Resolves, with the reason, when an engine is gone for good by itself: the node cannot go on without it. */
  readonly failed: Promise<Error>
  /** Why an engine does not serve at this moment: it has ended and is being started anew, or is gone for good. */
  trouble(): string | undefined
  stop(): Promise<void>
}

export interface EngineOptions {
  /** Folder of both engines' files. */
  readonly dir: string
  /** TCP ports on loopback; 0, the default, takes any free one. */
  readonly eventStorePort?: number
  readonly mongodbPort?: number
  /** Faults can be injected: by HTTP at `/test/faults` of the event log, by `configureFailPoint` in the document store. */
  readonly testMode?: boolean
}

const accessIn = (dir: string): EngineAccess => {
  try {
    return engineAccess(dir)
  } catch (error) {
    if (error instanceof StoreUnusable) throw new EngineRefused({ message: error.message, isInUse: false })
    throw error
  }
}

/**
 * Starts what is not given by URL. Rejects, with the reason and with neither left running, when a directory is in use or cannot be
 * opened.
 */
export const startEngines = async (
  { dir, eventStorePort = 0, mongodbPort = 0, testMode = false }: EngineOptions,
  given: { readonly eventStoreUrl?: string | undefined; readonly mongodbUrl?: string | undefined } = {},
): Promise<EngineUrls> => {
  const isEmbedded = !given.eventStoreUrl || !given.mongodbUrl
  const access = isEmbedded ? accessIn(dir) : undefined
  const eventLog = {
    name: 'event log',
    module: builtFile('eventlog-engine.js'),
    options: { dir: join(dir, 'events'), access: access?.eventLog, port: eventStorePort, testMode },
  }
  const documents = {
    name: 'document store',
    module: builtFile('documents-engine.js'),
    options: {
      dir: join(dir, 'documents'),
      access: access?.documents,
      port: mongodbPort,
      enableTestCommands: testMode,
    },
  }
  const starting = [
    ...(given.eventStoreUrl ? [] : [hostEngine(eventLog)]),
    ...(given.mongodbUrl ? [] : [hostEngine(documents)]),
  ]
  const outcomes = await Promise.allSettled(starting)
  const engines = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const stop = async () => {
    await Promise.all(engines.map((engine) => engine.stop()))
  }
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue
    await stop()
    throw outcome.reason
  }
  const urls = engines.map(({ url }) => url)
  return {
    eventStoreUrl: given.eventStoreUrl || urls.shift()!,
    mongodbUrl: given.mongodbUrl || urls.shift()!,
    failed: Promise.race(engines.map((engine) => engine.failed)),
    trouble: () => engines.map((engine) => engine.trouble()).find((trouble) => trouble !== undefined),
    stop,
  }
}
