// Where workers in tests set items aside: the real thing over documents in memory.
import type { Keyed, ModelCollection, ReadModel } from '../src/readmodel/index.ts'
import { createSetAside, type SetAside } from '../src/worker/setAside.ts'

/** Documents in memory, with the calls that workers make of a plain collection; filters are not looked at, but for the key. */
export const plainInMemory = (): Pick<ReadModel, 'plain'> => {
  const kept = new Map<string, Map<string, { readonly _id: string }>>()
  return {
    plain: <D extends Keyed>(name: string) => {
      const documents = kept.get(name) ?? new Map<string, { readonly _id: string }>()
      kept.set(name, documents)
      const calls = {
        findOne: async ({ _id }: { _id: string }) => documents.get(_id) ?? null,
        find: async () => [...documents.values()],
        count: async () => documents.size,
        replaceOne: async (_: unknown, document: { readonly _id: string }) =>
          void documents.set(document._id, document),
        deleteOne: async ({ _id }: { _id: string }) => ({ deletedCount: Number(documents.delete(_id)) }),
      }
      return calls as unknown as ModelCollection<D>
    },
  }
}

export const asideInMemory = (retryEveryMs = 60_000): SetAside =>
  createSetAside({
    readModel: plainInMemory(),
    log: { warn: () => {}, error: () => {} },
    now: Date.now,
    retryEveryMs,
  })
