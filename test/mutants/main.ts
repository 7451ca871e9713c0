// How many small faults in the pure core the tests find: `npm run mutants -- [HOW-MANY] [--seed N] [PATH-PART[:LINE] …]`.
//
// Each mutant is tried on the tests that have its source in them and start no node, the nearest first, until one fails. Those that
// none finds are named, and the share that was found is the score. All tests are built once, and each mutant is put into what was built:
// some three seconds of a processor for each that is found soon, half a minute for one that nothing finds. Run it `nice`.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import { randomOf } from '../random.ts'
import { isEquivalent } from './equivalent.ts'
import { type Mutant, mutantsOf, mutated } from './operators.ts'
import { buildAll, filesIn, foundBy, nearest, ROOT } from './trial.ts'

const HOW_MANY = 50

const args = process.argv.slice(2)
const seedAt = args.indexOf('--seed')
const seed = seedAt < 0 ? Date.now() % 1_000_000 : Number(args[seedAt + 1])
const rest = seedAt < 0 ? args : args.toSpliced(seedAt, 2)
const howMany = Number(rest.find((one) => /^\d+$/.test(one)) ?? HOW_MANY)
const wanted = rest
  .filter((one) => !/^\d+$/.test(one))
  .map((one) => ({ part: one.replace(/:\d+$/, ''), line: /:(\d+)$/.exec(one)?.[1] }))

/** Undefined for what is no program: such a change is no fault that anybody could ship. */
const compiled = (text: string): string | undefined => {
  try {
    return transformSync(text, { loader: 'ts', logLevel: 'silent' }).code
  } catch {
    return undefined
  }
}

const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length

/** Whether the command line asks for what is in this source, and on this line of it. */
const isWanted = (source: string, line?: number): boolean =>
  wanted.length === 0 ||
  wanted.some(
    (one) => source.includes(one.part) && (line === undefined || one.line === undefined || Number(one.line) === line),
  )

const built = await buildAll()
const sources = [...filesIn('src/domain', '.ts'), ...filesIn('projections', '.ts')].filter((source) => isWanted(source))
const all: { readonly source: string; readonly text: string; readonly mutant: Mutant }[] = []
for (const source of sources) {
  const text = await readFile(join(ROOT, source), 'utf8')
  for (const mutant of mutantsOf(text))
    if (isWanted(source, lineOf(text, mutant.at)) && !isEquivalent(text, mutant)) all.push({ source, text, mutant })
}

const chance = randomOf(seed)
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
  const code = compiled(changed)
  if (code === undefined || code === compiled(text)) continue
  const tests = nearest(source, built.bySource.get(source) ?? [])
  const by = await foundBy(built, source, text, changed, tests)
  tried++
  if (by !== undefined) {
    found++
    continue
  }
  const line = lineOf(text, mutant.at)
  const written = text.split('\n')[line - 1]!.trim()
  console.log(
    `survived ${source}:${line}  ${mutant.from} -> ${mutant.to || '(nothing)'}  in  ${written}  (${tests.length} tests)`,
  )
}
tell()
