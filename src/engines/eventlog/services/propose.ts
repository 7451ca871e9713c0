// Proposed events, checked and counted before anything of them is written.
import { isAcceptable } from '../log/record.ts'
import type { NewEvent } from '../log/writer.ts'
import type { ProposedEvent } from '../wire/requests.ts'

/** The largest append, bytes of data (a real server of this version counts data alone). */
export const MAX_APPEND = 1024 * 1024

export type Refusal = 'too large' | 'bad event' | 'missing metadata'

/** Collects the events of one append; `add` says why one cannot be taken. */
export interface Proposal {
  add(event: ProposedEvent): Refusal | undefined
  events(): readonly NewEvent[]
}

export const createProposal = (): Proposal => {
  const events: NewEvent[] = []
  let size = 0
  return {
    add: (event) => {
      if (event.type === undefined || event.contentType === undefined) return 'missing metadata'
      if (!isAcceptable(event)) return 'bad event'
      size += event.data.length
      if (size > MAX_APPEND) return 'too large'
      const { id, type, metadata, data } = event
      events.push({ id, type, json: event.contentType === 'application/json', metadata, data })
      return undefined
    },
    events: () => events,
  }
}

/** Names that no event can be written to. */
export const isBadStream = (stream: string): boolean => stream === '' || stream === '$$' || stream === '$all'
