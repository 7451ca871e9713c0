// Faults of a definition, collected with the path at which each lies, and the bounds that every definition keeps.
import type { Condition } from './ast.ts'

/** What is wrong, and where: keys and indexes joined by dots. */
export interface Fault {
  readonly path: string
  readonly message: string
}

export type Parsed =
  | { readonly ok: true; readonly condition: Condition }
  | { readonly ok: false; readonly faults: readonly Fault[] }

/** Bounds of one definition. */
export const MAX_LEVELS = 20
export const MAX_NODES = 500
/** Values that one operator may list. */
export const MAX_VALUES = 1_000
const MAX_FAULTS = 100

/** Levels of objects and lists that a definition of `MAX_LEVELS` may come to: two a level, and what is around it. */
export const MAX_CONDITION_NESTING = 64

/** Collects faults while a definition is read; a part that cannot be read is undefined and its fault is kept here. */
export interface Reading {
  readonly fault: (path: string, message: string) => undefined
  /** Counts a node at a level (1 is the root); false, with a fault, past a bound. */
  readonly enter: (path: string, level: number) => boolean
  readonly finish: (condition: Condition | undefined) => Parsed
}

export const startReading = (): Reading => {
  const faults: Fault[] = []
  let nodes = 0
  const fault = (path: string, message: string): undefined => {
    if (faults.length < MAX_FAULTS) faults.push({ path, message })
  }
  return {
    fault,
    enter(path, level) {
      nodes++
      if (level > MAX_LEVELS) fault(path, `must NOT be nested deeper than ${MAX_LEVELS} levels`)
      if (nodes === MAX_NODES + 1) fault(path, `must NOT have more than ${MAX_NODES} conditions`)
      return level <= MAX_LEVELS && nodes <= MAX_NODES
    },
    finish: (condition) =>
      faults.length > 0 || condition === undefined
        ? { ok: false, faults: faults.length > 0 ? faults : [{ path: '', message: 'must be a condition' }] }
        : { ok: true, condition },
  }
}

/** A value as it is quoted in a fault: short, whatever was sent. */
export const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value))
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
