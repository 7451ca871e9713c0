// Scratch databases that were left behind: which they are, and that nothing else is dropped.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startDocumentStore } from '../../src/engines/documents/index.ts'
import { dropLeftBehind, isLeftBehind, scratchName } from '../../src/readmodel/scratch.ts'

const NOW = Date.UTC(2026, 10, 29)
const DAY = 24 * 3_600_000

test('on a server of others only what is older than any run was left behind', () => {
  const name = scratchName('tributary', NOW, '0123456789ab')
  assert.ok(name.length <= 'tributary'.length + 21)
  assert.not.ok(isLeftBehind(name, 'tributary', NOW + DAY / 2, false))
  assert.ok(isLeftBehind(name, 'tributary', NOW + 2 * DAY, false))
  assert.ok(isLeftBehind(name, 'tributary', NOW + 1_000, true))
  assert.not.ok(isLeftBehind(name, 'tributary', NOW, true), 'made just now')
  // As they were named before.
  assert.ok(isLeftBehind('tributary_scratch_ffffffffffff', 'tributary', NOW, false))
  for (const other of [
    'tributary',
    'tributary_scratch_',
    'tributary_scratch_of_mine',
    `x${name}`,
    'other_scratch_0123456789ab',
  ])
    assert.not.ok(isLeftBehind(other, 'tributary', NOW + 2 * DAY, true), other)
})

test('they are dropped, and nothing else', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-scratch-'))
  const store = await startDocumentStore({ access: 'open', dir })
  const client = new MongoClient(store.url)
  try {
    const left = scratchName('tributary', NOW, 'abcdefabcdef')
    for (const name of ['tributary', 'tributary_scratch_notes', left])
      await client.db(name).collection<{ _id: string }>('c').insertOne({ _id: 'x' })
    const asked = { url: store.url, database: 'tributary', now: NOW + 1_000, alone: true }
    assert.equal(await dropLeftBehind(asked), [left])
    assert.equal(await dropLeftBehind(asked), [])
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true })
    const names = databases.map(({ name }) => name)
    assert.ok(names.includes('tributary') && names.includes('tributary_scratch_notes'), names.join())
  } finally {
    await client.close()
    await store.stop()
    rmSync(dir, { recursive: true })
  }
})

test.run()
