// Records that are not as they were written: how they are named.
import { revisionOf, streamOf } from './record.ts'

const LONGEST_NAME = 200

/** What the damaged bytes say of themselves, which may be wrong in one place. */
const traces = (bytes: Buffer): string => {
  try {
    return ` (by what can be read of it, revision ${revisionOf(bytes)} of stream ${streamOf(bytes, 'utf8', LONGEST_NAME)})`
  } catch {
    return ''
  }
}

/** A record whose checksum is wrong: it is served to nobody. Every other record is as it was. */
export class DamagedRecord extends Error {
  override readonly name = 'DamagedRecord'
  constructor(file: string, position: number, bytes: Buffer) {
    super(`the record at position ${position}${traces(bytes)} in ${file} is damaged: its checksum is wrong`)
  }
}

export const isDamage = (error: unknown): error is Error =>
  error instanceof DamagedRecord || error instanceof MisledIndex

/** An entry of the index that leads to no record, or to another's. */
export class MisledIndex extends Error {
  override readonly name = 'MisledIndex'
  constructor(stream: string, revision: number, position: number) {
    super(
      `the index of the event log is damaged: revision ${revision} of stream ${stream} is not at position ${position}`,
    )
  }
}
