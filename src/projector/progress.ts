// How far a projector has come and how far it has to go: lag, standing still, and counts for the operator.
import type { BatchDone } from './batchWriter.ts'

export interface Progress {
  /** A session began at this position while the log's newest fact was at `head`. */
  opened(position: bigint | undefined, head: bigint | undefined): void
  moved(position: bigint): void
  /** A batch came that is to be shown and committed. */
  taken(): void
  /** The session is over: what was taken is to be taken again. */
  closed(): void
  /** A batch is done; gives the milliseconds since the one before. */
  done(batch: BatchDone): number
  /** What was the newest fact when the session began has been reached: for servers that never say "caught up". */
  atHead(): boolean
  /** Facts still to come: those at hand, or an estimate from the bytes of log that are left. */
  behind(buffered: number, live: boolean): number
  ageSeconds(): number
  /** Milliseconds in which there was something to do and the position did not move; nothing else is progress. */
  stillMs(): number
  /** Facts parked since the start. */
  parked(): number
}

export const createProgress = (wall: () => number): Progress => {
  /** Since when there is something to do and the position has not moved; undefined: there is nothing to do. */
  let stillSince: number | undefined = performance.now()
  /** Batches taken and not done. */
  let underWay = 0
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
      if (at === position) return
      position = at
      if (stillSince !== undefined) stillSince = performance.now()
    },
    taken() {
      underWay++
      stillSince ??= performance.now()
    },
    closed() {
      underWay = 0
      stillSince ??= performance.now()
    },
    done(batch) {
      const now = performance.now()
      const ms = now - doneAt
      underWay--
      if (batch.caughtUp && underWay === 0) stillSince = undefined
      else if (batch.lane.position !== position) stillSince = now
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
    ageSeconds: () => (newest === undefined ? 0 : Math.max(0, (wall() - newest) / 1_000)),
    stillMs: () => (stillSince === undefined ? 0 : performance.now() - stillSince),
    parked: () => parked,
  }
}
