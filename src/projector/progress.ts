// How far a projector has come and how far it has to go: lag, standing still, and counts for the operator.
import type { BatchDone } from './session.ts'

export interface Progress {
  /** A session began at this position while the log's newest fact was at `head`. */
  opened(position: bigint | undefined, head: bigint | undefined): void
  moved(position: bigint): void
  /** A batch is done; gives the milliseconds since the one before. */
  done(batch: BatchDone): number
  /** What was the newest fact when the session began has been reached: for servers that never say "caught up". */
  atHead(): boolean
  /** Facts still to come: those at hand, or an estimate from the bytes of log that are left. */
  behind(buffered: number, live: boolean): number
  ageSeconds(): number
  stillMs(): number
  /** Facts parked since the start. */
  parked(): number
}

export const createProgress = (): Progress => {
  let movedAt = performance.now()
  let doneAt = performance.now()
  let newest: number | undefined
  let parked = 0
  let from = 0n
  let position: bigint | undefined
  let head: bigint | undefined
  let facts = 0
  return {
    opened(at, newestAt) {
      from = at ?? 0n
      position = at
      head = newestAt
      facts = 0
      doneAt = performance.now()
    },
    moved(at) {
      position = at
      movedAt = performance.now()
    },
    done(batch) {
      const now = performance.now()
      const ms = now - doneAt
      movedAt = now
      doneAt = now
      facts += batch.facts
      parked += batch.parked
      newest = batch.newest ?? newest
      position = batch.lane.position ?? position
      return ms
    },
    atHead: () => head === undefined || (position !== undefined && position >= head),
    behind(buffered, live) {
      if (live || head === undefined || position === undefined || position >= head) return buffered
      const bytesPerFact = facts > 0 ? Number(position - from) / facts : 300
      return Math.max(buffered, Math.round(Number(head - position) / Math.max(1, bytesPerFact)))
    },
    ageSeconds: () => (newest === undefined ? 0 : Math.max(0, (Date.now() - newest) / 1_000)),
    stillMs: () => performance.now() - movedAt,
    parked: () => parked,
  }
}
