// The two lines to the event store, one for appends and one for everything else, and the questions by which each is watched.
import { END, EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import { uuidFrom } from '../domain/ids.ts'
import type { HealthLimits } from '../line/health.ts'
import { type Line, openLine } from '../line/line.ts'
import { addressOf } from '../line/reason.ts'
import { processTime as time } from '../line/time.ts'
import { byUrl } from '../line/unusable.ts'
import { isReadRefused, verdictOf } from './errors.ts'
import { muteIpServerName } from './ipServerName.ts'
import { readChunks } from './read.ts'

export type ClientLine = Line<EventStoreDBClient>

export interface LinesOptions {
  readonly url: string
  readonly limits: Partial<HealthLimits>
  readonly lostAfterMs: number
  readonly onTurn: (line: 'reads' | 'writes', up: boolean, error: unknown) => void
  readonly onReplaced: (line: 'reads' | 'writes', reason: string) => void
}

/**
 * An append that no server carries out: nobody has a stream of this length. It goes the way of every append, is answered in its
 * turn with where the stream really is, and writes nothing.
 */
const ASKED = {
  stream: 'tributary-line',
  event: jsonEvent({ id: uuidFrom('line', 'question'), type: 'LineAsked', data: {} }),
  options: { expectedRevision: 2n ** 62n },
}

export const DEFAULT_PORT = 2_113

/** Well above the time that the watch itself gives a witness: running out is no answer. */
const WITNESS_DEADLINE_MS = 60_000

const KEEP_ALIVE_TIMEOUT = 'keepAliveTimeout'
const KEEP_ALIVE_MS = 10_000
let opened = 0

/**
 * A client with a connection of its own. Those of the same process with the same settings share one, dead or not, and with it the
 * pause of up to two minutes that is made after it could not be opened; so each has a setting that differs by a millisecond.
 */
const openClient = (url: string) => {
  const [address = '', query = ''] = url.split('?')
  const settings = query.split('&').filter((setting) => setting !== '')
  const nameOf = (setting: string) => setting.split('=')[0]?.toLowerCase()
  const isOwn = (setting: string) => nameOf(setting) === KEEP_ALIVE_TIMEOUT.toLowerCase()
  const given = Number(settings.find(isOwn)?.split('=')[1] ?? KEEP_ALIVE_MS)
  opened = (opened + 1) % KEEP_ALIVE_MS
  const distinct = `${KEEP_ALIVE_TIMEOUT}=${Math.max(given, KEEP_ALIVE_MS) + opened}`
  const whole = `${address}?${[...settings.filter((setting) => !isOwn(setting)), distinct].join('&')}`
  return byUrl('EVENTSTORE_URL', () => EventStoreDBClient.connectionString(whole))
}

/** Ends a client's calls. Its connection it closes only when a call on it is cut off: here is one that certainly is. */
const endClient = async (client: EventStoreDBClient): Promise<void> => {
  const last = client.subscribeToAll({ fromPosition: END })
  last.on('error', () => undefined)
  const cutOff = last.unsubscribe().catch(() => undefined)
  await client.dispose()
  await cutOff
}

/** The name and password of a connection string; any will do where there are none. */
const credentialsOf = (url: string): { username: string; password: string } => {
  const found = /^[^/]+\/\/([^@/]+)@/.exec(url)?.[1]?.split(':') ?? []
  return { username: decodeURIComponent(found[0] ?? 'none'), password: decodeURIComponent(found[1] ?? 'none') }
}

/** Reads the newest record, whatever it is. */
const readNewest = async (client: EventStoreDBClient, signal?: AbortSignal): Promise<void> => {
  const open = () => client.readAll({ direction: 'backwards', fromPosition: END, maxCount: 1 })
  for await (const _ of readChunks({ open, signal })) break
}

const isAppendAnswer = (error: unknown): boolean => {
  const verdict = verdictOf(error)
  return verdict.kind !== 'unknown' || verdict.answered
}

export interface Lines {
  readonly reads: ClientLine
  readonly writes: ClientLine
  /** Asks something over a client that is made for it: its end closes nothing but its own calls. */
  alone<T>(ask: (client: EventStoreDBClient) => Promise<T>): Promise<T>
}

export const openLines = (options: LinesOptions): Lines => {
  const { url, limits, lostAfterMs, onTurn, onReplaced } = options
  muteIpServerName()
  const alone: Lines['alone'] = async (ask) => {
    const client = openClient(url)
    try {
      return await ask(client)
    } finally {
      void endClient(client).catch(() => undefined)
    }
  }
  const common = {
    address: addressOf(url, DEFAULT_PORT),
    open: () => openClient(url),
    end: endClient,
    renews: true,
    time,
    limits,
  }
  return {
    alone,
    reads: openLine({
      ...common,
      oneAtATime: false,
      ask: (client) => readNewest(client),
      askWitness: (signal) => alone((client) => readNewest(client, signal)),
      isAnswer: isReadRefused,
      onTurn: (up, error) => onTurn('reads', up, error),
      onReplaced: (reason) => onReplaced('reads', reason),
    }),
    writes: openLine({
      ...common,
      // All clients of a process share one list of the appends that wait for an answer: the end of one client fails those of the
      // next and makes it throw on their answers.
      oneAtATime: true,
      lostAfterMs,
      ask: (client) => client.appendToStream(ASKED.stream, ASKED.event, ASKED.options),
      // With credentials of its own an append goes by itself and not with the others, whose list it would disturb at its end.
      askWitness: () =>
        alone((client) =>
          client.appendToStream(ASKED.stream, ASKED.event, {
            ...ASKED.options,
            credentials: credentialsOf(url),
            deadline: WITNESS_DEADLINE_MS,
          }),
        ),
      isAnswer: isAppendAnswer,
      onTurn: (up, error) => onTurn('writes', up, error),
      onReplaced: (reason) => onReplaced('writes', reason),
    }),
  }
}
