// A server double in virtual time: it carries appends out one after the other at a rate, stalls, dies, cuts lines off half-open
// and answers out of order, as a seed says. It knows which lines were really dead.
import type { Virtual } from './virtual.ts'

export interface DoubleClient {
  readonly number: number
  /** Nothing gets through any more, in either direction, and nobody is told. */
  halfOpen: boolean
  ended: boolean
}

export interface ServerDouble {
  connect(): DoubleClient
  end(client: DoubleClient): Promise<void>
  append(
    client: DoubleClient,
    stream: string,
    ids: readonly string[],
    expected: number,
  ): Promise<{ readonly revision: number; readonly position: number }>
  /** A question that goes the way of the appends. */
  ask(client: DoubleClient): Promise<void>
  /** Where a fact stands; undefined: it is not there. */
  find(stream: string, id: string): Promise<{ readonly revision: number; readonly position: number } | undefined>
  readonly streams: ReadonlyMap<string, readonly string[]>
  /** Appends a second from now on. */
  rate: number
  /** Each answer takes up to so long on its way, ms: later ones may overtake. */
  jitterMs: number
  stall(ms: number): void
  /** Dies: lines break, what waits is lost. Comes back after `ms`. */
  die(ms: number): void
  /** All lines that are open now lead nowhere. */
  cutHalfOpen(): void
  readonly isThere: boolean
  /** How many wait to be carried out. */
  readonly queued: number
}

/** As the client says that the server cannot be reached. */
class Broken extends Error {
  readonly code = 14
}
export class Conflict extends Error {}

interface Asked {
  readonly client: DoubleClient
  readonly carryOut: () => () => void
  readonly broken: (error: Error) => void
}

export const createDouble = (virtual: Virtual, random: () => number): ServerDouble => {
  const streams = new Map<string, string[]>()
  const clients = new Set<DoubleClient>()
  let opened = 0
  let position = 0
  let waiting: Asked[] = []
  /** Under way: who must be told when the server dies. */
  const unanswered = new Set<Asked>()
  let isThere = true
  let stalledUntil = 0
  let working = false

  const positions = new Map<string, number>()

  const work = () => {
    if (working || waiting.length === 0 || !isThere) return
    working = true
    const ms = Math.max(1_000 / double.rate, stalledUntil - virtual.elapsed())
    virtual.arrive(ms, () => {
      working = false
      if (!isThere) return
      if (virtual.elapsed() >= stalledUntil) {
        // Several in one go when the rate is higher than the clock is fine.
        const due = waiting.splice(0, Math.max(1, Math.round(double.rate / 1_000)))
        for (const asked of due) {
          const answer = asked.carryOut()
          virtual.arrive(0.1 + random() * double.jitterMs, () => {
            if (!unanswered.delete(asked) || asked.client.halfOpen) return
            answer()
          })
        }
      }
      work()
    })
  }

  const submit = <T>(client: DoubleClient, carryOut: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      if (client.ended) return reject(new Broken('this client has ended'))
      if (!isThere) return void virtual.arrive(0.2, () => reject(new Broken('refused')))
      if (client.halfOpen) return
      const asked: Asked = {
        client,
        carryOut() {
          try {
            const value = carryOut()
            return () => resolve(value)
          } catch (error) {
            return () => reject(error as Error)
          }
        },
        broken: reject,
      }
      unanswered.add(asked)
      waiting.push(asked)
      work()
    })

  const double: ServerDouble = {
    streams,
    rate: 1_000,
    jitterMs: 0,
    get isThere() {
      return isThere
    },
    get queued() {
      return waiting.length
    },
    connect() {
      const client = { number: ++opened, halfOpen: false, ended: false }
      clients.add(client)
      return client
    },
    async end(client) {
      client.ended = true
      clients.delete(client)
      for (const asked of [...unanswered])
        if (asked.client === client) {
          unanswered.delete(asked)
          asked.broken(new Broken('cut off'))
        }
      await virtual.sleep(random() * 50)
    },
    append: (client, stream, ids, expected) =>
      submit(client, () => {
        const own = streams.get(stream) ?? []
        streams.set(stream, own)
        const isRepeat = ids.every((id, i) => own[expected + 1 + i] === id)
        if (expected !== own.length - 1 && !isRepeat) throw new Conflict(`${stream} is at ${own.length - 1}`)
        if (!isRepeat)
          for (const id of ids) {
            own.push(id)
            positions.set(id, ++position)
          }
        return { revision: expected + ids.length, position: positions.get(ids.at(-1)!)! }
      }),
    ask: (client) => submit(client, () => undefined),
    find: (stream, id) =>
      new Promise((resolve, reject) => {
        if (!isThere) return void virtual.arrive(0.2, () => reject(new Broken('refused')))
        virtual.arrive(Math.max(1, stalledUntil - virtual.elapsed()), () => {
          const revision = streams.get(stream)?.indexOf(id) ?? -1
          if (!isThere) reject(new Broken('gone'))
          else resolve(revision < 0 ? undefined : { revision, position: positions.get(id)! })
        })
      }),
    stall(ms) {
      stalledUntil = Math.max(stalledUntil, virtual.elapsed() + ms)
    },
    die(ms) {
      isThere = false
      waiting = []
      for (const asked of [...unanswered]) {
        unanswered.delete(asked)
        if (!asked.client.halfOpen) asked.broken(new Broken('reset'))
      }
      virtual.arrive(ms, () => {
        isThere = true
        work()
      })
    },
    cutHalfOpen() {
      for (const client of clients) client.halfOpen = true
    },
  }
  return double
}
