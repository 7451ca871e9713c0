// The process of erasures: a person is forgotten also when the node that was asked to died on the way.
import { customerOfStream } from '../domain/ids.ts'
import { type Erasures, RETENTION } from '../runtime/erasure.ts'
import type { SnapshotStore } from '../runtime/snapshots.ts'
import type { Process } from './process.ts'

export const erasureProcesses = ({
  erasures,
  snapshots,
}: {
  readonly erasures: Pick<Erasures, 'finish' | 'forget'>
  readonly snapshots: Pick<SnapshotStore, 'erase'>
}): readonly Process[] => [
  {
    name: 'erasures',
    types: ['CustomerErased'],
    async handle({ stream, position, metadata }) {
      const customer = customerOfStream(stream)
      if (customer === undefined) return
      // Who was long inactive is in no answer that is kept, so that those of others need not go.
      if (metadata.actor?.name === RETENTION && metadata.actor.role === 'system')
        await erasures.forget(customer, position)
      else await erasures.finish(customer, position)
      await snapshots.erase(customer, position)
    },
  },
]
