// Law: a stream decides each command once.
import type { LawRecord, OnceLaw } from './law.ts'
import { numberAt, textAt } from './read.ts'

/**
 * Decisions of a customer number their facts after the first. Codes, stocks and requests without a customer may see a key again:
 * what is reserved under it is confirmed under it, and who was refused may ask again.
 */
const DECIDED = /^customer-/

const decisionOf = ({ stream, type, data, metadata }: LawRecord): string | undefined => {
  const key = textAt(metadata, 'commandKey')
  if (key === undefined) return undefined
  if (DECIDED.test(stream)) return numberAt(metadata, 'n') === undefined ? key : undefined
  // One change of definitions may lead to others, each of another definition.
  return stream.startsWith('rulebook-') ? `${key} ${type} ${textAt(data, 'id')}` : undefined
}

export const uniqueCommandKeys: OnceLaw = {
  name: 'command-keys-are-unique',
  says: 'A stream decides each command once: no command key begins a second decision.',
  once: (record) => {
    const decision = decisionOf(record)
    return decision === undefined ? [] : [`command key ${decision} of ${record.stream}`]
  },
}
