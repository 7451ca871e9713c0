// Reserves codes: the first fact of a code's stream says whose it is, and no second one can be there.
import { type CodeOwner, type CodeReserved, codeStream } from '../domain/codes.ts'
import { uuidFrom } from '../domain/ids.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { CommandContext } from './customers.ts'

export interface Codes {
  /** Reserves a code, or says whose it is. Reserving again for the same owner is success. */
  reserve(
    code: string,
    owner: CodeOwner,
    context: Pick<CommandContext, 'requestId' | 'actor' | 'now' | 'deadline'>,
  ): Promise<'reserved' | 'taken'>
  ownerOf(code: string): Promise<CodeOwner | undefined>
}

export const createCodes = (store: EventStore): Codes => {
  const ownerOf = async (code: string): Promise<CodeOwner | undefined> => {
    for await (const fact of store.readStream(codeStream(code), { maxCount: 1 }))
      if (fact.type === 'CodeReserved') return (fact.data as CodeReserved).owner
    return undefined
  }
  return {
    ownerOf,
    async reserve(code, owner, { requestId, actor, now, deadline }) {
      const result = await store.append(
        codeStream(code),
        [
          {
            id: uuidFrom('code', code, owner.type, owner.id),
            type: 'CodeReserved',
            data: { code, owner, occurredAt: now },
            metadata: { $correlationId: requestId, actor, now },
          },
        ],
        'no_stream',
        deadline === undefined ? {} : { deadline },
      )
      if (result.kind === 'appended') return 'reserved'
      const holder = await ownerOf(code)
      return holder?.type === owner.type && holder.id === owner.id ? 'reserved' : 'taken'
    },
  }
}
