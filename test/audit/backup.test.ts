// A backup taken while events come in, put into an empty folder: a node starts on it and agrees with its log.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runOnOwnServers } from '../skip.ts'
import { testNode } from '../system/node.ts'
import { spawnTributary, tributary } from '../tributary.ts'
import { buy, populate, verified } from './shop.ts'

test('what was acknowledged before the backup began is in it, and nothing contradicts', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-backup-'))
  const node = await testNode({ DELIVERY: 'off' })
  try {
    await populate(node, 6)
    const before = (await node.services.store.head())!
    let going = true
    const intake = (async () => {
      for (let n = 0; going; n++) await buy(node, `c${n % 6}`, 1)
    })()
    try {
      // Another process: only that shows that two may have the files open.
      const copied = await spawnTributary(['backup', join(dir, 'copy'), '--data', node.dir]).ended
      assert.is(copied.code, 0, copied.err)
    } finally {
      going = false
      await intake
    }
    const again = await tributary(['backup', join(dir, 'copy'), '--data', node.dir])
    assert.is(again.code, 2)
    assert.match(again.err, /is not empty/)
    assert.is((await tributary(['restore', join(dir, 'copy'), '--data', node.dir])).code, 2)
    const restored = await tributary(['restore', join(dir, 'copy'), '--data', join(dir, 'data')])
    assert.is(restored.code, 0, restored.err)
    assert.is((await verified(node)).holds, true)
    const second = await testNode({ DELIVERY: 'off' }, join(dir, 'data'))
    try {
      assert.ok((await second.services.store.head())! >= before)
      assert.equal(second.headers('auditor'), node.headers('auditor'))
      const report = await verified(second)
      assert.equal([report.holds, report.finished], [true, true], JSON.stringify(report))
      assert.is((await buy(second, 'c0', 1)).status, 200)
    } finally {
      await second.end()
    }
  } finally {
    await node.end()
    await rm(dir, { recursive: true, force: true })
  }
})

// Servers that are given by URL have backups of their own.
runOnOwnServers(test)
