// Room on disks: the mark, the watch over disks that fill up and empty, and errors that speak of a full one.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isDiskFull, markOf, type Room, watchDisks } from '../src/disk.ts'
import { StoreUnavailable } from '../src/eventstore/errors.ts'
import { ReadModelUnavailable } from '../src/readmodel/index.ts'
import { mapError } from '../src/runtime/errors.ts'
import { until } from './until.ts'

const MB = 1024 * 1024

test('what is set counts by itself; by default the lesser of bytes and share', () => {
  assert.is(markOf({ bytes: undefined, share: undefined }, 10_000 * MB), 100 * MB)
  assert.is(markOf({ bytes: undefined, share: undefined }, 64 * MB), 0.05 * 64 * MB)
  assert.is(markOf({ bytes: 5_000 * MB, share: undefined }, 10_000 * MB), 5_000 * MB)
  assert.is(markOf({ bytes: 1 * MB, share: 0.5 }, 10_000 * MB), 5_000 * MB)
  assert.is(markOf({ bytes: 0, share: undefined }, 10_000 * MB), 0)
})

test('a disk that fills up is told with its path, goes on by itself with room again, and one that cannot be asked stops nothing', async () => {
  const rooms: Record<string, Room> = { '/a': { free: 500, total: 1_000 }, '/b': { free: 500, total: 1_000 } }
  const told: string[] = []
  const say = (level: string) => (of: unknown) => void told.push(`${level} ${typeof of === 'string' ? of : ''}`)
  const disks = await watchDisks({
    paths: ['/a', '/b', '/gone'],
    marks: { bytes: 100, share: undefined },
    log: { warn: say('warn'), info: say('info') },
    everyMs: 1,
    roomOf: async (path) => {
      const room = rooms[path]
      if (room === undefined) throw new Error('ENOENT')
      return room
    },
  })
  assert.is(disks.shortage(), undefined)
  rooms['/b'] = { free: 99, total: 1_000 }
  await until(() => disks.shortage() !== undefined)
  assert.match(disks.shortage()!, /^The disk of \/b is nearly full/)
  assert.equal(
    disks.status().map(({ room, shortage }) => [room?.free, shortage !== undefined]),
    [
      [500, false],
      [99, true],
      [undefined, false],
    ],
  )
  rooms['/b'] = { free: 100, total: 1_000 }
  await until(() => disks.shortage() === undefined)
  disks.stop()
  // Each once, however often it was looked.
  assert.equal(
    told.map((line) => line.split(' ')[0]),
    ['warn', 'warn', 'info'],
  )
})

test('stores that say they have no room are a 507, also when they say so at the bottom of other errors', () => {
  const full = [
    new StoreUnavailable('no answer in time', {
      cause: Object.assign(new Error('UNAVAILABLE', { cause: new Error('x: No space left on device') })),
    }),
    new ReadModelUnavailable('the store refused', Object.assign(new Error('not written'), { code: 14031 })),
  ]
  for (const error of full) {
    assert.ok(isDiskFull(error))
    assert.is(mapError(error)?.status, 507)
  }
  const other = new StoreUnavailable('no answer in time', { cause: new Error('UNAVAILABLE') })
  assert.not.ok(isDiskFull(other))
  assert.is(mapError(other)?.status, 503)
})

test.run()
