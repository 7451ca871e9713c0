// Programs that tests and benches start as processes of their own: files `…Process.ts`, built together with them.
import { join, relative } from 'node:path'

/** The built form of the program `…Process.ts` in `folder`. */
export const programFile = (folder: string, name: string): string => {
  const built = process.env.TESTS_BUILT
  if (built === undefined) throw new Error('tests and benches are started by test/run.ts and test/bench.ts')
  return join(built, relative(import.meta.dirname, join(folder, name)).replace(/\.ts$/, '.js'))
}

/** The arguments for Node that start it as a process. */
export const program = (folder: string, name: string): readonly string[] => [
  '--enable-source-maps',
  programFile(folder, name),
]
