// Makes the JavaScript that is run out of the TypeScript sources, in `dist/`: the server, the command line and the
// engines, with what they share in chunks of their own, and the guides as pages. Packages are taken in: to find and read
// their thousand files costs a start more than all else it does. Runs at `npm ci` (prepare), before `npm start` and
// before the tests; it takes some two seconds.
import { readFileSync } from 'node:fs'
import { copyFile, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build as bundle } from 'esbuild'
import { buildConsole } from './console/build.js'
import { buildGuides } from './console/guides.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const outdir = join(root, 'dist')

/** What is not taken in: what has native code beside it, or starts files of its own. */
export const OUTSIDE = ['lmdb', 'pino', 'esbuild']

/** The engines' package is taken in as what it is, sources: also where packages are not. */
const engines = JSON.parse(readFileSync(join(root, 'src/engines/package.json'), 'utf8'))
const ENGINES = Object.fromEntries(
  Object.entries(engines.exports).map(([path, file]) => [
    join(engines.name, path),
    join(root, 'src/engines', String(file)),
  ]),
)

const CLIENT_FILE = 'eventstore-client.js'

/** CommonJS packages ask for Node's own modules, and for optional packages, by `require`. */
const REQUIRE = [
  "import { createRequire as __createRequire } from 'node:module'",
  "import { fileURLToPath as __fileURLToPath } from 'node:url'",
  "import { dirname as __pathDirname } from 'node:path'",
  'const require = __createRequire(import.meta.url)',
  'const __filename = __fileURLToPath(import.meta.url)',
  'const __dirname = __pathDirname(__filename)',
].join('; ')

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
  external: OUTSIDE,
  alias: ENGINES,
  banner: { js: REQUIRE },
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
}

const CLIENT = '@eventstore/db-client'

/** Writes the event store's client as a file of its own. */
const bundleClient = async () => {
  const names = Object.keys(createRequire(import.meta.url)(CLIENT))
  await bundle({
    ...options,
    stdin: {
      contents: `import * as client from '${CLIENT}'; export const { ${names.join(', ')} } = client`,
      resolveDir: root,
    },
    outfile: join(outdir, CLIENT_FILE),
  })
}

/**
 * Leaves the event store's client to that file, by whose name the stack of an error tells that it was thrown there (see
 * src/eventstore/guard.ts).
 * @param {string} address by which what is built finds it
 * @returns {import('esbuild').Plugin}
 */
export const clientApart = (address = pathToFileURL(join(outdir, CLIENT_FILE)).href) => ({
  name: 'client of the event store',
  setup(build) {
    build.onResolve({ filter: new RegExp(`^${CLIENT}$`) }, () => ({ path: address, external: true }))
  },
})

/**
 * Writes `dist/`. Chunks lie beside the entries, so that a module that is shared finds `../package.json` wherever it ended
 * up; what an earlier build left is removed after the new files are there, so that a program that runs keeps its own.
 */
export const build = async () => {
  await bundleClient()
  const { metafile } = await bundle({
    ...options,
    entryPoints: {
      main: 'src/main.ts',
      cli: 'src/cli.ts',
      worker: 'src/cluster/process.ts',
      'eventlog-engine': 'src/engines/eventlog/process.ts',
      'documents-engine': 'src/engines/documents/process.ts',
    },
    outdir,
    chunkNames: '[name]-[hash]',
    splitting: true,
    metafile: true,
    plugins: [clientApart(`./${CLIENT_FILE}`)],
  })
  await buildGuides(join(outdir, 'guides'))
  await copyFile(join(root, 'src/http/examples.json'), join(outdir, 'examples.json'))
  const written = new Set([
    'examples.json',
    CLIENT_FILE,
    `${CLIENT_FILE}.map`,
    ...Object.keys(metafile.outputs).map((path) => basename(path)),
  ])
  const old = (await readdir(outdir, { withFileTypes: true })).filter((e) => e.isFile() && !written.has(e.name))
  await Promise.all(old.map(({ name }) => rm(join(outdir, name), { force: true })))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build()
  await buildConsole(join(root, 'dist'))
}
