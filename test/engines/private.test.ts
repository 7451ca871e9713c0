// What is kept is for the program's own user: every file and folder of data, keys and backups, whatever the process's umask.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { backupEngines, restoreEngines } from '../../src/engines/copy.ts'
import { startDocumentStore } from '../../src/engines/documents/index.ts'
import { startEventLog } from '../../src/engines/eventlog/index.ts'
import { loadKeys } from '../../src/keys.ts'
import { zoneSettingIn } from '../../src/zoneSetting.ts'

/** All that others could read or write below a folder, itself included. */
const openTo = (root: string): readonly string[] =>
  [root, ...readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => join(root, name))]
    .filter((path) => (statSync(path).mode & 0o077) !== 0)
    .map((path) => relative(root, path))

test('after a run, a backup and its return, nothing is open to other users', async () => {
  const before = process.umask(0o002)
  const home = mkdtempSync(join(tmpdir(), 'tributary-private-'))
  try {
    const data = join(home, 'deep', 'data')
    loadKeys({ dataDir: data })
    zoneSettingIn(data, 'UTC').remember()
    // As an earlier version left it.
    const events = join(data, 'events')
    mkdirSync(events)
    chmodSync(events, 0o755)
    writeFileSync(join(events, 'left-behind'), '', { mode: 0o644 })
    const engines = [
      await startEventLog({ access: 'open', dir: events }),
      await startDocumentStore({ access: 'open', dir: join(data, 'documents') }),
    ]
    assert.equal(openTo(data), [])
    await backupEngines(data, join(home, 'backup'))
    for (const engine of engines) await engine.stop()
    assert.equal(openTo(data), [])
    assert.equal(openTo(join(home, 'backup')), [])
    await restoreEngines(join(home, 'backup'), join(home, 'restored'))
    assert.equal(openTo(join(home, 'restored')), [])
  } finally {
    process.umask(before)
    rmSync(home, { recursive: true })
  }
})

test.run()
