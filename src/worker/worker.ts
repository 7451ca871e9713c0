// The background worker: it looks for what is to be done, does it, rests until there may be more, and looks again. All work that
// nobody waits for goes on in this way: the clock, messages, webhooks, jobs, exports, processes, the roll-out, tries of what failed.
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  defer,
  EMPTY,
  from,
  merge,
  NEVER,
  type Observable,
  of,
  repeat,
  retry,
  Subject,
  switchMap,
  take,
  timer,
} from 'rxjs'
import { type BackoffOptions, backoffMs } from '../line/backoff.ts'
import { each, type Pause } from './each.ts'
import type { Item as Named, Quarantine } from './quarantine.ts'

/** What a look has found. */
export interface Look<Item> {
  readonly items: readonly Item[]
  /** How long to rest then, unless it is woken: ms; 0 is not at all, `Infinity` until it is woken. */
  readonly restMs: number
  /** Once all of them are done or set aside: the place to say how far it has come. */
  readonly after?: () => Promise<unknown>
}

export interface Looking {
  /** So many items can begin at once. */
  readonly room: number
  /** It was woken since the last look began; the first look counts as woken. */
  readonly isWoken: boolean
  /** Whether an item with this key is under way. */
  isUnderWay(key: string): boolean
}

/** What becomes of an item that fails. */
export interface Failing<Item> {
  readonly quarantineOf: (item: Item) => Quarantine
  readonly itemOf: (item: Item) => Named
  /**
   * `here`: it is tried again at once, with growing pauses, and those of its key wait; `look`: it is left to a later look, which
   * asks the quarantine who rests.
   */
  readonly again: 'here' | 'look'
  /** An item failed (`look`); `set_aside`: that was its last try. */
  readonly onFailed?: (item: Item, error: unknown, outcome: 'rests' | 'set_aside') => Promise<void> | void
}

export interface WorkerOptions<Item> {
  readonly look: (looking: Looking) => Promise<Look<Item>>
  /** Does one item. Without `failing` one that rejects ends the round: it is looked again after a backoff. */
  readonly handle: (item: Item, signal: AbortSignal) => Promise<unknown>
  /** Items of one key are done one after another, in their order; without it each is a key of its own. */
  readonly keyOf?: (item: Item) => string
  readonly failing?: Failing<Item>
  /** An item was done, or else set aside or left to a later look. */
  readonly onEnded?: (item: Item, isDone: boolean) => void
  /** Keys at once. */
  readonly concurrency: number
  /**
   * Looks again while items are under way, for as many as there is room for. An item whose key is under way, or for which there
   * is no room, is left to a later look.
   */
  readonly isOverlapping?: boolean
  readonly pause?: Pause
  /** Ends a rest early. */
  readonly wake$?: Observable<unknown>
  /** Before the first look, ms. */
  readonly firstRestMs?: number
  /** No two looks are closer than that, however often it is woken, ms from the end of one round to the next. */
  readonly leastRestMs?: number
  /** How long it waits after a look that failed. */
  readonly backoff: BackoffOptions
  readonly onTrouble: (error: unknown) => void
}

export interface BackgroundWorker {
  /** Items under way. */
  readonly active: number
  /** Ends a rest early; a look that is under way is followed by another at once. */
  wake(): void
  /** Begins nothing new; resolves when what is under way has ended. */
  stop(): Promise<void>
}

/** The longest wait that a timer can be asked for, ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

const after = (ms: number): Observable<unknown> => {
  // Everybody else has a turn, also beside a worker that always finds something at once.
  if (ms <= 0) return from(nextTurn())
  return ms === Number.POSITIVE_INFINITY ? NEVER : timer(Math.min(LONGEST_TIMER_MS, ms))
}

/**
 * Starts one. No item is begun twice at a time, none of a look is lost but by `stop`, and what is left to a later look must be
 * found by it again. A look that goes on while items end may show one of them once more: `handle` must bear that.
 */
export const startWorker = <Item>(options: WorkerOptions<Item>): BackgroundWorker => {
  const { look, handle, keyOf, failing, concurrency, isOverlapping = false, pause, leastRestMs = 0, backoff } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const stop$ = new Subject<void>()
  const wake$ = new Subject<void>()
  /** Since the last round began, and since the last look. */
  let isWoken = false
  let wasWoken = true
  const wake = (): void => {
    isWoken = true
    wasWoken = true
    wake$.next()
  }
  const watching = options.wake$?.subscribe(wake)
  let active = 0
  /** Of items that go on beside later looks. */
  const underWay = new Map<string | Item, Promise<void>>()
  /** The next look comes when one of them has ended. */
  let isWaitingForRoom = false

  const tryOne = async (item: Item): Promise<boolean> => {
    if (!failing) {
      await handle(item, signal)
      return true
    }
    const quarantine = failing.quarantineOf(item)
    const named = failing.itemOf(item)
    if (failing.again === 'here')
      return quarantine.attempt(named, async () => void (await handle(item, signal)), signal)
    try {
      await handle(item, signal)
      quarantine.done(named.key)
      return true
    } catch (error) {
      // What stops in the middle has not failed.
      if (signal.aborted) return false
      const outcome = await quarantine.failed(named, error)
      await failing.onFailed?.(item, error, outcome)
      return false
    }
  }

  const one = async (item: Item): Promise<void> => {
    active++
    try {
      const isDone = await tryOne(item)
      options.onEnded?.(item, isDone)
    } catch (error) {
      // Whoever was waiting for a later try is stopped in the middle of it.
      if (!signal.aborted) throw error
    } finally {
      active--
    }
  }

  const begin = (item: Item): void => {
    const key = keyOf?.(item) ?? item
    if (underWay.has(key) || underWay.size >= concurrency) return
    const ended = one(item)
      .catch(options.onTrouble)
      .finally(() => {
        underWay.delete(key)
        if (isWaitingForRoom) wake()
      })
    underWay.set(key, ended)
  }

  const round = async (): Promise<number> => {
    isWoken = false
    const looking = {
      room: concurrency - underWay.size,
      isWoken: wasWoken,
      isUnderWay: (key: string) => underWay.has(key),
    }
    isWaitingForRoom = looking.room <= 0
    if (isWaitingForRoom) return Number.POSITIVE_INFINITY
    wasWoken = false
    const found = await look(looking)
    if (isOverlapping) for (const item of found.items) begin(item)
    else await each(found.items, one, { concurrency, signal, keyOf, pause })
    if (!signal.aborted) await found.after?.()
    return found.restMs
  }

  const untilStopped = (wait$: Observable<unknown>): Observable<unknown> =>
    merge(wait$, stop$).pipe(
      take(1),
      switchMap(() => (signal.aborted ? EMPTY : [undefined])),
    )
  /** The time between two rounds; ends without a value when the worker stops. */
  const rest = (ms: number): Observable<unknown> => {
    if (signal.aborted) return EMPTY
    const since = performance.now()
    const call$: Observable<unknown> = isWoken ? of(undefined) : wake$
    const woken$ = call$.pipe(
      take(1),
      switchMap(() => after(leastRestMs - (performance.now() - since))),
    )
    return untilStopped(merge(after(Math.max(ms, leastRestMs)), woken$))
  }

  let restMs = 0
  const ended = new Promise<void>((resolve) => {
    untilStopped(after(options.firstRestMs ?? 0))
      .pipe(
        switchMap(() =>
          defer(async () => {
            restMs = await round()
          }).pipe(
            retry({
              delay: (error, tries) => {
                if (signal.aborted) return EMPTY
                options.onTrouble(error)
                return untilStopped(after(backoffMs(tries, backoff)))
              },
            }),
            repeat({ delay: () => rest(restMs) }),
          ),
        ),
      )
      .subscribe({ complete: resolve })
  })

  return {
    get active() {
      return active
    },
    wake,
    async stop() {
      stopping.abort()
      watching?.unsubscribe()
      stop$.next()
      await ended
      await Promise.all(underWay.values())
    },
  }
}
