// Corruption and misuse: each ends in a clear error or a closed connection, never in a dead process or a lost write.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BSON, MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startDocumentStore } from '../../../src/engines/documents/index.ts'
import { program } from '../../program.ts'
import { until } from '../../until.ts'
import { documentStoreUnderTest } from '../servers.ts'
import { message, rawClient } from './raw.ts'

const server = await documentStoreUnderTest()
const client = new MongoClient(server.url)
await client.connect()
const folders: string[] = []

const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'tributary-misuse-'))
  folders.push(made)
  return made
}

test.after(async () => {
  await client.close()
  await server.end()
  for (const dir of folders) rmSync(dir, { recursive: true, force: true })
})

const reason = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

const alive = async (): Promise<void> => {
  assert.is((await client.db('misuse').command({ ping: 1 })).ok, 1)
}

test('garbage on the port closes the connection, others are served on', async () => {
  const length = (n: number) => {
    const bytes = Buffer.alloc(16)
    bytes.writeInt32LE(n, 0)
    bytes.writeInt32LE(2013, 12)
    return bytes
  }
  const bad: readonly Buffer[] = [
    Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    randomBytes(512).fill(0xff, 0, 4),
    length(0),
    length(-5),
    length(15),
    length(2_000_000_000),
    Buffer.concat([length(21), Buffer.from([0, 0, 0, 0, 9])]),
    Buffer.concat([length(30), Buffer.from([0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0])]),
    Buffer.concat([length(26), Buffer.from([4, 0, 1, 0, 0, 5, 0, 0, 0, 0])]),
  ]
  for (const bytes of bad) {
    const raw = await rawClient(server.url)
    raw.send(bytes)
    await raw.closed
  }
  await alive()
})

test('a message of any bytes never ends the server', async () => {
  for (let i = 0; i < 150; i += 1) {
    const raw = await rawClient(server.url)
    const bytes = message({ insert: 'garbage', documents: [{ a: 1, b: { c: [1, 2, 3] } }], $db: 'misuse' })
    for (let n = 0; n < 1 + (i % 4); n += 1)
      bytes[16 + Math.floor(Math.random() * (bytes.length - 16))] = Math.floor(Math.random() * 256)
    raw.send(bytes)
    const answered = new Promise((resolve) => raw.socket.once('data', resolve))
    await Promise.race([answered, raw.closed, new Promise((resolve) => setTimeout(resolve, 50))])
    raw.end()
  }
  await alive()
  for await (const doc of client.db('misuse').collection('garbage').find({})) assert.ok(doc._id)
})

test('half a message, a connection cut in the middle, and many that say nothing', async () => {
  const half = await rawClient(server.url)
  half.send(message({ ping: 1, $db: 'admin' }).subarray(0, 20))
  const cut = await rawClient(server.url)
  cut.send(message({ insert: 'cut', documents: Array.from({ length: 5000 }, (_, i) => ({ _id: i })), $db: 'misuse' }))
  cut.end()
  const idle = await Promise.all(Array.from({ length: 1000 }, () => rawClient(server.url)))
  const rows = client.db('misuse').collection<{ _id: number }>('beside')
  for (let i = 0; i < 50; i += 1) await rows.insertOne({ _id: i })
  assert.is(await rows.countDocuments(), 50, 'served beside 1,000 idle connections')
  for (const one of [half, ...idle]) one.end()
  await alive()
})

test('documents that are too deep or too large are refused', async () => {
  let deep: BSON.Document = {}
  for (let i = 0; i < 500; i += 1) deep = { d: deep }
  const raw = await rawClient(server.url)
  const answer = await raw.command({ insert: 'deep', documents: [deep], $db: 'misuse' })
  assert.is(answer.ok === 0 || answer.writeErrors?.length === 1, true)
  const large = { _id: 1, text: 'x'.repeat(9_000_000) }
  const rows = client.db('misuse').collection<{ _id: number; text: string }>('large')
  await rows.insertOne(large)
  assert.match(
    await reason(rows.updateOne({ _id: 1 }, [{ $set: { more: { $concat: ['$text', '$text'] } } }])),
    /size|large/i,
  )
  assert.is((await rows.findOne({ _id: 1 }))?.text.length, 9_000_000)
  raw.end()
  await alive()
})

test('two stores on one directory: the second is told who has it', async () => {
  const dir = folder()
  const store = await startDocumentStore({ access: 'open', dir })
  try {
    assert.match(
      await reason(startDocumentStore({ access: 'open', dir })),
      new RegExp(`in use by process ${process.pid}`),
    )
    const other = serve(dir)
    const [code] = await once(other.child, 'exit')
    assert.is(code, 1)
    assert.match(other.errors(), /in use by process/)
  } finally {
    await store.stop()
  }
  await (await startDocumentStore({ access: 'open', dir })).stop()
})

test('a port that is taken is a clear error and leaves the directory free', async () => {
  const dir = folder()
  const port = Number(new URL(server.url).port)
  assert.match(await reason(startDocumentStore({ access: 'open', dir, port })), /EADDRINUSE/)
  await (await startDocumentStore({ access: 'open', dir })).stop()
})

test('a data file that is cut off, emptied, lost or not ours is refused, an untouched one opens', async () => {
  const dir = folder()
  const store = await startDocumentStore({ access: 'open', dir })
  const own = await new MongoClient(store.url).connect()
  await own
    .db('d')
    .collection('c')
    .insertMany(Array.from({ length: 3000 }, (_, i) => ({ i, text: 'x'.repeat(300) })))
  await own.close()
  await store.stop()
  const whole = readFileSync(join(dir, 'data.mdb'))
  const marker = readFileSync(join(dir, 'document-store.json'))
  const damaged = (bytes: Buffer | undefined): string => {
    const copy = folder()
    mkdirSync(copy, { recursive: true })
    writeFileSync(join(copy, 'document-store.json'), marker)
    if (bytes) writeFileSync(join(copy, 'data.mdb'), bytes)
    return copy
  }
  for (const size of [0, 1, 100, 4096, 8191, 8192, whole.length >> 1, whole.length - 1])
    assert.match(
      await reason(startDocumentStore({ access: 'open', dir: damaged(whole.subarray(0, size)) })),
      /damaged/,
      `${size} bytes`,
    )
  assert.match(await reason(startDocumentStore({ access: 'open', dir: damaged(undefined) })), /missing/)
  assert.match(
    await reason(startDocumentStore({ access: 'open', dir: damaged(randomBytes(50_000)) })),
    /not a data file/,
  )
  // Pages at the end that were taken and given back are never written: such a file is shorter and whole.
  const shorter = Buffer.from(whole)
  for (const meta of [0, 4096]) shorter.writeBigUInt64LE(shorter.readBigUInt64LE(meta + 144) + 7n, meta + 144)
  const again = await startDocumentStore({ access: 'open', dir: damaged(shorter) })
  const client2 = await new MongoClient(again.url).connect()
  assert.is(await client2.db('d').collection('c').countDocuments({}), 3000)
  await client2.close()
  await again.stop()
})

interface Served {
  readonly child: ChildProcess
  readonly errors: () => string
}

/** A store in a process of its own, its files limited to so many blocks of 1 KiB. */
const serve = (dir: string, limitKb?: number): Served => {
  const writer = program(import.meta.dirname, 'writerProcess.ts')
    .map((part) => `"${part}"`)
    .join(' ')
  const command = `trap '' XFSZ; ${limitKb === undefined ? '' : `ulimit -f ${limitKb};`} exec "${process.execPath}" ${writer} "${dir}" 0`
  const child = spawn('bash', ['-c', command], { stdio: ['pipe', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  return { child, errors: () => errors }
}

const connectTo = async ({ child }: Served): Promise<MongoClient> => {
  const [chunk] = (await once(child.stdout!, 'data')) as [Buffer]
  return new MongoClient(`mongodb://127.0.0.1:${String(chunk).trim()}/?replicaSet=rs0&directConnection=true`).connect()
}

test('a full disk fails the write and nothing else: what was acknowledged is there, then and after', async () => {
  const dir = folder()
  const full = serve(dir, 4096)
  const own = await connectTo(full)
  const rows = own.db('full').collection<{ _id: number; text: string }>('rows')
  await rows.createIndex({ text: 1 })
  const acknowledged: number[] = []
  let failed = ''
  for (let i = 0; i < 2000 && failed === ''; i += 1) {
    failed = await reason(
      rows.insertOne({ _id: i, text: `${i}`.padEnd(5000, 'x') }).then(() => {
        acknowledged.push(i)
      }),
    )
  }
  assert.match(failed, /the write was not made/)
  assert.ok(acknowledged.length > 10)
  const ids = async (c: MongoClient) =>
    (
      await c
        .db('full')
        .collection<{ _id: number }>('rows')
        .find({}, { sort: { _id: 1 }, projection: { _id: 1 } })
        .toArray()
    ).map((d) => d._id)
  assert.equal(await ids(own), acknowledged, 'reads go on, and show what was acknowledged')
  assert.match(await reason(rows.insertOne({ _id: 9999, text: 'y'.repeat(100_000) })), /the write was not made/)
  const session = own.startSession()
  session.startTransaction()
  await rows.insertOne({ _id: 5000, text: 'z'.repeat(50_000) }, { session })
  assert.match(await reason(session.commitTransaction()), /the write was not made/)
  await session.endSession()
  assert.equal(await ids(own), acknowledged)
  await own.close()
  full.child.kill('SIGKILL')
  await once(full.child, 'exit')

  const roomy = serve(dir)
  const after = await connectTo(roomy)
  assert.equal(await ids(after), acknowledged)
  await after.db('full').collection<{ _id: number }>('rows').insertOne({ _id: 10_000 })
  await after.close()
  roomy.child.kill('SIGKILL')
  await once(roomy.child, 'exit')
})

test('a connection that ends takes the waiting write with it', async () => {
  const rows = client.db('misuse').collection<{ _id: number; n: number }>('waiting')
  await rows.insertOne({ _id: 1, n: 0 })
  const session = client.startSession()
  session.startTransaction()
  await rows.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session })
  const raw = await rawClient(server.url)
  raw.send(message({ update: 'waiting', updates: [{ q: { _id: 1 }, u: { $inc: { n: 100 } } }], $db: 'misuse' }))
  await until(async () => (await client.db('admin').command({ serverStatus: 1 })).ok === 1)
  raw.end()
  await raw.closed
  // Its place in the line is given up before the transaction ends.
  await new Promise((resolve) => setTimeout(resolve, 50))
  await session.commitTransaction()
  await session.endSession()
  await rows.updateOne({ _id: 1 }, { $inc: { n: 1 } })
  const { n } = (await rows.findOne({ _id: 1 }))!
  // A real server may notice the end of a connection too late.
  assert.ok(n === 2 || server.kind !== 'embedded', `n is ${n}`)
})

test('a time limit ends a write that waits', async () => {
  const rows = client.db('misuse').collection<{ _id: number; n: number }>('limited')
  await rows.insertOne({ _id: 1, n: 0 })
  const session = client.startSession()
  session.startTransaction()
  await rows.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session })
  let code: unknown
  await rows.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { maxTimeMS: 100 }).catch((error) => {
    code = error.code
  })
  assert.is(code, 50)
  await session.abortTransaction()
  await session.endSession()
})

test.run()
