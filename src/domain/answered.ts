// How a schema says which names of our own answers it takes back without reading them.
import * as v from 'valibot'

/** The key of a schema's metadata, and of the API document, under which the names stand. */
export const ANSWERED = 'x-answered'

/** What the answer about anything that is kept says beside its content. */
export const RECORD = ['id', 'object', 'created_at', 'updated_at'] as const

/**
 * Names that only an answer can set: what the API answered can be sent back, and says nothing. To be put in a pipe right behind
 * the schema of the object.
 */
export const answered = <T>(...names: readonly string[]) =>
  v.metadata<T, { readonly [ANSWERED]: readonly string[] }>({ [ANSWERED]: names })
