// Keeps refused events in their own stream.
import type { RejectedEventDocument } from '../../projections/rejectedEvents.ts'
import { idFrom, REJECTED_STREAM, uuidFrom } from '../domain/ids.ts'
import type { NewFact } from '../domain/recorded.ts'
import type { EventRejected } from '../domain/rejected.ts'
import type { EventStore } from '../eventstore/index.ts'
import type { Projector } from '../projector/index.ts'
import type { ReadModel } from '../readmodel/index.ts'
import type { CommandContext } from './customers.ts'

export interface RejectedEvents {
  /** Keeps a refused event of a customer; the same content under the same key is kept once. */
  keep(
    customer: string,
    event: Omit<EventRejected, 'id' | 'of' | 'key' | 'print'>,
    context: CommandContext,
  ): Promise<{ id: string; position: bigint }>
  /** Notes that it went in at last, once. Undefined where it was noted before. */
  resent(id: string, customer: string, context: CommandContext): Promise<bigint | undefined>
}

/** How long read models are waited for that have not come to where the log was when this node began, ms. */
const PATIENCE_MS = 2_000

export const createRejectedEvents = (
  store: EventStore,
  readModel: Pick<ReadModel, 'collection'>,
  projector: Pick<Projector, 'waitFor'>,
  randomKey: () => string,
): RejectedEvents => {
  const documentOf = (id: string) =>
    readModel
      .collection<RejectedEventDocument>('rejectedEvents')
      .findOne({ _id: id }, { projection: { position: 1, resent_at: 1 } })
      .catch(() => null)
  /** Where the log was when it was first asked for. */
  let first: bigint | 'nothing' | undefined
  let hasCaughtUp = false
  const catchUp = async (): Promise<boolean> => {
    first ??= (await store.head()) ?? 'nothing'
    return first === 'nothing' || projector.waitFor(first, PATIENCE_MS)
  }
  /**
   * What was noted of an event before, by `was`. An append that expects nothing is told from its repeat by the event store only for as
   * long as that remembers, which may begin with this node: what is older is in the read models, once they have caught up since. Where
   * they cannot be asked something is rather noted twice than not at all.
   */
  const noted = async (
    id: string,
    was: (document: RejectedEventDocument) => boolean,
  ): Promise<RejectedEventDocument | undefined> => {
    const known = await documentOf(id)
    if (known && was(known)) return known
    if (hasCaughtUp) return undefined
    hasCaughtUp = await catchUp().catch(() => false)
    const now = await documentOf(id)
    return now && was(now) ? now : undefined
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
      const before = key === undefined ? undefined : await noted(id, () => true)
      if (before !== undefined) return { id, position: BigInt(before.position) }
      const data = {
        id,
        ...event,
        of: customer,
        ...(key === undefined ? {} : { key, print }),
      }
      return { id, position: await append('EventRejected', uuidFrom('rejected', id), data, context) }
    },
    async resent(id, customer, context) {
      if (await noted(id, ({ resent_at }) => resent_at !== null)) return undefined
      return append('RejectedEventResent', uuidFrom('resent', id), { id, customer, occurredAt: context.now }, context)
    },
  }
}
