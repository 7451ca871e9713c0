// The projector while servers stop, die and come back: it goes on by itself, and nothing is lost or doubled.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { StoreUnavailable } from '../../src/eventstore/index.ts'
import { type Killable, killable } from '../engines/killable.ts'
import { isSoak, times } from '../soak.ts'
import { type Engines, embedded, PATIENCE_MS, startEngines, until } from './engines.ts'
import { counted, noted } from './facts.ts'
import { createWorld, isLive, type World } from './world.ts'

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Between two appends of one lane, ms: as much as keeps commits under way, and no more than the test's own trouble takes. */
const PAUSE_MS = isSoak ? 0 : 40

/** Appends all the time, as a client that comes back with the same ids when it was told to; gives how many facts there are. */
const traffic = (world: World) => {
  let stop = false
  const lane = async (n: number): Promise<number> => {
    let revision: bigint | 'no_stream' = 'no_stream'
    let count = 0
    while (!stop) {
      const facts = [counted(`${world.prefix}k${(count * 3 + n) % 11}`, count), noted('n')]
      for (;;) {
        try {
          const result = await world.store.append(`${world.prefix}s-${n}`, facts, revision)
          if (result.kind !== 'appended') throw new Error(`conflict: ${result.actual} instead of ${revision}`)
          revision = result.revision
          break
        } catch (error) {
          if (!(error instanceof StoreUnavailable)) throw error
          await wait(20)
        }
      }
      count += 2
      await wait(PAUSE_MS)
    }
    return count
  }
  const running = Promise.all([lane(0), lane(1), lane(2), lane(3)])
  return async () => {
    stop = true
    return (await running).reduce((a, b) => a + b, 0)
  }
}

/** How many facts the traffic has in the log. */
const counts = async (world: World): Promise<number> => {
  let n = 0
  for await (const _ of world.store.readAll({ filter: (_, stream) => stream.startsWith(`${world.prefix}s-`) })) n++
  return n
}

/** Waits until something appended now can be seen. */
const reacts = async (world: World, projector: ReturnType<World['start']>): Promise<void> => {
  let position: bigint | undefined
  while (position === undefined)
    position = await world.append('probe', [noted('p')]).catch(() => wait(20).then(() => undefined))
  assert.ok(await projector.waitFor(position, PATIENCE_MS))
}

if (embedded) {
  let engines: Engines
  let world: World
  /** As processes of their own, to be killed and to hang. */
  let events: Killable
  let documents: Killable
  const dir = mkdtempSync(join(tmpdir(), 'tributary-trouble-'))
  test.before(async () => {
    ;[engines, events, documents] = await Promise.all([
      startEngines(),
      killable('events', join(dir, 'events')),
      killable('documents', join(dir, 'documents')),
    ])
  })
  test.after(async () => {
    await Promise.all([engines.end(), events.stop(), documents.stop()])
    rmSync(dir, { recursive: true, force: true })
  })
  test.before.each(() => {
    world = createWorld(engines)
  })
  test.after.each(() => world.close())

  for (const which of ['events', 'documents'] as const)
    test(`${which} stopped in the middle: all goes on by itself on its return`, async () => {
      const projector = world.start()
      const end = traffic(world)
      await isLive(projector)
      await engines[which].stop()
      const health = which === 'events' ? world.store.health : world.readModel.health
      await until(() => !health().ok, { what: () => 'health still says ok' })
      await engines[which].start()
      await reacts(world, projector)
      assert.is(health().ok, true)
      const appended = await end()
      assert.is(await counts(world), appended)
      await world.settled(projector)
    })

  test('a projector that starts while both are away waits for them', async () => {
    await Promise.all([engines.events.stop(), engines.documents.stop()])
    const projector = world.start({ stuckAfterMs: 200 })
    await until(() => projector.status().error !== undefined)
    await until(() => projector.status().stuck)
    await engines.documents.start()
    await engines.events.start()
    await reacts(world, projector)
    await world.settled(projector)
    assert.is(projector.status().stuck, false)
  })

  test('a commit whose answer is lost, applied or not, is neither lost nor doubled', async () => {
    const admin = new MongoClient(engines.documents.url)
    const failOnce = (data: object) =>
      admin.db('admin').command({
        configureFailPoint: 'failCommand',
        mode: { times: 2 },
        data: { failCommands: ['commitTransaction'], ...data },
      })
    const projector = world.start()
    await isLive(projector)
    for (const data of [
      // Applied, and then the answer says that nobody knows.
      { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } },
      // Not applied.
      { errorCode: 91 },
      { closeConnection: true },
      { errorCode: 10107, errorLabels: ['TransientTransactionError'] },
    ]) {
      await failOnce(data)
      await world.append('s', [counted(`${world.prefix}a`, 1), counted(`${world.prefix}b`, 2)])
      await reacts(world, projector)
      await world.settled(projector)
    }
    await admin.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' })
    await admin.close()
  })

  test('a transaction that a dead projector left open is ended, and its lane goes on', async () => {
    const projector = world.start()
    await world.append('s', [counted(`${world.prefix}a`, 1)])
    await world.settled(projector)
    // What a process leaves that is killed between two statements: its session is known, its transaction is open.
    const dead = new MongoClient(engines.documents.url)
    const session = dead.startSession()
    session.startTransaction()
    const database = dead.db(`test-${world.prefix}`)
    await database
      .collection<{ _id: string }>('checkpoints')
      .updateOne({ _id: 'main' }, { $set: { writer: 'dead' } }, { session })
    const id = Buffer.from((session.id as unknown as { id: { buffer: Uint8Array } }).id.buffer).toString('hex')
    await database
      .collection<{ _id: string }>('committers')
      .insertOne({ _id: id, lane: 'main', writer: 'dead' } as { _id: string })
    const position = await world.append('s', [counted(`${world.prefix}a`, 1)])
    assert.ok(await projector.waitFor(position, PATIENCE_MS))
    await world.settled(projector)
    await dead.close()
  })

  test('any command that fails in any way is gone over', async () => {
    const admin = new MongoClient(engines.documents.url)
    const projector = world.start()
    await isLive(projector)
    for (const command of ['find', 'bulkWrite', 'insert', 'update', 'delete', 'aggregate'])
      for (const data of [
        { errorCode: 189 },
        { closeConnection: true },
        { errorCode: 112, errorLabels: ['TransientTransactionError'] },
      ]) {
        await admin.db('admin').command({
          configureFailPoint: 'failCommand',
          mode: { times: 1 },
          data: { failCommands: [command], ...data },
        })
        await world.append('s', [counted(`${world.prefix}${command}`, 1)])
        await reacts(world, projector)
      }
    await admin.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' })
    await world.settled(projector)
    await admin.close()
  })

  test('a server that hangs is noticed, and all goes on by itself when it answers again', async () => {
    const own = createWorld({ events, documents, end: async () => undefined })
    const projector = own.start()
    const end = traffic(own)
    await isLive(projector)
    for (const [engine, health] of [
      [events, own.store.health],
      [documents, own.readModel.health],
    ] as const) {
      engine.signal('SIGSTOP')
      await until(() => !health().ok, { what: () => 'health still says ok' })
      engine.signal('SIGCONT')
      await reacts(own, projector)
    }
    const appended = await end()
    assert.is(await counts(own), appended)
    await own.settled(projector)
    await own.close()
  })

  test('killed with SIGKILL at any moment: nothing acknowledged is lost, nothing is doubled', async () => {
    const own = createWorld({ events, documents, end: async () => undefined })
    const projector = own.start()
    const other = own.start()
    const end = traffic(own)
    await until(() => projector.position() !== undefined)
    const rounds = times(3, 100)
    for (let round = 0; round < rounds; round++) {
      const victims = round % 3 === 2 ? [events, documents] : round % 3 === 1 ? [events] : [documents]
      await wait(200 + Math.random() * 300)
      await Promise.all(victims.map((victim) => victim.stop()))
      await Promise.all(victims.map((victim) => victim.start()))
      await reacts(own, projector)
    }
    const appended = await end()
    assert.is(await counts(own), appended)
    await Promise.all([own.settled(projector), own.settled(other)])
    await own.close()
  })
}

test.run()
