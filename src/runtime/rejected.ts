// Keeps refused events in their own stream.
import type { RejectedEventDocument } from '../../projections/rejectedEvents.ts'
import { idFrom, REJECTED_STREAM, uuidFrom } from '../domain/ids.ts'
import type { NewFact } from '../domain/recorded.ts'
import type { EventRejected } from '../domain/rejected.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { ReadModel } from '../readmodel/index.ts'
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

export const createRejectedEvents = (
  store: EventStore,
  readModel: Pick<ReadModel, 'collection'>,
  randomKey: () => string,
): RejectedEvents => {
  /**
   * Where it was kept before. An append that expects nothing is told from its repeat by the event store only for as long as that
   * remembers: what is older is in the read models, and where these cannot be asked the event is rather kept twice than not at all.
   */
  const keptAt = async (id: string): Promise<bigint | undefined> => {
    const known = await readModel
      .collection<RejectedEventDocument>('rejectedEvents')
      .findOne({ _id: id }, { projection: { position: 1 } })
      .catch(() => null)
    return known ? BigInt(known.position) : undefined
  }
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
      const before = key === undefined ? undefined : await keptAt(id)
      if (before !== undefined) return { id, position: before }
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
