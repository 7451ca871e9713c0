// Each item of a list is seen to: those of one key one after another in their order, so many keys at once.

import { concatMap, defaultIfEmpty, defer, EMPTY, from, lastValueFrom, mergeMap } from 'rxjs'
import { groupBy } from '../domain/grouped.ts'

/** When all work is to rest for a while: others have their turn. */
export interface Pause {
  /** Asked before each item. */
  isDue(): boolean
  /** Begins once all that is under way has ended; nothing else begins before it has resolved. Never rejects. */
  rest(): Promise<void>
}

export interface EachOptions<Item> {
  /** Keys at once; at least one. */
  readonly concurrency: number
  /** Without it each item is a key of its own. */
  readonly keyOf?: (item: Item) => string
  /** Once it is aborted no item begins. */
  readonly signal?: AbortSignal
  readonly pause?: Pause
}

/**
 * Resolves once all have ended. After the first that rejects no other begins; with its error it rejects when those under way have
 * ended. What has not begun when the signal comes is left out.
 */
export const each = async <Item>(
  items: readonly Item[],
  handle: (item: Item) => Promise<unknown>,
  { concurrency, keyOf, signal, pause }: EachOptions<Item>,
): Promise<void> => {
  let failure: { readonly error: unknown } | undefined
  let underWay = 0
  let pausing: Promise<void> | undefined
  let isStill: () => void = () => undefined

  const rest = async (due: Pause): Promise<void> => {
    if (underWay > 0)
      await new Promise<void>((resolve) => {
        isStill = resolve
      })
    await due.rest()
    pausing = undefined
  }
  const one = async (item: Item): Promise<void> => {
    while (pause && (pausing || (!failure && !signal?.aborted && pause.isDue()))) {
      pausing ??= rest(pause)
      await pausing
    }
    if (failure || signal?.aborted) return
    underWay++
    try {
      await handle(item)
    } catch (error) {
      failure ??= { error }
    } finally {
      underWay--
      if (underWay === 0) isStill()
    }
  }
  const groups: readonly (readonly Item[])[] = keyOf ? [...groupBy(items, keyOf).values()] : items.map((item) => [item])
  await lastValueFrom(
    from(groups).pipe(
      mergeMap(
        (group) => from(group).pipe(concatMap((item) => (failure || signal?.aborted ? EMPTY : defer(() => one(item))))),
        concurrency,
      ),
      defaultIfEmpty(undefined),
    ),
  )
  if (failure) throw failure.error
}
