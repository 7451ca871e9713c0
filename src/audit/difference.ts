// Where two documents differ, field by field.

/** One field that differs; a side that lacks the field is absent. */
export interface FieldDifference {
  /** Dotted, with indexes of arrays as numbers. */
  readonly path: string
  readonly live?: unknown
  readonly rebuilt?: unknown
}

/** The most fields that are named for one document. */
const MAX_FIELDS = 20

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !(value instanceof Date)

const isSame = (a: unknown, b: unknown): boolean =>
  a instanceof Date && b instanceof Date ? a.getTime() === b.getTime() : Object.is(a, b) || (a === 0 && b === 0)

/** The fields that differ, at most 20, in the order of the live document; undefined and absent are the same. */
export const differences = (live: unknown, rebuilt: unknown): readonly FieldDifference[] => {
  const found: FieldDifference[] = []
  const walk = (a: unknown, b: unknown, path: string): void => {
    if (found.length >= MAX_FIELDS) return
    if (isPlain(a) && isPlain(b) && Array.isArray(a) === Array.isArray(b)) {
      const below = (name: string) => (path === '' ? name : `${path}.${name}`)
      for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) walk(a[name], b[name], below(name))
      return
    }
    if (!isSame(a, b))
      found.push({
        path,
        live: a,
        rebuilt: b,
      })
  }
  walk(live, rebuilt, '')
  return found
}
