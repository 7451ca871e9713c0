// The classic append: one call an append, the options first, then a message an event.
import type { Outcome } from '../log/writer.ts'
import {
  appendSizeExceeded,
  exhausted,
  invalidArgument,
  missingMetadata,
  notLeader,
  notReady,
  type RpcError,
  streamDeleted,
  timedOut,
  unavailable,
  unknown,
} from '../wire/errors.ts'
import type { Call } from '../wire/grpc.ts'
import { readAppendRequest, type StreamOptions } from '../wire/requests.ts'
import { appendSuccess, appendWrongVersion } from '../wire/responses.ts'
import type { ServiceContext } from './context.ts'
import { createProposal, isBadStream, MAX_APPEND, type Refusal } from './propose.ts'

/** What a real server says of an exception inside it. */
export const HANDLER_EXCEPTION = unknown('Exception was thrown by handler.')

/** A call whose events do not come to their end for so long is ended, ms. */
const STALLED_MS = 30_000
export const TOO_MUCH = 'Too much is being appended at the moment: try again later.'

const refusalError = (why: Refusal): RpcError => {
  switch (why) {
    case 'too large':
      return appendSizeExceeded(MAX_APPEND)
    case 'bad event':
      return HANDLER_EXCEPTION
    case 'missing metadata':
      return missingMetadata()
    default:
      return why satisfies never
  }
}

const answer = (call: Call, { stream, expected }: StreamOptions, outcome: Outcome) => {
  switch (outcome.kind) {
    case 'written':
      call.send(appendSuccess(outcome))
      return call.finish()
    case 'wrong-version':
      call.send(appendWrongVersion(expected, outcome.current === undefined ? undefined : BigInt(outcome.current)))
      return call.finish()
    case 'deleted':
      return call.fail(streamDeleted(stream))
    case 'timed-out':
      return call.fail(timedOut())
    case 'failed':
      return call.fail(unavailable(outcome.reason))
    default:
      return outcome satisfies never
  }
}

export const serveAppend = (call: Call, { submit, faults, identity, inFlight }: ServiceContext): void => {
  let options: StreamOptions | undefined
  const proposal = createProposal()
  let held = 0
  const letGo = () => {
    inFlight.give(held)
    held = 0
  }
  // Whoever stops sending in the middle must not keep what others need.
  const timer = setTimeout(() => call.fail(timedOut()), STALLED_MS)
  let submitted = false
  call.onOver(() => {
    clearTimeout(timer)
    if (!submitted) letGo()
  })
  call.onMessage((payload) => {
    try {
      const request = readAppendRequest(payload)
      if (request.kind === 'options') options = request.options
      else {
        const why = proposal.add(request.event)
        const bytes = proposal.bytes() - held
        if (why !== undefined) call.fail(refusalError(why))
        else if (inFlight.take(bytes)) held += bytes
        else call.fail(exhausted(TOO_MUCH))
      }
    } catch (error) {
      call.fail(invalidArgument(String(error)))
    }
  })
  call.onEnd(() => {
    if (call.isOver()) return
    if (options === undefined || isBadStream(options.stream)) {
      call.fail(HANDLER_EXCEPTION)
      return
    }
    const asked = options
    const fault = faults?.ofAppend()
    if (fault?.kind === 'not-leader') return call.fail(notLeader(identity().host, identity().port))
    if (fault?.kind === 'not-ready') return call.fail(notReady())
    submitted = true
    clearTimeout(timer)
    submit(
      { kind: 'append', ...asked, events: proposal.events(), bytes: proposal.bytes() },
      fault?.delayMs ?? 0,
      (outcome) => {
        letGo()
        if (fault?.kind === 'lost-answer') call.disconnect()
        else if (fault?.kind !== 'never-answered') answer(call, asked, outcome)
      },
    )
  })
}
