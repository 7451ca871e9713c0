// What of a fact is a person's: taken out before the fact is recorded, so that it can be kept in a form that nobody can read any
// more once the person's key is gone, and put back when the fact is read.

type Data = Readonly<Record<string, unknown>>

/** The personal part of facts of one type. */
export interface PersonalParts {
  /** What is personal, in the words of a reader of the log. */
  readonly named: string
  /** The customer that it is of; without it, the one whose stream the fact is in. */
  readonly of?: (data: Data) => string | undefined
  /** Whether anything in it is personal: what `take` finds, without taking it. */
  readonly holds: (data: Data) => boolean
  /** The data in two; undefined when nothing in it is personal. */
  readonly take: (data: Data) => { readonly rest: Data; readonly taken: Data } | undefined
  /** The data again; without `taken`, as it is when the person is erased. */
  readonly put: (rest: Data, taken: Data | undefined) => Data
}

const isData = (value: unknown): value is Data => typeof value === 'object' && value !== null && !Array.isArray(value)

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (isData(value) && Object.keys(value).length === 0)

/**
 * Whole fields, by name, each with what stands for it once the person is erased; undefined: nothing does. A name with a dot
 * means a field of a field. What is `left` of a field is in the log in the clear, and stands for it then.
 */
export const wholeFields = (
  erased: Readonly<Record<string, unknown>>,
  of?: (data: Data) => string | undefined,
  left: Readonly<Record<string, (value: unknown) => unknown>> = {},
): PersonalParts => {
  const paths = Object.keys(erased).map((name) => ({ name, path: name.split('.') }))
  const valueAt = (data: Data, [first = '', ...rest]: readonly string[]): unknown => {
    const value = data[first]
    return rest.length === 0 ? value : isData(value) ? valueAt(value, rest) : undefined
  }
  const changed = (data: Data, [first = '', ...rest]: readonly string[], value: unknown): Data => {
    if (rest.length > 0) {
      const inner = data[first]
      return isData(inner) ? { ...data, [first]: changed(inner, rest, value) } : data
    }
    if (value !== undefined) return { ...data, [first]: value }
    const { [first]: _, ...others } = data
    return others
  }
  return {
    named: Object.keys(erased).join(', '),
    of,
    holds: (data) => paths.some(({ path }) => !isEmpty(valueAt(data, path))),
    take(data) {
      const taken: Record<string, unknown> = {}
      let rest = data
      for (const { name, path } of paths) {
        const value = valueAt(data, path)
        if (isEmpty(value)) continue
        taken[name] = value
        rest = changed(rest, path, left[name]?.(value))
      }
      return rest === data ? undefined : { rest, taken }
    },
    put(rest, taken) {
      let data = rest
      for (const { name, path } of paths) {
        const value = taken === undefined ? (valueAt(rest, path) ?? erased[name]) : taken[name]
        if (value !== undefined) data = changed(data, path, value)
      }
      return data
    },
  }
}

/** The sums of an order: they are nobody's, and what was redeemed and paid adds up without the person. */
export const sumsOf = (value: unknown): unknown => {
  if (!isData(value)) return undefined
  const sums = Object.entries(value).filter(([name, sum]) => typeof sum === 'number' && name.endsWith('amount'))
  return sums.length === 0 ? undefined : Object.fromEntries(sums)
}

/** Those entries of the record `field` that the fact itself lists in `list`. */
export const listedEntries = (field: string, list: string): PersonalParts => ({
  named: `entries of ${field} that ${list} names`,
  holds(data) {
    const record = data[field]
    const names = data[list]
    return isData(record) && Array.isArray(names) && names.some((name) => Object.hasOwn(record, name))
  },
  take(data) {
    const record = data[field]
    const names = data[list]
    if (!isData(record) || !Array.isArray(names)) return undefined
    const isListed = new Set(names)
    const taken = Object.fromEntries(Object.entries(record).filter(([name]) => isListed.has(name)))
    if (Object.keys(taken).length === 0) return undefined
    const others = Object.fromEntries(Object.entries(record).filter(([name]) => !isListed.has(name)))
    return { rest: { ...data, [field]: others }, taken }
  },
  put: (rest, taken) => {
    const record = rest[field]
    return taken === undefined || !isData(record) ? rest : { ...rest, [field]: { ...record, ...taken } }
  },
})
