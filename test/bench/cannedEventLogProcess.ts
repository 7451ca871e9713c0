// A server that answers at once, without a log: appends with success, reads with the same event again and again. What the
// official client does against it is the client's own ceiling. Runs in a process of its own; the option `events` is how many.
import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import { encodeRecord, messageOf } from '../../src/engines/eventlog/log/record.ts'
import { listen } from '../../src/engines/eventlog/server.ts'
import { supportedMethodsFrame } from '../../src/engines/eventlog/services/features.ts'
import type { Call } from '../../src/engines/eventlog/wire/grpc.ts'
import { readReadRequest } from '../../src/engines/eventlog/wire/reads.ts'
import { readBatchChunk } from '../../src/engines/eventlog/wire/requests.ts'
import {
  batchSuccess,
  caughtUp,
  confirmation,
  putReadEvent,
  readEventSize,
} from '../../src/engines/eventlog/wire/responses.ts'
import { serveHosted } from '../../src/engines/hosted.ts'

const Options = v.object({ events: v.number(), data: v.string() })
const NOTHING = Buffer.alloc(0)
const PER_WRITE = 100

const written = (data: string): Buffer => {
  const event = messageOf(
    encodeRecord(
      {
        position: 1_000_000,
        span: 500,
        revision: 1,
        stream: Buffer.from(`customer-${randomUUID()}`),
        id: randomUUID(),
        type: 'CustomEventTracked',
        json: true,
        ticks: BigInt(Date.now()) * 10_000n,
        metadata: Buffer.from('{"$correlationId":"abc"}'),
        data: Buffer.from(data),
      },
      false,
    ),
  )
  const write = Buffer.alloc(readEventSize(event.length, 0, 1_000_000) * PER_WRITE)
  for (let at = 0; at < write.length; ) at = putReadEvent(write, at, event, NOTHING, 1_000_000)
  return write
}

const read = async (call: Call, isSubscription: boolean, events: number, write: Buffer) => {
  if (isSubscription) call.send(confirmation(randomUUID()))
  for (let sent = 0; sent < events; sent += PER_WRITE) {
    call.send(write)
    await call.drained()
    if (call.isOver()) return
  }
  if (isSubscription) call.send(caughtUp())
  else call.finish()
}

const onCallOf = (events: number, write: Buffer) => (call: Call) => {
  if (call.path.endsWith('/GetSupportedMethods')) {
    call.send(supportedMethodsFrame())
    call.finish()
  } else if (call.path.endsWith('/BatchAppend')) {
    call.onMessage((payload) => {
      const { correlationBytes, options } = readBatchChunk(payload, Date.now())
      call.send(batchSuccess(correlationBytes, options?.stream ?? '', { revision: 1, position: 1_000_000 }))
    })
  } else call.onMessage((payload) => void read(call, readReadRequest(payload).count === undefined, events, write))
}

serveHosted('event log', async (options) => {
  const { events, data } = v.parse(Options, options)
  const onCall = onCallOf(events, written(data))
  const server = await listen({ host: '127.0.0.1', port: 0, onCall, onHttp: (_, response) => response.end() })
  return {
    port: server.port,
    url: `esdb://127.0.0.1:${server.port}?tls=false`,
    stop: () => server.close(100),
  }
})
