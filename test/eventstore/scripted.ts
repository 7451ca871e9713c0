// An event store that misbehaves on demand: it keeps nothing but the streams of the appends it accepts, and a script says how
// each append is answered. For what no well-behaved server does.
import { createRequire } from 'node:module'
import type * as Shared from '@eventstore/db-client/generated/shared_pb.js'
import type * as Streams from '@eventstore/db-client/generated/streams_pb.js'
import type * as Grpc from '@grpc/grpc-js'

const load = createRequire(import.meta.url)
const grpc: typeof Grpc = load('@grpc/grpc-js')
const streams: typeof Streams = load('@eventstore/db-client/generated/streams_pb.js')
const shared: typeof Shared = load('@eventstore/db-client/generated/shared_pb.js')
const services: {
  StreamsService: Grpc.ServiceDefinition
} = load('@eventstore/db-client/generated/streams_grpc_pb.js')
const featureServices: {
  ServerFeaturesService: Grpc.ServiceDefinition
} = load('@eventstore/db-client/generated/serverfeatures_grpc_pb.js')
const features: typeof import('@eventstore/db-client/generated/serverfeatures_pb.js') = load(
  '@eventstore/db-client/generated/serverfeatures_pb.js',
)

/** How one append is answered. `store`: whether it is kept, whatever the answer. */
export type Answer =
  | 'success'
  /** Kept, and then no answer ever. */
  | 'silence_after'
  /** Not kept, no answer ever. */
  | 'silence'
  /** Kept, answered, and answered once more. */
  | 'twice'
  /** Kept, then the whole stream of appends breaks. */
  | 'break_after'
  /** Kept, and from now on nothing is answered on this stream of appends; new ones are well. */
  | 'hang_after'
  /** Not kept; the server's write time-out. */
  | 'timeout'
  /** Not kept; an answer that the client does not know. */
  | 'bad_request'

export interface Scripted {
  readonly url: string
  /** What is done with each append, first to last; `success` when it is used up. */
  script: Answer[]
  /** Ids kept, by stream, in order. */
  readonly kept: ReadonlyMap<string, readonly string[]>
  /** Appends that arrived. */
  appends(): number
  stop(): Promise<void>
}

type Duplex = Grpc.ServerDuplexStream<Streams.BatchAppendReq, Streams.BatchAppendResp>

const statusOf = (code: number, message: string, type: string) => {
  const { Status } = load('@eventstore/db-client/generated/status_pb.js')
  const { Any } = load('google-protobuf/google/protobuf/any_pb.js')
  const status = new Status()
  status.setCode(code)
  status.setMessage(message)
  const details = new Any()
  details.setTypeUrl(`type.googleapis.com/event_store.client.${type}`)
  status.setDetails(details)
  return status
}

export interface ScriptedOptions {
  readonly port?: number
  /** What it says that its version is; undefined: it does not know the question, as a very old one. */
  readonly version?: string | undefined
}

export const startScripted = async (options: ScriptedOptions = {}): Promise<Scripted> => {
  const { port = 0, version } = { version: '24.6.0', ...options }
  const kept = new Map<string, string[]>()
  const script: Answer[] = []
  let appends = 0
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 })

  server.addService(featureServices.ServerFeaturesService, {
    getSupportedMethods(_: unknown, reply: (error: { code: number } | null, response?: unknown) => void) {
      if (version === undefined) return reply({ code: grpc.status.UNIMPLEMENTED })
      const methods = new features.SupportedMethods()
      methods.setEventStoreServerVersion(version)
      const batch = new features.SupportedMethod()
      batch.setServiceName('event_store.client.streams.streams')
      batch.setMethodName('batchappend')
      methods.addMethods(batch)
      reply(null, methods)
    },
  })

  const respond = (
    call: Duplex,
    request: Streams.BatchAppendReq,
    fill: (response: Streams.BatchAppendResp) => void,
  ) => {
    const response = new streams.BatchAppendResp()
    response.setCorrelationId(request.getCorrelationId())
    response.setStreamIdentifier(request.getOptions()!.getStreamIdentifier())
    fill(response)
    call.write(response)
  }

  const batchAppend = (call: Duplex) => {
    let hangs = false
    call.on('error', () => undefined)
    call.on('end', () => call.end())
    call.on('data', (request: Streams.BatchAppendReq) => {
      if (hangs) return
      const options = request.getOptions()!
      const name = Buffer.from(options.getStreamIdentifier()!.getStreamName_asU8()).toString()
      const isQuestion = name === 'tributary-line'
      if (!isQuestion) appends++
      const ids = request.getProposedMessagesList().map((message) => message.getId()!.getString())
      const answer = isQuestion ? 'success' : (script.shift() ?? 'success')
      if (answer === 'silence') return
      if (answer === 'timeout') return respond(call, request, (r) => r.setError(statusOf(4, 'Timeout', 'Timeout')))
      if (answer === 'bad_request')
        return respond(call, request, (r) => r.setError(statusOf(3, 'Bad Request', 'BadRequest')))
      const own = kept.get(name) ?? []
      if (!isQuestion) kept.set(name, own)
      const last = own.length - 1
      const expected = options.hasNoStream()
        ? -1
        : options.hasStreamPosition()
          ? Number(options.getStreamPosition())
          : last
      const known = ids.every((id, i) => own[expected + 1 + i] === id)
      if (expected !== last && !known)
        return respond(call, request, (r) => {
          const { Any } = load('google-protobuf/google/protobuf/any_pb.js')
          const details = new Any()
          const wrong = new shared.WrongExpectedVersion()
          if (last < 0) wrong.setCurrentNoStream(new shared.Empty())
          else wrong.setCurrentStreamRevision(String(last))
          details.pack(wrong.serializeBinary(), 'event_store.client.WrongExpectedVersion')
          const status = statusOf(6, 'WrongExpectedVersion', 'WrongExpectedVersion')
          status.setDetails(details)
          r.setError(status)
        })
      if (expected === last) own.push(...ids)
      if (answer === 'hang_after') hangs = true
      if (answer === 'silence_after' || answer === 'hang_after') return
      if (answer === 'break_after')
        return call.destroy(Object.assign(new Error('gone'), { code: grpc.status.UNAVAILABLE }))
      const answerOnce = () =>
        respond(call, request, (r) => {
          const success = new streams.BatchAppendResp.Success()
          success.setCurrentRevision(String(own.length - 1))
          const position = new shared.AllStreamPosition()
          position.setCommitPosition(String(own.length * 100))
          position.setPreparePosition(String(own.length * 100))
          success.setPosition(position)
          r.setSuccess(success)
        })
      answerOnce()
      if (answer === 'twice') answerOnce()
    })
  }

  server.addService(services.StreamsService, {
    batchAppend,
    /** One append by itself: only ever asked as a witness, and nobody has a stream of that length. */
    append(call: Grpc.ServerReadableStream<Streams.AppendReq, Streams.AppendResp>, reply: Grpc.sendUnaryData<unknown>) {
      call.on('data', () => undefined)
      call.on('end', () => {
        const wrong = new streams.AppendResp.WrongExpectedVersion()
        wrong.setCurrentNoStream(new shared.Empty())
        const response = new streams.AppendResp()
        response.setWrongExpectedVersion(wrong)
        reply(null, response)
      })
    },
    /** Reads find an empty log: enough for the question whether the server is there. */
    read(call: Grpc.ServerWritableStream<Streams.ReadReq, Streams.ReadResp>) {
      if (!call.request.getOptions()!.hasSubscription()) return call.end()
      const response = new streams.ReadResp()
      const confirmation = new streams.ReadResp.SubscriptionConfirmation()
      confirmation.setSubscriptionId('s')
      response.setConfirmation(confirmation)
      call.write(response)
    },
  })

  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, at) =>
      error ? reject(error) : resolve(at),
    ),
  )
  return {
    url: `esdb://127.0.0.1:${bound}?tls=false`,
    script,
    kept,
    appends: () => appends,
    async stop() {
      server.forceShutdown()
    },
  }
}
