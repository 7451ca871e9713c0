// How much a node takes on: requests that would wait for too long are refused at the door, before anything is spent on them, and
// say when to come back.
import { createFlow } from '../line/flow.ts'
import { processTime, type Time } from '../line/time.ts'
import { createBatches, type Turn } from './batches.ts'

export type { Turn } from './batches.ts'

export interface Load {
  /** Seconds after which a command is worth sending again; undefined: it will be dealt with soon, so come in. */
  refusal(): number | undefined
  /** The same for a request of many commands, of which no more is known yet. */
  refusalOfMany(): number | undefined
  /** Whether more commands wait than can be done soon, so that what nobody waits for had better leave the node to them. */
  isCrowded(): boolean
  /**
   * Waits until it is the turn of a request of many commands. Gives the turn, which it must end, or the seconds after which it is
   * worth sending again. `bytes`: what it keeps in memory meanwhile.
   */
  begin(commands: number, bytes: number): Promise<Turn | number>
}

export interface LoadOptions {
  /** Commands waiting or under way. */
  readonly pending: () => number
  /** Commands ever asked. */
  readonly asked: () => number
  /** ms of a clock that never goes back. */
  readonly clock: () => number
  readonly time?: Time
}

/** No command is let in that would wait for longer than this behind those before it, ms. */
const MAX_WAIT_MS = 2_000
/** A crowd that comes at once is let in; one that stands for so long is more than the node can do, ms. */
const STANDS_AFTER_MS = 2_000
const BUSY_FROM = 32
const LONGEST_S = 60

const seconds = (ms: number): number => Math.min(LONGEST_S, Math.max(1, Math.ceil(ms / 1_000)))

export const createLoad = ({ pending, asked, clock, time = processTime }: LoadOptions): Load & { stop(): void } => {
  const flow = createFlow({ busyFrom: BUSY_FROM, standsAfterMs: STANDS_AFTER_MS })
  const batches = createBatches({ busyFrom: BUSY_FROM, standsAfterMs: STANDS_AFTER_MS, clock, time })
  const stop = time.onTick(() => {
    flow.look(clock(), pending(), asked() - pending())
    batches.look()
    return pending() === 0 && batches.isEmpty() ? 'calm' : 'watching'
  })
  return {
    refusal() {
      const wait = flow.waitMs(pending())
      return wait > MAX_WAIT_MS ? seconds(wait) : undefined
    },
    refusalOfMany() {
      const wait = batches.refusal(0)
      return wait === undefined ? undefined : seconds(wait)
    },
    isCrowded: () => flow.waitMs(1) > 0 || batches.isCrowded(),
    async begin(commands, bytes) {
      const turn = await batches.begin(commands, bytes)
      return typeof turn === 'number' ? seconds(turn) : turn
    },
    stop,
  }
}
