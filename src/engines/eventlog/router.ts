// Which call goes to which service, and what becomes of calls when the server stops.
import { type Admission, isForAnybody } from './admission.ts'
import { createGroups } from './persistent/groups.ts'
import { persistentCalls, serveConsumer } from './persistent/service.ts'
import { serveAppend } from './services/append.ts'
import { serveBatchAppend } from './services/batchAppend.ts'
import type { ServiceContext } from './services/context.ts'
import { serveDelete } from './services/delete.ts'
import { gossipFrame, supportedMethodsFrame } from './services/features.ts'
import { serveRead } from './services/read.ts'
import { serveSubscription } from './subs/subscribe.ts'
import { cancelled, invalidArgument, notReady, unavailable, unimplemented } from './wire/errors.ts'
import type { Call } from './wire/grpc.ts'
import { type ReadRequest, readReadRequest } from './wire/reads.ts'

export interface Router {
  readonly route: (call: Call) => void
  /** New calls are refused with UNAVAILABLE; reads and subscriptions end with it. Appends are left to be answered. */
  stopReads(): void
  /** Ends what is left. */
  stopAll(): void
}

const STOPPING = unavailable('The event log is stopping.')
/** What became of a write that has no answer by then nobody is told: a real server ends it so. */
const CANCELLED = cancelled('The event log has stopped.')

export const createRouter = (context: ServiceContext, admit: Admission): Router => {
  let stopping = false
  const reads = new Set<Call>()
  const writes = new Set<Call>()

  const serveReadCall = (call: Call, payload: Buffer) => {
    let request: ReadRequest
    try {
      request = readReadRequest(payload)
    } catch (error) {
      call.fail(invalidArgument(String(error)))
      return
    }
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
  const among = (calls: Set<Call>, serve: (call: Call) => void) => (call: Call) => {
    calls.add(call)
    call.onOver(() => calls.delete(call))
    serve(call)
  }

  const groups = createGroups(context)
  const persistent = '/event_store.client.persistent_subscriptions.PersistentSubscriptions'
  const streams = '/event_store.client.streams.Streams'
  const routes: Readonly<Record<string, (call: Call) => void>> = {
    [`${streams}/Read`]: among(reads, one(serveReadCall)),
    [`${streams}/Append`]: among(writes, (call) => serveAppend(call, context)),
    [`${streams}/BatchAppend`]: among(writes, (call) => serveBatchAppend(call, context)),
    [`${streams}/Delete`]: among(
      writes,
      one((call, payload) => serveDelete(call, payload, 'delete', context)),
    ),
    [`${streams}/Tombstone`]: among(
      writes,
      one((call, payload) => serveDelete(call, payload, 'tombstone', context)),
    ),
    [`${persistent}/Read`]: among(reads, (call) => serveConsumer(call, groups)),
    ...Object.fromEntries(
      Object.entries(persistentCalls(groups)).map(([method, serve]) => [
        `${persistent}/${method}`,
        among(writes, one(serve)),
      ]),
    ),
    '/event_store.client.server_features.ServerFeatures/GetSupportedMethods': one((call) =>
      reply(call, supportedMethodsFrame()),
    ),
    '/event_store.client.gossip.Gossip/Read': one((call) =>
      reply(call, gossipFrame(context.identity(), context.now())),
    ),
  }
  /** While it refuses, only appends in a batch get an answer of their own; see serveBatchAppend. */
  const refusesCall = (path: string) => context.faults?.refuses() === true && path !== `${streams}/BatchAppend`

  return {
    route: (call) => {
      if (stopping) return call.fail(STOPPING)
      const { isEncrypted, headers } = call
      const refusal = isForAnybody(call.path) ? undefined : admit({ isEncrypted, authorization: headers.authorization })
      if (refusal !== undefined) return call.fail(refusal)
      const serve = routes[call.path]
      if (serve === undefined) {
        return call.fail(unimplemented(`${call.path} is not supported by the embedded event log.`))
      }
      if (refusesCall(call.path)) return call.fail(notReady())
      serve(call)
    },
    stopReads: () => {
      stopping = true
      groups.stop()
      for (const call of reads) call.fail(STOPPING)
    },
    stopAll: () => {
      for (const call of writes) call.fail(CANCELLED)
    },
  }
}
