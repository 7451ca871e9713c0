// What the event log's tests share: events, streams with names of their own, reads as arrays, waiting with a deadline.
import { randomUUID } from 'node:crypto'
import * as es from '@eventstore/db-client'
import { beforeNextLook } from '../../until.ts'

export const streamName = (prefix = 's'): string => `${prefix}-${randomUUID()}`

export const event = (type = 'T', data: Record<string, unknown> = {}, id = randomUUID()): es.EventData =>
  es.jsonEvent({ id, type, data: { ...data } })
export const events = (count: number, type = 'T'): es.EventData[] =>
  Array.from({ length: count }, (_, n) => event(type, { n }))

export const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export const idsOf = (resolved: readonly es.ResolvedEvent[]): string[] => resolved.map(({ event }) => event?.id ?? '')

/** The error of a promise that must reject. */
export const errorOf = async (work: Promise<unknown>): Promise<Error & { type?: string; code?: number }> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof Error) return error
  throw new Error(`no error, but ${String(error)}`)
}

/** Waits until `condition` holds; rejects with `what` when it does not in time. */
export const until = async (
  condition: () => boolean | Promise<boolean>,
  what = 'the condition did not hold',
  timeoutMs = 10_000,
): Promise<void> => {
  const began = performance.now()
  while (!(await condition())) {
    if (performance.now() > began + timeoutMs) throw new Error(`${what} within ${timeoutMs} ms`)
    await beforeNextLook(began)
  }
}

export interface Watched {
  readonly seen: es.ResolvedEvent[]
  readonly marks: string[]
  readonly checkpoints: bigint[]
  error: (Error & { type?: string; code?: number }) | undefined
  unsubscribe(): Promise<void>
}

type Subscription = es.AllStreamSubscription | es.StreamSubscription<es.EventType>

/** Everything a subscription says, in order. */
export const watch = (subscription: Subscription, checkpoints: bigint[] = []): Watched => {
  const watched: Watched = {
    seen: [],
    marks: [],
    checkpoints,
    error: undefined,
    unsubscribe: () => subscription.unsubscribe(),
  }
  subscription.on('data', (resolved: es.ResolvedEvent) => void watched.seen.push(resolved))
  subscription.on('caughtUp', () => void watched.marks.push('caughtUp'))
  subscription.on('confirmation', () => void watched.marks.push('confirmation'))
  subscription.on('error', (error: Error) => {
    watched.error = error
  })
  return watched
}
