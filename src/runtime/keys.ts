// The command keys that a customer's stream remembers, so that a repeated command is recognised and does nothing twice.

/** How many recent keys a customer keeps; older ones are looked up in the activity read model. */
export const MAX_KEYS = 1_000

/** Where a command's facts stand in its stream. */
export interface KeyRange {
  readonly first: bigint
  readonly count: number
  /** The fingerprint of the command's content; absent where none was recorded: it counts as any. */
  readonly print?: string
}

export interface KeyMemory {
  find(key: string): KeyRange | undefined
  /** Notes that the fact at `revision` was recorded by the command `key`. */
  note(key: string, revision: bigint, position: bigint, print?: string): void
  /** The position of the newest key that was dropped for want of room; undefined while none was. */
  readonly forgottenUpTo: bigint | undefined
  save(): SavedKeys
}

export interface SavedKeys {
  readonly recent: readonly (readonly [key: string, first: string, count: number, position: string, print?: string])[]
  readonly forgottenUpTo?: string
}

/** Commands of a process between two streams: their keys are never forgotten (they are few). */
const PROCESS_KEY = 'process:'

interface Remembered extends KeyRange {
  readonly position: bigint
}

const NONE: ReadonlyMap<string, Remembered> = new Map()

/** A class, and one map where one will do: tens of thousands of customers have one each in memory. */
class Keys implements KeyMemory {
  readonly #recent = new Map<string, Remembered>()
  /** Most customers have none. */
  #lasting: Map<string, Remembered> | undefined
  forgottenUpTo: bigint | undefined

  constructor(saved: SavedKeys) {
    this.forgottenUpTo = saved.forgottenUpTo === undefined ? undefined : BigInt(saved.forgottenUpTo)
    for (const [key, first, count, position, print] of saved.recent)
      this.#homeOf(key).set(key, {
        first: BigInt(first),
        count,
        position: BigInt(position),
        print,
      })
  }

  #homeOf(key: string): Map<string, Remembered> {
    if (!key.startsWith(PROCESS_KEY)) return this.#recent
    this.#lasting ??= new Map()
    return this.#lasting
  }

  find(key: string): KeyRange | undefined {
    return (key.startsWith(PROCESS_KEY) ? (this.#lasting ?? NONE) : this.#recent).get(key)
  }

  note(key: string, revision: bigint, position: bigint, print?: string): void {
    const home = this.#homeOf(key)
    const known = home.get(key)
    home.set(key, known ? { ...known, count: known.count + 1 } : { first: revision, count: 1, position, print })
    if (this.#recent.size <= MAX_KEYS) return
    for (const [oldest, { position: at }] of this.#recent) {
      this.#recent.delete(oldest)
      if (this.forgottenUpTo === undefined || at > this.forgottenUpTo) this.forgottenUpTo = at
      break
    }
  }

  save(): SavedKeys {
    return {
      recent: [...this.#recent, ...(this.#lasting ?? NONE)].map(([key, r]) => {
        const entry = [key, String(r.first), r.count, String(r.position)] as const
        return r.print === undefined ? entry : ([...entry, r.print] as const)
      }),
      ...(this.forgottenUpTo === undefined ? {} : { forgottenUpTo: String(this.forgottenUpTo) }),
    }
  }
}

export const createKeyMemory = (saved: SavedKeys = { recent: [] }): KeyMemory => new Keys(saved)
