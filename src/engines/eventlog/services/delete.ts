// Soft deletes and tombstones.
import { invalidArgument, streamDeleted, timedOut, unavailable, wrongExpectedVersion } from '../wire/errors.ts'
import type { Call } from '../wire/grpc.ts'
import { readDeleteRequest, type StreamOptions } from '../wire/requests.ts'
import { deleted } from '../wire/responses.ts'
import { HANDLER_EXCEPTION } from './append.ts'
import type { ServiceContext } from './context.ts'
import { isBadStream } from './propose.ts'

export const serveDelete = (
  call: Call,
  payload: Buffer,
  kind: 'delete' | 'tombstone',
  { submit }: ServiceContext,
): void => {
  let options: StreamOptions
  try {
    options = readDeleteRequest(payload)
  } catch (error) {
    call.fail(invalidArgument(String(error)))
    return
  }
  const { stream, expected } = options
  if (isBadStream(stream)) {
    call.fail(HANDLER_EXCEPTION)
    return
  }
  submit({ kind, stream, expected }, 0, (outcome) => {
    switch (outcome.kind) {
      case 'written':
        call.send(deleted(outcome.position ?? 0))
        return call.finish()
      case 'deleted':
        return call.fail(streamDeleted(stream))
      case 'wrong-version':
        return call.fail(wrongExpectedVersion(stream, expected, BigInt(outcome.current ?? -1)))
      case 'timed-out':
        return call.fail(timedOut())
      case 'failed':
        return call.fail(unavailable(outcome.reason))
      default:
        return outcome satisfies never
    }
  })
}
