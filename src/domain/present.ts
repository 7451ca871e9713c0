// Records without what there is none of: where the contract has no null, it leaves a field out.

type Maybe<T> = null extends T ? true : undefined extends T ? true : false

/** A record whose fields are there with a value, or not at all. */
export type Present<T> = { readonly [K in keyof T as Maybe<T[K]> extends true ? never : K]: T[K] } & {
  readonly [K in keyof T as Maybe<T[K]> extends true ? K : never]?: NonNullable<T[K]>
}

/** The record without its fields that are null or undefined, in the same order. Looks at the record itself only, not into its parts. */
export const present = <T extends object>(record: T): Present<T> => {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(record)) if (value !== null && value !== undefined) kept[name] = value
  return kept as Present<T>
}
