// Explaining: the chain of causes from the request to a fact.
import { LRUCache } from 'lru-cache'
import { activityId, factIdOf } from '../domain/customer/activity.ts'
import { spreadDeclined } from '../domain/customer/declined.ts'
import type { Declined } from '../domain/customer/draft.ts'
import { customerStream } from '../domain/ids.ts'
import { decidedAt, type RecordedFact } from '../domain/recorded.ts'
import { kindNames } from '../domain/rulebook/kinds.ts'
import type { Rulebook } from '../domain/rulebook/rulebook.ts'
import type { Keyed } from '../readmodel/index.ts'
import type { Services } from '../services.ts'

/** One link of a chain of causes. */
export interface ExplainedFact {
  readonly id: string
  readonly type: string
  readonly stream: string
  readonly revision: string
  readonly data: unknown
  readonly decided_at: string
  readonly recorded_at: string
  readonly request: string
  readonly actor: unknown
  readonly rulebook: string | null
  /** The definition that the fact names, as it was then. */
  readonly definition?: {
    readonly kind: string
    readonly id: string
    readonly revision: string
    readonly definition: unknown
  }
  /** What rules said no, and why. */
  readonly declined?: readonly Declined[]
}

/** The definitions that a fact's data names by id. */
const definitionIn = (data: unknown, rulebook: Rulebook): ExplainedFact['definition'] => {
  const ids = new Set<string>()
  const walk = (value: unknown, depth: number): void => {
    if (typeof value === 'string') ids.add(value)
    else if (value !== null && typeof value === 'object' && depth < 3)
      for (const v of Object.values(value)) walk(v, depth + 1)
  }
  walk(data, 0)
  for (const kind of kindNames)
    for (const id of ids) {
      const entry = rulebook.definitions.entries[kind]?.get(id)
      if (entry) return { kind, id, revision: entry.revision, definition: entry.definition }
    }
  return undefined
}

const explained = async (fact: RecordedFact, { rulebook }: Services): Promise<ExplainedFact> => {
  const { metadata } = fact
  const definition =
    metadata.rulebook === undefined ? undefined : definitionIn(fact.data, await rulebook.at(BigInt(metadata.rulebook)))
  return {
    id: activityId(fact.id),
    type: fact.type,
    stream: fact.stream,
    revision: String(fact.revision),
    data: fact.data,
    decided_at: new Date(decidedAt(fact)).toISOString(),
    recorded_at: new Date(fact.created).toISOString(),
    request: metadata.$correlationId,
    actor: metadata.actor ?? null,
    rulebook: metadata.rulebook ?? null,
    definition,
    ...(metadata.declined === undefined ? {} : { declined: spreadDeclined(metadata.declined) }),
  }
}

/** Whether a fact is the one that an id means: by its own id, or by the id of a transaction or message that it recorded. */
const isMeant = (fact: RecordedFact, id: string): boolean =>
  fact.id === (factIdOf(id) ?? id) ||
  (fact.data !== null && typeof fact.data === 'object' && Object.values(fact.data).includes(id))

/** The read models whose documents have such ids as keys and name the customer. */
const OWNERS = ['activity', 'loyaltyTransactions', 'outbox'] as const

/** Facts of a stream that are held while it is gone through. */
const NEAR = 2_000
/** Facts of one chain at most: a cause is before what it led to, and a command has few steps. */
const LONGEST = 100

/** The customer in whose stream an id is to be looked for: of an activity entry, a fact, a transaction or a message. */
const customerOf = async ({ readModel }: Services, id: string): Promise<string | undefined> => {
  const keys = [id, activityId(id)]
  for (const name of OWNERS) {
    const found = await readModel
      .collection<Keyed & { readonly customer: string }>(name)
      .findOne({ _id: { $in: keys } }, { projection: { customer: 1 } })
    if (found) return found.customer
  }
  return undefined
}

/**
 * The chain from the request to a fact, first cause first; undefined when no fact has the id. `customer` says where to look
 * for what no read model shows. Holds no more of the stream than a piece; rejects with the signal's reason.
 */
export const explainFact = async (
  services: Services,
  id: string,
  customer?: string,
  signal?: AbortSignal,
): Promise<readonly ExplainedFact[] | undefined> => {
  const owner = customer ?? (await customerOf(services, id))
  if (owner === undefined) return undefined
  /** Those read last, by id: what led to a fact mostly stands close before it. */
  const near = new LRUCache<string, RecordedFact>({ max: NEAR })
  const find = async (isWanted: (fact: RecordedFact) => boolean): Promise<RecordedFact | undefined> => {
    for await (const fact of services.store.readStream(customerStream(owner))) {
      signal?.throwIfAborted()
      near.set(fact.id, fact)
      if (isWanted(fact)) return fact
    }
    return undefined
  }
  const causeOf = async ({ metadata: { $causationId: cause } }: RecordedFact): Promise<RecordedFact | undefined> =>
    cause === undefined ? undefined : (near.get(cause) ?? (await find((fact) => fact.id === cause)))
  const chain: ExplainedFact[] = []
  for (let fact = await find((one) => isMeant(one, id)); fact && chain.length < LONGEST; fact = await causeOf(fact))
    chain.unshift(await explained(fact, services))
  return chain.length > 0 ? chain : undefined
}
