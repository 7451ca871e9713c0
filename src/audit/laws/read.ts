// Reading records that nobody has checked: what is not there or has another type is undefined.

export type Data = Readonly<Record<string, unknown>>

const isData = (value: unknown): value is Data => typeof value === 'object' && value !== null && !Array.isArray(value)

const NONE: Data = {}

/** The value at a path of names. */
const at = (data: Data, path: readonly string[]): unknown => {
  let value: unknown = data
  for (const name of path) value = isData(value) ? value[name] : undefined
  return value
}

export const dataOf = (value: unknown): Data => (isData(value) ? value : NONE)

export const textAt = (data: Data, ...path: readonly string[]): string | undefined => {
  const value = at(data, path)
  return typeof value === 'string' ? value : undefined
}

export const numberAt = (data: Data, ...path: readonly string[]): number | undefined => {
  const value = at(data, path)
  return typeof value === 'number' ? value : undefined
}

export const dataAt = (data: Data, ...path: readonly string[]): Data => dataOf(at(data, path))

export const listAt = (data: Data, ...path: readonly string[]): readonly unknown[] => {
  const value = at(data, path)
  return Array.isArray(value) ? value : []
}
