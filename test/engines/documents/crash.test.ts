// A store killed with SIGKILL at random moments loses nothing it acknowledged, keeps no half of a transaction, opens again.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClientSession, MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { program } from '../../program.ts'
import { times } from '../../soak.ts'

const KILLS = times(6, 200)
/** Documents that each transaction writes, in two collections, beside a compare-and-set of its checkpoint. */
const PARTS = 8
const WRITERS = 3

interface Serving {
  readonly child: ChildProcess
  readonly port: number
}

const serve = async (dir: string, port: number): Promise<Serving> => {
  const child = spawn(process.execPath, [...program(import.meta.dirname, 'writerProcess.ts'), dir, String(port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [chunk] = (await Promise.race([
    once(child.stdout!, 'data'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the store did not open again: exit ${code}`)
    }),
  ])) as [Buffer]
  return { child, port: Number(String(chunk).trim()) }
}

/** What one writer knows: what was acknowledged, and what may or may not have been made. */
interface Ledger {
  readonly inserted: number[]
  tried: number
  position: number
  triedPosition: number
}

const part = (writer: number, i: number): string => `${writer}-${i}`

/** One transaction: all parts get the new position, and the checkpoint moves to it. */
const move = async (client: MongoClient, session: ClientSession, writer: number, to: number): Promise<void> => {
  const db = client.db('crash')
  session.startTransaction({ readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority', j: true } })
  const upserts = Array.from({ length: PARTS }, (_, i) => ({
    replaceOne: {
      filter: { _id: part(writer, i) as never },
      replacement: { position: to, writer, filler: 'x'.repeat(200) },
      upsert: true,
    },
  }))
  await db.collection('left').bulkWrite(upserts, { session, ordered: false })
  await db.collection('right').bulkWrite(upserts, { session, ordered: false })
  const moved = await db
    .collection<{ _id: number; position: number }>('checkpoints')
    .updateOne({ _id: writer, position: to - 1 }, { $set: { position: to } }, { session })
  if (moved.matchedCount !== 1) throw new Error('the checkpoint is elsewhere')
  await session.commitTransaction()
}

const write = async (client: MongoClient, writer: number, ledger: Ledger, stopped: () => boolean): Promise<void> => {
  const log = client.db('crash').collection<{ _id: string; n: number }>('log')
  const session = client.startSession()
  try {
    while (!stopped()) {
      ledger.tried += 1
      await log.insertOne(
        { _id: part(writer, ledger.tried), n: ledger.tried },
        { writeConcern: { w: 'majority', j: true } },
      )
      ledger.inserted.push(ledger.tried)
      ledger.triedPosition += 1
      await move(client, session, writer, ledger.triedPosition)
      ledger.position = ledger.triedPosition
    }
    await session.endSession()
  } catch {
    // The store is gone; what was under way is unknown. The session ends with the client.
  }
}

const check = async (client: MongoClient, ledgers: readonly Ledger[]): Promise<void> => {
  const db = client.db('crash')
  const [log, left, right] = await Promise.all(
    ['log', 'left', 'right'].map((name) =>
      db.collection<{ _id: string; position: number; n: number }>(name).find({}).toArray(),
    ),
  )
  const numbers = new Set(log!.map((d) => d._id))
  for (const [writer, ledger] of ledgers.entries()) {
    for (const n of ledger.inserted)
      assert.ok(numbers.has(part(writer, n)), `insert ${n} of ${writer} was acknowledged and is missing`)
    const checkpoint = await db.collection<{ _id: number; position: number }>('checkpoints').findOne({ _id: writer })
    const position = checkpoint!.position
    assert.ok(
      position === ledger.position || position === ledger.triedPosition,
      `checkpoint ${position}, acknowledged ${ledger.position}`,
    )
    for (const [name, all] of [
      ['left', left!],
      ['right', right!],
    ] as const) {
      const own = all.filter((d) => d._id.startsWith(`${writer}-`))
      assert.is(own.length, position === 0 ? 0 : PARTS)
      assert.ok(
        own.every((d) => d.position === position),
        `${name} has half of a transaction`,
      )
      const indexed = await db.collection(name).find({ writer, position }, { hint: 'writer_1_position_1' }).toArray()
      assert.is(indexed.length, own.length, 'the index and the documents agree')
    }
    ledger.position = position
    ledger.triedPosition = position
  }
}

test(`killed ${KILLS} times in the middle of writes`, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-crash-'))
  let serving = await serve(dir, 0)
  const { port } = serving
  const connect = () =>
    new MongoClient(`mongodb://127.0.0.1:${port}/?replicaSet=rs0&directConnection=true`, {
      retryWrites: false,
      serverSelectionTimeoutMS: 1000,
    }).connect()
  let client = await connect()
  try {
    const db = client.db('crash')
    const ledgers = Array.from(
      { length: WRITERS },
      (): Ledger => ({ inserted: [], tried: 0, position: 0, triedPosition: 0 }),
    )
    await db
      .collection<{ _id: number; position: number }>('checkpoints')
      .insertMany(ledgers.map((_, i) => ({ _id: i, position: 0 })))
    for (const name of ['left', 'right']) await db.collection(name).createIndex({ writer: 1, position: 1 })
    for (let kill = 0; kill < KILLS; kill += 1) {
      const t0 = performance.now()
      const lap = (w: string) => console.log(kill, w, (performance.now() - t0).toFixed(0))
      let stop = false
      const writers = ledgers.map((ledger, i) => write(client, i, ledger, () => stop))
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 250))
      stop = true
      serving.child.kill('SIGKILL')
      await once(serving.child, 'exit')
      lap('exit')
      await client.close(true)
      await Promise.all(writers)
      lap('writers')
      serving = await serve(dir, port)
      lap('served')
      client = await connect()
      lap('conn')
      await check(client, ledgers)
    }
    assert.ok(
      ledgers.every((ledger) => ledger.inserted.length > 0),
      'something was written at all',
    )
  } finally {
    await client.close(true)
    serving.child.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  }
})

test.run()
