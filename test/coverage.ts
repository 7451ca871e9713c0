// How much of the product the tests run: `npm run coverage -- [PATH-PART …]`, by statement, branch and function.
//
// Node counts while the tests run; what it has counted in the bundles is led back to the sources. (c8 reads the same counts, and
// finds no function and no branch in a bundle of many sources: 100 % of everything.)
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CoverageReport } from 'monocart-coverage-reports'
import { CACHE } from './build.ts'

const OURS = /^(src|projections|commands|queries)\/.*\.ts$/
const root = join(import.meta.dirname, '..')
const BUILT = [CACHE, join(root, 'dist')].map((folder) => pathToFileURL(`${folder}/`).href)
const counted = mkdtempSync(join(tmpdir(), 'tributary-coverage-'))
const runs = () => new Set(readdirSync(CACHE).filter((name) => name.startsWith('run-')))

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env }, stdio: 'inherit' })
    child.on('close', (code) => resolve(code ?? 1))
  })

const before = runs()
const code = await run(['--import', 'tsx', 'test/run.ts', ...process.argv.slice(2)], { NODE_V8_COVERAGE: counted })
const report = new CoverageReport({
  logging: 'error',
  outputDir: join(counted, 'report'),
  baseDir: root,
  entryFilter: ({ url }) => BUILT.some((folder) => url.startsWith(folder)),
  sourceFilter: (path) => OURS.test(path) && !path.startsWith('src/console/browser/'),
  reports: [['console-details', { metrics: ['statements', 'branches', 'functions'], skipPercent: 100 }]],
})
await report.addFromDir(counted)
await report.generate()
for (const name of runs()) if (!before.has(name)) rmSync(join(CACHE, name), { recursive: true, force: true })
rmSync(counted, { recursive: true, force: true })
process.exit(code)
