// Examples of operations as the tests have sent them and were answered (`npm run examples`), as the build has put them beside the
// program: too much text to be read before somebody asks for the API document.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { PACKAGE_FILE } from '../packageFile.ts'

const Example = v.object({ path: v.string(), request: v.optional(v.unknown()), response: v.optional(v.unknown()) })

/** One request of an operation with the answer it was given; lists are cut after their first entries. */
export type Example = v.InferOutput<typeof Example>

let known: Readonly<Record<string, Example>> | undefined

/** The example of an operation, by its method and its path in the route table; none before a build. */
export const exampleOf = (method: string, path: string): Example | undefined => {
  const file = fileURLToPath(new URL('dist/examples.json', PACKAGE_FILE))
  known ??= existsSync(file) ? v.parse(v.record(v.string(), Example), JSON.parse(readFileSync(file, 'utf8'))) : {}
  return known[`${method.toUpperCase()} ${path}`]
}
