// Appends over a client of EventStoreDB: one call a client, over which they are sent and answered, as many at a time as come. The
// connection, where it leads to and who one is there are the client's; what is said on it is ours (appendMessages.ts).
import { convertToCommandError, type EventStoreDBClient } from '@eventstore/db-client'
import { type CallOptions, Client, type ClientDuplexStream, type Metadata } from '@grpc/grpc-js'
import { appendMessage, correlationOf, readAnswer } from './appendMessages.ts'
import type { SentFact } from './refuse.ts'
import type { ExpectedRevision } from './types.ts'

/** What a server says of an append that it has carried out; some give no position for a repeat. */
export interface Carried {
  readonly revision: bigint
  readonly position: bigint | undefined
}

/** An append that came to nothing, as far as is known: `type` says how, in the client's own words (`verdictOf`). */
class AppendFailed extends Error {
  override readonly name = 'AppendFailed'
  readonly type: string
  /** Of a conflict: where the stream is; undefined where there is none. */
  readonly actualVersion: bigint | undefined
  constructor(type: string, message: string, actualVersion?: bigint) {
    super(message)
    this.type = type
    this.actualVersion = actualVersion
  }
}

const PATH = '/event_store.client.streams.Streams/BatchAppend'
const asItIs = (message: Buffer): Buffer => message

class Appends extends Client {
  open(metadata: Metadata, options: CallOptions): ClientDuplexStream<Buffer, Buffer> {
    return this.makeBidiStreamRequest(PATH, asItIs, asItIs, metadata, options)
  }
}

interface Call {
  append(stream: string, facts: readonly SentFact[], expected: ExpectedRevision): Promise<Carried>
}

interface Waiter {
  readonly resolve: (carried: Carried) => void
  readonly reject: (error: Error) => void
}

/** Opens a client's call; `onOver` once no more can be sent over it. */
const openCall = async (client: EventStoreDBClient, onOver: () => void): Promise<Call> => {
  const waiting = new Map<number, Waiter>()
  let sent = 0
  let over: Error | undefined
  const end = (error: Error): void => {
    if (over) return
    over = error
    onOver()
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const take = (message: Buffer): void => {
    const { number, answer } = readAnswer(message)
    const waiter = waiting.get(number)
    if (waiter === undefined) return
    waiting.delete(number)
    if (answer.kind === 'appended') waiter.resolve(answer)
    else waiter.reject(new AppendFailed(answer.type, answer.message, answer.actualVersion))
  }
  // The client's own way to a call on the connection that it has: it connects anew, or to the leader, by how the call ends.
  // biome-ignore lint/complexity/useLiteralKeys: what is protected can only be named so
  const open = client['GRPCStreamCreator'](Appends, 'append', (appends) =>
    appends
      // biome-ignore lint/complexity/useLiteralKeys: as above
      .open(...client['callArguments']({}, { deadline: Number.POSITIVE_INFINITY }))
      .on('data', (message: Buffer) => {
        try {
          take(message)
        } catch (error) {
          end(new AppendFailed('unknown', error instanceof Error ? error.message : String(error)))
          call.cancel()
        }
      })
      .on('error', (error) => end(convertToCommandError(error) ?? error))
      .on('end', () => end(new AppendFailed('unavailable', 'the server ended the call'))),
  )
  const call = await open()
  return {
    append: (stream, facts, expected) =>
      new Promise((resolve, reject) => {
        if (over) return reject(over)
        const number = ++sent
        waiting.set(number, { resolve, reject })
        // How much is under way at a time is bounded by whoever sends (`createAppender`).
        // biome-ignore lint/complexity/useLiteralKeys: as above
        const deadline = client['createDeadline']().getTime()
        call.write(appendMessage(correlationOf(number), stream, facts, expected, deadline))
      }),
  }
}

const calls = new WeakMap<EventStoreDBClient, Promise<Call>>()

const callOf = (client: EventStoreDBClient): Promise<Call> => {
  const known = calls.get(client)
  if (known) return known
  const forget = () => {
    if (calls.get(client) === opened) calls.delete(client)
  }
  const opened = openCall(client, forget)
  opened.catch(forget)
  calls.set(client, opened)
  return opened
}

/** One try to append over a client. Rejects with errors that `verdictOf` knows. */
export const sendAppend = async (
  client: EventStoreDBClient,
  stream: string,
  facts: readonly SentFact[],
  expected: ExpectedRevision,
): Promise<Carried> => (await callOf(client)).append(stream, facts, expected)
