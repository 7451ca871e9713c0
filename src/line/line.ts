// A line to a server: one client at a time and what is under way on it, watched and replaced as `health.ts` orders.
import { createHealth, HEALTH_LIMITS, type HealthLimits, type Order, type Witness } from './health.ts'
import { reasonOf } from './reason.ts'
import { type Time, within } from './time.ts'

/** No answer within a call's own time limit: ends that call, and says nothing about the line. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  constructor(ms: number) {
    super(`no answer within ${Math.round(ms)} ms`)
  }
}

/** The client was replaced while a call was under way: the line was dead, and the call's outcome is unknown. */
export class LineReplaced extends Error {
  override readonly name = 'LineReplaced'
  constructor(reason: string) {
    super(`the connection was replaced: ${reason}`)
  }
}

/** What was sent later has long been answered, and this was not: its answer is lost. */
export class AnswerLost extends Error {
  override readonly name = 'AnswerLost'
  constructor() {
    super('what was sent later was answered, and this was not')
  }
}

export interface Generation<Client> {
  readonly client: Client
  /** Resolves when the client before it has ended its calls, where they would disturb each other; undefined once it has. */
  readonly afterLast: Promise<void> | undefined
  /** Called once when this client is given up: its calls may never end by themselves. Returns how to stop listening. */
  onRetired(listener: (error: Error) => void): () => void
}

/** What is under way and reported by whoever does it, such as a read of many records. */
export interface UnderWay {
  /** Something came. */
  heard(): void
  /** It came to its end: the server answered. */
  answered(): void
  /** It ended without an answer; `trouble` when that speaks of the connection. */
  over(trouble?: unknown): void
}

export interface LineHealth {
  readonly ok: boolean
  /** Epoch ms since when the line has been in this state. */
  readonly since: number
  readonly error?: string
}

export interface Line<Client> {
  readonly current: Generation<Client>
  /** False: the server is unavailable, so nothing need be sent. */
  readonly up: boolean
  /**
   * Runs one call for as long as it takes. Rejects as the call does, with LineReplaced, or with AnswerLost. Bounding the time that
   * somebody waits for it is the caller's own affair.
   */
  call<T>(action: (client: Client) => Promise<T>): Promise<T>
  /** Begins something on a generation. */
  begin(generation: Generation<Client>): UnderWay
  /** Something is odd: look whether the server is there. */
  doubt(error: unknown): void
  /** Gives up this client, unless that has been done already, because it cannot work any more. */
  replace(generation: Generation<Client>, reason: string): void
  /** Resolves true once the server is there, false when `ms` of free time pass first. */
  whenUp(ms: number): Promise<boolean>
  health(): LineHealth
  /** Ends the client, and waits a second for it at most. */
  close(): Promise<void>
}

export interface LineOptions<Client> {
  /** Where the server is looked for, for operators. */
  readonly address: string
  readonly open: () => Client
  /** Ends a client and all its calls. */
  readonly end: (client: Client) => Promise<void>
  /** Whether a new client may only be used when the one before has ended. */
  readonly oneAtATime: boolean
  /** Whether a client that has met trouble takes its time until it connects again, so that a new one is better. */
  readonly renews: boolean
  /** A cheap question over the line. */
  readonly ask: (client: Client) => Promise<unknown>
  /** The same over a line of its own, which it closes in the end, or at the signal. */
  readonly askWitness: (signal: AbortSignal) => Promise<unknown>
  /** Whether an error is an answer of the server, rather than trouble with the connection. */
  readonly isAnswer: (error: unknown) => boolean
  /** Whether an error only says that the client has ended: what it ended by was told before, and stays the reason. */
  readonly isEnd?: (error: unknown) => boolean
  readonly time: Time
  readonly limits?: Partial<HealthLimits>
  /** Calls are answered about in the order sent: one that is overtaken for so long, ms, is told that its answer is lost. */
  readonly lostAfterMs?: number
  readonly onTurn: (up: boolean, error: unknown) => void
  readonly onReplaced: (reason: string) => void
}

interface OpenGeneration<Client> extends Generation<Client> {
  retire(error: Error): Promise<void>
}

interface Call {
  readonly number: number
  readonly lost: () => void
}

/** How long the end of the last client is waited for, ms of free time. */
const CLOSE_MS = 1_000

/** How long a witness may take, ms of free time. */
const WITNESS_MS = 1_500

export const openLine = <Client>(options: LineOptions<Client>): Line<Client> => {
  const { open, end, ask, askWitness, isAnswer, time, oneAtATime, lostAfterMs, onTurn, onReplaced } = options
  const limits = { ...HEALTH_LIMITS, ...options.limits }
  const health = createHealth(limits, time.now())
  const waiting = new Set<() => void>()
  let since = time.wall()
  let lastError: unknown
  let closed = false

  const openClient = (last?: Promise<void>): OpenGeneration<Client> => {
    const client = open()
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
        // However long that takes: what the old client does at its end must not happen to the next one.
        await end(client).catch(() => undefined)
      },
    }
  }
  let current = openClient()

  /** Calls not yet answered, in the order in which they were sent. */
  let calls = new Map<number, Call>()
  let sent = 0
  let newestAnswered = 0
  /** Up to which number calls had been overtaken at a time. */
  let overtaken: { readonly at: number; readonly number: number }[] = []

  const tellLost = () => {
    if (lostAfterMs === undefined) return
    const at = time.now()
    if (newestAnswered > (overtaken.at(-1)?.number ?? 0)) overtaken.push({ at, number: newestAnswered })
    let upTo = 0
    while (overtaken.length > 0 && at - overtaken[0]!.at >= lostAfterMs) upTo = overtaken.shift()!.number
    if (upTo === 0) return
    for (const call of calls.values()) {
      if (call.number >= upTo) break
      call.lost()
    }
  }

  const begin = (generation: Generation<Client>): UnderWay => {
    health.sent(time.now())
    let isOver = false
    /** What an ended client still says is about the past. */
    const isCurrent = () => generation === current
    const first = () => {
      const was = isOver
      isOver = true
      return !was && isCurrent()
    }
    return {
      heard: () => {
        if (isCurrent()) health.heard(time.now())
      },
      answered: () => {
        if (first()) health.answered(time.now())
      },
      over: (trouble) => {
        if (!first()) return
        health.over()
        if (trouble !== undefined) doubt(trouble)
      },
    }
  }

  const doubt = (error: unknown) => {
    if (lastError === undefined || !options.isEnd?.(error)) lastError = error
    health.doubt(time.now(), lastError)
    act()
  }

  const call = <T>(action: (client: Client) => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const generation = current
      let underWay: UnderWay | undefined
      const number = ++sent
      const settle = () => {
        calls.delete(number)
        stopListening()
      }
      const fail = (error: unknown) => {
        settle()
        underWay?.over()
        reject(error)
      }
      let isOver = false
      const stopListening = generation.onRetired((error) => {
        isOver = true
        fail(error)
      })
      const start = () => {
        if (isOver) return
        underWay = begin(generation)
        const { answered, over } = underWay
        calls.set(number, { number, lost: () => fail(new AnswerLost()) })
        const noteAnswer = () => {
          if (generation === current) newestAnswered = Math.max(newestAnswered, number)
          answered()
        }
        action(generation.client).then(
          (value) => {
            settle()
            noteAnswer()
            resolve(value)
          },
          (error: unknown) => {
            settle()
            if (isAnswer(error)) noteAnswer()
            else over(error)
            reject(error)
          },
        )
      }
      if (generation.afterLast === undefined) start()
      else void generation.afterLast.then(start)
    })

  /** A client that nothing ever came to is no connection that was lost: that the server is unavailable is told by itself. */
  const replace = (generation: Generation<Client>, reason: string) => {
    if (generation !== current || closed) return
    if (health.ended()) onReplaced(reason)
    openNext(reason)
  }

  const renew = (reason: string) => {
    health.replaced()
    openNext(reason)
  }

  const openNext = (reason: string) => {
    const old = current
    calls = new Map()
    overtaken = []
    newestAnswered = 0
    // A moment later: there is a next client before anybody learns of the end of this one and tries again.
    const retired = Promise.resolve().then(() => old.retire(new LineReplaced(reason)))
    current = openClient(oneAtATime ? retired : undefined)
  }

  const witness = async (): Promise<Witness> => {
    const patience = new AbortController()
    try {
      await within(time, WITNESS_MS, askWitness(patience.signal), () => new NoAnswer(WITNESS_MS))
      return { kind: 'answered' }
    } catch (error) {
      if (error instanceof NoAnswer) return { kind: 'silent' }
      return isAnswer(error) ? { kind: 'answered' } : { kind: 'failed', error }
    } finally {
      patience.abort()
    }
  }

  const turn = (up: boolean, error: unknown) => {
    since = time.wall()
    lastError = up ? undefined : error
    onTurn(up, error)
    if (up) for (const wake of [...waiting]) wake()
  }

  const obey = (order: Order) => {
    if (order.kind === 'askLine') void call(ask).catch(() => undefined)
    else if (order.kind === 'askWitness')
      void witness().then((said) => {
        health.witnessed(time.now(), said)
        act()
      })
    else if (order.kind === 'replace') {
      onReplaced(order.reason)
      renew(order.reason)
    } else if (order.kind === 'renew') {
      if (options.renews) renew('the server is there again')
    } else turn(order.kind === 'up', order.kind === 'down' ? order.error : undefined)
  }
  const act = () => {
    if (!closed) for (const order of health.orders(time.now())) obey(order)
  }

  const stopTicks = time.onTick(() => {
    tellLost()
    act()
    return calls.size === 0 && health.isCalm ? 'calm' : 'watching'
  })

  return {
    get current() {
      return current
    },
    get up() {
      return health.up
    },
    call,
    begin,
    doubt,
    replace,
    whenUp(ms) {
      if (health.up) return Promise.resolve(true)
      return new Promise((resolve) => {
        const over = (up: boolean) => {
          callOff()
          waiting.delete(wake)
          resolve(up)
        }
        const wake = () => over(health.up)
        const callOff = time.after(Math.max(0, ms), () => over(false))
        waiting.add(wake)
      })
    },
    health: () => ({
      ok: health.up,
      since,
      ...(health.up ? {} : { error: `${options.address}: ${reasonOf(lastError)}` }),
    }),
    async close() {
      closed = true
      stopTicks()
      for (const wake of [...waiting]) wake()
      // A client that was left with records nobody reads never says that it has ended, and nobody comes after this one.
      const ended = current.retire(new LineReplaced('closed'))
      await within(time, CLOSE_MS, ended, () => new NoAnswer(CLOSE_MS)).catch(() => undefined)
    },
  }
}
