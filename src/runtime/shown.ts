// What was recorded and may not be shown yet, for those that look in read models for what is named.
import type { EventStore } from '../eventstore/index.ts'
import type { Projector } from '../projector/index.ts'
import { ReadModelBehind } from '../trouble.ts'

export interface ShownIn {
  readonly store: Pick<EventStore, 'head'>
  readonly projector: Pick<Projector, 'waitFor'>
}

/** Whether the read models come to show everything recorded before now, within so many ms. */
export const caughtUp = async ({ store, projector }: ShownIn, timeoutMs: number): Promise<boolean> => {
  const head = await store.head()
  return head === undefined || projector.waitFor(head, timeoutMs)
}

/** How long what was made a moment ago may take to be shown, ms. */
const PATIENCE_MS = 2_000

/**
 * What `find` finds, at once or when the read models have caught up. Undefined when there is none; throws `ReadModelBehind` while
 * that cannot be told.
 */
export const findPatiently = async <T>(
  find: () => Promise<T | undefined>,
  isCaughtUp: (timeoutMs: number) => Promise<boolean>,
): Promise<T | undefined> => {
  const known = await find()
  if (known !== undefined) return known
  const isSure = await isCaughtUp(PATIENCE_MS)
  const found = await find()
  if (found === undefined && !isSure) throw new ReadModelBehind()
  return found
}
