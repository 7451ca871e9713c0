// The board of a node's processes: what one notes, the others find, whatever shares a place with it.
import { closeSync, readSync, writeSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCounter } from '../../src/http/limits.ts'
import { boardFile, createBoard } from '../../src/node/board.ts'

const test = suite('board')

const file = boardFile(3)
const boards = [0, 1, 2].map((self) => createBoard(file, 3, self))
const [primary, first, second] = boards as [(typeof boards)[0], (typeof boards)[0], (typeof boards)[0]]
test.after(() => closeSync(file))

test('what one notes the others find, and not itself', () => {
  assert.is(second.others('keys', 'a'), -1n)
  first.note('keys', 'a', 0n)
  assert.is(second.others('keys', 'a'), 0n)
  assert.is(first.others('keys', 'a'), -1n)
  first.note('keys', 'a', 2n ** 60n)
  assert.is(primary.others('keys', 'a'), 2n ** 60n)
  second.note('keys', 'a', 5n)
  assert.is(primary.others('keys', 'a'), 2n ** 60n)
  assert.is(first.others('keys', 'a'), 5n)
})

test('a position that is older than what was noted changes nothing', () => {
  first.note('streams', 'customer-1', 700n)
  first.note('streams', 'customer-1', 300n)
  assert.is(second.others('streams', 'customer-1'), 700n)
})

test('however many names there are, none is told less than was noted of it', () => {
  const names = Array.from({ length: 20_000 }, (_, n) => `app-${n}`)
  for (const [n, name] of names.entries()) (n % 2 === 0 ? first : second).note('keys', name, BigInt(n))
  for (const [n, name] of names.entries()) assert.ok(primary.others('keys', name) >= BigInt(n))
})

test('streams that all follow, and what ended, are seen in one look', () => {
  assert.equal(second.followed(), { rulebook: -1n, access: -1n, ended: -1n })
  first.note('rulebook', 'rulebook-main', 12n)
  primary.note('access', 'access-main', 13n)
  assert.equal(second.followed(), { rulebook: 12n, access: 13n, ended: -1n })
  assert.equal(first.followed(), { rulebook: -1n, access: 13n, ended: -1n })
})

test('a process that takes over the number of another goes on with its notes', () => {
  first.note('streams', 'customer-2', 900n)
  const again = createBoard(file, 3, 1)
  again.note('streams', 'customer-2', 800n)
  assert.is(second.others('streams', 'customer-2'), 900n)
})

test('a cell that is half written is not believed', () => {
  const cell = Buffer.alloc(16)
  const at = 2 * 3 * 16 + 16
  first.note('ended', 'any', 3n)
  readSync(file, cell, 0, 16, at)
  const half = Buffer.from(cell)
  half.writeBigUInt64LE(2n ** 50n, 0)
  writeSync(file, half, 0, 16, at)
  let looks = 0
  const mended = createBoard(file, 3, 2)
  const original = Buffer.prototype.readBigUInt64LE
  // The writer comes to its end while the other looks.
  Buffer.prototype.readBigUInt64LE = function (this: Buffer, offset?: number) {
    if (++looks === 20) writeSync(file, cell, 0, 16, at)
    return original.call(this, offset)
  }
  try {
    assert.is(mended.followed().ended, 3n)
  } finally {
    Buffer.prototype.readBigUInt64LE = original
  }
  assert.ok(looks >= 20)
})

test('counts of one name and window are those of all processes', () => {
  const [a, b] = [createCounter(60_000, first.count), createCounter(60_000, second.count)]
  const now = 1_764_000_000_000
  assert.is(a.add('key x', 3, now), 3)
  assert.is(b.add('key x', 4, now), 7)
  assert.is(a.add('key x', 1, now), 8)
  assert.is(b.add('key y', 1, now), 1)
  assert.is(a.add('key x', -2, now), 6)
  assert.is(b.add('key x', 1, now + 60_000), 1)
})

test.run()
