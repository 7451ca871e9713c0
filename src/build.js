// Makes the JavaScript that is run out of the TypeScript sources, in `dist/`: the server, the command line and the
// engines, with what they share in chunks of their own, and the guides as pages. Packages are not taken in. Runs at `npm ci` (prepare), before
// `npm start` and before the tests; it takes less than a second.
import { copyFile, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build as bundle } from 'esbuild'
import { buildConsole } from './console/build.js'
import { buildGuides } from './console/guides.js'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * What every bundle of ours has in common, the tests' too.
 * @type {import('esbuild').BuildOptions}
 */
export const options = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
}

/**
 * Writes `dist/`. Chunks lie beside the entries, so that a module that is shared finds `../package.json` wherever it ended
 * up; what an earlier build left is removed after the new files are there, so that a program that runs keeps its own.
 */
export const build = async () => {
  const outdir = join(root, 'dist')
  const { metafile } = await bundle({
    ...options,
    entryPoints: {
      main: 'src/main.ts',
      cli: 'src/cli.ts',
      'eventlog-engine': 'src/engines/eventlog/process.ts',
      'documents-engine': 'src/engines/documents/process.ts',
    },
    outdir,
    chunkNames: '[name]-[hash]',
    splitting: true,
    metafile: true,
  })
  await buildGuides(join(outdir, 'guides'))
  await copyFile(join(root, 'src/http/examples.json'), join(outdir, 'examples.json'))
  const written = new Set(['examples.json', ...Object.keys(metafile.outputs).map((path) => basename(path))])
  const old = (await readdir(outdir, { withFileTypes: true })).filter((e) => e.isFile() && !written.has(e.name))
  await Promise.all(old.map(({ name }) => rm(join(outdir, name), { force: true })))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build()
  await buildConsole(join(root, 'dist'))
}
