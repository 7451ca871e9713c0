// Flipped bits in the engines' files: each is named by whoever reads it, and no other value is ever served.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import { open } from 'lmdb'
import { type Document, MongoClient } from 'mongodb'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { crc32c } from '../../src/engines/crc32c.ts'
import { startDocumentStore } from '../../src/engines/documents/index.ts'
import { startEventLog } from '../../src/engines/eventlog/index.ts'
import { hasSeal, SEAL_BYTES, sealed, unsealed } from '../../src/engines/seal.ts'
import { randomOf } from '../random.ts'
import { times } from '../soak.ts'

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
const FLIPS = times(6, 400)
const STREAMS = 20
const EACH = 8

const dir = mkdtempSync(join(tmpdir(), 'tributary-checksums-'))
const test = suite(`checksums, from seed ${SEED}`)
test.after(() => rmSync(dir, { recursive: true }))

/** Changes one bit, the same in every copy of the value that the file has, does something, and puts the file back. */
const withFlip = async (file: string, at: readonly number[], bit: number, act: () => Promise<void>) => {
  const whole = readFileSync(file)
  const changed = Buffer.from(whole)
  for (const place of at) changed[place + (bit >> 3)]! ^= 1 << (bit & 7)
  writeFileSync(file, changed)
  try {
    await act()
  } finally {
    writeFileSync(file, whole)
  }
}

const placesOf = (file: string, value: Uint8Array): readonly number[] => {
  const whole = readFileSync(file)
  const found: number[] = []
  for (let at = whole.indexOf(value); at >= 0; at = whole.indexOf(value, at + 1)) found.push(at)
  assert.ok(found.length > 0, 'the value is in the file')
  return found
}

/** All values of a table, as they are on disk. */
const valuesIn = async (path: string, table?: string): Promise<readonly Buffer[]> => {
  const env = open<Buffer, Buffer>({ path, readOnly: true, maxDbs: 8, encoding: 'binary', keyEncoding: 'binary' })
  const db =
    table === undefined ? env : env.openDB<Buffer, Buffer>(table, { encoding: 'binary', keyEncoding: 'binary' })
  const values = [...db.getRange({})].map(({ value }) => Buffer.from(value))
  await env.close()
  return values
}

/** Takes the seals away, as an earlier version would have written. */
const unseal = async (path: string, table: string | undefined, change: (value: Buffer) => Buffer) => {
  const env = open<Buffer, Buffer>({ path, maxDbs: 8, encoding: 'binary', keyEncoding: 'binary' })
  const db =
    table === undefined ? env : env.openDB<Buffer, Buffer>(table, { encoding: 'binary', keyEncoding: 'binary' })
  const all = [...db.getRange({})].map(({ key, value }) => [Buffer.from(key), Buffer.from(value)] as const)
  for (const [key, value] of all) if (hasSeal(value)) db.putSync(key, change(value.subarray(0, -SEAL_BYTES)))
  await env.close()
}

const dataOf = (stream: number, revision: number) => ({ stream, revision, text: `${stream}/${revision} `.repeat(20) })
const nameOf = (stream: number) => `customer-${stream}`

/** Every event of every stream, or why it cannot be read. */
const readAll = async (url: string) => {
  const client = EventStoreDBClient.connectionString(url)
  const read: unknown[] = []
  const errors: { code: unknown; message: string }[] = []
  const caught = (error: unknown) => errors.push({ code: (error as { code?: unknown }).code, message: String(error) })
  for (let stream = 0; stream < STREAMS; stream += 1)
    try {
      for await (const { event } of client.readStream(nameOf(stream))) read.push(event?.data)
    } catch (error) {
      caught(error)
    }
  try {
    for await (const { event } of client.readAll()) if (event?.streamId.startsWith('customer-')) read.push(event.data)
  } catch (error) {
    caught(error)
  }
  await client.dispose()
  return { read, errors }
}

test('the checksum of earlier versions is CRC-32C', () => {
  assert.is(crc32c(Buffer.from('123456789')), 0xe3069283)
  assert.is(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  const bytes = Buffer.from('any beginning and any end')
  for (let cut = 0; cut <= bytes.length; cut += 1)
    assert.is(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut)), crc32c(bytes))
})

test('seals of this and of earlier versions are read in their place, and no changed bit of one is', () => {
  const [value, key, other] = ['a value as it was written', 'its place', 'another place'].map((text) =>
    Buffer.from(text),
  )
  for (const seal of ['1e77cece3a', '0b4cc036c5']) {
    const kept = Buffer.concat([value!, Buffer.from(seal, 'hex')])
    assert.equal(unsealed(kept, key!), value, seal)
    assert.is(unsealed(kept, other!), undefined, seal)
    for (let bit = 0; bit < kept.length * 8; bit += 1) {
      kept[bit >> 3]! ^= 1 << (bit & 7)
      assert.is(unsealed(kept, key!), undefined, `${seal}, bit ${bit}`)
      kept[bit >> 3]! ^= 1 << (bit & 7)
    }
  }
  assert.is(sealed(value!, key!).toString('hex', value!.length), '1e77cece3a')
})

test('a flipped bit of the event log is named, and no other event is served for it', async () => {
  const random = randomOf(SEED)
  const path = join(dir, 'events')
  const file = join(path, 'data.mdb')
  const log = await startEventLog({ access: 'open', dir: path })
  const client = EventStoreDBClient.connectionString(log.url)
  for (let stream = 0; stream < STREAMS; stream += 1)
    await client.appendToStream(
      nameOf(stream),
      Array.from({ length: EACH }, (_, revision) => jsonEvent({ type: 'Kept', data: dataOf(stream, revision) })),
    )
  await client.dispose()
  await log.stop()
  const right = new Set(
    Array.from({ length: STREAMS * EACH }, (_, i) => JSON.stringify(dataOf(Math.floor(i / EACH), i % EACH))),
  )
  const records = (await valuesIn(path, 'log')).filter((value) => value.includes('Kept'))
  assert.is(records.length, right.size)
  // The newest, which comes last, is read at the start already: with it damaged the log does not open, and says the same.
  const older = records.slice(0, -1)
  for (let i = 0; i < FLIPS; i += 1) {
    const record = older[Math.floor(random() * older.length)]!
    const bit = Math.floor(random() * record.length * 8)
    await withFlip(file, placesOf(file, record), bit, async () => {
      const again = await startEventLog({ access: 'open', dir: path })
      const { read, errors } = await readAll(again.url)
      await again.stop()
      for (const data of read) assert.ok(right.has(JSON.stringify(data)), `bit ${bit}`)
      // By its stream, and by $all; every other stream is read to its end.
      assert.equal(
        errors.map(({ code }) => code),
        [15, 15],
        `bit ${bit}`,
      )
      for (const { message } of errors)
        assert.match(message, /the record at position \d+ .*data\.mdb is damaged: its checksum/)
      assert.ok(read.length >= (STREAMS - 1) * EACH)
    })
  }
  await unseal(path, 'log', (value) => {
    value[0] = 1
    return value
  })
  const old = await startEventLog({ access: 'open', dir: path })
  const { read, errors } = await readAll(old.url)
  assert.equal(errors, [])
  assert.is(read.length, 2 * right.size)
  const writer = EventStoreDBClient.connectionString(old.url)
  await writer.appendToStream(nameOf(0), jsonEvent({ type: 'Kept', data: {} }), { expectedRevision: BigInt(EACH - 1) })
  await writer.dispose()
  await old.stop()
})

test('a flipped bit of a document is named, and no other document is served for it', async () => {
  const random = randomOf(SEED)
  const path = join(dir, 'documents')
  const file = join(path, 'data.mdb')
  const documents: Document[] = Array.from({ length: 40 }, (_, i) => ({ _id: `ann-${i}`, ...dataOf(i, 1) }))
  const run = async <T>(act: (client: MongoClient) => Promise<T>): Promise<T> => {
    const store = await startDocumentStore({ access: 'open', dir: path })
    const client = new MongoClient(store.url)
    try {
      return await act(client)
    } finally {
      await client.close()
      await store.stop()
    }
  }
  await run(async (client) => {
    await client.db('shop').collection('kept').insertMany(documents)
    await client.db('shop').collection('kept').createIndex({ revision: 1 })
  })
  const right = new Map(documents.map((document) => [document._id, JSON.stringify(document)]))
  const values = (await valuesIn(path)).filter((value) => hasSeal(value) && value.includes('ann-'))
  assert.is(values.length, documents.length)
  for (let i = 0; i < FLIPS; i += 1) {
    const value = values[Math.floor(random() * values.length)]!
    const bit = Math.floor(random() * value.length * 8)
    await withFlip(file, placesOf(file, value), bit, () =>
      run(async (client) => {
        const kept = client.db('shop').collection('kept')
        const errors: { code: unknown; message: string }[] = []
        const tried = async (act: () => Promise<readonly (Document | null)[]>) => {
          try {
            for (const found of await act()) assert.is(found && JSON.stringify(found), right.get(found?._id))
          } catch (error) {
            if (error instanceof assert.Assertion) throw error
            errors.push({ code: (error as { code?: unknown }).code, message: String(error) })
          }
        }
        for (const { _id } of documents) await tried(async () => [await kept.findOne({ _id })])
        await tried(() => kept.find().toArray())
        await tried(() => kept.find({ revision: 1 }).toArray())
        // By itself, by a scan and by an index; all others are there.
        assert.equal(
          errors.map(({ code }) => code),
          [22, 22, 22],
          `bit ${bit}`,
        )
        for (const { message } of errors)
          assert.match(
            message,
            /document with (_id ann-\d+|key [0-9a-f]+) of shop\.kept in .*data\.mdb is damaged: its checksum/,
          )
      }),
    )
  }
  await unseal(path, undefined, (value) => value)
  await run(async (client) => {
    const kept = client.db('shop').collection('kept')
    assert.equal(
      await kept.find().sort({ _id: 1 }).toArray(),
      documents.sort((a, b) => (a._id < b._id ? -1 : 1)),
    )
    await kept.replaceOne({ _id: 'ann-1' as never }, { fresh: true })
    assert.equal(await kept.findOne({ _id: 'ann-1' as never }), { _id: 'ann-1', fresh: true })
  })
})

test.run()
