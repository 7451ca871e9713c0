// The embedded event log: a server of the event store's gRPC protocol over LMDB, for development and single machines.
import { randomUUID } from 'node:crypto'
import { lockDirectory } from '../lock.ts'
import { createIdCache } from './log/idCache.ts'
import { createReader } from './log/reader.ts'
import { openStore } from './log/store.ts'
import { createStreams } from './log/streams.ts'
import { createWriter } from './log/writer.ts'
import { createRouter } from './router.ts'
import { listen } from './server.ts'
import { createHttpHandler } from './wire/http1.ts'

export interface EventLogOptions {
  /** Folder of the log's files; made when it is not there. One process at a time. */
  readonly dir: string
  /** TCP port; 0, the default, takes any free one. */
  readonly port?: number
  /** Address to listen on. There is no user and no encryption: leave it at loopback. */
  readonly host?: string
  /** Upper bound of the log's file, bytes; default: the disk's. */
  readonly maxBytes?: number
}

export interface EventLog {
  readonly port: number
  /** Connection string for the client. */
  readonly url: string
  /** Ends subscriptions with UNAVAILABLE, answers what is being written, closes the files. */
  stop(): Promise<void>
}

/** How long calls may take to end at stop, ms. */
const STOP_GRACE_MS = 1_000

/** Opens the log and serves it. Rejects when the directory is in use, of another layout, or the port is taken. */
export const startEventLog = async ({
  dir,
  port = 0,
  host = '127.0.0.1',
  maxBytes,
}: EventLogOptions): Promise<EventLog> => {
  const lock = await lockDirectory(dir)
  try {
    const store = openStore({ dir, mapSize: maxBytes }, randomUUID)
    const streams = createStreams(store)
    const now = Date.now
    const reader = createReader({ store, streams, now })
    const writer = createWriter({ store, streams, ids: createIdCache(), reader, now })
    let boundPort = port
    const identity = () => ({ instanceId: store.instanceId, host, port: boundPort })
    const router = createRouter({ reader, writer, identity, now })
    const server = await listen({ host, port, onCall: router.route, onHttp: createHttpHandler(identity) }).catch(
      async (error) => {
        await store.close()
        throw error
      },
    )
    boundPort = server.port
    let stopped: Promise<void> | undefined
    const stop = async () => {
      router.stop()
      await writer.idle()
      await server.close(STOP_GRACE_MS)
      await store.close()
      lock.release()
    }
    return {
      port: server.port,
      url: `esdb://${host}:${server.port}?tls=false`,
      stop: () => {
        stopped ??= stop()
        return stopped
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}
