// What queries have in common: the parameter of a path to one thing, and times as text.
import * as v from 'valibot'

/** The parameter of `/v1/things/{id}`. */
export const ById = v.object({ id: v.string() })

/** An instant (ms) as ISO 8601 text in UTC. */
export const isoOf = (ms: number): string => new Date(ms).toISOString()

export const isoOrNull = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : isoOf(ms)

/** Why a definition is switched off although nobody did, where it is. */
export const offOf = ({ off }: { readonly off?: string | undefined }): { readonly switched_off?: string } =>
  off === undefined ? {} : { switched_off: off }

/** Optional fields of a query without those that were not given. */
export const given = <T extends object>(query: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as never
