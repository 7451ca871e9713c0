// The one clock of a node: everything that says or compares a time of day asks it. It goes by the machine's clock as long as
// that is to be believed, and by the time before while it is not.
import { uptime } from 'node:os'
import type { Registry } from 'prom-client'
import type { Logger } from '../log.ts'
import { gaugesIn } from '../metrics.ts'
import { confirm, type Distrust, firstLook, look, type Reading, type Trust, testify, timeOf, whyNot } from './trust.ts'

/** The clocks of the machine, ms. */
export interface Machine {
  /** Since the epoch. */
  wall(): number
  /** Since some beginning, without what it costs to ask the system; may stand while the machine sleeps. */
  steady(): number
  /** The same, going on while the machine sleeps. */
  boot(): number
}

export const systemMachine: Machine = {
  wall: Date.now,
  steady: () => performance.now(),
  boot: () => uptime() * 1_000,
}

export interface NodeClock {
  /** ms since the epoch. */
  now(): number
  /** Why the machine's clock is not believed now; undefined while it is. Then work that waits for a time is left alone. */
  distrust(): Distrust | undefined
  /** The newest fact that was in the log before this node wrote to it was recorded then, ms. */
  found(newest: number): void
  /** Asks a clock on another machine for its time (ms since the epoch) from now on; its failures are nobody's. */
  listenTo(witness: () => Promise<number>): void
  /** An operator says that the machine's clock is right. */
  confirm(): void
  /**
   * Calls back when the time has gone on by more or less than timers have: the machine slept, or its clock was set. Whoever waits for
   * a time of day by a timer has to work out anew how long. Returns how to stop.
   */
  onJump(listener: () => void): () => void
  stop(): void
}

/** It is looked at so often when nobody asks for the time, ms: at each tick of a calm process, not at each of a busy one. */
const LOOK_EVERY_MS = 900
/** Less than that between the time and timers is not told, ms. */
const JUMP_MS = 500
/** How often another machine is asked for its time, ms; more often while the clock is not believed. */
const ASK_EVERY_MS = 60_000
const ASK_AGAIN_MS = 5_000
/** An answer that took longer says too little, ms. */
const SLOW_MS = 20_000

export interface NodeClockOptions {
  readonly log: Pick<Logger, 'warn' | 'info'>
  readonly machine?: Machine
  /** Calls back about every second at least, from now on; returns how to stop. Shared with others, since each costs a waking. */
  readonly onTick: (tick: () => 'calm') => () => void
}

export const createNodeClock = ({ log, machine = systemMachine, onTick }: NodeClockOptions): NodeClock => {
  /** `boot` as of `steady`: in between the latter, which is cheaper, goes on for it. */
  let boot = machine.boot()
  let steady = machine.steady()
  const quick = (): Reading => ({ wall: machine.wall(), boot: boot + (machine.steady() - steady) })
  const exact = (): Reading => {
    boot = machine.boot()
    steady = machine.steady()
    return { wall: machine.wall(), boot }
  }
  let trust: Trust = firstLook(exact())
  let asking: NodeJS.Timeout | undefined
  let stopped = false

  const take = (next: Trust): void => {
    const before = trust.distrust
    trust = next
    if (!before && next.distrust) log.warn({ reason: whyNot(next.distrust) }, 'the clock is not believed')
    if (before && !next.distrust) log.info('the clock is believed again')
  }
  const read = (): Reading => {
    const reading = quick()
    const next = look(trust, reading)
    if (next.distrust === undefined && trust.distrust === undefined) {
      trust = next
      return reading
    }
    // It may have slept meanwhile.
    const sure = exact()
    take(look(trust, sure))
    return sure
  }
  const now = () => {
    // The look comes first: it may be the one that believes no more.
    const reading = read()
    return timeOf(trust, reading)
  }
  const jumped = new Set<() => void>()
  let lookedAt = steady
  let timeThen = now()
  const stopLooking = onTick(() => {
    const passed = machine.steady() - lookedAt
    if (passed < LOOK_EVERY_MS) return 'calm'
    exact()
    const time = now()
    const isJump = Math.abs(time - timeThen - passed) > JUMP_MS
    lookedAt += passed
    timeThen = time
    if (isJump) for (const tell of [...jumped]) tell()
    return 'calm'
  })

  return {
    now,
    distrust() {
      read()
      return trust.distrust
    },
    found(newest) {
      const first = firstLook(exact(), newest)
      // Whoever was believed until now has been at work for a while; what is in doubt already is not made more so.
      if (first.distrust && !trust.distrust) take({ ...trust, ...first })
    },
    listenTo(witness) {
      const ask = async (): Promise<void> => {
        const asked = exact().boot
        const time = await witness().catch(() => undefined)
        const reading = exact()
        if (stopped) return
        if (time !== undefined && reading.boot - asked < SLOW_MS)
          take(testify(trust, { time, boot: (asked + reading.boot) / 2 }, reading))
        asking = setTimeout(() => void ask(), trust.distrust ? ASK_AGAIN_MS : ASK_EVERY_MS)
        asking.unref()
      }
      void ask()
    },
    confirm() {
      take(confirm(trust, exact()))
    },
    onJump(listener) {
      jumped.add(listener)
      return () => jumped.delete(listener)
    },
    stop() {
      stopped = true
      stopLooking()
      clearTimeout(asking)
    },
  }
}

/** What operators see of it. */
export const clockMetrics = (registry: Registry, clock: Pick<NodeClock, 'distrust'>): void => {
  const gauge = gaugesIn(registry)
  gauge('tributary_clock_distrusted', "1 while the machine's clock is not believed", () => (clock.distrust() ? 1 : 0))
  gauge(
    'tributary_clock_ahead_seconds',
    'How far the clock is ahead of the time that is gone by while it is not believed',
    () => (clock.distrust()?.aheadMs ?? 0) / 1_000,
  )
}
