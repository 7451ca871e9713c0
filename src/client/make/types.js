// Makes the client's types and names: bundles the program that writes them, and runs it. Before the check of types, the tests of the
// client, and `npm pack`: `node src/client/make/types.js`.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { options } from '../../build.js'

/** Writes `operations.gen.ts` beside the client's sources. */
export const makeTypes = async () => {
  // Beside the program that is built, where what looks for `../package.json` finds it.
  const outfile = join(fileURLToPath(new URL('../../../dist', import.meta.url)), `client-types-${process.pid}.js`)
  await build({
    ...options,
    packages: 'external',
    banner: {},
    entryPoints: [fileURLToPath(new URL('generate.ts', import.meta.url))],
    outfile,
    sourcemap: false,
  })
  try {
    const { generate } = await import(pathToFileURL(outfile).href)
    generate()
  } finally {
    await rm(outfile)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await makeTypes()
