// The client of the event store and its replacement: one generation at a time, each call bounded in time and cut off when
// its client is given up.
import { EventStoreDBClient } from '@eventstore/db-client'
import type { Log } from '../line/log.ts'
import { LineReplaced, NoAnswer } from './errors.ts'

export interface Generation {
  readonly client: EventStoreDBClient
  /**
   * Resolves when the client before it has ended its calls; undefined once it has. All clients of a process share one list of
   * the appends that wait for an answer: the end of one client fails those of the next and makes it throw on their answers.
   */
  readonly afterLast: Promise<void> | undefined
  /** Called once when this client is given up: its calls may never end by themselves. Returns how to stop listening. */
  onRetired(listener: (error: Error) => void): () => void
}

export interface Line {
  readonly current: Generation
  /** Gives up this client, unless that has been done already, and makes a new one. */
  replace(generation: Generation, reason: string): void
  /** Runs one call with a time limit for its answer, ms. Rejects with NoAnswer or LineReplaced, else as the call does. */
  call<T>(ms: number, action: (client: EventStoreDBClient) => Promise<T>, generation?: Generation): Promise<T>
  close(): Promise<void>
}

interface Held extends Generation {
  retire(error: Error): Promise<void>
}

/** How long a client that is given up may take to end its calls. */
const DISPOSE_MS = 1_000

const openClient = (url: string, last?: Promise<void>): Held => {
  const client = EventStoreDBClient.connectionString(url)
  const listeners = new Set<(error: Error) => void>()
  let afterLast = last?.then(() => {
    afterLast = undefined
  })
  return {
    client,
    get afterLast() {
      return afterLast
    },
    onRetired(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async retire(error) {
      const told = [...listeners]
      listeners.clear()
      for (const listener of told) listener(error)
      let timer: NodeJS.Timeout | undefined
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, DISPOSE_MS)
      })
      await Promise.race([client.dispose().catch(() => undefined), limit])
      clearTimeout(timer)
    },
  }
}

export const openLine = (url: string, name: string, log: Log): Line => {
  let current = openClient(url)
  let closed = false
  return {
    get current() {
      return current
    },
    replace(generation, reason) {
      if (generation !== current || closed) return
      log.warn({ line: name, reason }, 'event store client replaced')
      const old = current
      // A moment later: there is a next client before anybody learns of the end of this one and tries again.
      const retired = Promise.resolve().then(() => old.retire(new LineReplaced(reason)))
      current = openClient(url, retired)
    },
    call(ms, action, generation = current) {
      return new Promise((resolve, reject) => {
        let over = false
        let timer: NodeJS.Timeout | undefined
        const settle = () => {
          over = true
          clearTimeout(timer)
          stopListening()
        }
        const fail = (error: unknown) => {
          settle()
          reject(error)
        }
        const stopListening = generation.onRetired(fail)
        const { afterLast, client } = generation
        const begin = () => {
          if (over) return
          // The end of the client before, which is bounded in itself, takes nothing of the time for an answer.
          timer = setTimeout(() => fail(new NoAnswer(ms)), ms)
          action(client).then((value) => {
            settle()
            resolve(value)
          }, fail)
        }
        if (afterLast === undefined) begin()
        else void afterLast.then(begin)
      })
    },
    async close() {
      closed = true
      await current.retire(new LineReplaced('closed'))
    },
  }
}
