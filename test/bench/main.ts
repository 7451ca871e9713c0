// Runs benches and prints a table and a JSON file.
//   npm run bench                 all of them
//   npm run bench -- tracking     those named
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchAudit } from './audit.ts'
import { benchConsole } from './console.ts'
import { benchCost, benchGrowth } from './cost.ts'
import { benchDelays } from './delays.ts'
import { benchDelivery } from './delivery.ts'
import { benchEncryption } from './encryption.ts'
import { benchDocuments } from './engines-documents.ts'
import { benchEventLog } from './engines-eventlog.ts'
import type { Row } from './harness.ts'
import { benchLoyalty } from './loyalty.ts'
import { benchOutage } from './outage.ts'
import { benchOverload } from './overload.ts'
import { benchRedemption } from './redemption.ts'
import { benchSegments } from './segments.ts'
import { benchTracking } from './tracking.ts'
import { benchWorkers } from './workers.ts'

/** Rows all at once, or part by part as they are measured. */
type Bench = (dir: string) => Promise<readonly Row[]> | AsyncIterable<readonly Row[]>

async function* partsOf(made: ReturnType<Bench>): AsyncIterable<readonly Row[]> {
  if (made instanceof Promise) yield await made
  else yield* made
}

async function* benchEngines(): AsyncIterable<readonly Row[]> {
  yield await benchEventLog()
  yield await benchDocuments()
}

const benches: Readonly<Record<string, Bench>> = {
  cost: benchCost,
  console: benchConsole,
  growth: benchGrowth,
  encryption: benchEncryption,
  engines: benchEngines,
  tracking: benchTracking,
  delays: benchDelays,
  segments: benchSegments,
  delivery: benchDelivery,
  loyalty: benchLoyalty,
  redemption: benchRedemption,
  audit: benchAudit,
  overload: benchOverload,
  outage: benchOutage,
  workers: benchWorkers,
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in benches))
if (unknown.length > 0) {
  process.stderr.write(`no such bench: ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}\n`)
  process.exit(2)
}

const shown = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(3)

let failed = false
const results: (Row & { readonly bench: string })[] = []
for (const [bench, run] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(bench)) continue
  process.stdout.write(`\n${bench}\n`)
  const dir = await mkdtemp(join(tmpdir(), `tributary-bench-${bench}-`))
  try {
    for await (const rows of partsOf(run(dir)))
      for (const row of rows) {
        results.push({ bench, ...row })
        const target = row.target === undefined ? '' : `   (aim ${row.target})`
        process.stdout.write(`  ${row.name.padEnd(52)} ${shown(row.value).padStart(10)} ${row.unit}${target}\n`)
      }
  } catch (error) {
    failed = true
    process.stdout.write(`  ended: ${error instanceof Error ? error.message : String(error)}\n`)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
const file = `bench-${new Date().toISOString().replace(/[:.]/g, '-')}.json`
await writeFile(
  file,
  JSON.stringify(
    { at: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, results },
    null,
    2,
  ),
)
process.stdout.write(`\nwritten to ${file}\n`)
process.exit(failed ? 1 : 0)
