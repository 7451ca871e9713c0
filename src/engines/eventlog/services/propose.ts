// Proposed events, checked and counted before anything of them is written.
import { isAcceptable } from '../log/record.ts'
import type { NewEvent } from '../log/writer.ts'
import type { ProposedEvent } from '../wire/requests.ts'

/** The largest append, bytes of data (a real server of this version counts data alone). */
export const MAX_APPEND = 1024 * 1024

export type Refusal = 'too large' | 'bad event' | 'missing metadata'

/** Bytes that an event takes while it waits, beside its message. */
const EVENT_BYTES = 300

/** Collects the events of one append; `add` says why one cannot be taken. */
export interface Proposal {
  add(event: ProposedEvent): Refusal | undefined
  events(): readonly NewEvent[]
  /** What it holds in memory, about, bytes. */
  bytes(): number
}

export const createProposal = (): Proposal => {
  const events: NewEvent[] = []
  let size = 0
  let held = 0
  return {
    add: (event) => {
      if (event.type === undefined || event.contentType === undefined) return 'missing metadata'
      if (!isAcceptable(event)) return 'bad event'
      size += event.dataSize
      if (size > MAX_APPEND) return 'too large'
      held += EVENT_BYTES + event.dataSize + event.metadataSize
      events.push(event)
      return undefined
    },
    events: () => events,
    bytes: () => held,
  }
}

/** Names that no event can be written to. */
export const isBadStream = (stream: string): boolean => stream === '' || stream === '$$' || stream === '$all'
