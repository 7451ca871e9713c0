// Versions of projections: built beside the live one while intake goes on, swapped without a gap, rolled back.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildInto, type Projection, type Projector } from '../../src/projector/index.ts'
import { type Engines, openReadModel, PATIENCE_MS, startEngines, until } from './engines.ts'
import { type Counter, counted, countersOf, journalOf, noted } from './facts.ts'
import { createWorld, isLive, type World } from './world.ts'

let engines: Engines
let world: World
let endTraffic: (() => Promise<unknown>) | undefined

test.before(async () => {
  engines = await startEngines()
})
test.after(() => engines.end())
test.before.each(() => {
  world = createWorld(engines)
})
test.after.each(async () => {
  await endTraffic?.()
  endTraffic = undefined
  await world.close()
})

const name = (key: string) => `${world.prefix}${key}`

/** The same counters, with a field more. */
const second = (prefix: string): Projection => {
  const plain = countersOf(prefix)
  return {
    ...plain,
    version: 2,
    evolve(document, fact, key) {
      const after = plain.evolve(document as Counter | null, fact, key)
      return after === null ? null : { ...after, double: after.total * 2 }
    },
  }
}

/** Appends all the time until told to stop; gives how many. */
const traffic = () => {
  let stop = false
  const own = world
  const running = (async () => {
    let i = 0
    for (; !stop; i++) await own.append(`s-${i % 4}`, [counted(`${own.prefix}k${i % 7}`, i), noted('n')])
    return i
  })()
  endTraffic = () => {
    stop = true
    return running
  }
  return endTraffic
}

const liveOf = async (projection: string): Promise<string> =>
  (await world.readModel.aliases.all()).find(({ _id }) => _id === projection)!.live.collection

test('a rebuild during intake is swapped in without loss, and queries are answered all the time', async () => {
  const projector = world.start()
  const end = traffic()
  await until(() => projector.position() !== undefined)
  let asking = true
  let answers = 0
  const failures: unknown[] = []
  const queries = (async () => {
    while (asking) {
      await world.readModel
        .collection('counters')
        .count({})
        .then(
          () => answers++,
          (error: unknown) => failures.push(error),
        )
    }
  })()
  for (const [round, collection] of ['counters_v1_2', 'counters_v1_3', 'counters_v1'].entries()) {
    const built = await projector.rebuild('counters')
    assert.is(built.kind, 'promoted')
    assert.is(await liveOf('counters'), collection, `round ${round}`)
  }
  assert.is((await projector.rebuild('journal')).kind, 'promoted')
  asking = false
  await queries
  assert.ok(answers > 10)
  assert.equal(failures, [])
  await end()
  await world.settled(projector)
})

test('a tampered document is mended by a rebuild, and comes back with a rollback', async () => {
  const projector = world.start()
  await world.append('s', [counted(name('a'), 1), counted(name('b'), 1)])
  await world.settled(projector)
  await world.readModel.collection('counters').updateOne({ _id: name('b') }, { $set: { total: 77 } })
  await projector.rebuild('counters')
  await world.settled(projector)
  await world.append('s', [counted(name('a'), 1)])
  const rolled = await projector.rollback('counters')
  assert.is(rolled.kind, 'promoted')
  const documents = await world.documents('counters')
  assert.is((documents[name('b')] as Counter).total, 77)
  // What came after the promotion is in the one that was rolled back to.
  assert.is((documents[name('a')] as Counter).total, 2)
  await projector.rollback('counters')
  await world.append('s', [counted(name('b'), 1)])
  await world.settled(projector)
})

test('what one process keeps ready beside the live one another may promote, and nothing is folded twice', async () => {
  const [first, second] = [world.start(), world.start()]
  const end = traffic()
  await until(() => first.position() !== undefined)
  const ready = await first.rebuild('counters', { promote: false })
  assert.equal(ready, { kind: 'ready', collection: 'counters_v1_2' })
  assert.is(await liveOf('counters'), 'counters_v1')
  await until(() => first.ready('counters')?.seconds === 0)
  assert.is(second.ready('counters'), undefined)
  assert.is((await second.promote('counters')).kind, 'promoted')
  assert.is(await liveOf('counters'), 'counters_v1_2')
  await until(() => first.ready('counters') === undefined)
  // Built anew where one stood ready, it begins with nothing: what was tampered with there is gone.
  await first.rebuild('counters', { promote: false })
  await world.readModel.plain('counters_v1_3').updateOne({ _id: name('k0') }, { $set: { tampered: 1 } } as never)
  assert.is((await first.rebuild('counters')).kind, 'promoted')
  assert.is(await liveOf('counters'), 'counters_v1_3')
  await end()
  await world.settled(first)
})

test('there is nothing to roll back to before the first promotion', async () => {
  const projector = world.start()
  await world.append('s', [counted(name('a'), 1)])
  await world.settled(projector)
  try {
    await projector.rollback('counters')
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, /nothing to roll back to/)
  }
})

test('a program with a newer version builds it beside the old one, which is served until then', async () => {
  const old = world.start()
  for (let i = 0; i < 20; i++) await world.append('s', [counted(name(`k${i % 3}`), i)])
  await world.settled(old)
  await old.stop()
  const projections = [second(world.prefix), journalOf(world.prefix)]
  const next = world.start({ projections })
  await until(async () => (await liveOf('counters')) === 'counters_v2')
  const position = await world.append('s', [counted(name('k0'), 1)])
  assert.ok(await next.waitFor(position, PATIENCE_MS))
  assert.equal(next.status().outdated, [])
  const documents = await world.documents('counters')
  assert.ok(
    Object.values(documents).every((d) => (d as { double: number; total: number }).double === (d as Counter).total * 2),
  )
  await world.settled(next, projections)
})

test('in a rolling change the old program steps aside for the new one and loses nothing', async () => {
  const old = world.start()
  const end = traffic()
  await until(() => old.position() !== undefined)
  const projections = [second(world.prefix), journalOf(world.prefix)]
  const next = world.start({ projections })
  await until(async () => (await liveOf('counters')) === 'counters_v2')
  await end()
  await world.settled(next, projections)
  await until(() => old.status().state === 'superseded')
  assert.is(old.status().stuck, true)
  // It still follows, so that its queries can wait.
  assert.ok(await old.waitFor(await world.append('s-0', [noted('x')]), PATIENCE_MS))
  await old.stop()

  // The old program started again: it does not touch what is newer, but can roll back.
  const again = world.start()
  await until(() => again.status().state === 'superseded')
  assert.is((await again.rollback('counters')).kind, 'promoted')
  assert.is(await liveOf('counters'), 'counters_v1')
  await next.stop()
  await until(() => again.status().state !== 'superseded')
  await world.settled(again)
})

test('while a new version is built, waiting for it ends with the time; other read models go on', async () => {
  const old = world.start()
  await world.append('s', [counted(name('a'), 1)])
  await world.settled(old)
  await old.stop()
  let open = false
  const slow: Projection = {
    ...second(world.prefix),
    evolve(document, fact, key) {
      if (!open) throw new Error('not yet')
      return second(world.prefix).evolve(document, fact, key)
    },
    keys: (fact) => second(world.prefix).keys(fact),
  }
  // The build cannot be promoted while the live lane is held by somebody else.
  const lane = (await world.readModel.lanes.read('main'))!
  open = true
  const next = world.start({ projections: [slow, journalOf(world.prefix)], observe: true })
  await world.readModel.lanes.commit(lane, 'x', { members: { journal: lane.members.journal! } }, [])
  await until(() => next.status().outdated.length > 0)
  assert.equal(next.status().outdated, ['counters'])
  assert.is(await next.waitFor(next.position()!, 50), false)
  assert.is(await next.waitFor(next.position()!, 50, ['journal']), true)
  assert.is(await next.waitFor(next.position()!, 50, ['counters']), false)
})

test('a projection that is added is built from the beginning; one that is gone is left alone', async () => {
  const first: Projector = world.start({ projections: [countersOf(world.prefix)] })
  await world.append('s', [counted(name('a'), 1), noted('x')])
  await world.settled(first, [countersOf(world.prefix)])
  await first.stop()
  const both = world.start()
  await until(async () => (await world.readModel.aliases.all()).length === 2)
  await until(() => both.status().outdated.length === 0)
  await isLive(both)
  await world.settled(both)
  await both.stop()
  const one = world.start({ projections: [journalOf(world.prefix)] })
  await world.append('s', [counted(name('a'), 1)])
  await world.settled(one, [journalOf(world.prefix)])
  assert.equal(Object.keys((await world.readModel.lanes.read('main'))!.members), ['journal'])
})

test('read models are built elsewhere up to a position and no further', async () => {
  const projector = world.start()
  for (let i = 0; i < 30; i++) await world.append('s', [counted(name(`k${i % 3}`), i)])
  await world.settled(projector)
  const upTo = projector.position()!
  const then = await world.documents('counters')
  await world.append('s', [counted(name('k0'), 100)])
  const scratch = openReadModel(engines)
  const seen = await buildInto({ store: world.store, readModel: scratch, projections: world.projections, upTo })
  assert.ok(seen >= 30)
  const built: Record<string, object> = {}
  for await (const { _id, _at, ...document } of scratch.collection('counters').stream({}, { sort: { _id: 1 } }))
    built[_id] = document
  assert.equal(built, then)
  await scratch.close()
})

test.run()
