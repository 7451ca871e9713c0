// Keeps refused events in their own stream.
import { idFrom, REJECTED_STREAM, uuidFrom } from '../domain/ids.ts'
import type { NewFact } from '../domain/recorded.ts'
import type { EventRejected } from '../domain/rejected.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { CommandContext } from './customers.ts'

export interface RejectedEvents {
  /** Keeps a refused event of a customer; the same content under the same key is kept once. */
  keep(
    customer: string,
    event: Omit<EventRejected, 'id' | 'of' | 'key' | 'print'>,
    context: CommandContext,
  ): Promise<{ id: string; position: bigint }>
  /** Notes that it went in at last. */
  resent(id: string, customer: string, context: CommandContext): Promise<bigint>
}

export const createRejectedEvents = (store: EventStore, randomKey: () => string): RejectedEvents => {
  const append = async (type: string, id: string, data: NewFact['data'], context: CommandContext): Promise<bigint> => {
    const fact: NewFact = {
      id,
      type,
      data,
      metadata: { $correlationId: context.requestId, actor: context.actor, now: context.now },
    }
    // Refusals do not depend on each other: any order is right, and the id makes a repeat harmless.
    const result = await store.append(
      REJECTED_STREAM,
      [fact],
      'any',
      context.deadline === undefined ? {} : { deadline: context.deadline },
    )
    if (result.kind === 'conflict') throw new Error(`${REJECTED_STREAM}: an append without expectation met a conflict`)
    return result.position
  }
  return {
    async keep(customer, event, context) {
      const { key, print } = context
      const id = idFrom('evrej', customer, key ?? randomKey(), print ?? '')
      const data = {
        id,
        ...event,
        of: customer,
        ...(key === undefined ? {} : { key, print }),
      }
      return { id, position: await append('EventRejected', uuidFrom('rejected', id), data, context) }
    },
    resent: (id, customer, context) =>
      append('RejectedEventResent', uuidFrom('resent', id), { id, customer, occurredAt: context.now }, context),
  }
}
