// Builds the console's pages: bundles what the browser runs into a folder, under names that change with the content.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = fileURLToPath(new URL('./', import.meta.url))

/**
 * Bundles src/console/browser into `outDir`/console with a manifest that says what the page loads first.
 * @param {string} outDir
 * @returns {Promise<void>}
 */
export const buildConsole = async (outDir) => {
  const folder = join(outDir, 'console')
  mkdirSync(folder, { recursive: true })
  const { metafile } = await build({
    entryPoints: [join(here, 'browser/main.tsx')],
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    metafile: true,
    legalComments: 'none',
    logLevel: 'warning',
  })
  const [path, entry] =
    Object.entries(metafile.outputs).find(([, output]) => output.entryPoint?.endsWith('main.tsx')) ?? []
  if (path === undefined || entry?.cssBundle === undefined) throw new Error('The console has no script or no style')
  const preload = entry.imports.filter(({ kind }) => kind === 'import-statement').map((one) => basename(one.path))
  const manifest = { script: basename(path), style: basename(entry.cssBundle), preload }
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest)}\n`)
  const written = new Set([...Object.keys(metafile.outputs).map((one) => basename(one)), 'manifest.json'])
  for (const name of readdirSync(folder)) if (!written.has(name)) rmSync(join(folder, name), { force: true })
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await buildConsole(fileURLToPath(new URL('../../dist', import.meta.url)))
