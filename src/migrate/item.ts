// Records as the public API shows them, taken apart with care: what another project answers is not known in every detail.

export type Item = Readonly<Record<string, unknown>>

export const isItem = (value: unknown): value is Item =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A text that says something. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

export const numberOf = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)

/** A part of a record that is a record; an empty one where there is none. */
export const partOf = (item: Item, name: string): Item => {
  const part = item[name]
  return isItem(part) ? part : {}
}

/** The named fields that have a value. */
export const picked = (item: Item, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    names.flatMap((name) => (item[name] === undefined || item[name] === null ? [] : [[name, item[name]]])),
  )

/** The same value with each text, and each name of a field, replaced that is the id of something with another one here. */
export const renamed = (value: unknown, idOf: (old: string) => string | undefined): unknown => {
  if (typeof value === 'string') return idOf(value) ?? value
  if (Array.isArray(value)) return value.map((one) => renamed(one, idOf))
  if (!isItem(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [idOf(name) ?? name, renamed(one, idOf)]))
}
