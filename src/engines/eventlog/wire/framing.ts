// gRPC's framing: every message has a flag byte and its length in four bytes before it.

/** The longest message a server takes, bytes (the real server's limit). */
export const MAX_MESSAGE = 16 * 1024 * 1024
export const FRAME_HEADER = 5

/** `held`: bytes of a message that is not whole yet. */
export type Deframed =
  | { readonly ok: true; readonly held: number }
  | { readonly ok: false; readonly why: 'too long' | 'compressed' }

/** One message with its frame. */
export const framed = (payload: Uint8Array): Buffer => {
  const frame = Buffer.allocUnsafe(FRAME_HEADER + payload.length)
  frame[0] = 0
  frame.writeUInt32BE(payload.length, 1)
  frame.set(payload, FRAME_HEADER)
  return frame
}

/**
 * Cuts a byte stream into messages. A message that lies whole in one chunk is a view into it; one that came in pieces is
 * put together once, when its last piece is there.
 */
export const createDeframer = (onMessage: (payload: Buffer) => void): ((chunk: Buffer) => Deframed) => {
  let held: Buffer[] = []
  let heldBytes = 0
  let needed = FRAME_HEADER
  return (chunk) => {
    held.push(chunk)
    heldBytes += chunk.length
    if (heldBytes < needed) return { ok: true, held: heldBytes }
    let rest = held.length === 1 ? chunk : Buffer.concat(held)
    held = []
    heldBytes = 0
    while (rest.length >= FRAME_HEADER) {
      if (rest[0] !== 0) return { ok: false, why: 'compressed' }
      const length = rest.readUInt32BE(1)
      if (length > MAX_MESSAGE) return { ok: false, why: 'too long' }
      if (rest.length < FRAME_HEADER + length) break
      const payload = rest.subarray(FRAME_HEADER, FRAME_HEADER + length)
      rest = rest.subarray(FRAME_HEADER + length)
      onMessage(payload)
    }
    if (rest.length > 0) {
      held = [rest]
      heldBytes = rest.length
    }
    needed = rest.length >= FRAME_HEADER ? FRAME_HEADER + rest.readUInt32BE(1) : FRAME_HEADER
    return { ok: true, held: heldBytes }
  }
}
