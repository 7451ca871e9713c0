// Which call goes to which service, and what becomes of calls when the server stops.
import type { Reader } from './log/reader.ts'
import type { Writer } from './log/writer.ts'
import { serveAppend, serveBatchAppend } from './services/append.ts'
import { serveDelete } from './services/delete.ts'
import { gossipFrame, type Identity, supportedMethodsFrame } from './services/features.ts'
import { serveRead } from './services/read.ts'
import { serveSubscription } from './subs/subscribe.ts'
import { invalidArgument, unavailable, unimplemented } from './wire/errors.ts'
import type { Call } from './wire/grpc.ts'
import { type ReadRequest, readReadRequest } from './wire/requests.ts'

export interface Router {
  readonly route: (call: Call) => void
  /** New calls are refused with UNAVAILABLE, subscriptions and reads end with it; appends are left to be answered. */
  stop(): void
}

export interface RouterOptions {
  readonly reader: Reader
  readonly writer: Writer
  readonly identity: () => Identity
  readonly now: () => number
}

const STOPPING = unavailable('The event log is stopping.')

export const createRouter = ({ reader, writer, identity, now }: RouterOptions): Router => {
  let stopping = false
  const reads = new Set<Call>()
  const context = { reader, writer, now, head: writer.head, onWritten: writer.onWritten }

  const serveReadCall = (call: Call, payload: Buffer) => {
    let request: ReadRequest
    try {
      request = readReadRequest(payload)
    } catch (error) {
      return call.fail(invalidArgument(String(error)))
    }
    reads.add(call)
    call.onOver(() => reads.delete(call))
    void (request.count === undefined ? serveSubscription(call, request, context) : serveRead(call, request, context))
  }
  const reply = (call: Call, frame: Buffer) => {
    call.send(frame)
    call.finish()
  }
  /** Calls with one request: it is handed on once, a second one is ignored. */
  const one = (serve: (call: Call, payload: Buffer) => void) => (call: Call) => {
    let served = false
    call.onMessage((payload) => {
      if (served) return
      served = true
      serve(call, payload)
    })
  }

  const routes: Readonly<Record<string, (call: Call) => void>> = {
    '/event_store.client.streams.Streams/Read': one(serveReadCall),
    '/event_store.client.streams.Streams/Append': (call) => serveAppend(call, context),
    '/event_store.client.streams.Streams/BatchAppend': (call) => serveBatchAppend(call, context),
    '/event_store.client.streams.Streams/Delete': one((call, payload) => serveDelete(call, payload, 'delete', writer)),
    '/event_store.client.streams.Streams/Tombstone': one((call, payload) =>
      serveDelete(call, payload, 'tombstone', writer),
    ),
    '/event_store.client.server_features.ServerFeatures/GetSupportedMethods': one((call) =>
      reply(call, supportedMethodsFrame()),
    ),
    '/event_store.client.gossip.Gossip/Read': one((call) => reply(call, gossipFrame(identity(), now()))),
  }

  return {
    route: (call) => {
      if (stopping) return call.fail(STOPPING)
      const serve = routes[call.path]
      if (serve === undefined)
        return call.fail(unimplemented(`${call.path} is not supported by the embedded event log.`))
      serve(call)
    },
    stop: () => {
      stopping = true
      for (const call of reads) call.fail(STOPPING)
    },
  }
}
