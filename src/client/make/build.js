// Makes what is published of the client, in its `dist/`: one module and its declarations. Runs before `npm pack`, after types.js.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
await build({
  entryPoints: [join(root, 'index.ts')],
  outfile: join(dist, 'index.js'),
  bundle: true,
  // Nothing of Node, and nothing of browsers alone.
  platform: 'neutral',
  format: 'esm',
  target: 'es2022',
  legalComments: 'none',
  logLevel: 'warning',
})
// By its own file: there is no path of programs where this is started by hand.
execFileSync(
  process.execPath,
  [join(root, '../../node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')],
  { stdio: 'inherit' },
)
// Imports of sources become imports of what is published.
for (const name of readdirSync(dist).filter((one) => one.endsWith('.d.ts'))) {
  const path = join(dist, name)
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/(from ['"]\.\/[\w.]+)\.ts(['"])/g, '$1.js$2'))
}
copyFileSync(join(root, '../../LICENSE'), join(dist, 'LICENSE'))
