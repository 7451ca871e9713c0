// Aliases: which collection answers for a projection's name at the moment.
import type { Collection, Document } from 'mongodb'
import { ReadModelUnavailable } from './errors.ts'
import type { Member } from './lanes.ts'

export interface AliasDocument extends Document {
  /** The projection's name. */
  _id: string
  group: string
  live: Member
  /** What was live before, as far as it has been kept; position is where it stopped, as text. */
  previous: (Member & { readonly position: string | null }) | null
  /** Set while `live` is no longer kept up to date: where it stopped, as text; null: before the first fact. */
  stopped?: string | null
  promotedAt: Date
}

export interface Aliases {
  /** The collection's name. Rejects with ReadModelUnavailable while the projection has never been built. */
  resolve(projection: string): Promise<string>
  /** What a projector of this process has just seen: as good as asking the store, for the same short time. */
  note(members: Readonly<Record<string, Member>>): void
  all(): Promise<readonly AliasDocument[]>
  /** Makes the first alias of a projection; leaves an existing one alone. */
  create(alias: Pick<AliasDocument, '_id' | 'group' | 'live'>): Promise<void>
}

/** An alias is believed for so long: a promotion elsewhere is followed within this time. */
const BELIEVED_MS = 1_000

export const createAliases = (
  collection: () => Collection<AliasDocument>,
  run: <T>(action: () => Promise<T>) => Promise<T>,
): Aliases => {
  const known = new Map<string, { readonly name: string; readonly at: number }>()
  let asking: Promise<void> | undefined

  const refresh = (): Promise<void> => {
    asking ??= (async () => {
      try {
        const found = await run(() => collection().find({}).toArray())
        const at = performance.now()
        for (const { _id, live } of found) known.set(_id, { name: live.collection, at })
      } finally {
        asking = undefined
      }
    })()
    return asking
  }

  return {
    async resolve(projection) {
      const fresh = () => {
        const alias = known.get(projection)
        return alias !== undefined && performance.now() - alias.at <= BELIEVED_MS ? alias.name : undefined
      }
      const believed = fresh()
      if (believed !== undefined) return believed
      await refresh()
      const name = fresh()
      if (name === undefined) throw new ReadModelUnavailable(`the read model "${projection}" has not been built yet`)
      return name
    },
    note(members) {
      const at = performance.now()
      for (const [projection, { collection: name }] of Object.entries(members)) known.set(projection, { name, at })
    },
    all: () => run(() => collection().find({}).sort({ _id: 1 }).toArray()),
    async create({ _id, group, live }) {
      const first = { group, live, previous: null, promotedAt: new Date() }
      await run(() => collection().updateOne({ _id }, { $setOnInsert: first }, { upsert: true }))
    },
  }
}
