// An entry of the activity log, and its public id.

/** ACTION: somebody did something. EFFECT: it followed from something by a rule. */
export type ActivityCategory = 'ACTION' | 'EFFECT'

export interface Activity {
  readonly type: string
  readonly category: ActivityCategory
  /** Beside `customer`, which the read side adds. */
  readonly data: Readonly<Record<string, unknown>>
}

/** The public id of a fact in the activity log. */
export const activityId = (factId: string): string => `evcus_${factId.replaceAll('-', '')}`

/** The fact id behind a public activity id; undefined when it has not that form. */
export const factIdOf = (id: string): string | undefined => {
  const m = /^evcus_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(id)
  return m ? m.slice(1).join('-') : undefined
}

/** The data of an entry with the customer whose stream it is of where its order names him. */
export const orderedBy = (
  data: Readonly<Record<string, unknown>>,
  customer: string,
): Readonly<Record<string, unknown>> =>
  typeof data.order === 'object' && data.order !== null
    ? { ...data, order: { ...data.order, customer_id: customer } }
    : data
