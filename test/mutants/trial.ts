// One mutant tried on tests: which tests have its source in them, and which of them finds it.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { build as bundle, type Plugin } from 'esbuild'
import { options } from '../../src/build.js'
import { makeTypes } from '../../src/client/make/types.js'
import { CACHE, ourPlugins } from '../build.ts'

export const ROOT = join(import.meta.dirname, '../..')
/** So many of the nearest tests are asked; a fault that these do not find is rarely found by others. */
const NEAREST = 16
/** A test that takes longer under a mutant goes round in circles, and has found it. */
const LIMIT_MS = 120_000

/** The files below a folder whose names end so, by path from the root. */
export const filesIn = (folder: string, end: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(end))
    .map((file) => join(folder, file))

/** A test that has a source in it. */
export interface Test {
  readonly path: string
  /** Whether it imports the source itself. */
  readonly isDirect: boolean
}

/** Which tests have a source in them; whole nodes have all, and take too long. */
export const testsBySource = async (): Promise<ReadonlyMap<string, readonly Test[]>> => {
  mkdirSync(CACHE, { recursive: true })
  await makeTypes()
  const { metafile } = await bundle({
    ...options,
    packages: 'external',
    entryPoints: filesIn('test', '.test.ts').map((test) => join(ROOT, test)),
    outdir: join(CACHE, 'none'),
    write: false,
    metafile: true,
    plugins: ourPlugins,
  })
  const tests = new Map<string, Test[]>()
  for (const { entryPoint, inputs } of Object.values(metafile.outputs)) {
    const sources = Object.keys(inputs)
    if (
      entryPoint === undefined ||
      sources.some((source) => source === 'src/node.ts' || source.startsWith('src/engines/'))
    )
      continue
    const direct = new Set(metafile.inputs[entryPoint]?.imports.map(({ path }) => path))
    for (const source of sources)
      tests.set(source, [...(tests.get(source) ?? []), { path: entryPoint, isDirect: direct.has(source) }])
  }
  return tests
}

/** Nearer: what imports it itself, then what shares words of its path, then what else has it, small tests first. */
export const nearest = (source: string, tests: readonly Test[]): readonly string[] => {
  const words = new Set(
    source
      .replace(/^src\/domain\/|^projections\/|\.ts$/g, '')
      .split(/\/|(?=[A-Z])/)
      .map((word) => word.toLowerCase().replace(/s$/, '')),
  )
  const far = ({ path, isDirect }: Test) => {
    const named = [...words].filter((word) => path.toLowerCase().includes(word)).length
    return (isDirect ? -30 : 0) - 10 * named + readFileSync(join(ROOT, path)).length / 10_000
  }
  return [...tests]
    .sort((a, b) => far(a) - far(b))
    .slice(0, NEAREST)
    .map(({ path }) => path)
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

/** Bundles tests, with one source changed or none, and asks `look` for what comes of their files. */
const withBundles = async <T>(
  tests: readonly string[],
  plugins: readonly Plugin[],
  look: (fileOf: (test: string) => string) => Promise<T>,
): Promise<T> => {
  const outdir = await mkdtemp(join(CACHE, 'mutant-'))
  try {
    await bundle({
      ...options,
      packages: 'external',
      entryPoints: tests.map((test) => join(ROOT, test)),
      outdir,
      outbase: join(ROOT, 'test'),
      plugins: [...plugins, ...ourPlugins],
      logLevel: 'silent',
    })
    return await look((test) => join(outdir, relative('test', test).replace(/\.ts$/, '.js')))
  } finally {
    rmSync(outdir, { recursive: true, force: true })
  }
}

const sound = new Map<string, Promise<boolean>>()

/** Whether a test passes without any fault: one that does not has found nothing. */
const isSound = (test: string): Promise<boolean> => {
  const known = sound.get(test) ?? withBundles([test], [], (fileOf) => passes(fileOf(test)))
  sound.set(test, known)
  return known
}

/** The test that finds the fault; undefined when none does. */
export const foundBy = (source: string, text: string, tests: readonly string[]): Promise<string | undefined> =>
  withBundles(tests, [withText(source, text)], async (fileOf) => {
    for (const test of tests) if (!(await passes(fileOf(test))) && (await isSound(test))) return test
    return undefined
  })
