// Which definitions do not fit those beside them: asked before a change is let in, and again when a rulebook is compiled.
import { errorText } from '../errorText.ts'
import { keptWhile } from './keptWhile.ts'
import type { Definitions, Entry, Fault, Reference } from './kind.ts'
import { type KindName, kindNamed, kindNames } from './kinds.ts'
import { segmentsInCycles } from './segment.ts'

export interface Unsound {
  readonly kind: KindName
  readonly id: string
  readonly faults: readonly Fault[]
}

/** The name of a definition in maps over all kinds. */
export const keyOf = (kind: string, id: string): string => `${kind}/${id}`

const attempt = (check: () => readonly Fault[]): readonly Fault[] => {
  try {
    return check()
  } catch (error) {
    return [{ path: '', message: errorText(error) }]
  }
}

const checks = kindNames.map(
  (kind) =>
    [
      kind,
      keptWhile(({ id, definition }: Entry<unknown>, all) => attempt(() => kindNamed(kind).check(id, definition, all))),
    ] as const,
)

const NONE: ReadonlyMap<string, Entry<never>> = new Map()

const find = (all: Definitions): ReadonlyMap<string, Unsound> => {
  const found = new Map<string, Unsound>()
  const add = (kind: KindName, id: string, faults: readonly Fault[]): void => {
    if (faults.length > 0) found.set(keyOf(kind, id), { kind, id, faults })
  }
  for (const [kind, check] of checks)
    for (const entry of (all.entries[kind] ?? NONE).values()) add(kind, entry.id, check(entry, all))
  for (const [id, fault] of segmentsInCycles(all)) add('segment', id, [fault])
  for (const { kind, id, error } of all.unreadable.values())
    add(kind as KindName, id, [{ path: '', message: `was written by another version of the program: ${error}` }])
  return found
}

const found = new WeakMap<Definitions, ReadonlyMap<string, Unsound>>()

/** Every definition that is at fault beside the others, by kind and id as in `segment/seg_1`. */
export const unsoundIn = (all: Definitions): ReadonlyMap<string, Unsound> => {
  let known = found.get(all)
  if (!known) {
    known = find(all)
    found.set(all, known)
  }
  return known
}

/** Faults in words: `.filter.name must be …`. */
export const wordsOf = (faults: readonly Fault[]): string =>
  faults.map(({ path, message }) => (path === '' ? message : `.${path} ${message}`)).join(', ')

const used = kindNames.map(
  (kind) =>
    [
      kind,
      keptWhile((entry: Entry<unknown>, all): readonly Reference[] => kindNamed(kind).uses(entry.definition, all)),
    ] as const,
)

/** All definitions that name this one. */
export const usersOf = (all: Definitions, kind: KindName, id: string): { kind: KindName; id: string }[] =>
  used.flatMap(([user, uses]) =>
    [...(all.entries[user] ?? NONE).values()]
      .filter((entry) => uses(entry, all).some((ref) => ref.kind === kind && ref.id === id))
      .map((entry) => ({ kind: user, id: entry.id })),
  )
