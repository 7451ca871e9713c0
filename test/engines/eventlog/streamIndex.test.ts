// The stream index, half in memory and half on disk, finds what a plain list would; and a commit that fails leaves no trace.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createIdCache } from '../../../src/engines/eventlog/log/idCache.ts'
import { createStreamIndex, TOMBSTONE_INDEX } from '../../../src/engines/eventlog/log/streamIndex.ts'
import fc from '../../fc.ts'
import { times } from '../../soak.ts'

const dir = mkdtempSync(join(tmpdir(), 'tributary-index-'))
const env = open({ path: dir, maxDbs: 4, noSync: true })

const test = suite('stream index')
test.after(async () => {
  await env.close()
  rmSync(dir, { recursive: true, force: true })
})

const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('add' as const), stream: fc.nat(2), count: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('fail' as const),
      stream: fc.nat(2),
      count: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('tombstone' as const), stream: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('write' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('read' as const),
      stream: fc.nat(2),
      from: fc.nat(30),
      to: fc.nat(30),
      limit: fc.integer({ min: 1, max: 12 }),
    }),
  },
)

let table = 0
test('finds what a list finds', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const disk = env.openDB<Buffer, Buffer>(`i${table++ % 2}`, { encoding: 'binary', keyEncoding: 'binary' })
      disk.clearSync()
      const index = createStreamIndex(() => disk)
      const model: number[][] = [[], [], []]
      const tombstones = new Map<number, number>()
      let position = 1
      for (const one of commands) {
        if (one.op === 'write') {
          env.transactionSync(() => index.write())
          index.written()
        } else if (one.op === 'tombstone') {
          tombstones.set(one.stream, ++position)
          index.add(one.stream, TOMBSTONE_INDEX, position)
          index.keep()
        } else if (one.op === 'read') {
          const list = model[one.stream]!
          assert.is(index.lastRevision(one.stream), list.length - 1)
          assert.is(index.positionOf(one.stream, one.from), list[one.from])
          assert.is(index.positionOf(one.stream, TOMBSTONE_INDEX), tombstones.get(one.stream))
          if (list.length === 0) continue
          const [from, to] = [Math.min(one.from, list.length - 1), Math.min(one.to, list.length - 1)]
          const expected = from <= to ? list.slice(from, to + 1) : list.slice(to, from + 1).reverse()
          assert.equal(index.positions(one.stream, from, to, one.limit), expected.slice(0, one.limit))
        } else {
          const list = model[one.stream]!
          const added = Array.from({ length: one.count }, () => ++position)
          for (const [i, at] of added.entries()) index.add(one.stream, list.length + i, at)
          if (one.op === 'add') {
            index.keep()
            list.push(...added)
          } else index.takeBack()
        }
      }
    }),
    { numRuns: times(200, 5_000), includeErrorInReport: true },
  )
})

test('the cache of ids keeps the first place of an id, forgets the oldest, and takes back', () => {
  const cache = createIdCache(60 * 100)
  for (let i = 0; i < 1_000; i++) {
    cache.put(`id-${i}`, { streamNo: 1, revision: i }, 5)
    cache.keep()
  }
  assert.is(cache.get('id-0'), undefined)
  assert.is(cache.get('id-999')?.revision, 999)
  cache.put('id-999', { streamNo: 2, revision: 0 }, 5)
  assert.is(cache.get('id-999')?.streamNo, 1)
  cache.put('new', { streamNo: 3, revision: 0 }, 5)
  cache.takeBack()
  assert.is(cache.get('new'), undefined)
  assert.is(cache.get('id-999')?.revision, 999)
})

test.run()
