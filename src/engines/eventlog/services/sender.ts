// Sends events of a read or a subscription: many in one write, and no more than the reader takes.

import type { Reader } from '../log/reader.ts'
import { messageOf } from '../log/record.ts'
import type { Stored } from '../log/store.ts'
import type { Call } from '../wire/grpc.ts'
import { putReadEvent, readEventSize } from '../wire/responses.ts'
import { withStructuredId } from '../wire/structuredId.ts'

export interface Sender {
  /** Adds one event; nothing leaves before `flush` or before a write is full. */
  add(stored: Stored): void
  /** Adds a ready frame, in order with the events. */
  addFrame(frame: Buffer): void
  /** Sends what was added and waits until the reader has taken it. False when the call is over. */
  flush(): Promise<boolean>
}

export interface SenderOptions {
  readonly call: Call
  readonly reader: Reader
  readonly resolveLinks: boolean
  readonly structuredIds: boolean
}

const NOTHING = Buffer.alloc(0)
/** One write is not larger than this, unless a single event is. */
const WRITE_BYTES = 64 * 1024
const FIRST_BYTES = 2 * 1024

export const createSender = ({ call, reader, resolveLinks, structuredIds }: SenderOptions): Sender => {
  // Grows with what is sent, so that a thousand idle subscriptions hold nothing.
  let out = NOTHING
  let used = 0
  const emit = () => {
    if (used === 0) return
    call.send(out.subarray(0, used))
    out = NOTHING
    used = 0
  }
  const room = (size: number) => {
    if (used + size <= out.length) return
    if (used + size > WRITE_BYTES) emit()
    const larger = Buffer.allocUnsafe(
      Math.max(used + size, Math.min(WRITE_BYTES, Math.max(FIRST_BYTES, out.length * 4))),
    )
    out.copy(larger, 0, 0, used)
    out = larger
  }
  const encoded = (record: Buffer): Buffer => (structuredIds ? withStructuredId(messageOf(record)) : messageOf(record))
  const addParts = (event: Buffer, link: Buffer, position: number) => {
    room(readEventSize(event.length, link.length, position))
    used = putReadEvent(out, used, event, link, position)
  }

  return {
    add: ({ record, position }) => {
      const target = resolveLinks ? reader.resolve(record) : undefined
      if (target === undefined) addParts(encoded(record), NOTHING, position)
      else addParts(target === null ? NOTHING : encoded(target), encoded(record), position)
    },
    addFrame: (frame) => {
      room(frame.length)
      out.set(frame, used)
      used += frame.length
    },
    flush: async () => {
      emit()
      if (!call.isOver()) await call.drained()
      return !call.isOver()
    },
  }
}
