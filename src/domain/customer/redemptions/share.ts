// What a redemption takes of the limits that it counts for: said by the customer's stream and by those of the limits.
import * as v from 'valibot'

const Amount = v.pipe(v.number(), v.integer(), v.minValue(0))

/** What one redemption takes of a limit; amounts in minor units. */
export const Share = v.object({
  /** The day it counts for, `YYYY-MM-DD` in the project's time zone. */
  day: v.string(),
  /** The API key that asked. */
  apiKey: v.string(),
  /** Gift credits. */
  credits: Amount,
  /** The order's amount before, and what comes off it. */
  amount: Amount,
  discounted: Amount,
})
export type Share = v.InferOutput<typeof Share>
