// What the build puts beside the program for it to read when somebody asks: pages and examples, not code.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { PACKAGE_FILE } from './packageFile.ts'

/** The path of a file of the build, by its path within `dist/`. */
export const builtFile = (name: string): string => fileURLToPath(new URL(`dist/${name}`, PACKAGE_FILE))

/** A text file of the build, by its path within `dist/`. Throws when there is none. */
export const builtText = (name: string): string => readFileSync(builtFile(name), 'utf8')

/** What a JSON file of the build holds; `otherwise` before a build. Throws for one of another form. */
export const builtJson = <S extends v.GenericSchema>(
  name: string,
  schema: S,
  otherwise: v.InferOutput<S>,
): v.InferOutput<S> => (existsSync(builtFile(name)) ? v.parse(schema, JSON.parse(builtText(name))) : otherwise)
