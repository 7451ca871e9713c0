// The test mode: what servers do in production when things go wrong, injected on demand or at random.
import * as v from 'valibot'

/** What can become of an append. */
const APPEND_FAULTS = [
  /** Refused: another node is said to be the leader (it is this one, so that a client that follows comes back). */
  'not-leader',
  /** Refused: the server is starting or stopping. */
  'not-ready',
  /** Written, and answered `delayMs` later; past the write time-out the answer is a time-out. */
  'slow',
  /** Written, then the connection breaks instead of the answer. */
  'lost-answer',
  /** Written, and answered a second time a moment later, as a real server does after a bad request. */
  'answered-twice',
  /** Written, and never answered. */
  'never-answered',
] as const
/** What can become of a subscription. */
const SUBSCRIPTION_FAULTS = ['subscription-unavailable', 'subscription-too-slow'] as const

export type AppendFault = (typeof APPEND_FAULTS)[number]
export type SubscriptionFault = (typeof SUBSCRIPTION_FAULTS)[number]

const Kind = v.picklist([...APPEND_FAULTS, ...SUBSCRIPTION_FAULTS])
export type FaultKind = v.InferOutput<typeof Kind>

/** A fault that happens `times` times (default 1) after `skip` chances went by (default 0). */
export const Injection = v.object({
  kind: Kind,
  times: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1),
  skip: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
  delayMs: v.optional(v.pipe(v.number(), v.minValue(0)), 100),
})
export type Injection = v.InferInput<typeof Injection>

/** Faults at random: the chance of each kind at each append, or at each batch of events to a subscriber. */
export const RandomFaults = v.object({
  seed: v.number(),
  chances: v.partial(v.object(v.entriesFromList(Kind.options, v.pipe(v.number(), v.minValue(0), v.maxValue(1))))),
  delayMs: v.optional(v.pipe(v.number(), v.minValue(0)), 100),
})
export type RandomFaults = v.InferInput<typeof RandomFaults>

export interface Faults {
  inject(injection: Injection): void
  random(faults: RandomFaults): void
  /** No more faults; `refuse` is off as well. */
  clear(): void
  /** While on, the server refuses everything, as one does that is being stopped. */
  refuse(on: boolean): void
  refuses(): boolean
  /** Faults that have happened, by kind. */
  happened(): Readonly<Partial<Record<FaultKind, number>>>
  /** Asked once for each append. */
  ofAppend(): { readonly kind: AppendFault; readonly delayMs: number } | undefined
  /** Asked once for each batch of events to a subscriber. */
  ofSubscription(): SubscriptionFault | undefined
}

/** Numbers in [0, 1), the same for the same seed (mulberry32), so that a run can be repeated. */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export const createFaults = (): Faults => {
  let armed: { readonly kind: FaultKind; left: number; skip: number; readonly delayMs: number }[] = []
  let atRandom: { readonly next: () => number; readonly options: v.InferOutput<typeof RandomFaults> } | undefined
  let refusing = false
  const counts: Partial<Record<FaultKind, number>> = {}

  const draw = <K extends FaultKind>(
    kinds: readonly K[],
  ): { readonly kind: K; readonly delayMs: number } | undefined => {
    const hit = (kind: K, delayMs: number) => {
      counts[kind] = (counts[kind] ?? 0) + 1
      return { kind, delayMs }
    }
    for (const kind of kinds) {
      const injection = armed.find((one) => one.kind === kind)
      if (injection === undefined) continue
      if (injection.skip-- > 0) continue
      if (--injection.left === 0) armed = armed.filter((one) => one !== injection)
      return hit(kind, injection.delayMs)
    }
    if (atRandom === undefined) return undefined
    for (const kind of kinds) {
      const chance = atRandom.options.chances[kind] ?? 0
      if (chance > 0 && atRandom.next() < chance) return hit(kind, atRandom.options.delayMs)
    }
    return undefined
  }

  return {
    inject: (injection) => {
      const { kind, times, skip, delayMs } = v.parse(Injection, injection)
      armed = [...armed, { kind, left: times, skip, delayMs }]
    },
    random: (faults) => {
      const options = v.parse(RandomFaults, faults)
      atRandom = { options, next: seededRandom(options.seed) }
    },
    clear: () => {
      armed = []
      atRandom = undefined
      refusing = false
    },
    refuse: (on) => {
      refusing = on
    },
    refuses: () => refusing,
    happened: () => ({ ...counts }),
    ofAppend: () => draw(APPEND_FAULTS),
    ofSubscription: () => draw(SUBSCRIPTION_FAULTS)?.kind,
  }
}
