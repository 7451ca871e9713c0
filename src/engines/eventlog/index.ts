// The embedded event log: a server of the event store's gRPC protocol over LMDB, for development and single machines.
import { randomUUID } from 'node:crypto'
import type { SecureLogin } from '../access.ts'
import { lockDirectory } from '../lock.ts'
import { createAdmission } from './admission.ts'
import { createBudget, IN_FLIGHT_BYTES } from './budget.ts'
import type { Faults } from './faults.ts'
import { createIdCache } from './log/idCache.ts'
import { createReader } from './log/reader.ts'
import { openStore } from './log/store.ts'
import { createStreams } from './log/streams.ts'
import { createWriter } from './log/writer.ts'
import { createRouter } from './router.ts'
import { listen } from './server.ts'
import { createSubmit, type ServiceContext } from './services/context.ts'
import { createHttpHandler } from './services/http1.ts'

export {
  createFaults,
  type FaultKind,
  type Faults,
  type Injection,
  type RandomFaults,
  seededRandom,
} from './faults.ts'

export interface EventLogOptions {
  /** Folder of the log's files; made when it is not there. One process at a time. */
  readonly dir: string
  /** TCP port; 0, the default, takes any free one. */
  readonly port?: number | undefined
  /** Who may use it, over TLS; `open` lets in whoever reaches the port, unencrypted. */
  readonly access: 'open' | SecureLogin
  /** Address to listen on. The certificate is for loopback: leave it there. */
  readonly host?: string | undefined
  /** Appends are refused once the log's file has so many bytes; default: as many as the disk holds. */
  readonly maxBytes?: number | undefined
  /** Turns the test mode on: faults that are injected through this object or by HTTP at `/test/faults`. */
  readonly faults?: Faults | undefined
}

export interface EventLog {
  readonly port: number
  /** Connection string for the client. */
  readonly url: string
  /** Ends subscriptions with UNAVAILABLE, answers what is being written, closes the files. */
  stop(): Promise<void>
  /** Breaks all connections at once, without answers, as a process that is killed does; then closes the files. */
  kill(): Promise<void>
}

/** How long calls may take to end at stop, ms. */
const STOP_GRACE_MS = 1_000

const urlOf = (access: 'open' | SecureLogin, address: string): string => {
  if (access === 'open') return `esdb://${address}?tls=false`
  const { user, password, tls } = access
  return `esdb://${user}:${encodeURIComponent(password)}@${address}?tls=true&tlsCAFile=${encodeURIComponent(tls.file)}`
}

/** Opens the log and serves it. Rejects when the directory is in use, of another layout, or the port is taken. */
export const startEventLog = async (options: EventLogOptions): Promise<EventLog> => {
  const { dir, access, port = 0, host = '127.0.0.1', maxBytes, faults } = options
  const lock = await lockDirectory(dir)
  let close: () => Promise<void> = async () => {}
  try {
    const store = openStore({ dir, maxBytes }, randomUUID)
    close = store.close
    const streams = createStreams(store)
    const now = Date.now
    const reader = createReader({ store, streams, now })
    const writer = createWriter({ store, streams, ids: createIdCache(), reader, now })
    let boundPort = port
    const identity = () => ({ instanceId: store.instanceId, host, port: boundPort })
    const context: ServiceContext = {
      reader,
      head: writer.head,
      onWritten: writer.onWritten,
      identity,
      now,
      faults,
      inFlight: createBudget(IN_FLIGHT_BYTES),
      submit: createSubmit(writer),
    }
    const admit = createAdmission(access)
    const router = createRouter(context, admit)
    const isSecure = access !== 'open'
    const server = await listen({
      host,
      port,
      onCall: router.route,
      onHttp: createHttpHandler(identity, faults, { isSecure, admit }),
      tls: isSecure ? access.tls : undefined,
    })
    boundPort = server.port

    const end = async (graceMs: number) => {
      router.stopReads()
      await writer.idle()
      router.stopAll()
      await server.close(graceMs)
      await store.close()
      lock.release()
    }
    let ended: Promise<void> | undefined
    return {
      port: server.port,
      url: urlOf(access, `${host}:${server.port}`),
      stop: () => {
        ended ??= end(STOP_GRACE_MS)
        return ended
      },
      kill: () => {
        server.disconnect()
        ended ??= end(0)
        return ended
      },
    }
  } catch (error) {
    await close()
    lock.release()
    throw error
  }
}
