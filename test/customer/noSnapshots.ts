// A store of snapshots that keeps none: every customer is read from its stream.
import type { SnapshotStore } from '../../src/runtime/snapshots.ts'

export const NO_SNAPSHOTS: SnapshotStore = {
  load: async () => undefined,
  loadMany: async () => new Map(),
  save: () => true,
  saveAll: async () => {},
  erase: async () => {},
}
