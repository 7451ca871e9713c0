// One mutant tried on tests: which tests have its source in them, and which of them finds it.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { build as bundle, transformSync } from 'esbuild'
import { clientApart, OUTSIDE, options } from '../../src/build.js'
import { makeTypes } from '../../src/client/make/types.js'
import { CACHE, ofTests, ourPlugins } from '../build.ts'

export const ROOT = join(import.meta.dirname, '../..')
/** So many of the nearest tests are asked; a fault that these do not find is rarely found by others. */
const NEAREST = 16
/** So many of these run in one process. */
const TOGETHER = 4
/** Tests that take more of a processor under a mutant go round in circles, and have found it; the longest take a tenth. */
const LIMIT_SECONDS = 60

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

/** All tests, built once; a mutant is put into the one file that has its source. */
export interface Built {
  /** Where the tests are, and what they have in common. */
  readonly folder: string
  /** Which tests have a source in them; whole nodes have all, and take too long. */
  readonly bySource: ReadonlyMap<string, readonly Test[]>
  /** The file with what was made of a source. */
  readonly fileOf: ReadonlyMap<string, string>
}

export const buildAll = async (): Promise<Built> => {
  mkdirSync(CACHE, { recursive: true })
  await makeTypes()
  const folder = await mkdtemp(join(CACHE, 'mutants-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const { metafile } = await bundle({
    ...options,
    external: [...OUTSIDE, ...(await ofTests())],
    entryPoints: filesIn('test', '.test.ts').map((test) => join(ROOT, test)),
    outdir: folder,
    outbase: join(ROOT, 'test'),
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    sourcemap: false,
    metafile: true,
    plugins: [clientApart(), ...ourPlugins],
  })
  writeFileSync(join(folder, 'runner.mjs'), RUNNER)
  const { outputs, inputs } = metafile
  const fileOf = new Map<string, string>()
  for (const [file, output] of Object.entries(outputs))
    for (const source of Object.keys(output.inputs)) fileOf.set(source, join(ROOT, file))
  const partsOf = (file: string, found = new Set<string>()): ReadonlySet<string> => {
    if (found.has(file) || !outputs[file]) return found
    found.add(file)
    for (const { path } of outputs[file].imports) partsOf(path, found)
    return found
  }
  const bySource = new Map<string, Test[]>()
  for (const [file, { entryPoint }] of Object.entries(outputs)) {
    if (!entryPoint?.startsWith('test/')) continue
    const sources = [...partsOf(file)].flatMap((part) => Object.keys(outputs[part]!.inputs))
    if (sources.some((source) => source === 'src/node.ts' || source.startsWith('src/engines/'))) continue
    const direct = new Set(inputs[entryPoint]?.imports.map(({ path }) => path))
    for (const source of sources)
      bySource.set(source, [...(bySource.get(source) ?? []), { path: entryPoint, isDirect: direct.has(source) }])
  }
  return { folder, bySource, fileOf }
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

/** Runs the tests in its arguments one after the other, up to the first that fails, and says before each which it is. */
const RUNNER = `globalThis.UVU_DEFER = 1
const { exec } = await import('uvu')
for (const [i, file] of process.argv.slice(2).entries()) {
  globalThis.UVU_INDEX = i
  UVU_QUEUE.push([file])
  console.log(file)
  await import(file)
}
await exec(true)
process.exit(process.exitCode)
`

/** The first of some tests that fails; undefined when all pass. To start a process for each would take longer than most tests do. */
const firstFailing = (folder: string, tests: readonly string[]): Promise<string | undefined> =>
  new Promise((resolve) => {
    const files = tests.map((test) => join(folder, test.replace(/^test\//, '').replace(/\.ts$/, '.js')))
    // The limit is of processor time, so that a busy machine finds no more than another.
    const limited = ['-c', `ulimit -t ${LIMIT_SECONDS}; exec "$0" "$@"`]
    const child = spawn('sh', [...limited, process.execPath, '--expose-gc', join(folder, 'runner.mjs'), ...files], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, NODE_ENV: 'test', SEED: '1' },
    })
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
    })
    child.on('close', (code) => {
      const last = (i: number) => said.lastIndexOf(files[i]!)
      const [worst] = tests.map((_, i) => i).sort((a, b) => last(b) - last(a))
      resolve(code === 0 || worst === undefined ? undefined : tests[worst])
    })
  })

const linesOf = (text: string): readonly string[] =>
  transformSync(text, { loader: 'ts', target: 'node20', logLevel: 'silent' }).code.split('\n')

/** How often a part stands in a text. */
const times = (text: string, part: string): number => text.split(part).length - 1

/**
 * A built file with the lines replaced that another version of a source in it makes otherwise; undefined where these are not found as
 * they are, since a name in them has another in the whole.
 */
const patched = (built: string, source: string, text: string, changed: string): string | undefined => {
  const bare = (lines: readonly string[]) => `\n${lines.join('\n').replaceAll(/^export /gm, '')}\n`
  const [was, is] = [linesOf(text), linesOf(changed)]
  const from = was.findIndex((line, i) => line !== is[i])
  let same = 0
  while (from + same < Math.min(was.length, is.length) - 1 && was.at(-1 - same) === is.at(-1 - same)) same++
  const old = bare(was.slice(from, was.length - same))
  const begin = built.indexOf(`\n// ${source}\n`)
  if (begin < 0) return undefined
  const after = /\n\/\/ [\w./@-]+\n/g
  after.lastIndex = begin + 1
  const end = after.exec(built)?.index ?? built.length
  const section = built.slice(begin, end + 1)
  // Which of several that are alike is meant is told by their order, as long as all are there.
  if (times(section, old) === 0 || times(section, old) !== times(bare(was), old)) return undefined
  const nth = times(bare(was.slice(0, from)), old)
  const parts = section.split(old)
  const now = bare(is.slice(from, is.length - same))
  const put = parts.slice(0, nth + 1).join(old) + now + parts.slice(nth + 1).join(old)
  return built.slice(0, begin) + put + built.slice(end + 1)
}

/** What is said of a fault that cannot be put into what is built. */
export const UNPLACED = 'unplaced'

/** Whether a test passes without any fault, alone and with others. */
const sound = new Map<string, boolean>()

/**
 * The test that finds a fault, undefined when none does; UNPLACED where the fault cannot be put into what is built. A test that fails
 * without any fault has found nothing.
 */
export const foundBy = async (
  { folder, fileOf }: Built,
  source: string,
  text: string,
  changed: string,
  tests: readonly string[],
): Promise<string | undefined> => {
  const file = fileOf.get(source)
  if (file === undefined) return undefined
  const built = readFileSync(file, 'utf8')
  const now = patched(built, source, text, changed)
  if (now === undefined) return UNPLACED
  try {
    for (let begin = 0; begin < tests.length; begin += TOGETHER)
      for (;;) {
        const left = tests.slice(begin, begin + TOGETHER).filter((test) => sound.get(test) !== false)
        writeFileSync(file, now)
        const failing = left.length > 0 ? await firstFailing(folder, left) : undefined
        if (failing === undefined) break
        // By itself it fails with the fault, and without it passes: else its company is at fault, or the test.
        const isAlone = (await firstFailing(folder, [failing])) !== undefined
        writeFileSync(file, built)
        if (!isAlone) sound.set(failing, false)
        if (!sound.has(failing)) sound.set(failing, (await firstFailing(folder, [failing])) === undefined)
        if (sound.get(failing)) return failing
      }
    return undefined
  } finally {
    writeFileSync(file, built)
  }
}
