// How entries of the activity log show.
import * as v from 'valibot'
import type { ActivityDocument } from '../../../projections/activity.ts'
import type { CustomerDocument } from '../../../projections/customers.ts'
import { isoOf } from '../shapes.ts'
import { showCustomerBriefly } from './customers.ts'
import { orderedBy } from './facts/entry.ts'

export const ActivityEntry = v.object({
  id: v.string(),
  type: v.string(),
  category: v.picklist(['ACTION', 'EFFECT']),
  data: v.record(v.string(), v.unknown()),
  created_at: v.string(),
  /** Later than `created_at` where an instant was caught up with. */
  recorded_at: v.string(),
  group_id: v.string(),
})

/** How an entry shows, with the customer it is about. */
export const showActivity = (document: ActivityDocument, customer: CustomerDocument) => ({
  id: document._id,
  type: document.type,
  category: document.category,
  data: {
    customer: showCustomerBriefly(customer._id, customer.profile),
    ...orderedBy(document.data, customer._id),
  },
  created_at: isoOf(document.created_at.getTime()),
  recorded_at: isoOf(document.recorded_at.getTime()),
  group_id: document.group_id,
})
