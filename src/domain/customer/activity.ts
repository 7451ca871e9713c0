// The kinds of entries of the activity log, and their public ids.

/** ACTION: somebody did something. EFFECT: it followed from something by a rule. */
export type ActivityCategory = 'ACTION' | 'EFFECT'

/** The public id of a fact in the activity log. */
export const activityId = (factId: string): string => `evcus_${factId.replaceAll('-', '')}`

/** The fact id behind a public activity id; undefined when it has not that form. */
export const factIdOf = (id: string): string | undefined => {
  const m = /^evcus_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(id)
  return m ? m.slice(1).join('-') : undefined
}
