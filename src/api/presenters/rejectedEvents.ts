// How events show that were refused.
import type { RejectedEventDocument } from '../../../projections/rejectedEvents.ts'
import type { Services } from '../../services.ts'

/** A refused event by its id; null when there is none. */
export const readRejectedEvent = async (
  { readModel }: Pick<Services, 'readModel'>,
  id: string,
): Promise<RejectedEventDocument | null> =>
  readModel.collection<RejectedEventDocument>('rejectedEvents').findOne({ _id: id })
