// Follows one stream from where it was read up to: for what every node keeps in memory of it.
import { defer, finalize, repeat, retry, type Subscription, switchMap, timer } from 'rxjs'
import type { Batch, EventStore } from '../eventstore/index.ts'
import type { Logger } from '../log.ts'

export interface FollowOptions {
  readonly store: Pick<EventStore, 'subscribeStream'>
  readonly stream: string
  /** The newest revision that is known already; asked each time that the subscription is opened. */
  readonly from: () => bigint
  readonly take: (facts: Batch['facts']) => void
  readonly log: Pick<Logger, 'warn' | 'error'>
}

const MAX_BATCH = 1_000
const LONGEST_WAIT_MS = 5_000

/** A subscription that ends is opened again, later each time; what cannot be read is told and passed over. */
export const followStream = ({ store, stream, from, take, log }: FollowOptions): Subscription =>
  defer(() => store.subscribeStream(stream, { from: from() }))
    .pipe(
      switchMap((source) =>
        defer(() => source.next(MAX_BATCH)).pipe(
          repeat(),
          finalize(() => void source.close()),
        ),
      ),
      retry({
        delay: (error, tries) => {
          log.warn({ err: error, stream, tries }, 'the subscription to a stream ended; opening it again')
          return timer(Math.min(LONGEST_WAIT_MS, 100 * 2 ** Math.min(tries, 6)) * (0.5 + Math.random() / 2))
        },
        resetOnSuccess: true,
      }),
    )
    .subscribe(({ facts, unreadable }) => {
      for (const fact of unreadable) log.error({ fact }, 'a fact cannot be read')
      take(facts)
    })
