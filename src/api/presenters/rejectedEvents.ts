// How events show that were refused.
import type { RejectedEventDocument } from '../../../projections/rejectedEvents.ts'
import type { Services } from '../../services.ts'
import { isoOf } from '../shapes.ts'

/** A refused event by its id; null when there is none. */
export const readRejectedEvent = async (
  { readModel }: Pick<Services, 'readModel'>,
  id: string,
): Promise<RejectedEventDocument | null> =>
  readModel.collection<RejectedEventDocument>('rejectedEvents').findOne({ _id: id })

export const showRejectedEvent = (document: RejectedEventDocument) => ({
  id: document._id,
  event: document.event,
  reasons: document.reasons,
  body: document.body,
  channel: document.channel,
  rejected_at: isoOf(document.rejected_at.getTime()),
  resent_at: document.resent_at === null ? null : isoOf(document.resent_at.getTime()),
  customer_id: document.customer ?? document.about,
  object: 'rejected_event',
})
