// The definitions that laws hold facts against, as the rulebook's stream leaves them: campaigns, rules, assignments, rewards.
import { type Data, dataAt, textAt } from './read.ts'

export interface Defined {
  readonly id: string
  readonly definition: Data
  /** The revision in the rulebook's stream that gave it this form. */
  readonly revision: bigint
}

/** By kind, then by id. */
export type Definitions = ReadonlyMap<string, ReadonlyMap<string, Defined>>

const KINDS = ['Campaign', 'ValidationRule', 'Assignment', 'Reward'] as const
const CHANGE = new RegExp(`^(${KINDS.join('|')})(Created|Updated|Enabled|Disabled|Deleted)$`)

/** Keeps the definitions of a log that is read from its beginning. */
export const followDefinitions = () => {
  const kinds = new Map<string, Map<string, Defined>>()
  return {
    current: kinds as Definitions,
    see(record: { readonly stream: string; readonly revision: bigint; readonly type: string; readonly data: Data }) {
      const change = CHANGE.exec(record.type)
      const id = textAt(record.data, 'id')
      if (!change || id === undefined || !record.stream.startsWith('rulebook-')) return
      const [, kind = '', verb] = change
      const known = kinds.get(kind) ?? new Map<string, Defined>()
      kinds.set(kind, known)
      if (verb === 'Deleted') known.delete(id)
      else known.set(id, { id, definition: dataAt(record.data, 'definition'), revision: record.revision })
    },
  }
}

export const definedOf = (definitions: Definitions, kind: (typeof KINDS)[number], id: string): Defined | undefined =>
  definitions.get(kind)?.get(id)

export const allOf = (definitions: Definitions, kind: (typeof KINDS)[number]): Iterable<Defined> =>
  definitions.get(kind)?.values() ?? []
