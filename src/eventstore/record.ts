// Turns what the client gives for an event into the store's own record.
import type { ResolvedEvent } from '@eventstore/db-client'
import type { RawRecord } from './codec.ts'

/** undefined: a link to nothing. A record always has its position on servers from 22.6 on. */
export const recordOf = ({ event, commitPosition }: ResolvedEvent): RawRecord | undefined => {
  if (event === undefined) return undefined
  const position = event.position?.commit ?? commitPosition
  if (position === undefined) throw new Error(`${event.streamId}@${event.revision}: the server gave no position`)
  return {
    stream: event.streamId,
    revision: event.revision,
    position,
    id: event.id,
    type: event.type,
    data: event.data,
    metadata: event.metadata,
    created: event.created.getTime(),
  }
}
