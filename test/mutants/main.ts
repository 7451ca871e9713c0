// How many small faults in the pure core the tests find: `npm run mutants -- [HOW-MANY] [--seed N] [PATH-PART …]`.
//
// Each mutant is tried on the tests that have its source in them and start no node, the nearest first, until one fails. Those that
// none finds are named, and the share that was found is the score. Takes minutes, and one processor: run it `nice`.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { build as bundle, type Plugin, transformSync } from 'esbuild'
import { options } from '../../src/build.js'
import { CACHE, ourPlugins } from '../build.ts'
import { randomOf } from '../random.ts'
import { type Mutant, mutantsOf, mutated } from './operators.ts'

const ROOT = join(import.meta.dirname, '../..')
const HOW_MANY = 50
/** So many of the nearest tests are asked; a fault that these do not find is rarely found by others. */
const NEAREST = 12
/** A test that takes longer under a mutant goes round in circles, and has found it. */
const LIMIT_MS = 120_000

const args = process.argv.slice(2)
const seedAt = args.indexOf('--seed')
const seed = seedAt < 0 ? Date.now() % 1_000_000 : Number(args[seedAt + 1])
const rest = seedAt < 0 ? args : args.toSpliced(seedAt, 2)
const howMany = Number(rest.find((one) => /^\d+$/.test(one)) ?? HOW_MANY)
const wanted = rest.filter((one) => !/^\d+$/.test(one))

const filesIn = (folder: string, end: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(end))
    .map((file) => join(folder, file))

/** Which tests have a source in them; whole nodes have all, and take too long. */
const testsBySource = async (): Promise<ReadonlyMap<string, readonly string[]>> => {
  const { metafile } = await bundle({
    ...options,
    packages: 'external',
    entryPoints: filesIn('test', '.test.ts').map((test) => join(ROOT, test)),
    outdir: join(CACHE, 'none'),
    write: false,
    metafile: true,
    plugins: ourPlugins,
  })
  const tests = new Map<string, string[]>()
  for (const { entryPoint, inputs } of Object.values(metafile.outputs)) {
    const sources = Object.keys(inputs)
    if (
      entryPoint === undefined ||
      sources.some((source) => source === 'src/node.ts' || source.startsWith('src/engines/'))
    )
      continue
    for (const source of sources) tests.set(source, [...(tests.get(source) ?? []), entryPoint])
  }
  return tests
}

/** Nearer: of the same name, then of the same folder, then what else imports it, small tests first. */
const nearest = (source: string, tests: readonly string[]): readonly string[] => {
  const parts = source.replace(/\.ts$/, '').split('/').slice(1)
  const far = (test: string) => {
    const named = parts.filter((part) => test.toLowerCase().includes(part.toLowerCase())).length
    return -10 * named + readFileSync(join(ROOT, test)).length / 10_000
  }
  return [...tests].sort((a, b) => far(a) - far(b)).slice(0, NEAREST)
}

const withText = (source: string, text: string): Plugin => ({
  name: 'one source changed',
  setup(build) {
    build.onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) =>
      path === join(ROOT, source) ? { contents: text, loader: 'ts' } : undefined,
    )
  },
})

const passes = (file: string): Promise<boolean> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ['--expose-gc', file], {
      stdio: 'ignore',
      env: { ...process.env, NODE_ENV: 'test', SEED: '1' },
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve(code === 0)
    })
  })

/** The test that finds the fault; undefined when none does. */
const foundBy = async (source: string, text: string, tests: readonly string[]): Promise<string | undefined> => {
  const outdir = await mkdtemp(join(CACHE, 'mutant-'))
  try {
    await bundle({
      ...options,
      packages: 'external',
      entryPoints: tests.map((test) => join(ROOT, test)),
      outdir,
      outbase: join(ROOT, 'test'),
      plugins: [withText(source, text), ...ourPlugins],
      logLevel: 'silent',
    })
    for (const test of tests)
      if (!(await passes(join(outdir, relative('test', test).replace(/\.ts$/, '.js'))))) return test
    return undefined
  } finally {
    rmSync(outdir, { recursive: true, force: true })
  }
}

const compiled = (text: string): string => transformSync(text, { loader: 'ts' }).code

mkdirSync(CACHE, { recursive: true })
const bySource = await testsBySource()
const sources = [...filesIn('src/domain', '.ts'), ...filesIn('projections', '.ts')].filter(
  (source) => wanted.length === 0 || wanted.some((part) => source.includes(part)),
)
const all: { readonly source: string; readonly text: string; readonly mutant: Mutant }[] = []
for (const source of sources) {
  const text = await readFile(join(ROOT, source), 'utf8')
  for (const mutant of mutantsOf(text)) all.push({ source, text, mutant })
}

const chance = randomOf(seed)
const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length
console.log(`seed ${seed}: ${howMany} of ${all.length} mutants in ${sources.length} files`)

let tried = 0
let found = 0
const tell = () => console.log(`${found} of ${tried} found: ${((100 * found) / Math.max(1, tried)).toFixed(0)} %`)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    tell()
    process.exit(1)
  })
while (tried < howMany && all.length > 0) {
  const [{ source, text, mutant }] = all.splice(Math.floor(chance() * all.length), 1) as [(typeof all)[number]]
  const changed = mutated(text, mutant)
  if (compiled(changed) === compiled(text)) continue
  const tests = nearest(source, bySource.get(source) ?? [])
  const by = await foundBy(source, changed, tests)
  tried++
  if (by !== undefined) {
    found++
    continue
  }
  const line = lineOf(text, mutant.at)
  const code = text.split('\n')[line - 1]!.trim()
  console.log(
    `survived ${source}:${line}  ${mutant.from} -> ${mutant.to || '(nothing)'}  in  ${code}  (${tests.length} tests)`,
  )
}
tell()
