// Soft deletes and tombstones.
import type { Writer } from '../log/writer.ts'
import { invalidArgument, streamDeleted, unavailable, unknown, wrongExpectedVersion } from '../wire/errors.ts'
import type { Call } from '../wire/grpc.ts'
import { readDeleteRequest, type StreamOptions } from '../wire/requests.ts'
import { deleted } from '../wire/responses.ts'

export const serveDelete = (call: Call, payload: Buffer, kind: 'delete' | 'tombstone', writer: Writer): void => {
  let options: StreamOptions
  try {
    options = readDeleteRequest(payload)
  } catch (error) {
    call.fail(invalidArgument(String(error)))
    return
  }
  const { stream, expected } = options
  if (stream === '' || stream === '$all') {
    call.fail(unknown('Exception was thrown by handler.'))
    return
  }
  writer.submit({ kind, stream, expected }, (outcome) => {
    switch (outcome.kind) {
      case 'written':
        call.send(deleted(outcome.position ?? 0))
        return call.finish()
      case 'deleted':
        return call.fail(streamDeleted(stream))
      case 'wrong-version':
        return call.fail(wrongExpectedVersion(stream, expected, BigInt(outcome.current ?? -1)))
      case 'failed':
        return call.fail(unavailable(outcome.reason))
      default:
        return outcome satisfies never
    }
  })
}
