// What a deleted customer leaves in read models beside the customer: a process names it, document by document, to be erased.
import * as v from 'valibot'

/** The read models that hold traces of customers, by the field that names the customer in each document. */
export const TRACED = {
  activity: 'customer',
  publications: 'customer',
  rejectedEvents: 'about',
  outbox: 'customer',
  loyaltyTransactions: 'customer',
  pendingPoints: 'customer',
  redemptions: 'customer',
  orders: 'customer',
} as const
export type Traced = keyof typeof TRACED

export const traceFacts = {
  /** Documents of one read model that are about a customer who was deleted. */
  TracesErased: {
    version: 1,
    schema: v.object({
      customer: v.string(),
      of: v.picklist(Object.keys(TRACED) as [Traced, ...Traced[]]),
      keys: v.array(v.string()),
      /** Custom events among them, by name: they are counted elsewhere. */
      events: v.array(v.object({ event: v.string(), events: v.pipe(v.number(), v.integer(), v.minValue(1)) })),
      occurredAt: v.pipe(v.number(), v.integer()),
    }),
  },
} as const
export type TracesErased = v.InferOutput<typeof traceFacts.TracesErased.schema>

export const TRACES_ERASED = 'TracesErased'
const PREFIX = 'traces-'
export const tracesStream = (customer: string): string => `${PREFIX}${customer}`

type AnyFact = { readonly type: string; readonly data: unknown; readonly stream: string }

/** What a fact says of erased traces; undefined for other facts. */
export const erasedBy = ({ type, data, stream }: AnyFact): TracesErased | undefined =>
  type === TRACES_ERASED && stream.startsWith(PREFIX) ? (data as TracesErased) : undefined

/** The documents of a read model that a fact erases. */
export const erasedKeys = (fact: AnyFact, of: Traced): readonly string[] => {
  const erased = erasedBy(fact)
  return erased?.of === of ? erased.keys : []
}
