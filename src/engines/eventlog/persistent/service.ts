// The calls of persistent subscriptions, handed to the groups.
import { errorText } from '../../errorText.ts'
import { readFailure } from '../services/read.ts'
import { invalidArgument, persistentMissing, type RpcError } from '../wire/errors.ts'
import type { Call } from '../wire/grpc.ts'
import type { Groups } from './groups.ts'
import {
  type ConsumerMessage,
  type GroupName,
  readConsumerMessage,
  readDeleteGroup,
  readGetInfo,
  readGroupRequest,
  readList,
  readReplay,
} from './requests.ts'
import { DONE, infoOf, listOf } from './responses.ts'

const reply = (call: Call, frame: Buffer) => {
  call.send(frame)
  call.finish()
}

/** Reads a request; what cannot be read ends the call. */
const parsed = <T>(call: Call, payload: Buffer, read: (payload: Buffer) => T): T | undefined => {
  try {
    return read(payload)
  } catch (error) {
    call.fail(invalidArgument(errorText(error)))
    return undefined
  }
}

/** A call that changes groups. */
const changing =
  <T>(read: (payload: Buffer) => T, change: (request: T) => Promise<RpcError | undefined>) =>
  (call: Call, payload: Buffer): void => {
    const request = parsed(call, payload, read)
    if (request === undefined) return
    change(request).then(
      (failure) => (failure === undefined ? reply(call, DONE) : call.fail(failure)),
      (error: unknown) => call.fail(readFailure(error)),
    )
  }

const missing = (call: Call, { stream, group }: GroupName) => call.fail(persistentMissing(stream, group))

type Serve = (call: Call, payload: Buffer) => void

/** What cannot be read in the log is told to who asked. */
const guarded =
  (serve: Serve): Serve =>
  (call, payload) => {
    try {
      serve(call, payload)
    } catch (error) {
      call.fail(readFailure(error))
    }
  }

/** Calls with one request, by the last part of their path. */
export const persistentCalls = (groups: Groups): Readonly<Record<string, Serve>> =>
  Object.fromEntries(Object.entries(callsOf(groups)).map(([method, serve]) => [method, guarded(serve)]))

const callsOf = (groups: Groups): Readonly<Record<string, Serve>> => ({
  Create: changing(readGroupRequest, groups.create),
  Update: changing(readGroupRequest, groups.update),
  Delete: changing(readDeleteGroup, groups.remove),
  GetInfo: (call, payload) => {
    const name = parsed(call, payload, readGetInfo)
    if (name === undefined) return
    const found = groups.find(name)
    if (found === undefined) missing(call, name)
    else reply(call, infoOf(found.info()))
  },
  ReplayParked: (call, payload) => {
    const request = parsed(call, payload, readReplay)
    if (request === undefined) return
    const found = groups.find(request)
    if (found === undefined) return missing(call, request)
    found.replay(request.stopAt)
    reply(call, DONE)
  },
  List: (call, payload) => {
    const request = parsed(call, payload, (bytes) => ({ stream: readList(bytes) }))
    if (request === undefined) return
    const found = groups.list(request.stream)
    if (found.length === 0 && request.stream !== undefined) return missing(call, { stream: request.stream, group: '' })
    reply(call, listOf(found.map((running) => running.info())))
  },
  RestartSubsystem: (call) => {
    groups.restart()
    reply(call, DONE)
  },
})

/** A consumer: says first whom it joins, then answers for what it gets. */
export const serveConsumer = (call: Call, groups: Groups): void => {
  let answer: ((message: ConsumerMessage) => void) | undefined
  const take = (payload: Buffer) => {
    const message = parsed(call, payload, readConsumerMessage)
    if (message === undefined) return
    if (message.kind !== 'connect') {
      if (answer === undefined) call.fail(invalidArgument('a consumer says first which group it joins'))
      else answer(message)
      return
    }
    if (answer !== undefined) return call.fail(invalidArgument('a consumer joins one group'))
    const found = groups.find(message)
    if (found === undefined) return missing(call, message)
    answer = found.join(call, message)
  }
  call.onMessage((payload) => guarded(() => take(payload))(call, payload))
  call.onEnd(() => call.finish())
}
