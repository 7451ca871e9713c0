// Streams of one installation among those of others on the same event store: by how their names begin.
import type { ResolvedEvent } from '@eventstore/db-client'
import type { RawRecord } from './codec.ts'
import { recordOf } from './record.ts'

export interface Namespace {
  /** How the names of its streams begin at the server; empty: the whole log is this installation's. */
  readonly prefix: string
  /** A stream's name at the server. */
  nameOf(stream: string): string
  /** The record as this installation knows it; undefined for another's, and for a link to nothing. */
  recordOf(event: ResolvedEvent): RawRecord | undefined
}

const WHOLE: Namespace = { prefix: '', nameOf: (stream) => stream, recordOf }

/** The streams of a name. What follows the name cannot stand in one: no namespace begins with another. */
export const createNamespace = (name: string | undefined): Namespace => {
  if (name === undefined) return WHOLE
  const prefix = `${name}.`
  return {
    prefix,
    nameOf: (stream) => prefix + stream,
    recordOf(event) {
      const record = event.event?.streamId.startsWith(prefix) ? recordOf(event) : undefined
      return record && { ...record, stream: record.stream.slice(prefix.length) }
    },
  }
}
