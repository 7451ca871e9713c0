// The embedded document store: a server of the MongoDB wire protocol over LMDB, for the official driver, shells and tools.
import type { Login } from '../access.ts'
import { checkDataFile, markCreated, type StoreKind } from '../dataFile.ts'
import { lockDirectory } from '../lock.ts'
import { SET_NAME } from './commands/diagnostics.ts'
import { removeTemporary } from './commands/output.ts'
import { createCursors } from './cursors.ts'
import { createDispatcher } from './dispatch.ts'
import { removeUnfinished } from './index-build.ts'
import { verifierOf } from './scram.ts'
import { listen } from './server.ts'
import { createSessions } from './sessions.ts'
import { openStore, type Store } from './store.ts'
import { startExpiry } from './ttl.ts'
import { ObjectId } from './values.ts'

export interface DocumentStoreOptions {
  /** Folder of its files; made when missing. */
  readonly dir: string
  /** TCP port; 0, the default, takes any free one. */
  readonly port?: number
  /** Who may use it; `open` lets in whoever reaches the port. */
  readonly access: 'open' | Login
  readonly host?: string
  /** Allows `configureFailPoint`, which injects faults. */
  readonly enableTestCommands?: boolean
  /** How often expired documents of TTL indexes are deleted, in milliseconds; a minute, as the real server's default. */
  readonly expiryMs?: number
}

export interface DocumentStore {
  readonly port: number
  /** For `new MongoClient(url)`. */
  readonly url: string
  /** Ends connections and closes the files. What was acknowledged is on disk, also without this. */
  stop(): Promise<void>
  /** Ends at once, in the middle of whatever is under way, as far as one process can do that to itself. */
  kill(): Promise<void>
}

const urlOf = (access: 'open' | Login, address: string): string => {
  const options = `replicaSet=${SET_NAME}&directConnection=true`
  if (access === 'open') return `mongodb://${address}/?${options}`
  const { user, password } = access
  return `mongodb://${user}:${encodeURIComponent(password)}@${address}/?${options}&authSource=admin`
}

/** How long commands that run at a stop may take to end, in milliseconds. */
const GRACE_MS = 500

const KIND: StoreKind = { name: 'document store', marker: 'document-store.json', layout: 1 }

const open = async (dir: string): Promise<Store> => {
  checkDataFile(dir, KIND)
  const store = await openStore(dir)
  markCreated(dir, KIND)
  await removeUnfinished(store)
  await removeTemporary(store)
  return store
}

/** Opens the store in `dir` and listens. Rejects, with the reason, when the folder cannot be opened or the port is taken. */
export const startDocumentStore = async ({
  dir,
  port = 0,
  access,
  host = '127.0.0.1',
  enableTestCommands = false,
  expiryMs = 60_000,
}: DocumentStoreOptions): Promise<DocumentStore> => {
  const lock = await lockDirectory(dir)
  const store = await open(dir).catch((error: unknown) => {
    lock.release()
    throw error
  })
  const expiry = startExpiry(store, expiryMs)
  const sessions = createSessions(store)
  const cursors = createCursors()
  const verifier = access === 'open' ? undefined : verifierOf(access)
  const close = async (): Promise<void> => {
    cursors.stop()
    sessions.stop()
    await expiry.stop()
    await store.close()
    lock.release()
  }
  try {
    const listener = await listen({
      host,
      port,
      isOpen: access === 'open',
      dispatcher: (listening) =>
        createDispatcher({
          store,
          sessions,
          cursors,
          address: `${host}:${listening.port}`,
          startedAt: new Date(),
          processId: new ObjectId(),
          operations: new Set(),
          counters: { insert: 0n, query: 0n, update: 0n, delete: 0n, getmore: 0n, command: 0n },
          testCommands: enableTestCommands,
          connections: listening.connections,
          verifier,
        }),
    })
    let ended: Promise<void> | undefined
    const end = (graceMs: number): Promise<void> => {
      ended ??= listener.stop(graceMs).then(close)
      return ended
    }
    return {
      port: listener.port,
      url: urlOf(access, `${host}:${listener.port}`),
      stop: () => end(GRACE_MS),
      kill: () => end(0),
    }
  } catch (error) {
    await close()
    throw error
  }
}
