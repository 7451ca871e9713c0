// Keeps logs of whole nodes for fact types that no kept log has: `npm run streams -- PATH-PART …` runs those tests and takes the
// smallest logs that bring what is missing. Logs that are kept stay as they are, for facts are for ever.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RULEBOOK_STREAM } from '../../src/domain/ids.ts'
import { KEYS_STREAM } from '../../src/domain/personalFacts.ts'
import { factRegistry } from '../../src/domain/registry.ts'
import { testNode } from '../system/node.ts'
import { recordingOf } from './kept.ts'
import { leaveRecording } from './recording.ts'
import { playRezoned, playScenario } from './scenario.ts'

const FOLDER = join(import.meta.dirname, '../data/streams')
/** What another file costs, bytes: few are better than many. */
const BEGINNING = 30_000

const logsIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.ndjson'))
    .map((file) => join(folder, file))

const typesIn = (file: string): ReadonlySet<string> => new Set(recordingOf(file).records.map(({ type }) => type))

/** Read with any others: the definitions, and the keys that open what is personal. */
const isShared = (stream: string, lines: readonly string[]): boolean =>
  stream === RULEBOOK_STREAM ||
  stream === KEYS_STREAM ||
  (stream.startsWith('key-') && lines.some((line) => line.includes(stream.slice('key-'.length))))

/** Of a log the smallest streams that have these types, with what they need to be read. */
const shortened = (file: string, types: readonly string[]): readonly string[] => {
  const [keys, ...lines] = readFileSync(file, 'utf8').trim().split('\n') as [string, ...string[]]
  const all = lines.map((text) => ({ text, ...(JSON.parse(text) as { stream: string; type: string }) }))
  const bytes = new Map<string, number>()
  for (const { stream, text } of all) bytes.set(stream, (bytes.get(stream) ?? 0) + text.length)
  const wanted = new Set<string>()
  for (const type of types) {
    const having = all.filter((line) => line.type === type).map(({ stream }) => stream)
    if (having.some((stream) => wanted.has(stream))) continue
    wanted.add(having.reduce((a, b) => (bytes.get(a)! <= bytes.get(b)! ? a : b)))
  }
  const own = all.filter(({ stream }) => wanted.has(stream)).map(({ text }) => text)
  return [keys, ...all.filter(({ stream }) => wanted.has(stream) || isShared(stream, own)).map(({ text }) => text)]
}

const run = async (env: Record<string, string>, args: readonly string[]): Promise<void> => {
  const child = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, '../run.ts'), ...args], {
    env: { ...process.env, ...env },
    stdio: 'inherit',
  })
  await once(child, 'close')
}

/** The scenario's own log, whatever its laws: some of its facts come from no command. */
const recordScenario = async (into: string): Promise<void> => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-scenario-'))
  const first = await testNode({ DELIVERY: 'off' }, dir)
  await playScenario(first).finally(() => first.stop())
  const second = await testNode({ DELIVERY: 'off', PROJECT_TIME_ZONE: 'Asia/Tokyo' }, dir)
  try {
    await playRezoned(second)
    await leaveRecording(into, dir, second.services)
  } finally {
    await second.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

const temporary = mkdtempSync(join(tmpdir(), 'tributary-streams-'))
/** RECORDED names a folder of logs that were recorded before. */
const folder = process.env.RECORDED ?? temporary
try {
  if (process.env.RECORDED === undefined) await recordScenario(folder)
  if (process.argv.length > 2) await run({ RECORD_STREAMS: folder }, process.argv.slice(2))
  const missing = new Set(Object.keys(factRegistry))
  for (const log of logsIn(FOLDER)) for (const type of typesIn(log)) missing.delete(type)

  for (let n = logsIn(FOLDER).length + 1; missing.size > 0; n++) {
    const worth = logsIn(folder)
      .map((log) => {
        const news = [...typesIn(log)].filter((type) => missing.has(type))
        const lines = news.length === 0 ? [] : shortened(log, news)
        return { news, text: `${lines.join('\n')}\n` }
      })
      .filter(({ news }) => news.length > 0)
      .sort((a, b) => b.news.length / (b.text.length + BEGINNING) - a.news.length / (a.text.length + BEGINNING))
    const [best] = worth
    if (best === undefined) break
    writeFileSync(join(FOLDER, `log-${String(n).padStart(2, '0')}.ndjson`), best.text)
    for (const type of best.news) missing.delete(type)
    console.log(`kept ${best.text.length} bytes for ${best.news.length} fact types`)
  }
  console.log(missing.size === 0 ? 'Every fact type is in a kept log.' : `Missing: ${[...missing].join(', ')}`)
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
