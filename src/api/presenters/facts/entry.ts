// An entry of the activity log, as facts make it.
import type { ActivityCategory } from '../../../domain/customer/activity.ts'

export interface Activity {
  readonly type: string
  readonly category: ActivityCategory
  /** Beside `customer`, which the read side adds. */
  readonly data: Readonly<Record<string, unknown>>
}

/** The data of an entry with the customer whose stream it is of where its order names him. */
export const orderedBy = (
  data: Readonly<Record<string, unknown>>,
  customer: string,
): Readonly<Record<string, unknown>> =>
  typeof data.order === 'object' && data.order !== null
    ? { ...data, order: { ...data.order, customer_id: customer } }
    : data
