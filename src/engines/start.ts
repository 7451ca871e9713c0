// Starts the embedded engines over one data directory, each in a worker thread, for a node that was given no servers.
import { join } from 'node:path'
import { type EngineAccess, engineAccess } from './access.ts'
import { builtFile } from './built.ts'
import { StoreUnusable } from './dataFile.ts'
import { EngineRefused, runInWorker } from './host.ts'

export interface EngineUrls {
  /** Those of embedded engines hold their passwords: they belong in no log. */
  readonly eventStoreUrl: string
  readonly mongodbUrl: string
  /** Resolves, with the reason, when an engine ends by itself: the node cannot go on without it. */
  readonly failed: Promise<Error>
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

/** Starts what is not given by URL. Rejects, with the reason, when a directory is in use or cannot be opened. */
export const startEngines = async (
  { dir, eventStorePort = 0, mongodbPort = 0, testMode = false }: EngineOptions,
  given: { readonly eventStoreUrl?: string | undefined; readonly mongodbUrl?: string | undefined } = {},
): Promise<EngineUrls> => {
  const isEmbedded = !given.eventStoreUrl || !given.mongodbUrl
  const access = isEmbedded ? accessIn(dir) : undefined
  const eventLog = given.eventStoreUrl
    ? undefined
    : await runInWorker(builtFile('eventlog-worker.js'), {
        dir: join(dir, 'events'),
        access: access!.eventLog,
        port: eventStorePort,
        testMode,
      })
  try {
    const documents = given.mongodbUrl
      ? undefined
      : await runInWorker(builtFile('documents-worker.js'), {
          dir: join(dir, 'documents'),
          access: access!.documents,
          port: mongodbPort,
          enableTestCommands: testMode,
        })
    return {
      eventStoreUrl: given.eventStoreUrl ?? eventLog!.url,
      mongodbUrl: given.mongodbUrl ?? documents!.url,
      failed: Promise.race([eventLog, documents].flatMap((engine) => (engine ? [engine.failed] : []))),
      stop: async () => {
        await Promise.all([eventLog?.stop(), documents?.stop()])
      },
    }
  } catch (error) {
    await eventLog?.stop()
    throw error
  }
}
