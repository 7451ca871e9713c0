// Appends that end with an answer: what is unknown is asked again with the same ids and the same expected revision.
import { jsonEvent } from '@eventstore/db-client'
import { backoffMs, sleep } from '../line/backoff.ts'
import type { Circuit } from '../line/circuit.ts'
import { createGate } from '../line/gate.ts'
import type { Log } from '../line/log.ts'
import { AppendRefused, messageOf, StoreUnavailable, verdictOf } from './errors.ts'
import type { Line } from './line.ts'
import type { CheckedAppend, SentFact } from './refuse.ts'
import type { AppendResult, ExpectedRevision } from './types.ts'

export interface AppenderOptions {
  readonly line: Line
  readonly circuit: Circuit
  readonly log: Log
  /** Time limit of one try, ms: above the server's own 2 s, since an append that is never answered ends only here. */
  readonly appendTimeoutMs: number
  /** Where a fact stands that was already written, looked for among the newest of its stream; undefined: not there. */
  readonly find: (stream: string, id: string) => Promise<{ revision: bigint; position: bigint } | undefined>
}

export type Append = (
  stream: string,
  append: CheckedAppend,
  expected: ExpectedRevision,
  deadline: number,
) => Promise<AppendResult>

/**
 * What is sent and not yet answered: the server handles appends one by one, so more only wait there, with their time running. At
 * 256 in flight it is at its best; 8 MiB are well under a second's work.
 */
const IN_FLIGHT = { count: 256, weight: 8 * 1024 * 1024 }

const RETRY = { baseMs: 25, maxMs: 500 }

const conflictOf = (error: unknown): AppendResult => {
  const actual: unknown =
    typeof error === 'object' && error !== null && 'actualVersion' in error ? error.actualVersion : 'no_stream'
  return { kind: 'conflict', actual: typeof actual === 'bigint' ? actual : 'no_stream' }
}

export const createAppender = ({ line, circuit, log, appendTimeoutMs, find }: AppenderOptions): Append => {
  const once = async (
    stream: string,
    facts: readonly SentFact[],
    expected: ExpectedRevision,
    ms: number,
  ): Promise<AppendResult> => {
    const events = facts.map((fact) => jsonEvent(fact))
    const result = await line.call(ms, (client) =>
      client.appendToStream(stream, events, { expectedRevision: expected }),
    )
    circuit.answered()
    const revision = result.nextExpectedRevision
    if (result.position !== undefined) return { kind: 'appended', revision, position: result.position.commit }
    const written = await find(stream, facts[facts.length - 1]!.id)
    if (written === undefined) throw new Error(`${stream}@${revision}: appended, but without a position`)
    return { kind: 'appended', revision, position: written.position }
  }

  const gate = createGate(IN_FLIGHT)

  return async (stream, { facts, bytes }, expected, deadline) => {
    let sent = false
    let error: unknown
    const unavailable = (message: string) =>
      new StoreUnavailable(message, { outcome: sent ? 'unknown' : 'nothing_written', cause: error })

    for (let attempt = 0; ; attempt++) {
      // As long as nothing has been sent this much is certain: fail at once, and say that nothing was written.
      if (!sent && !circuit.up) throw unavailable('the event store is down')
      if (!(await gate.enter(bytes, deadline))) throw unavailable('the event store is too busy')
      const generation = line.current
      try {
        if (!sent && !circuit.up) throw unavailable('the event store is down')
        // With these two expectations the server does not recognise a repeat after its restart, so look first.
        if (sent && (expected === 'any' || expected === 'stream_exists')) {
          const written = await find(stream, facts[facts.length - 1]!.id)
          if (written !== undefined) return { kind: 'appended', ...written }
        }
        sent = true
        return await once(stream, facts, expected, Math.max(1, Math.min(appendTimeoutMs, deadline - Date.now())))
      } catch (caught) {
        if (!sent) throw caught
        error = caught
        const verdict = verdictOf(caught)
        if (verdict.kind === 'conflict') return conflictOf(caught)
        if (verdict.kind === 'refused') throw new AppendRefused(verdict.reason, `${stream}: ${messageOf(caught)}`)
        if (verdict.line === 'replace') line.replace(generation, messageOf(caught))
        if (verdict.down) circuit.suspect(caught)
        log.debug({ stream, attempt, err: caught }, 'append of unknown outcome')
      } finally {
        gate.leave(bytes)
      }
      const wait = backoffMs(attempt + 1, RETRY)
      if (Date.now() + wait >= deadline) throw unavailable('the event store did not answer in time')
      await sleep(wait)
      if (!(await circuit.whenUp(deadline))) throw unavailable('the event store is not to be had')
    }
  }
}
