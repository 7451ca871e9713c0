// The rulebooks of a test's world at each of their revisions, as the runtime would give them.
import type { Rulebook } from '../../src/domain/rulebook/rulebook.ts'
import type { World } from '../given.ts'

export const rulebookHistory = (world: World) => ({
  current: (): Rulebook => world.rulebook,
  at: async (revision: bigint): Promise<Rulebook> => {
    const found = world.rulebooks.get(String(revision))
    if (!found) throw new Error(`no rulebook at ${revision}`)
    return found
  },
})
