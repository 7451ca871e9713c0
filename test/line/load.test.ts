// What a node takes on, in virtual time: batches under ten times the load that can be carried, and after it.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLoad } from '../../src/runtime/load.ts'
import { createVirtual } from './virtual.ts'

/** A node that carries out so many commands a second, one after the other. */
const createNode = (perSecond: number) => {
  const virtual = createVirtual()
  const clock = virtual.elapsed
  let free = 0
  let pending = 0
  let asked = 0
  const load = createLoad({ pending: () => pending, asked: () => asked, clock, time: virtual.time })
  return {
    virtual,
    load,
    perSecond,
    get pending() {
      return pending
    },
    async command() {
      pending++
      asked++
      free = Math.max(clock(), free) + 1_000 / this.perSecond
      await virtual.sleep(free - clock())
      pending--
    },
  }
}
type Simulated = ReturnType<typeof createNode>

const REQUEST_MS = 15_000
const LANES = 128

/** A batch as the route for batches sends it: how many of its commands were done, or when to come again. */
const batchOf = async (node: Simulated, commands: number) => {
  const { virtual, load } = node
  const since = virtual.elapsed()
  const atDoor = load.refusalOfMany()
  const turn = atDoor ?? (await load.begin(commands, 1_000))
  if (typeof turn === 'number') return { retryAfter: turn, done: 0, ms: virtual.elapsed() - since }
  let left = commands
  let done = 0
  const lane = async () => {
    while (left > 0) {
      left--
      const place = await turn.next(since + REQUEST_MS - virtual.elapsed())
      if (place === undefined) continue
      await node.command()
      place.leave()
      done++
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  turn.end()
  return { retryAfter: undefined, done, ms: virtual.elapsed() - since }
}

test('what came at once is worked off one after the other, wholly', async () => {
  const node = createNode(1_000)
  const told = await node.virtual.run(Promise.all(Array.from({ length: 16 }, () => batchOf(node, 500))), 60_000)
  assert.equal(
    told.map(({ done }) => done),
    Array(16).fill(500),
  )
  const [first = 0, ...others] = told.map(({ ms }) => ms)
  assert.ok(first < 1_000, `the first had to wait for the others: ${first} ms`)
  assert.ok(
    others.every((ms, i) => ms > (i + 1) * 400),
    'they shared the node, so that all came late',
  )
  node.load.stop()
})

for (const perSecond of [100, 2_000])
  test(`ten times of ${perSecond} commands a second: as much is done as ever, the rest is told when to come`, async () => {
    const node = createNode(perSecond)
    const { virtual } = node
    const SIZE = 100
    const LOAD_MS = 24_000
    const told: Awaited<ReturnType<typeof batchOf>>[] = []
    let done = 0
    const running: Promise<void>[] = []
    let longestSingle = 0
    const flood = async () => {
      while (virtual.elapsed() < LOAD_MS) {
        running.push(
          batchOf(node, SIZE).then((one) => {
            told.push(one)
            if (virtual.elapsed() < LOAD_MS) done += one.done
          }),
        )
        await virtual.sleep((1_000 * SIZE) / (10 * perSecond))
      }
    }
    /** Single commands come beside them. */
    const singles = async () => {
      while (virtual.elapsed() < LOAD_MS) {
        await virtual.sleep(500)
        const at = virtual.elapsed()
        await node.command()
        if (at > 10_000) longestSingle = Math.max(longestSingle, virtual.elapsed() - at)
      }
    }
    await virtual.run(Promise.all([flood(), singles()]), 120_000)
    await virtual.run(virtual.sleep(2_000), 10_000)
    const single = virtual.elapsed()
    await virtual.run(node.command(), 60_000)
    assert.ok(virtual.elapsed() - single < 1_500, `a command took ${virtual.elapsed() - single} ms after the load`)
    const after = await virtual.run(batchOf(node, SIZE), 60_000)
    await virtual.run(Promise.all(running), 60_000)
    assert.ok(done > 0.8 * perSecond * (LOAD_MS / 1_000), `${done} done`)
    assert.ok(longestSingle < 3_000, `a single command took ${longestSingle} ms`)
    for (const { retryAfter, ms } of told) {
      assert.ok(ms < 20_000, `${ms} ms`)
      if (retryAfter !== undefined) assert.ok(retryAfter >= 1 && retryAfter <= 60, String(retryAfter))
    }
    assert.is(after.done, SIZE, `refused after the load: come again in ${after.retryAfter} s`)
    node.load.stop()
  })

test('who is refused is told when there is room: coming then, the request is let in', async () => {
  const node = createNode(500)
  const { virtual } = node
  let isOver = false
  const busy = Array.from({ length: 20 }, async () => {
    while (!isOver) {
      const { retryAfter } = await batchOf(node, 500)
      if (retryAfter !== undefined) await virtual.sleep(retryAfter * 1_000)
    }
  })
  await virtual.run(virtual.sleep(20_000), 30_000)
  isOver = true
  const refused = node.load.refusalOfMany()
  assert.ok(refused !== undefined, 'under this load')
  await virtual.run(virtual.sleep(refused * 1_000), 60_000)
  assert.is(node.load.refusalOfMany(), undefined)
  await virtual.run(Promise.all(busy), 120_000)
  node.load.stop()
})

test('commands that come by themselves are refused when they would wait, and taken again when not', async () => {
  const node = createNode(200)
  const { virtual } = node
  let refusals = 0
  const running: Promise<void>[] = []
  const flood = async () => {
    while (virtual.elapsed() < 20_000) {
      if (node.load.refusal() === undefined) running.push(node.command())
      else refusals++
      await virtual.sleep(1)
    }
  }
  await virtual.run(flood(), 60_000)
  assert.ok(refusals > 10_000, String(refusals))
  assert.ok(node.pending <= 2_000 + 200, `${node.pending} wait`)
  await virtual.run(Promise.all(running), 60_000)
  await virtual.run(virtual.sleep(2_000), 60_000)
  assert.is(node.load.refusal(), undefined)
  node.load.stop()
})

test.run()
