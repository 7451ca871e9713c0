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
export const PROCESS_KEY = 'process:'

interface Remembered extends KeyRange {
  readonly position: bigint
}

export const createKeyMemory = (saved: SavedKeys = { recent: [] }): KeyMemory => {
  const recent = new Map<string, Remembered>()
  const lasting = new Map<string, Remembered>()
  let forgottenUpTo = saved.forgottenUpTo === undefined ? undefined : BigInt(saved.forgottenUpTo)
  const homeOf = (key: string) => (key.startsWith(PROCESS_KEY) ? lasting : recent)
  for (const [key, first, count, position, print] of saved.recent)
    homeOf(key).set(key, { first: BigInt(first), count, position: BigInt(position), ...(print ? { print } : {}) })
  return {
    find: (key) => homeOf(key).get(key),
    note(key, revision, position, print) {
      const home = homeOf(key)
      const known = home.get(key)
      home.set(
        key,
        known
          ? { ...known, count: known.count + 1 }
          : { first: revision, count: 1, position, ...(print ? { print } : {}) },
      )
      if (recent.size <= MAX_KEYS) return
      for (const [oldest, { position: at }] of recent) {
        recent.delete(oldest)
        if (forgottenUpTo === undefined || at > forgottenUpTo) forgottenUpTo = at
        break
      }
    },
    get forgottenUpTo() {
      return forgottenUpTo
    },
    save: () => ({
      recent: [...recent, ...lasting].map(([key, r]) => {
        const entry = [key, String(r.first), r.count, String(r.position)] as const
        return r.print === undefined ? entry : ([...entry, r.print] as const)
      }),
      ...(forgottenUpTo === undefined ? {} : { forgottenUpTo: String(forgottenUpTo) }),
    }),
  }
}
