// Builds the product and the benches and runs them: `npm run bench [-- NAME …]` (see bench/main.ts).
import { spawnSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from '../src/build.js'
import { buildTests } from './build.ts'

await build()
const built = await buildTests(['bench/main.ts'])
const { status } = spawnSync(
  process.execPath,
  ['--enable-source-maps', join(built, 'bench/main.js'), ...process.argv.slice(2)],
  { stdio: 'inherit', env: { ...process.env, TESTS_BUILT: built } },
)
await rm(built, { recursive: true, force: true })
process.exit(status ?? 1)
