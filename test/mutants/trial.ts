// One mutant tried on tests: which tests have its source in them, and which of them finds it.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type BuildOptions, build as bundle, transformSync } from 'esbuild'
import { options } from '../../src/build.js'
import { makeTypes } from '../../src/client/make/types.js'
import { CACHE, ourPlugins } from '../build.ts'
import { BEGINS } from '../files.ts'

export const ROOT = join(import.meta.dirname, '../..')
/** So many of the nearest tests are asked; a fault that these do not find is rarely found by others. */
const NEAREST = 48
/**
 * Tests of bounds and edges all over the domain, and of what earlier programs recorded: they name few of the sources that they are
 * about, and are asked of each in the end.
 */
const OF_ALL = ['test/domain/', 'test/streams/']
/** Starts no engine: it says who may read a file. */
const STARTS_NONE = 'src/engines/private.ts'
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

const how = {
  ...options,
  // What is taken in of packages loses their names.
  packages: 'external',
  outbase: join(ROOT, 'test'),
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  sourcemap: false,
  logLevel: 'silent',
} satisfies BuildOptions

/** Tests, and what runs them one after the other in a process. */
const entries = (tests: readonly string[]): string[] =>
  ['test/filesProcess.ts', ...tests].map((file) => join(ROOT, file))

export const buildAll = async (): Promise<Built> => {
  mkdirSync(CACHE, { recursive: true })
  await makeTypes()
  const folder = await mkdtemp(join(CACHE, 'mutants-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const { metafile } = await bundle({
    ...how,
    entryPoints: entries(filesIn('test', '.test.ts')),
    outdir: folder,
    plugins: ourPlugins,
    metafile: true,
  })
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
    const starts = (source: string) => source.startsWith('src/engines/') && source !== STARTS_NONE
    if (sources.some((source) => source === 'src/node.ts' || starts(source))) continue
    const direct = new Set(inputs[entryPoint]?.imports.map(({ path }) => path))
    for (const source of sources)
      bySource.set(source, [...(bySource.get(source) ?? []), { path: entryPoint, isDirect: direct.has(source) }])
  }
  return { folder, bySource, fileOf }
}

/**
 * Nearer: what imports it itself, then what has its name in its text, as tests of definitions do, or shares words of its path, then what
 * else has it, small tests first.
 */
export const nearest = (source: string, tests: readonly Test[]): readonly string[] => {
  const words = new Set(
    source
      .replace(/^src\/domain\/|^projections\/|\.ts$/g, '')
      .split(/\/|(?=[A-Z])/)
      .map((word) => word.toLowerCase().replace(/s$/, '')),
  )
  const name = new RegExp(`\\b${basename(source, '.ts')}\\b`)
  const far = ({ path, isDirect }: Test) => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const named = [...words].filter((word) => path.toLowerCase().includes(word)).length
    return (isDirect ? -30 : 0) - 10 * named - (name.test(text) ? 15 : 0) + text.length / 10_000
  }
  const nearer = [...tests].sort((a, b) => far(a) - far(b)).map(({ path }) => path)
  return [
    ...new Set([
      ...nearer.slice(0, NEAREST),
      ...nearer.filter((path) => OF_ALL.some((folder) => path.startsWith(folder))),
    ]),
  ]
}

/** The first of some tests that fails; undefined when all pass. To start a process for each would take longer than most tests do. */
const firstFailing = (folder: string, tests: readonly string[]): Promise<string | undefined> =>
  new Promise((resolve) => {
    const files = tests.map((test) => join(folder, test.replace(/^test\//, '').replace(/\.ts$/, '.js')))
    // The limit is of processor time, so that a busy machine finds no more than another.
    const limited = ['-c', `ulimit -t ${LIMIT_SECONDS}; exec "$0" "$@"`]
    const child = spawn(
      'sh',
      [...limited, process.execPath, '--expose-gc', join(folder, 'filesProcess.js'), '--bail', ...files],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, NODE_ENV: 'test', SEED: '1' },
      },
    )
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
    })
    child.on('close', (code) => {
      const last = (i: number) => said.lastIndexOf(BEGINS + files[i])
      const [worst] = tests.map((_, i) => i).sort((a, b) => last(b) - last(a))
      resolve(code === 0 || worst === undefined ? undefined : tests[worst])
    })
  })

const linesOf = (text: string): readonly string[] =>
  transformSync(text, { loader: 'ts', target: 'node20', logLevel: 'silent' }).code.split('\n')

const exactly = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** A pattern of a text in which names may have got a number, as they do beside others of that name. */
const loosely = (text: string): string =>
  text
    .split(/([A-Za-z_]\w*)/)
    .map((part, i) => (i % 2 === 1 ? `${part}\\d*` : exactly(part)))
    .join('')

/** Lines as they stand in the whole, where what a module declares is a variable, each behind its break. */
const asBuilt = (lines: readonly string[]): string =>
  lines.map((line) => `\n${line.replace(/^export /, '').replace(/^(?:const|let) /, 'var ')}`).join('')

const alike = (
  a: ArrayLike<string>,
  b: ArrayLike<string>,
  at: (i: number, of: ArrayLike<string>) => number,
): number => {
  let n = 0
  while (n < Math.min(a.length, b.length) - 1 && a[at(n, a)] === b[at(n, b)]) n++
  return n
}
const fromBegin = (i: number) => i
const fromEnd = (i: number, of: ArrayLike<string>) => of.length - 1 - i

/** A built file with the change by which another version of a source in it differs; undefined where its place is not found. */
const patched = (built: string, source: string, text: string, changed: string): string | undefined => {
  const [was, is] = [linesOf(text), linesOf(changed)]
  const first = alike(was, is, fromBegin)
  const last = alike(was.slice(first), is.slice(first), fromEnd)
  const [old, now] = [asBuilt(was.slice(first, was.length - last)), asBuilt(is.slice(first, is.length - last))]
  const head = alike(old, now, fromBegin)
  const tail = alike(old.slice(head), now.slice(head), fromEnd)
  const [before, after] = [old.slice(0, head), old.slice(old.length - tail)]
  const place = new RegExp(
    `(${loosely(before)})${exactly(old.slice(head, old.length - tail))}(${loosely(after)})(?=\\n)`,
    'g',
  )
  const begin = built.indexOf(`\n// ${source}\n`)
  if (begin < 0) return undefined
  const next = /\n\/\/ [\w./@-]+\n/g
  next.lastIndex = begin + 1
  const end = next.exec(built)?.index ?? built.length
  const section = built.slice(begin, end + 1)
  // Which of several that are alike is meant is told by their order, as long as all are there.
  const places = [...section.matchAll(place)]
  const known = [...`${asBuilt(was)}\n`.matchAll(place)].map(({ index }) => index)
  const found = places[known.indexOf(asBuilt(was.slice(0, first)).length)]
  if (!found || places.length !== known.length) return undefined
  const put = `${found[1]}${now.slice(head, now.length - tail)}${found[2]}`
  return built.slice(0, begin + found.index) + put + built.slice(begin + found.index + found[0].length)
}

/** Tests with one source changed, by themselves: where the change cannot be put into what is built. */
const builtApart = async (source: string, changed: string, tests: readonly string[]): Promise<string> => {
  const folder = await mkdtemp(join(CACHE, 'mutant-'))
  await bundle({
    ...how,
    entryPoints: entries(tests),
    outdir: folder,
    plugins: [
      {
        name: 'one source changed',
        setup: (build) =>
          build.onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) =>
            path === join(ROOT, source) ? { contents: changed, loader: 'ts' } : undefined,
          ),
      },
      ...ourPlugins,
    ],
  })
  return folder
}

/** Whether a test passes without any fault, alone and with others. */
const sound = new Map<string, boolean>()

/** The test that finds a fault, undefined when none does. A test that fails without any fault has found nothing. */
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
  const apart = now === undefined ? await builtApart(source, changed, tests) : undefined
  const failsWith = async (some: readonly string[]): Promise<string | undefined> => {
    if (now !== undefined) writeFileSync(file, now)
    const failing = await firstFailing(apart ?? folder, some)
    writeFileSync(file, built)
    return failing
  }
  try {
    for (let begin = 0; begin < tests.length; begin += TOGETHER)
      for (;;) {
        const left = tests.slice(begin, begin + TOGETHER).filter((test) => sound.get(test) !== false)
        const failing = left.length > 0 ? await failsWith(left) : undefined
        if (failing === undefined) break
        // By itself it fails with the fault, and without it passes: else its company is at fault, or the test.
        if ((await failsWith([failing])) === undefined) sound.set(failing, false)
        if (!sound.has(failing)) sound.set(failing, (await firstFailing(folder, [failing])) === undefined)
        if (sound.get(failing)) return failing
      }
    return undefined
  } finally {
    if (apart !== undefined) rmSync(apart, { recursive: true, force: true })
  }
}
