// Tests run as JavaScript that is made once for a whole run, each file with all of ours that it imports in it: a loader that
// turns TypeScript into JavaScript while it runs takes several times as long as most tests do.

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { SourceMap } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build as bundle, type Plugin } from 'esbuild'
import { clientApart, OUTSIDE, options } from '../src/build.js'

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

/** `fast-check` is in so many tests that it is worth to take it in; the others are not. */
const ofTests = async (): Promise<string[]> => {
  const { devDependencies } = JSON.parse(await readFile(join(root, '..', 'package.json'), 'utf8'))
  return Object.keys(devDependencies).filter((name) => name !== 'fast-check')
}

/** What every bundle of tests needs. */
export const ourPlugins: Plugin[] = [tellsOfHooks, keepsAddresses]

/** Programs that tests start as processes of their own (see program.ts). */
const programs = (): readonly string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('Process.ts'))

/** Makes `files` (paths within `test/`) and all programs of tests; resolves to the folder that then holds `PATH.js`. */
export const buildTests = async (files: readonly string[]): Promise<string> => {
  mkdirSync(CACHE, { recursive: true })
  // Without it Node reads each of these files twice, to find out what kind of module it is.
  await writeFile(join(CACHE, 'package.json'), '{"type":"module"}')
  const outdir = await mkdtemp(join(CACHE, 'run-'))
  await bundle({
    ...options,
    external: [...OUTSIDE, ...(await ofTests())],
    entryPoints: [...files, ...programs()].map((file) => join(root, file)),
    outdir,
    outbase: root,
    // What several have in common is made and written once: a tenth of the time, and a twentieth of the bytes.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    plugins: [clientApart(), ...ourPlugins],
  })
  return outdir
}

/** Names in what a test said the places in the sources, where it names places in what was built of them into `built`. */
export const withSources = (said: string, built: string): string => {
  const maps = new Map<string, SourceMap | undefined>()
  const mapOf = (path: string): SourceMap | undefined => {
    if (!maps.has(path)) {
      const map = `${path}.map`
      maps.set(path, existsSync(map) ? new SourceMap(JSON.parse(readFileSync(map, 'utf8'))) : undefined)
    }
    return maps.get(path)
  }
  const places = new RegExp(`(?:file://)?(${built}/[^\\s:()]+\\.js):(\\d+):(\\d+)`, 'g')
  return said.replace(places, (place, path: string, line: string, column: string) => {
    const entry = mapOf(path)?.findEntry(Number(line) - 1, Number(column) - 1)
    if (entry === undefined || !('originalSource' in entry)) return place
    const source = relative(join(root, '..'), join(dirname(path), entry.originalSource))
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
  })
}
