// The projector over both databases: documents follow the log exactly, whoever stops, loses or fails in between.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createEventStore } from '../../src/eventstore/index.ts'
import type { Projection, Projector } from '../../src/projector/index.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'
import { type Engines, PATIENCE_MS, startEngines, until } from './engines.ts'
import { type Counter, counted, countersOf, dropped, journalOf, noted, testCodec } from './facts.ts'
import { createWorld, isLive, type World } from './world.ts'

let engines: Engines
let world: World

test.before(async () => {
  engines = await startEngines()
})
test.after(() => engines.end())
test.before.each(() => {
  world = createWorld(engines)
})
test.after.each(() => world.close())

const name = (key: string) => `${world.prefix}${key}`
/** What this test has parked: the log is shared. */
const parkedBy = async (projector: Projector) =>
  (await projector.parked()).filter(({ key }) => key.startsWith(world.prefix))
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('what is appended can be seen once its position is passed', async () => {
  const projector = world.start()
  await world.append('s', [counted(name('a'), 1), noted('x')])
  const position = await world.append('s', [counted(name('a'), 2), counted(name('b'), 5)])
  assert.is(await projector.waitFor(position, PATIENCE_MS), true)
  assert.is(((await world.documents('counters'))[name('a')] as Counter).total, 3)
  await world.settled(projector)
  await isLive(projector)
  assert.equal(projector.status().lag, { events: 0, seconds: 0 })
  assert.is(projector.status().stuck, false)
  assert.ok(projector.position()! >= position)
})

test('waiting for what has not happened ends with the time', async () => {
  const projector = world.start()
  const position = await world.append('s', [noted('x')])
  assert.is(await projector.waitFor(position + 10_000_000n, 30), false)
  assert.is(await projector.waitFor(position, PATIENCE_MS), true)
})

test('a projector that was stopped goes on where it was', async () => {
  const first = world.start()
  await world.append('s', [counted(name('a'), 1), counted(name('b'), 1)])
  await world.settled(first)
  await first.stop()
  await world.append('s', [counted(name('a'), 1), dropped(name('b'))])
  const second = world.start()
  await world.settled(second)
  await second.stop()
  const third = world.start()
  await world.settled(third)
  assert.is(third.status().parked, 0)
})

test('a long log is caught up in batches, and the documents are what a plain fold gives', async () => {
  for (let i = 0; i < 12; i++)
    await world.append(
      `s-${i % 3}`,
      Array.from({ length: 500 }, (_, n) => counted(name(`k${(i * 7 + n) % 90}`), n)),
    )
  const batches: number[] = []
  const projector = world.start({ metrics: { batch: ({ facts }) => batches.push(facts), failure: () => undefined } })
  await world.settled(projector)
  assert.ok(Math.max(...batches) > 100, `largest batch ${Math.max(...batches)}`)
})

test('the position moves on where nothing concerns the projections', async () => {
  const projector = world.start()
  await isLive(projector)
  const position = await world.store.append(`x${world.prefix}`, [noted('foreign')], 'any')
  assert.ok(position.kind === 'appended' && (await projector.waitFor(position.position, PATIENCE_MS)))
})

test('two projectors at once: one works, the other follows; when the first stops the second takes over', async () => {
  const one = world.start()
  const two = world.start()
  for (let i = 0; i < 40; i++) await world.append(`s-${i % 2}`, [counted(name(`k${i % 5}`), i), noted('n')])
  await Promise.all([world.settled(one), world.settled(two)])
  await one.stop()
  const position = await world.append('s-0', [counted(name('k0'), 1)])
  assert.is(await two.waitFor(position, PATIENCE_MS), true)
  await world.settled(two)
})

test('an observer sees the position and never writes', async () => {
  const observer = world.start({ observe: true })
  const position = await world.append('s', [counted(name('a'), 1)])
  await wait(100)
  assert.is(observer.position(), undefined)
  assert.is(await world.readModel.lanes.read('main'), undefined)
  const projector = world.start()
  assert.ok(await observer.waitFor(position, PATIENCE_MS))
  await world.settled(projector)
  assert.equal(observer.status().state, 'standby')
})

test('a compare-and-set that is lost writes nothing; the projector steps back and comes again', async () => {
  const projector = world.start()
  await world.append('s', [counted(name('a'), 1)])
  await world.settled(projector)
  await isLive(projector)
  for (let i = 0; i < 3; i++) {
    const lane = (await world.readModel.lanes.read('main'))!
    const stolen = await world.readModel.lanes.commit(lane, 'somebody', {}, [])
    assert.is(stolen.kind, 'committed')
    const position = await world.append('s', [counted(name('a'), 10), counted(name('b'), 1)])
    await until(() => projector.status().state === 'standby')
    assert.ok(await projector.waitFor(position, PATIENCE_MS))
    await world.settled(projector)
  }
})

test('a key that is poisoned waits, everything else goes on, and a retry takes it up in order', async () => {
  let poisonous = true
  const fussy = (prefix: string): Projection => {
    const plain = countersOf(prefix)
    return {
      ...plain,
      evolve(document, fact, key) {
        const { by } = fact.data as { by: number }
        if (by < 0 && poisonous) throw new Error('negative amount')
        return plain.evolve(document as Counter | null, by < 0 ? { ...fact, data: { by: -by } } : fact, key)
      },
    }
  }
  await world.close()
  world = createWorld(engines, (prefix) => [fussy(prefix), journalOf(prefix)])
  const projector = world.start()
  await world.append('s', [counted(name('a'), 1), counted(name('a'), -5), counted(name('b'), 1)])
  await world.append('s', [counted(name('a'), 2)])
  const position = await world.append('s', [counted(name('b'), 2)])
  assert.ok(await projector.waitFor(position, PATIENCE_MS))
  const documents = await world.documents('counters')
  assert.is((documents[name('a')] as Counter).total, 1)
  assert.is((documents[name('b')] as Counter).total, 3)
  assert.is(Object.keys(await world.documents('journal')).length, 5)
  const [parked, ...more] = await parkedBy(projector)
  assert.is(more.length, 0)
  assert.equal([parked!.projection, parked!.key, parked!.facts], ['counters', name('a'), 2])
  assert.match(parked!.error, /negative amount/)
  assert.is(projector.status().parked, 2)

  // A projector that starts again knows what is parked.
  await projector.stop()
  const next = world.start()
  assert.ok(await next.waitFor(await world.append('s', [counted(name('a'), 4)]), PATIENCE_MS))
  assert.is((await parkedBy(next))[0]!.facts, 3)
  const failed = await next.retry('counters', name('a'))
  assert.is(failed.kind, 'failed')
  assert.is((await parkedBy(next))[0]!.facts, 3)
  assert.equal(await next.retry('counters', 'unheard'), { kind: 'nothing' })

  poisonous = false
  assert.equal(await next.retry('counters', name('a')), { kind: 'done', facts: 3 })
  assert.equal(await parkedBy(next), [])
  assert.ok(await next.waitFor(await world.append('s', [counted(name('a'), 8)]), PATIENCE_MS))
  await world.settled(next)
})

test('retrying beside a busy projector loses and doubles nothing', async () => {
  let poisonous = true
  await world.close()
  world = createWorld(engines, (prefix) => {
    const plain = countersOf(prefix)
    return [
      {
        ...plain,
        evolve(document, fact, key) {
          if (poisonous && key.endsWith('bad')) throw new Error('bad')
          return plain.evolve(document as Counter | null, fact, key)
        },
      },
    ]
  })
  const projector = world.start()
  let stop = false
  const traffic = (async () => {
    for (let i = 0; !stop; i++) await world.append(`s-${i % 4}`, [counted(name(i % 3 ? 'good' : 'bad'), 1)])
  })()
  await until(async () => ((await parkedBy(projector))[0]?.facts ?? 0) > 5)
  poisonous = false
  await until(async () => {
    for (const { projection, key } of await parkedBy(projector)) await projector.retry(projection, key)
    return (await parkedBy(projector)).length === 0
  })
  stop = true
  await traffic
  await world.settled(projector)
})

test('facts that cannot be decoded park their stream, and go on once they can be', async () => {
  const loose = createEventStore({ url: engines.events.url, codec: { ...testCodec, encode: (fact) => fact } })
  const projector = world.start()
  const stream = `${world.prefix}torn`
  const broken = { ...counted(name('a'), 1), data: { name: name('a'), by: 'three' } }
  await loose.append(stream, [counted(name('a'), 1), broken, counted(name('a'), 2)], 'no_stream')
  const position = await world.append('whole', [counted(name('a'), 4)])
  assert.ok(await projector.waitFor(position, PATIENCE_MS))
  assert.is(((await world.documents('counters'))[name('a')] as Counter).total, 5)
  const [parked] = await parkedBy(projector)
  assert.equal([parked!.projection, parked!.key, parked!.facts], ['*', stream, 2])
  assert.is((await projector.retry('*', stream)).kind, 'failed')
  await projector.stop()
  await loose.close()

  // The program has learnt to read it.
  const fixed = createEventStore({
    url: engines.events.url,
    codec: {
      ...testCodec,
      decode: (record) =>
        testCodec.decode(
          (record.data as { by?: unknown }).by === 'three' ? { ...record, data: { name: name('a'), by: 3 } } : record,
        ),
    },
  })
  const next = world.start({ store: fixed })
  assert.equal(await next.retry('*', stream), { kind: 'done', facts: 2 })
  assert.is(((await world.documents('counters'))[name('a')] as Counter).total, 10)
  assert.is(Object.keys(await world.documents('journal')).length, 4)
  await next.stop()
  await fixed.close()
})

test('a document that the store refuses is parked, and nothing else is held up', async () => {
  await world.close()
  world = createWorld(engines, (prefix) => [
    { ...countersOf(prefix), indexes: [{ key: { total: 1 }, unique: true }] },
    journalOf(prefix),
  ])
  const projector = world.start()
  await world.append('s', [counted(name('a'), 1), counted(name('b'), 2)])
  const refused = await world.append('s', [counted(name('c'), 1), noted('x'), counted(name('d'), 3)])
  assert.ok(await projector.waitFor(refused, PATIENCE_MS))
  const position = await world.append('s', [counted(name('c'), 8)])
  assert.ok(await projector.waitFor(position, PATIENCE_MS))
  const [parked] = await parkedBy(projector)
  assert.equal([parked!.projection, parked!.key, parked!.facts], ['counters', name('c'), 2])
  assert.equal(Object.keys(await world.documents('counters')), [name('a'), name('b'), name('d')])
  assert.is(Object.keys(await world.documents('journal')).length, 6)
})

test('a document that cannot be written at all is found and parked', async () => {
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  await world.close()
  world = createWorld(engines, (prefix) => [
    { ...countersOf(prefix), evolve: (_, __, key) => (key.endsWith('bad') ? cyclic : { key }) },
    journalOf(prefix),
  ])
  await world.append('s', [counted(name('a'), 1), counted(name('bad'), 1), counted(name('b'), 1), noted('x')])
  const projector = world.start()
  const position = await world.append('s', [counted(name('bad'), 1), counted(name('c'), 1)])
  assert.ok(await projector.waitFor(position, PATIENCE_MS))
  const [parked] = await parkedBy(projector)
  assert.equal([parked!.key, parked!.facts], [name('bad'), 2])
  assert.equal(Object.keys(await world.documents('counters')), [name('a'), name('b'), name('c')])
})

test('any facts, any batch sizes, stops in between: the documents are what a plain fold gives', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ key: fc.nat(4), by: fc.integer({ min: 0, max: 9 }) }) },
    { weight: 2, arbitrary: fc.record({ drop: fc.nat(4) }) },
    { weight: 1, arbitrary: fc.constant('stop' as const) },
    { weight: 1, arbitrary: fc.constant('second' as const) },
  )
  // A log of its own: with batches of one fact everything that others wrote would take long.
  const own = await startEngines()
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      async (steps, maxBatch) => {
        const part = createWorld(own)
        try {
          let projector = part.start({ maxBatch })
          for (const [i, one] of steps.entries()) {
            if (one === 'stop') {
              await projector.stop()
              projector = part.start({ maxBatch })
            } else if (one === 'second') part.start({ maxBatch, cacheSize: 1 })
            else if ('drop' in one) await part.append(`s-${i % 3}`, [dropped(`${part.prefix}${one.drop}`)])
            else await part.append(`s-${i % 3}`, [counted(`${part.prefix}${one.key}`, one.by)])
          }
          await part.settled(projector)
        } finally {
          await part.close()
        }
      },
    ),
    { numRuns: times(8, 300) },
  )
  await own.end()
})

test('an idle projector is idle', async () => {
  const projector = world.start()
  await isLive(projector)
  await wait(50)
  const before = process.cpuUsage()
  await wait(400)
  const { user, system } = process.cpuUsage(before)
  // Engines and clients of this process keep their heartbeats; a spinning loop would take all of the 400 ms.
  assert.ok((user + system) / 1_000 < 200, `${(user + system) / 1_000} ms of processor time in 400 ms`)
})

test.run()
