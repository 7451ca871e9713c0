// Examples of operations as the tests have sent them and were answered (`npm run examples`), as the build has put them beside the
// program: too much text to be read before somebody asks for the API document.
import * as v from 'valibot'
import { builtJson } from '../built.ts'

const Example = v.object({ path: v.string(), request: v.optional(v.unknown()), response: v.optional(v.unknown()) })

/** One request of an operation with the answer it was given; lists are cut after their first entries. */
export type Example = v.InferOutput<typeof Example>

let known: Readonly<Record<string, Example>> | undefined

/** The example of an operation, by its method and its path in the route table; none before a build. */
export const exampleOf = (method: string, path: string): Example | undefined => {
  known ??= builtJson('examples.json', v.record(v.string(), Example), {})
  return known[`${method.toUpperCase()} ${path}`]
}
