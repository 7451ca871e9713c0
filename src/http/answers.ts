// Schemas that the answers of many routes share: lists, records by their `object`, and what a record is named by.
import * as v from 'valibot'

const kindOf = <const Kind extends string>(kind: Kind) => ({ object: v.literal(kind) })

/** An answer that says by `object` what it is. */
export const answerOf = <const Kind extends string, Fields extends v.ObjectEntries>(kind: Kind, fields: Fields) =>
  v.object({ ...kindOf(kind), ...fields })

/** A list under `ref`, which `data_ref` names. The last page has no `more_starting_after`. */
export const listOf = <const Ref extends string, Item extends v.GenericSchema>(ref: Ref, item: Item) =>
  v.object({
    ...kindOf('list'),
    data_ref: v.literal(ref),
    ...({ [ref]: v.array(item) } as { readonly [K in Ref]: v.ArraySchema<Item, undefined> }),
    total: v.optional(v.number()),
    has_more: v.optional(v.boolean()),
    more_starting_after: v.optional(v.string()),
    next_cursor: v.optional(v.nullable(v.string())),
  })

/** What `POST …/balance` and the like answer of points. */
export const PointsBalance = v.object({
  ...kindOf('balance'),
  type: v.optional(v.string()),
  operation_type: v.optional(v.string()),
  points: v.optional(v.number()),
  total: v.number(),
  balance: v.optional(v.number()),
  /** Of a change of pending points: as they are then. */
  pending_points: v.optional(v.record(v.string(), v.unknown())),
  related_object: v.object({ type: v.literal('voucher'), id: v.string() }),
})
