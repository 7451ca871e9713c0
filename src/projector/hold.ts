// Holding a lane: whoever changes its members or its documents out of turn keeps running projectors away for a moment.
import { sleep } from '../line/backoff.ts'
import type { Committed, Lane, LaneChange, ReadModel, Writes } from '../readmodel/index.ts'
import { ReadModelUnavailable } from '../readmodel/index.ts'

/** A hold ends by itself, so that a holder that dies stops nobody for longer, ms. */
const HOLD_MS = 5_000
/** Another holder is waited for at most so long, ms. */
const PATIENCE_MS = 10_000

export interface HeldLane {
  readonly lane: Lane
  /** The one commit of the holder: writes, changes and lets go. Still held, and nothing written, when documents are refused. */
  release(change: LaneChange, writes: readonly Writes[]): Promise<Committed>
}

/**
 * Takes hold of a lane, runs `work`, which releases it with its own commit, and lets go in any case. Rejects with
 * ReadModelUnavailable when somebody else holds it for too long.
 */
export const withHeldLane = async <T>(
  readModel: ReadModel,
  id: string,
  writer: string,
  work: (held: HeldLane) => Promise<T>,
): Promise<T> => {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const held = await readModel.lanes.hold(id, writer, HOLD_MS)
    if (held === undefined) {
      if (performance.now() > until) throw new ReadModelUnavailable(`lane ${id} is held by somebody else`)
      await sleep(10 + Math.random() * 20)
      continue
    }
    let released = false
    try {
      return await work({
        lane: held,
        async release(change, writes) {
          const result = await readModel.lanes.commit(held, writer, { ...change, heldUntil: 0 }, writes)
          released = result.kind === 'committed'
          return result
        },
      })
    } finally {
      if (!released) await readModel.lanes.commit(held, writer, { heldUntil: 0 }, []).catch(() => undefined)
    }
  }
}
