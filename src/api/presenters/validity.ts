// When something may be used, as all that can be used shows it.
import { present } from '../../domain/present.ts'
import type { Validity } from '../../domain/validity.ts'

/** What is there of its own dates and hours, else of its campaign's. */
export const showValidity = (own: Validity, campaign?: Validity) =>
  present({
    start_date: own.start_date ?? campaign?.start_date,
    expiration_date: own.expiration_date ?? campaign?.expiration_date,
    validity_timeframe: own.validity_timeframe ?? campaign?.validity_timeframe,
    validity_day_of_week: own.validity_day_of_week ?? campaign?.validity_day_of_week,
    validity_hours: own.validity_hours ?? campaign?.validity_hours,
  })
