// The state of a persistent subscription's group: what waits, what is with which consumer, what is done. Pure: it is told what
// happens and says what is to be done; the clock is given.
import { choose, type Strategy } from './strategy.ts'

export interface GroupRules {
  readonly strategy: Strategy
  /** ms until a message without an answer is sent again; 0: never. */
  readonly messageTimeoutMs: number
  /** A message that failed so often is parked. */
  readonly maxRetryCount: number
  /** 0: any number. */
  readonly maxSubscribers: number
  /** Messages that are read ahead. */
  readonly bufferSize: number
  readonly checkpointAfterMs: number
  readonly minCheckpointCount: number
  readonly maxCheckpointCount: number
}

export interface Message {
  /** Id of the event, or of the link that led to it: consumers answer by it. */
  readonly id: string
  /** Revision, or position in `$all`; undefined for one that was parked and is sent again. */
  readonly place: number | undefined
  /** Where the record lies. */
  readonly position: number
  /** What keeps messages together when consumers are pinned. */
  readonly pin: string
  readonly retries: number
}

export type Effect =
  | { readonly kind: 'send'; readonly consumer: string; readonly message: Message }
  /** To be confirmed by `parked`. */
  | { readonly kind: 'park'; readonly message: Message; readonly reason: string }
  | { readonly kind: 'checkpoint'; readonly place: number }

export type NackAction = 'park' | 'retry' | 'skip' | 'stop'

export interface Group {
  /** False when there are as many consumers as may be. `slots`: messages that it takes at a time. */
  connect(consumer: string, slots: number): boolean
  /** It gets nothing more as long as it does not take what was sent. */
  hold(consumer: string): void
  letGo(consumer: string): void
  /** What it had is sent to others. */
  disconnect(consumer: string): void
  /** Adds what was read, in order. */
  offer(messages: readonly Message[]): void
  /** Nothing up to there, beyond what was offered, is of interest. */
  skipTo(place: number): void
  /** How many more may be read. */
  room(): number
  /** Sent before what was read ahead. */
  replay(messages: readonly Message[]): void
  ack(consumer: string, ids: readonly string[], now: number): void
  nack(consumer: string, ids: readonly string[], action: NackAction, reason: string, now: number): void
  /** The message was parked. */
  parked(message: Message): void
  /** Looks at time-outs and hands out what waits: what is to be done now. */
  next(now: number): readonly Effect[]
  status(): GroupStatus
}

export interface ConsumerStatus {
  readonly key: string
  readonly inFlight: number
  readonly free: number
  readonly total: number
  /** ms between sending and the answer, the newest ones. */
  readonly answerMs: readonly number[]
}

export interface GroupStatus {
  readonly consumers: readonly ConsumerStatus[]
  readonly buffered: number
  readonly retrying: number
  readonly inFlight: number
  readonly total: number
  /** The newest place that was read; undefined: none yet. */
  readonly lastKnown: number | undefined
  /** Everything up to there is done. */
  readonly done: number | undefined
}

interface Consumer {
  readonly key: string
  readonly slots: number
  isHeld: boolean
  inFlight: number
  total: number
  answerMs: number[]
}

interface Flight {
  readonly message: Message
  readonly consumer: Consumer
  readonly sentAt: number
}

/** Messages that are handed out in one step: what they weigh is known only once they are sent. */
const MOST_AT_ONCE = 32
/** Answer times that are kept of a consumer. */
const KEPT_TIMES = 100

/** `done`: everything up to there was done before, or undefined. */
export const createGroup = (rules: GroupRules, done: number | undefined): Group => {
  const consumers = new Map<string, Consumer>()
  let buffer: Message[] = []
  let retries: Message[] = []
  /** By id, in the order in which they were sent, which is that of their time-outs. */
  const flights = new Map<string, Flight>()
  const parking = new Map<string, { readonly message: Message; readonly reason: string; told: boolean }>()
  /** Places that were read, in order, and whether they are done. */
  let places: { readonly place: number; isDone: boolean }[] = []
  const byPlace = new Map<number, { readonly place: number; isDone: boolean }>()
  let settled = done
  let written = done
  let sinceWritten = 0
  let writtenAt = Number.NEGATIVE_INFINITY
  let lastKnown = done
  let turn = 0
  let total = 0

  const settle = () => {
    let count = 0
    while (count < places.length && places[count]!.isDone) {
      settled = places[count]!.place
      byPlace.delete(settled)
      count++
    }
    if (count > 0) places = places.slice(count)
    sinceWritten += count
  }
  const finish = ({ place }: Message) => {
    const entry = place === undefined ? undefined : byPlace.get(place)
    if (entry === undefined) return
    entry.isDone = true
    if (entry === places[0]) settle()
  }
  const again = (message: Message) => {
    retries.push({ ...message, retries: message.retries + 1 })
  }
  const park = (message: Message, reason: string) => void parking.set(message.id, { message, reason, told: false })
  const retryOrPark = (message: Message, reason: string) => {
    if (message.retries >= rules.maxRetryCount) park(message, reason)
    else again(message)
  }
  const land = (id: string): Flight | undefined => {
    const flight = flights.get(id)
    if (flight === undefined) return undefined
    flights.delete(id)
    flight.consumer.inFlight--
    return flight
  }
  /** Only who has a message can answer for it. */
  const answered = (consumer: string, id: string, now: number): Message | undefined => {
    const flight = flights.get(id)
    if (flight === undefined || flight.consumer.key !== consumer) return undefined
    const { answerMs } = flight.consumer
    answerMs.push(now - flight.sentAt)
    if (answerMs.length > KEPT_TIMES) answerMs.shift()
    land(id)
    return flight.message
  }
  const timeOut = (now: number) => {
    if (rules.messageTimeoutMs === 0) return
    for (const [id, { message, sentAt }] of flights) {
      if (now - sentAt < rules.messageTimeoutMs) return
      land(id)
      retryOrPark(message, 'no answer in time')
    }
  }
  const checkpointDue = (now: number): boolean =>
    settled !== undefined &&
    settled !== written &&
    (sinceWritten >= rules.maxCheckpointCount ||
      (now - writtenAt >= rules.checkpointAfterMs && sinceWritten >= rules.minCheckpointCount))

  /** Hands out of one queue what finds a consumer; what does not, stays in order. */
  const handOut = (queue: readonly Message[], now: number, effects: Effect[]): Message[] => {
    const left: Message[] = []
    const candidates: { readonly key: string; free: number }[] = [...consumers.values()].map((one) => ({
      key: one.key,
      free: one.isHeld ? 0 : one.slots - one.inFlight,
    }))
    let free = candidates.reduce((sum, one) => sum + one.free, 0)
    for (const [i, message] of queue.entries()) {
      if (free === 0 || effects.length >= MOST_AT_ONCE) return [...left, ...queue.slice(i)]
      // Who has it already would answer for both at once.
      const chosen = flights.has(message.id) ? undefined : choose(rules.strategy, candidates, message.pin, turn)
      const candidate = candidates.find(({ key }) => key === chosen?.key)
      if (candidate === undefined) {
        left.push(message)
        continue
      }
      const consumer = consumers.get(candidate.key)!
      turn++
      free--
      candidate.free--
      consumer.inFlight++
      consumer.total++
      total++
      flights.set(message.id, { message, consumer, sentAt: now })
      effects.push({ kind: 'send', consumer: candidate.key, message })
    }
    return left
  }

  return {
    connect: (key, slots) => {
      if (rules.maxSubscribers > 0 && consumers.size >= rules.maxSubscribers) return false
      consumers.set(key, { key, slots, isHeld: false, inFlight: 0, total: 0, answerMs: [] })
      return true
    },
    hold: (key) => {
      const consumer = consumers.get(key)
      if (consumer !== undefined) consumer.isHeld = true
    },
    letGo: (key) => {
      const consumer = consumers.get(key)
      if (consumer !== undefined) consumer.isHeld = false
    },
    disconnect: (key) => {
      const lost = [...flights.values()].filter(({ consumer }) => consumer.key === key)
      for (const { message } of lost) {
        land(message.id)
        again(message)
      }
      consumers.delete(key)
    },
    offer: (messages) => {
      for (const message of messages) {
        if (message.place !== undefined) {
          const entry = { place: message.place, isDone: false }
          places.push(entry)
          byPlace.set(message.place, entry)
          lastKnown = message.place
        }
        buffer.push(message)
      }
    },
    skipTo: (place) => {
      const last = places.at(-1)?.place ?? settled ?? -1
      if (place <= last) return
      const entry = { place, isDone: true }
      places.push(entry)
      if (entry === places[0]) settle()
    },
    room: () => Math.max(0, rules.bufferSize - buffer.length),
    replay: (messages) => {
      for (const message of messages) retries.push(message)
    },
    ack: (consumer, ids, now) => {
      for (const id of ids) {
        const message = answered(consumer, id, now)
        if (message !== undefined) finish(message)
      }
    },
    nack: (consumer, ids, action, reason, now) => {
      for (const id of ids) {
        const message = answered(consumer, id, now)
        if (message === undefined) continue
        switch (action) {
          case 'park':
            park(message, reason)
            break
          case 'retry':
            retryOrPark(message, reason)
            break
          case 'skip':
          case 'stop':
            finish(message)
            break
          default:
            action satisfies never
        }
      }
    },
    parked: (message) => {
      parking.delete(message.id)
      finish(message)
    },
    next: (now) => {
      timeOut(now)
      const effects: Effect[] = []
      for (const one of parking.values()) {
        if (one.told) continue
        one.told = true
        effects.push({ kind: 'park', message: one.message, reason: one.reason })
      }
      if (consumers.size > 0) {
        retries = handOut(retries, now, effects)
        buffer = handOut(buffer, now, effects)
      }
      if (writtenAt === Number.NEGATIVE_INFINITY) writtenAt = now
      if (checkpointDue(now)) {
        written = settled
        writtenAt = now
        sinceWritten = 0
        effects.push({ kind: 'checkpoint', place: settled! })
      }
      return effects
    },
    status: () => ({
      consumers: [...consumers.values()].map(({ key, slots, inFlight, total: all, answerMs }) => ({
        key,
        inFlight,
        free: slots - inFlight,
        total: all,
        answerMs,
      })),
      buffered: buffer.length,
      retrying: retries.length,
      inFlight: flights.size,
      total,
      lastKnown,
      done: settled,
    }),
  }
}
