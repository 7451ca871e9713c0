// What a shop calls the orders that points came of: facts of points have the orders' ids alone, since the names are personal.
import type { OrderDocument } from '../../../projections/orders.ts'
import type { Services } from '../../services.ts'

interface OfOrder {
  readonly details: { readonly order?: { readonly id: string; readonly source_id: string | null } | undefined }
}

/** The same with the `source_id` of each order that has one, and whose customer is still known. */
export const withOrderSources = async <T extends OfOrder>(
  { readModel }: Pick<Services, 'readModel'>,
  entries: readonly T[],
): Promise<readonly T[]> => {
  const ids = [...new Set(entries.flatMap(({ details }) => details.order?.id ?? []))]
  if (ids.length === 0) return entries
  const found = await readModel.collection<OrderDocument>('orders').find({ _id: { $in: ids } }, { limit: ids.length })
  const names = new Map(found.map(({ _id, source_id }) => [_id, source_id]))
  return entries.map((entry) => {
    const { order } = entry.details
    return order
      ? { ...entry, details: { ...entry.details, order: { ...order, source_id: names.get(order.id) ?? null } } }
      : entry
  })
}
