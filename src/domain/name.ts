// What things are called.
import * as v from 'valibot'

/** A name of the contract's length: 1–300 characters. */
export const name300 = v.pipe(v.string(), v.minLength(1), v.maxLength(300))
