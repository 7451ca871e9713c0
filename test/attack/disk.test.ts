// A disk that is full at every step of a write: each engine's store refuses the whole of it, lives on and loses nothing.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { program } from '../program.ts'

const SCRIPT = program(import.meta.dirname, 'diskProcess.ts')

for (const kind of ['events', 'documents'] as const)
  test(`${kind}: a full disk ends no process, loses nothing and leaves nothing half done`, async () => {
    const disk = mkdtempSync(join(tmpdir(), 'tributary-full-'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      console.log('only who may mount can have a small disk: not tried here')
      rmSync(disk, { recursive: true })
      return
    }
    try {
      const child = spawn(process.execPath, [...SCRIPT, kind, disk], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let out = ''
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString()
      })
      const [code, signal] = await once(child, 'close')
      assert.equal([code, signal], [0, null])
      const { written, refused, lost, halfDone, afterwards, reasons } = JSON.parse(out)
      assert.ok(written > 100 && refused > 100, out)
      assert.equal({ lost, halfDone, afterwards }, { lost: 0, halfDone: 0, afterwards: 0 })
      for (const reason of reasons) assert.match(reason, 'no space left on the disk')
    } finally {
      execFileSync('umount', ['-l', disk])
      rmSync(disk, { recursive: true })
    }
  })

test.run()
