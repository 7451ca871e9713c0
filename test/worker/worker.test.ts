// The laws of background work, whatever comes in whatever order: each key in its order, never more at once than asked for, nothing
// lost, what cannot be done set aside while the others go on, and an end soon after the stop.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Quarantine } from '../../src/worker/quarantine.ts'
import { type Failing, startWorker } from '../../src/worker/worker.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'
import { until } from '../until.ts'

interface Item {
  readonly n: number
  readonly key: string
  /** Turns of the event loop that it takes. */
  readonly turns: number
  /** How often it fails before it is done. */
  readonly fails: number
}

const RUNS = times(150, 2_000)
const MAX_TRIES = 3
const BACKOFF = { baseMs: 1, maxMs: 1 }

const itemsArbitrary = fc
  .array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), turns: fc.nat(4), fails: fc.nat(MAX_TRIES + 1) }), {
    maxLength: 25,
  })
  .map((list) => list.map((item, n): Item => ({ ...item, n })))

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Tries an item at once again, or remembers how often it failed; no waits. */
const quarantineOf = (setAside: Set<number>): Quarantine => {
  const tries = new Map<string, number>()
  return {
    async attempt({ key }, work, signal) {
      for (let n = 1; ; n++) {
        signal.throwIfAborted()
        try {
          await work()
          return true
        } catch {
          if (n < MAX_TRIES) continue
          setAside.add(Number(key))
          return false
        }
      }
    },
    async failed({ key }) {
      tries.set(key, (tries.get(key) ?? 0) + 1)
      if (tries.get(key)! < MAX_TRIES) return 'rests'
      setAside.add(Number(key))
      return 'set_aside'
    },
    done: () => undefined,
    rests: () => false,
    resting: () => [],
  }
}

/** What a worker is seen to do; `isShownLate`: a look may show what has been done while it looked. */
const watch = (concurrency: number, isShownLate = false) => {
  const underWay = new Set<string>()
  const begun: Item[] = []
  const done: Item[] = []
  const failures = new Map<number, number>()
  let calls = 0
  let most = 0
  return {
    begun,
    done,
    get calls() {
      return calls
    },
    async handle(item: Item): Promise<void> {
      calls++
      assert.not.ok(underWay.has(item.key), `two of ${item.key} at once`)
      underWay.add(item.key)
      most = Math.max(most, underWay.size)
      assert.ok(most <= concurrency, `${most} at once`)
      if (!begun.includes(item)) begun.push(item)
      for (let i = 0; i < item.turns; i++) await turn()
      underWay.delete(item.key)
      const failed = failures.get(item.n) ?? 0
      failures.set(item.n, failed + 1)
      if (failed < item.fails || isPoison(item)) throw new Error(`${item.n} fails`)
      if (!done.includes(item)) done.push(item)
      else assert.ok(isShownLate, 'done twice')
    },
  }
}

const isPoison = ({ fails }: Item) => fails >= MAX_TRIES
const ofKey = (items: readonly Item[], key: string) => items.filter((item) => item.key === key)
const failingBy = (setAside: Set<number>, again: Failing<Item>['again']): Failing<Item> => {
  const quarantine = quarantineOf(setAside)
  return { quarantineOf: () => quarantine, itemOf: ({ n }) => ({ key: String(n) }), again }
}
const noTrouble = (error: unknown) => {
  throw error
}

test('what is given in batches is done in the order of its keys, and nothing is lost', async () => {
  await fc.assert(
    fc.asyncProperty(itemsArbitrary, fc.integer({ min: 1, max: 6 }), fc.nat(3), async (items, concurrency, n) => {
      const seen = watch(concurrency)
      const setAside = new Set<number>()
      let from = 0
      let batches = 0
      let told = 0
      const worker = startWorker<Item>({
        async look() {
          assert.is(told, batches, 'a look begins when all that was found before is done')
          const batch = items.slice(from, from + n + 1)
          from += batch.length
          batches++
          return { items: batch, restMs: batch.length > 0 ? 0 : Number.POSITIVE_INFINITY, after: async () => told++ }
        },
        handle: seen.handle,
        keyOf: ({ key }) => key,
        concurrency,
        failing: failingBy(setAside, 'here'),
        backoff: BACKOFF,
        onTrouble: noTrouble,
      })
      await until(() => seen.done.length + setAside.size === items.length && worker.active === 0)
      await worker.stop()
      assert.equal(
        [...setAside].sort((a, b) => a - b),
        items.filter(isPoison).map((item) => item.n),
      )
      for (const key of 'abcd') assert.equal(ofKey(seen.begun, key), ofKey(items, key))
    }),
    { numRuns: RUNS },
  )
})

test('a worker that looks while others are under way finds all that it left, and what fails by a later look', async () => {
  await fc.assert(
    fc.asyncProperty(itemsArbitrary, fc.integer({ min: 1, max: 6 }), async (items, concurrency) => {
      const seen = watch(concurrency, true)
      const setAside = new Set<number>()
      const worker = startWorker<Item>({
        async look({ room }) {
          assert.ok(room > 0)
          await turn()
          const open = items.filter((item) => !seen.done.includes(item) && !setAside.has(item.n))
          return { items: open, restMs: open.length > 0 ? 0 : Number.POSITIVE_INFINITY }
        },
        handle: seen.handle,
        keyOf: ({ key }) => key,
        concurrency,
        isOverlapping: true,
        failing: failingBy(setAside, 'look'),
        backoff: BACKOFF,
        onTrouble: noTrouble,
      })
      await until(() => seen.done.length + setAside.size === items.length && worker.active === 0)
      await worker.stop()
      assert.equal(
        [...setAside].sort((a, b) => a - b),
        items.filter(isPoison).map((item) => item.n),
      )
    }),
    { numRuns: RUNS },
  )
})

test('after a stop nothing begins, and it ends with what is under way', async () => {
  await fc.assert(
    fc.asyncProperty(itemsArbitrary, fc.nat(12), fc.boolean(), async (items, turns, isOverlapping) => {
      const seen = watch(items.length + 1)
      const worker = startWorker<Item>({
        look: async () => ({ items, restMs: 0 }),
        async handle(item, signal) {
          assert.not.ok(signal.aborted && !isOverlapping, 'begun after the stop')
          await seen.handle({ ...item, n: seen.calls, key: String(seen.calls), fails: 0 })
        },
        keyOf: ({ key }) => key,
        concurrency: 2,
        isOverlapping,
        backoff: BACKOFF,
        onTrouble: noTrouble,
      })
      for (let i = 0; i < turns; i++) await turn()
      await worker.stop()
      const { calls } = seen
      assert.is(worker.active, 0)
      for (let i = 0; i < 6; i++) await turn()
      assert.is(seen.calls, calls)
    }),
    { numRuns: RUNS },
  )
})

test('a look that fails is repeated, and a round whose item fails without a quarantine as well', async () => {
  let looks = 0
  const troubles: unknown[] = []
  const worker = startWorker<number>({
    async look() {
      looks++
      if (looks === 1) throw new Error('no look')
      return { items: [looks], restMs: looks < 3 ? 0 : Number.POSITIVE_INFINITY }
    },
    async handle(n) {
      if (n === 2) throw new Error('no item')
    },
    concurrency: 1,
    backoff: BACKOFF,
    onTrouble: (error) => troubles.push((error as Error).message),
  })
  await until(() => looks === 3 && worker.active === 0)
  await worker.stop()
  assert.equal(troubles, ['no look', 'no item'])
})

test('a rest ends when it is woken, and being woken in the middle of a look is not lost', async () => {
  const woken: boolean[] = []
  let wakeInLook = false
  const worker = startWorker<never>({
    async look({ isWoken }) {
      woken.push(isWoken)
      if (wakeInLook) worker.wake()
      wakeInLook = false
      await turn()
      return { items: [], restMs: Number.POSITIVE_INFINITY }
    },
    handle: async () => undefined,
    concurrency: 1,
    backoff: BACKOFF,
    onTrouble: noTrouble,
  })
  await until(() => woken.length === 1)
  wakeInLook = true
  worker.wake()
  await until(() => woken.length === 3)
  for (let i = 0; i < 6; i++) await turn()
  await worker.stop()
  assert.equal(woken, [true, true, true])
})

test('a pause waits for what is under way, and lets nothing begin before it is over', async () => {
  let underWay = 0
  let rests = 0
  let sinceRest = 0
  const done: number[] = []
  const worker = startWorker<number>({
    look: async () => ({ items: done.length === 0 ? [1, 2, 3, 4, 5, 6, 7] : [], restMs: Number.POSITIVE_INFINITY }),
    async handle(n) {
      underWay++
      sinceRest++
      for (let i = 0; i < n % 3; i++) await turn()
      done.push(n)
      underWay--
    },
    concurrency: 3,
    pause: {
      isDue: () => sinceRest >= 3,
      async rest() {
        assert.is(underWay, 0)
        await turn()
        assert.is(underWay, 0)
        sinceRest = 0
        rests++
      },
    },
    backoff: BACKOFF,
    onTrouble: noTrouble,
  })
  await until(() => done.length === 7)
  await worker.stop()
  assert.is(rests, 2)
  assert.equal(done.toSorted(), [1, 2, 3, 4, 5, 6, 7])
})

test.run()
