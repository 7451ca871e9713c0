// Rewrites a stored event's id for the rare reader that wants it as two numbers instead of text.
import { bytes, message, uint } from './protobuf.ts'

/** A RecordedEvent begins with its id: a tag, a length, then 38 bytes of a UUID message. */
const ID_FIELD = 40

export const withStructuredId = (event: Buffer): Buffer => {
  const hex = event.toString('latin1', 4, ID_FIELD).replaceAll('-', '')
  const most = BigInt(`0x${hex.slice(0, 16)}`)
  const least = BigInt(`0x${hex.slice(16)}`)
  return Buffer.concat([bytes(1, message(1, uint(1, most), uint(2, least))), event.subarray(ID_FIELD)])
}
