// Appends that end with an answer: what is unknown is asked again with the same ids and the same expected revision.

import { type EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import { errorText } from '../domain/errorText.ts'
import { backoffMs } from '../line/backoff.ts'
import { AnswerLost, type Line, LineReplaced, NoAnswer } from '../line/line.ts'
import type { Log } from '../line/log.ts'
import { createSemaphore } from '../line/semaphore.ts'
import { processTime, rest, type Time, within } from '../line/time.ts'
import { AppendRefused, StoreUnavailable, verdictOf } from './errors.ts'
import type { CheckedAppend, SentFact } from './refuse.ts'
import type { AppendResult, ExpectedRevision } from './types.ts'

/** What a server says of an append that it has carried out; some give no position for a repeat. */
export interface Carried {
  readonly revision: bigint
  readonly position: bigint | undefined
}

export interface AppenderOptions<Client> {
  readonly line: Line<Client>
  /** One try. */
  readonly send: (
    client: Client,
    stream: string,
    facts: readonly SentFact[],
    expected: ExpectedRevision,
  ) => Promise<Carried>
  readonly log: Log
  readonly time?: Time
  /** Where a fact stands that was already written, looked for among the newest of its stream; undefined: not there. */
  readonly find: (stream: string, id: string) => Promise<{ revision: bigint; position: bigint } | undefined>
}

export type Append = (
  stream: string,
  append: CheckedAppend,
  expected: ExpectedRevision,
  deadline: number,
  /** Nobody waits for it: others go first. */
  yields?: boolean,
) => Promise<AppendResult>

/**
 * What is sent and not yet answered: the server handles appends one by one, so more only wait there. At 256 in flight it is at its
 * best; 8 MiB are well under a second's work.
 */
const IN_FLIGHT = { start: 16, min: 1, max: 256, targetMs: 500, weight: 8 * 1024 * 1024 }

const RETRY = { baseMs: 25, maxMs: 500 }

const conflictOf = (error: unknown): AppendResult => {
  const actual: unknown =
    typeof error === 'object' && error !== null && 'actualVersion' in error ? error.actualVersion : 'no_stream'
  return { kind: 'conflict', actual: typeof actual === 'bigint' ? actual : 'no_stream' }
}

/**
 * What was found of an append whose answer was lost. Another writer may have recorded the same facts after others: a decision on an
 * exact revision holds only where they follow it.
 */
const foundAs = (
  { revision, position }: { readonly revision: bigint; readonly position: bigint },
  expected: ExpectedRevision,
  facts: number,
): AppendResult => {
  const before = expected === 'no_stream' ? -1n : expected
  const isElsewhere = typeof before === 'bigint' && revision !== before + BigInt(facts)
  return isElsewhere ? { kind: 'conflict', actual: revision } : { kind: 'appended', revision, position }
}

/** However far the machine's clock jumps, nobody waits longer than this, ms. */
const LONGEST_WAIT_MS = 15 * 60_000

/** One try over the client of EventStoreDB. */
export const sendBatch = async (
  client: EventStoreDBClient,
  stream: string,
  facts: readonly SentFact[],
  expected: ExpectedRevision,
): Promise<Carried> => {
  const events = facts.map((fact) => jsonEvent(fact))
  const { nextExpectedRevision, position } = await client.appendToStream(stream, events, { expectedRevision: expected })
  return { revision: nextExpectedRevision, position: position?.commit }
}

export const createAppender = <Client>({
  line,
  send,
  log,
  find,
  time = processTime,
}: AppenderOptions<Client>): Append => {
  const once = async (
    stream: string,
    facts: readonly SentFact[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> => {
    const { revision, position } = await line.call((client) => send(client, stream, facts, expected))
    if (position !== undefined) return { kind: 'appended', revision, position }
    const written = await find(stream, facts[facts.length - 1]!.id)
    if (written === undefined) throw new Error(`${stream}@${revision}: appended, but without a position`)
    return { kind: 'appended', revision, position: written.position }
  }

  const semaphore = createSemaphore(IN_FLIGHT, time)

  return async (stream, { facts, bytes }, expected, deadline, yields = false) => {
    const due = time.now() + Math.min(deadline - time.wall(), LONGEST_WAIT_MS)
    const left = () => due - time.now()
    let sent = false
    let error: unknown
    const unavailable = (message: string, busyMs?: number) =>
      new StoreUnavailable(message, { outcome: sent ? 'unknown' : 'nothing_written', cause: error, busyMs })

    for (let attempt = 0; ; attempt++) {
      // As long as nothing has been sent this much is certain: fail at once, and say that nothing was written.
      if (!sent && !line.up) throw unavailable('the event store is down')
      const permit = await semaphore.enter(bytes, left(), yields)
      if (permit === undefined) throw unavailable('the event store is too busy', semaphore.waitMs)
      const generation = line.current
      let underWay: Promise<unknown> | undefined
      try {
        if (!sent && !line.up) throw unavailable('the event store is down')
        // With these two expectations the server does not recognise a repeat after its restart, and a line that was replaced may
        // only have lost the answer: so look first.
        const isAskedAbout = error instanceof LineReplaced || error instanceof AnswerLost
        if (sent && (expected === 'any' || expected === 'stream_exists' || isAskedAbout)) {
          const written = await find(stream, facts[facts.length - 1]!.id)
          if (written !== undefined) return foundAs(written, expected, facts.length)
        }
        sent = true
        const answer = once(stream, facts, expected)
        underWay = answer
        return await within(time, left(), answer, () => new NoAnswer(left()))
      } catch (caught) {
        if (!sent) throw caught
        error = caught
        if (caught instanceof NoAnswer)
          throw unavailable('the event store did not answer in time', line.up ? semaphore.waitMs : undefined)
        const verdict = verdictOf(caught)
        if (verdict.kind === 'conflict') return conflictOf(caught)
        if (verdict.kind === 'refused') throw new AppendRefused(verdict.reason, `${stream}: ${errorText(caught)}`)
        if (verdict.line === 'replace') line.replace(generation, errorText(caught))
        log.debug({ stream, attempt, err: caught }, 'append of unknown outcome')
      } finally {
        // Whoever does not wait for it any longer: it is in flight until the server is done with it.
        if (underWay === undefined) permit.abandon()
        void underWay?.then(permit.leave, (failed: unknown) => {
          const verdict = verdictOf(failed)
          if (verdict.kind !== 'unknown' || verdict.answered) permit.leave()
          else permit.abandon()
        })
      }
      const wait = backoffMs(attempt + 1, RETRY)
      if (wait >= left()) throw unavailable('the event store did not answer in time')
      await rest(time, wait)
      if (!(await line.whenUp(left()))) throw unavailable('the event store is unavailable')
    }
  }
}
