// The process of erasures: a person is forgotten also when the node that was asked to died on the way.
import { customerOfStream } from '../domain/ids.ts'
import type { Erasures } from '../runtime/erasure.ts'
import type { Process } from './process.ts'

export const erasureProcesses = ({ erasures }: { readonly erasures: Pick<Erasures, 'finish'> }): readonly Process[] => [
  {
    name: 'erasures',
    types: ['CustomerErased'],
    async handle({ stream }) {
      const customer = customerOfStream(stream)
      if (customer !== undefined) await erasures.finish(customer)
    },
  },
]
