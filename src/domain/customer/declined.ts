// Rules that said no, as they are kept with the event that asked them: by reason, since many rules often have the same one,
// and this would else be the larger part of an event.
import type { Declined } from './draft.ts'

/** Rules of one kind that said no for one reason. */
export interface DeclinedAlike {
  readonly kind: string
  readonly reason: string
  readonly definitions: readonly string[]
}

/** Gathers refusals by kind and reason, in the order of the first of each. */
export const gatherDeclined = (declined: readonly Declined[]): readonly DeclinedAlike[] => {
  const alike = new Map<string, { kind: string; reason: string; definitions: string[] }>()
  for (const { kind, definition, reason } of declined) {
    const name = `${kind}\u001f${reason}`
    const known = alike.get(name)
    if (known) known.definitions.push(definition)
    else alike.set(name, { kind, reason, definitions: [definition] })
  }
  return [...alike.values()]
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** One refusal a rule, of what an event's metadata keeps: gathered, or one by one as events of earlier versions have it. */
export const spreadDeclined = (kept: unknown): readonly Declined[] =>
  (Array.isArray(kept) ? kept : []).filter(isRecord).flatMap(({ kind, reason, definition, definitions }) =>
    (Array.isArray(definitions) ? definitions : [definition]).map((one) => ({
      kind: String(kind),
      definition: String(one),
      reason: String(reason),
    })),
  )
