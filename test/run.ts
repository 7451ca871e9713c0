// Runs every test file in a process of its own, some at a time, and closes with what took longest and the line
// `N passed, N failed`.
//   tsx test/run.ts [--bail] [PATH-PART ...]     only files whose path contains one of the parts
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { build } from '../src/build.js'
import { makeTypes } from '../src/client/make/types.js'
import { buildConsole } from '../src/console/build.js'
import { buildTests, withSources } from './build.ts'
import { ENDS, SKIPPED, together } from './files.ts'
import { areGiven } from './skip.ts'
import { isSoak } from './soak.ts'
import { others } from './until.ts'

/** On a machine that is not busy, a file that takes longer hangs: it is stopped and counts as failed. */
const FILE_LIMIT_MS = isSoak ? 90 * 60_000 : 5 * 60_000
/** After its last test a file ends by itself within this time: what it leaves running is its fault. */
const END_LIMIT_MS = 20_000
/** One more than there are processors: tests wait for disks, timers and each other's answers a third of their time. */
const AT_ONCE = Math.min(4, availableParallelism() + 1)
/** So many files are named at the end. */
const SLOWEST = 10
const root = new URL('.', import.meta.url).pathname

const wanted = process.argv.slice(2).filter((a) => !a.startsWith('--'))
const bail = process.argv.includes('--bail')

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.test.ts') && !f.includes('node_modules'))
  .filter((f) => wanted.length === 0 || wanted.some((w) => join('test', f).includes(w)))
  .sort()

interface Outcome {
  readonly file: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** From its start to its end. */
  readonly seconds: number
  /** Of the processors; unknown of a file that was stopped. */
  readonly cost: number | undefined
  /** What it printed, of a file that failed. */
  readonly report: string | undefined
}

/** So many characters of a failed file's report stand once more at the end, from its first failure on. */
const REPORTED = 3_000

const timesOf = ({ seconds, cost }: Outcome): string =>
  `${seconds.toFixed(1)} s${cost === undefined ? '' : `, ${cost.toFixed(1)} s of a processor`}`

/** Where the text of a file that has ended ends; 0 of one that has not. */
const endOf = (said: string): number => {
  const begin = said.indexOf(ENDS)
  return begin < 0 ? 0 : said.indexOf('\n', begin) + 1
}

/** Counts are read from uvu's closing lines; a file that ends badly without naming a failed test counts as one failure. */
const outcomeOf = (file: string, said: string, seconds: number, stopped: string | undefined): Outcome => {
  const sum = (label: string) =>
    [...said.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)\\s*$`, 'gm'))].reduce((n, m) => n + Number(m[1]), 0)
  const total = sum('Total')
  const [code, cost] = said.split(ENDS)[1]?.split('\n')[0]?.split(' ').map(Number) ?? []
  const whole = code === 0 && stopped === undefined
  // With given servers a file may have no test: each of its tests is for servers of its own.
  const why =
    total > 0
      ? undefined
      : (said.split(SKIPPED)[1]?.split('\n')[0] ?? (whole && areGiven ? 'it has no test for given servers' : undefined))
  const passed = sum('Passed')
  const skipped = sum('Skipped') + (why ? 1 : 0)
  const failed = Math.max(total - passed - sum('Skipped'), why || (whole && total > 0) ? 0 : 1)
  // Node itself could name the places, for a third of the processor time that the tests take.
  const report = failed > 0 ? withSources(said, built) : undefined
  const outcome = { file, passed, failed, skipped, seconds, cost, report }
  console.log(
    `${failed === 0 ? 'ok    ' : 'FAILED'} ${file} (${why === undefined ? `${passed} passed` : `skipped: ${why}`}, ${timesOf(outcome)})`,
  )
  if (report !== undefined) console.log(report)
  if (stopped !== undefined) console.log(`stopped: ${stopped}`)
  return outcome
}

/** Runs files one after the other in a process; gives those that it has not come to, when it ends before. */
const runFiles = (files: readonly string[], tell: (outcome: Outcome) => void): Promise<readonly string[]> =>
  new Promise((resolve) => {
    const left = [...files]
    /** When the file that runs began, and what it has said. */
    let began = Date.now()
    let said = ''
    let ending: NodeJS.Timeout | undefined
    const child = spawn(
      process.execPath,
      [
        '--expose-gc',
        join(built, 'filesProcess.js'),
        ...files.map((file) => join(built, file.replace(/\.ts$/, '.js'))),
      ],
      {
        env: {
          ...process.env,
          FORCE_COLOR: '0',
          NODE_ENV: 'test',
          TESTS_BUILT: built,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let stopped: string | undefined
    const stop = (why: string) => {
      stopped ??= why
      child.kill('SIGKILL')
    }
    const timer = setInterval(() => {
      // Longer as others keep the machine busy: slow is not broken.
      const limit = FILE_LIMIT_MS * others()
      if (Date.now() - began > limit) stop(`over the limit of ${Math.round(limit / 1000)} s`)
    }, 5_000)
    const ended = (text: string, why?: string) => {
      tell(outcomeOf(left.shift()!, text, (Date.now() - began) / 1000, why))
      began = Date.now()
    }
    const take = (chunk: string) => {
      said += chunk
      for (let end = endOf(said); end > 0; end = endOf(said)) {
        // Of the last, how the process ends is a part.
        if (left.length === 1) {
          ending ??= setTimeout(() => stop('it still ran long after its last test'), END_LIMIT_MS)
          break
        }
        ended(said.slice(0, end))
        said = said.slice(end)
      }
    }
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const)
      from.setEncoding('utf8').on('data', (chunk) => {
        take(chunk)
        // What takes an hour says how far it is, and what it has met: whoever ends it early keeps that.
        if (isSoak) to.write(chunk)
      })
    child.on('close', (code) => {
      clearInterval(timer)
      clearTimeout(ending)
      ended(said, stopped ?? (code === 0 ? undefined : `its process ended with ${code}`))
      resolve(left)
    })
  })

// Tests that start the product start what is built of it; a run within a test has it already.
if (process.env.TESTS_BUILT === undefined) {
  await build()
  if (files.some((file) => file.startsWith('console/browser/'))) await buildConsole(join(root, '..', 'dist'))
}
if (files.some((file) => file.startsWith('client/'))) await makeTypes()
const built = await buildTests(files)

// A long run has its own counts of all, and what stands on given servers has names of its process.
const queue = [...together(files, isSoak || areGiven ? 1 : undefined)]
const outcomes: Outcome[] = []
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let of = queue.shift(); of !== undefined; of = queue.shift()) {
      const left = await runFiles(of, (outcome) => {
        outcomes.push(outcome)
        if (bail && outcome.failed > 0) queue.length = 0
      })
      if (left.length > 0) queue.unshift(left)
    }
  }),
)

// Who asks what was covered still needs what was run (see coverage.ts).
if (process.env.NODE_V8_COVERAGE === undefined) await rm(built, { recursive: true, force: true })

if (outcomes.length > SLOWEST) {
  console.log(`\nThe slowest of ${outcomes.length} files:`)
  for (const outcome of outcomes.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST))
    console.log(`  ${outcome.file} (${timesOf(outcome)})`)
}

const failures = outcomes.filter(({ report }) => report !== undefined)
if (failures.length > 0 && outcomes.length > SLOWEST)
  for (const { file, report = '' } of failures)
    console.log(`\nFAILED ${file}\n${report.slice(Math.max(0, report.search(/^\s*FAIL /m))).slice(0, REPORTED)}`)

const total = (key: 'passed' | 'failed' | 'skipped') => outcomes.reduce((n, o) => n + o[key], 0)
const skipped = total('skipped')
console.log(`${total('passed')} passed, ${total('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(total('failed') > 0 || outcomes.length === 0 ? 1 : 0)
