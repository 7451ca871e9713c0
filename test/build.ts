// Tests run as JavaScript that is made once for a whole run, each file with all of ours that it imports in it: a loader that
// turns TypeScript into JavaScript while it runs takes several times as long as most tests do.

import { mkdirSync, readdirSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build as bundle, type Plugin } from 'esbuild'
import { options } from '../src/build.js'

const root = import.meta.dirname
/** Below the project, so that packages are found; of each run its own, so that runs may meet. */
export const CACHE = join(root, '..', 'node_modules', '.cache', 'tributary-tests')

/** Modules keep the addresses of their sources, by which they find data and programs. */
const keepsAddresses: Plugin = {
  name: 'addresses of sources',
  setup(build) {
    build.onLoad({ filter: /\.ts$/, namespace: 'file' }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      const contents = text
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.dirname', JSON.stringify(join(path, '..')))
      return { contents, loader: 'ts' }
    })
  },
}

/** `uvu` is ours (see uvu.ts), which itself has the real one. */
const tellsOfHooks: Plugin = {
  name: 'hooks that are told',
  setup(build) {
    const ours = join(root, 'uvu.ts')
    build.onResolve({ filter: /^uvu$/ }, ({ importer }) => (importer === ours ? undefined : { path: ours }))
  },
}

/** What every bundle of tests needs. */
export const ourPlugins: Plugin[] = [tellsOfHooks, keepsAddresses]

/** Programs that tests start as processes of their own (see program.ts). */
const programs = (): readonly string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('Process.ts'))

/** Makes `files` (paths within `test/`) and all programs of tests; resolves to the folder that then holds `PATH.js`. */
export const buildTests = async (files: readonly string[]): Promise<string> => {
  mkdirSync(CACHE, { recursive: true })
  const outdir = await mkdtemp(join(CACHE, 'run-'))
  await bundle({
    ...options,
    entryPoints: [...files, ...programs()].map((file) => join(root, file)),
    outdir,
    outbase: root,
    // What several have in common is made and written once: a tenth of the time, and a twentieth of the bytes.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    plugins: ourPlugins,
  })
  return outdir
}
