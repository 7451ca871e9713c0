// The process of erasures: a person is forgotten also when the node that was asked to died on the way.
import { customerOfStream } from '../domain/ids.ts'
import type { Erasures } from '../runtime/erasure.ts'
import type { SnapshotStore } from '../runtime/snapshots.ts'
import type { Process } from './process.ts'

export const erasureProcesses = ({
  erasures,
  snapshots,
}: {
  readonly erasures: Pick<Erasures, 'finish'>
  readonly snapshots: Pick<SnapshotStore, 'erase'>
}): readonly Process[] => [
  {
    name: 'erasures',
    types: ['CustomerErased'],
    async handle({ stream, position }) {
      const customer = customerOfStream(stream)
      if (customer === undefined) return
      await erasures.finish(customer)
      await snapshots.erase(customer, position)
    },
  },
]
