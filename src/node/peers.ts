// The other workers of a node, of which each keeps customers of its own in memory: what is asked of a customer is done where that is.
// It is done as well anywhere else, since the exact revision of an append decides; but two that go for one customer in turns read
// after each other all the time what each has recorded, which costs several times the event itself.

import { rmSync } from 'node:fs'
import { connect as connectTo, createServer, type Socket } from 'node:net'
import type { Log } from '../line/log.ts'
import { comesWithin } from '../line/time.ts'
import { nameHash } from './nameHash.ts'

/** `lost`: whether it was done is unknown. `unable`: it was not asked. */
export type Asked = { readonly answer: unknown } | 'lost' | 'unable'

export interface Peers {
  /** Another worker that keeps this customer, to be asked; undefined: it is done here. */
  of(customer: string): ((what: unknown) => Promise<Asked>) | undefined
  /** What is done with what others ask: plain data, answered by plain data. Rejects where it cannot be done here. */
  answer(handle: (what: never) => Promise<unknown>): void
  /** Takes nothing more, answers what was taken, for a moment at most. */
  close(): Promise<void>
}

export interface PeersOptions {
  /** The socket at which the worker of this number is asked. */
  readonly socketOf: (number: number) => string
  readonly self: number
  readonly workers: number
  /** Waits until this process knows the definitions that others have acknowledged; undefined where it does. */
  readonly inStep: () => Promise<unknown> | undefined
  readonly log: Log
  /** How long another may say nothing before it is asked whether it is there, and how long until it is given up then, ms. */
  readonly quietMs?: number
}

/** Asked of one other at a time; what is more is done here. */
const MAX_ASKED = 4_096
/** How long one that could not be reached is left alone, ms. */
const AGAIN_MS = 250
const CLOSE_MS = 2_000
const QUIET_MS = 2_500
/** The question whether it is there, which has an answer at once. */
const HELLO = 0

type Question = readonly [id: number, what: unknown]
/** An answer, or none where it could not be done. */
type Reply = readonly [id: number, answer?: unknown]

/** Which worker, from 1, keeps a customer: the same in all of them, and even. */
export const keeperOf = (customer: string, workers: number): number => (nameHash(customer) % workers) + 1

/** Sends what comes together as one line of JSON. */
const gathered = <T>(socket: Socket) => {
  let waiting: T[] = []
  const flush = () => {
    const all = waiting
    waiting = []
    if (socket.writable) socket.write(`${JSON.stringify(all)}\n`)
  }
  return (one: T) => {
    if (waiting.push(one) === 1) setImmediate(flush)
  }
}

/** Calls back with each line that comes, parsed: it is of a process of this node. */
const lines = <T>(socket: Socket, each: (all: readonly T[]) => void): void => {
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    const parts = (text + chunk).split('\n')
    text = parts.pop()!
    for (const part of parts) each(JSON.parse(part) as readonly T[])
  })
}

/** The line to one other worker. */
const createLine = (path: string, quietMs: number) => {
  let socket: Socket | undefined
  let send: ((question: Question) => void) | undefined
  let triedAt = Number.NEGATIVE_INFINITY
  let asked = 0
  const waiting = new Map<number, (asked: Asked) => void>()
  /** Since when nothing was heard of it, though something is waited for. */
  let quietSince = 0
  /** It was asked since then whether it is there. */
  let isGreeted = false
  let watch: NodeJS.Timeout | undefined

  const look = (): void => {
    watch = undefined
    if (waiting.size === 0 || !socket) return
    const leftMs = quietSince + quietMs - performance.now()
    if (leftMs > 0) {
      watchOn(leftMs)
      return
    }
    // One that hangs keeps its end open: what it was asked would wait for ever.
    if (isGreeted) {
      socket.destroy()
      return
    }
    isGreeted = true
    send?.([HELLO, null])
    watchOn(quietMs)
  }
  const watchOn = (afterMs: number): void => {
    if (watch === undefined) watch = setTimeout(look, afterMs).unref()
  }

  const open = (): void => {
    if (socket || performance.now() - triedAt < AGAIN_MS) return
    triedAt = performance.now()
    const opened = connectTo(path)
    socket = opened
    opened.unref()
    const sendOn = gathered<Question>(opened)
    // Connected is not yet there: the system does that for one that hangs, too.
    opened.once('connect', () => sendOn([HELLO, null]))
    lines<Reply>(opened, (replies) => {
      quietSince = performance.now()
      isGreeted = false
      for (const [id, ...answer] of replies) {
        if (id === HELLO && opened.writable) send = sendOn
        const done = waiting.get(id)
        waiting.delete(id)
        done?.(answer.length === 0 ? 'lost' : { answer: answer[0] })
      }
    })
    // Its end follows, and says the same.
    opened.on('error', () => undefined)
    // The other takes nothing more; what it has taken it answers.
    opened.on('end', () => {
      send = undefined
    })
    opened.once('close', () => {
      socket = undefined
      send = undefined
      const lost = [...waiting.values()]
      waiting.clear()
      for (const done of lost) done('lost')
    })
  }

  const ask = (what: unknown): Promise<Asked> =>
    new Promise((resolve) => {
      if (!send) return resolve('unable')
      const id = ++asked
      if (waiting.size === 0) {
        quietSince = performance.now()
        isGreeted = false
      }
      watchOn(quietMs)
      waiting.set(id, resolve)
      send([id, what])
    })

  return {
    /** Undefined while it cannot be asked. */
    get ask() {
      if (!send) open()
      return send && waiting.size < MAX_ASKED ? ask : undefined
    },
    open,
    close: () => socket?.destroy(),
  }
}

export const createPeers = async ({
  socketOf,
  self,
  workers,
  inStep,
  log,
  quietMs = QUIET_MS,
}: PeersOptions): Promise<Peers> => {
  let handle: ((what: never) => Promise<unknown>) | undefined
  let underWay = 0
  let isClosing = false
  let onIdle = (): void => undefined
  const taken = new Set<Socket>()

  const replyTo = async ([id, what]: Question, reply: (reply: Reply) => void): Promise<void> => {
    underWay++
    try {
      if (!handle) return reply([id])
      reply([id, await handle(what as never)])
    } catch (error) {
      log.debug({ err: error }, 'another worker is told that something cannot be done here')
      reply([id])
    } finally {
      underWay--
      if (underWay === 0) onIdle()
    }
  }

  const path = socketOf(self)
  rmSync(path, { force: true })
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    taken.add(socket)
    const reply = gathered<Reply>(socket)
    lines<Question>(socket, (all) => {
      const questions = all.filter(([id]) => id !== HELLO)
      if (questions.length < all.length) reply([HELLO])
      if (questions.length === 0) return
      const step = inStep()
      const take = () => {
        for (const question of questions) void replyTo(question, reply)
      }
      if (!step) return take()
      // Each is told by itself that it cannot be done.
      void step.then(take, () => {
        for (const [id] of questions) reply([id])
      })
    })
    socket.on('error', () => socket.destroy())
    socket.once('end', () => socket.destroy())
    socket.once('close', () => taken.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve())
  })
  server.unref()

  const others = Array.from({ length: workers }, (_, n) =>
    n + 1 === self ? undefined : createLine(socketOf(n + 1), quietMs),
  )
  for (const other of others) other?.open()

  return {
    of(customer) {
      if (workers === 1 || isClosing) return undefined
      return others[keeperOf(customer, workers) - 1]?.ask
    },
    answer(given) {
      handle = given
    },
    async close() {
      isClosing = true
      server.close()
      const idle = new Promise<void>((resolve) => {
        onIdle = resolve
        if (underWay === 0) resolve()
      })
      await comesWithin(idle, CLOSE_MS)
      // What is answered leaves with the next turn.
      await new Promise((resolve) => setImmediate(resolve))
      for (const socket of taken) socket.destroySoon()
      for (const other of others) other?.close()
    },
  }
}
