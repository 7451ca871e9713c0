// What is known of a line to a server, and what is to be done about it. Pure: times come from outside, orders go back.
//
// A line is suspected only while something is waited for and nothing at all comes back on it. A suspicion is looked into in two
// ways at once: by a question over the line itself, and by a witness, the same question over a new line. Only when the witness
// is answered and the line stays silent is the line dead; when the witness is not answered either, the server is slow, or gone,
// and a new line would not help. Any answer ends every suspicion.

export interface HealthLimits {
  /** A line that is silent for so long, ms, is suspected. */
  readonly silenceMs: number
  /** Once the witness was answered, the line has so long to say something too, ms. */
  readonly graceMs: number
  /** When line and witness have been silent for so long, ms, the server counts as down: new requests are refused at once. */
  readonly downMs: number
  /** A line on which nothing is waited for is asked so often, ms, so that its end is noticed. */
  readonly idleMs: number
  /** Time between two witnesses, and between two questions over the line itself, ms. */
  readonly witnessEveryMs: number
}

export const HEALTH_LIMITS: HealthLimits = {
  silenceMs: 1_500,
  graceMs: 1_000,
  downMs: 8_000,
  idleMs: 5_000,
  witnessEveryMs: 300,
}

export type Order =
  /** A question over the line itself: counts as sent until it is answered or over. */
  | { readonly kind: 'askLine' }
  /** The same question over a new line; tell `witnessed`. */
  | { readonly kind: 'askWitness' }
  /** The line is dead: make a new one and tell `replaced`. */
  | { readonly kind: 'replace'; readonly reason: string }
  /** Nothing is under way, calls have failed, and the server is there: a new line will work at once. To be dealt with as `replace`. */
  | { readonly kind: 'renew' }
  | { readonly kind: 'down'; readonly error: unknown }
  | { readonly kind: 'up' }

/** What came of asking a witness. */
export type Witness =
  | { readonly kind: 'answered' }
  /** The server cannot be reached, for this reason. */
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'silent' }

/** All times are ms of free time (see `Time.now`). */
export interface Health {
  readonly up: boolean
  /** Nothing is waited for, and nothing is in doubt: the next orders need not come soon. */
  readonly isCalm: boolean
  /** Something was sent that is to be answered. */
  sent(at: number): void
  /** What was sent is answered. */
  answered(at: number): void
  /** What was sent will not be answered any more, which says nothing: it was given up, or ended with its connection. */
  over(): void
  /** Something came that is no answer by itself, such as a record among many. */
  heard(at: number): void
  /** The connection broke, or the client behaves oddly: a witness is asked at once. */
  doubt(at: number, error: unknown): void
  witnessed(at: number, witness: Witness): void
  /** There is a new line in place of a dead one; nothing is sent on it yet. */
  replaced(): void
  /**
   * The line ended by itself and there is a new one: what was silent before stays so until something comes. Whether anything had come
   * on the old one.
   */
  ended(): boolean
  /** What is to be done now; to be asked often, and at least every second or so while it is calm. */
  orders(at: number): readonly Order[]
}

export const createHealth = (limits: HealthLimits, start: number): Health => {
  let up = true
  let waiting = 0
  let heardAt = start
  /** Anything has come on the line that there is now. */
  let isHeard = false
  /** Since when something is asked and nothing comes; undefined: nothing was asked since the last answer. */
  let silentSince: number | undefined
  let doubted = false
  /** Something ended with trouble, and nothing has come since. */
  let broken = false
  let lineAskedAt: number | undefined
  let askedAt = start
  /** A question that fails at once must not be asked again at once, for ever. */
  let nextLineAt = start
  let witnessAskedAt: number | undefined
  let witnessAnsweredAt: number | undefined
  let nextWitnessAt = start
  let lastError: unknown
  let turned: Order[] = []

  const turn = (to: boolean, error?: unknown) => {
    if (up === to) return
    up = to
    turned.push(to ? { kind: 'up' } : { kind: 'down', error })
  }
  const heard = (at: number) => {
    heardAt = at
    isHeard = true
    silentSince = waiting === 0 ? undefined : at
    doubted = false
    broken = false
    witnessAnsweredAt = undefined
    lastError = undefined
    turn(true)
  }
  const over = () => {
    waiting = Math.max(0, waiting - 1)
    if (waiting === 0) lineAskedAt = undefined
  }
  /** Calls that failed one after the other are silence too. */
  const silence = (at: number) => (silentSince === undefined || (waiting === 0 && !broken) ? 0 : at - silentSince)

  return {
    get up() {
      return up
    },
    get isCalm() {
      return up && waiting === 0 && !doubted && !broken && witnessAskedAt === undefined && turned.length === 0
    },
    sent(at) {
      silentSince ??= at
      waiting++
    },
    answered(at) {
      over()
      heard(at)
      lineAskedAt = undefined
    },
    over,
    heard,
    doubt(at, error) {
      doubted = true
      broken = true
      lastError = error
      nextWitnessAt = Math.min(nextWitnessAt, at)
    },
    witnessed(at, witness) {
      const askedAt = witnessAskedAt ?? at
      witnessAskedAt = undefined
      nextWitnessAt = at + limits.witnessEveryMs
      if (witness.kind === 'answered') {
        witnessAnsweredAt ??= at
        turn(true)
        if (silence(at) < limits.silenceMs) doubted = false
        if (broken && waiting === 0) turned.push({ kind: 'renew' })
        broken = false
        return
      }
      witnessAnsweredAt = undefined
      if (witness.kind === 'silent') return
      lastError = witness.error
      // The line may be well while new ones are refused.
      if (heardAt < askedAt) turn(false, witness.error)
    },
    ended() {
      const wasHeard = isHeard
      isHeard = false
      waiting = 0
      lineAskedAt = undefined
      if (silentSince !== undefined) broken = true
      return wasHeard
    },
    replaced() {
      isHeard = false
      waiting = 0
      silentSince = undefined
      doubted = false
      broken = false
      lineAskedAt = undefined
      witnessAnsweredAt = undefined
    },
    orders(at) {
      const orders = turned
      turned = []
      const silentMs = silence(at)
      const suspected = silentMs >= limits.silenceMs
      const isIdle = waiting === 0 && up && at - Math.max(heardAt, askedAt) >= limits.idleMs
      if ((suspected || isIdle) && lineAskedAt === undefined && at >= nextLineAt) {
        lineAskedAt = at
        askedAt = at
        nextLineAt = at + limits.witnessEveryMs
        orders.push({ kind: 'askLine' })
      }
      if (suspected) doubted = true
      if ((doubted || !up) && witnessAskedAt === undefined && at >= nextWitnessAt) {
        witnessAskedAt = at
        orders.push({ kind: 'askWitness' })
      }
      if (suspected && witnessAnsweredAt !== undefined) {
        if (at - Math.max(witnessAnsweredAt, lineAskedAt ?? at) >= limits.graceMs) {
          witnessAnsweredAt = undefined
          orders.push({ kind: 'replace', reason: `silent for ${Math.round(silentMs)} ms while new lines are answered` })
        }
      } else if (up && silentMs >= limits.downMs) {
        up = false
        orders.push({ kind: 'down', error: lastError ?? new Error(`no answer for ${Math.round(silentMs)} ms`) })
      }
      return orders
    },
  }
}
