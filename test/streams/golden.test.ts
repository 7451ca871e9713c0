// Logs that earlier programs wrote: this one reads all of it, decides nothing otherwise, and makes the same states and documents.
// Where a change of these is meant, UPDATE=1 writes anew what is expected; what was recorded never changes. Documents and snapshots that
// nodes keep are of a version, which goes up with what they hold: it is held beside what is expected.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { projections } from '../../projections/index.ts'
import { STATE_VERSION } from '../../src/domain/customer/state.ts'
import { factRegistry } from '../../src/domain/registry.ts'
import { type Made, madeOf, recordingOf } from './kept.ts'

const test = suite('kept logs')

const FOLDER = join(import.meta.dirname, '../data/streams')
const recordings = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.ndjson'))
  .map((file) => ({ name: file.replace('.ndjson', ''), ...recordingOf(join(FOLDER, file)) }))

/** A line for each stream and each document, so that a change shows as what it is. */
const written = ({ states, documents }: Made): string => {
  const lines = (group: Readonly<Record<string, unknown>>) =>
    Object.entries(group).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  return `{\n${lines({ ...states, ...documents }).join(',\n')}\n}\n`
}

test('every fact type is in some kept log', () => {
  const kept = new Set(recordings.flatMap(({ records }) => records.map(({ type }) => type)))
  assert.equal(
    Object.keys(factRegistry).filter((type) => !kept.has(type)),
    [],
    'npm run streams keeps logs that have them',
  )
})

const VERSIONS = join(FOLDER, 'versions.json')
const versions: Readonly<Record<string, number>> = Object.fromEntries([
  ['customer', STATE_VERSION],
  ...projections.map(({ name, version }) => [name, version] as const),
])
const keptVersions: Readonly<Record<string, number>> = JSON.parse(readFileSync(VERSIONS, 'utf8'))

/** What keeps a state or document; undefined for states that are made of their streams at each start. */
const keeperOf = (line: string): string | undefined =>
  line.startsWith('customer-') ? 'customer' : line.includes(' ') ? line.slice(0, line.indexOf(' ')) : undefined

for (const { name, ...recording } of recordings)
  test(`${name} is read, decided and projected as it was`, async () => {
    const made = await madeOf(recording)
    assert.equal(made.drift, [])
    const file = join(FOLDER, `${name}.expected.json`)
    const now: Record<string, unknown> = JSON.parse(written(made))
    const expected: Record<string, unknown> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
    const changed = [...new Set([...Object.keys(expected), ...Object.keys(now)])].filter(
      (key) => JSON.stringify(expected[key]) !== JSON.stringify(now[key]),
    )
    if (process.env.UPDATE) {
      const stale = changed.map(keeperOf).filter((keeper) => keeper && keptVersions[keeper] === versions[keeper])
      if (existsSync(file)) assert.equal([...new Set(stale)], [], 'what they keep is another: their version goes up')
      writeFileSync(file, written(made))
      return
    }
    // One in full tells more than all at once.
    for (const key of changed.slice(0, 1)) assert.equal(now[key], expected[key], `${key}, of ${changed.length} changed`)
    assert.equal(changed, [])
  })

test('the versions are those of what is expected', () => {
  if (process.env.UPDATE) writeFileSync(VERSIONS, `${JSON.stringify(versions, undefined, 2)}\n`)
  else assert.equal(versions, keptVersions, 'UPDATE=1 writes them anew with what they are versions of')
})

test.run()
