// Every command with every option, and every operator, given values of every type: what is wrong is refused by name, and
// nothing ends inside.
import { BSON, type Document, MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { COMMON, DELETE_STATEMENT, OPTIONS, UPDATE_STATEMENT } from '../../../src/engines/documents/commands/options.ts'
import { COMMANDS } from '../../../src/engines/documents/commands/registry.ts'
import type { Option, OptionType, Table } from '../../../src/engines/documents/commands/schema.ts'
import { OPERATORS } from '../../../src/engines/documents/expressions/compile.ts'
import { ACCUMULATORS } from '../../../src/engines/documents/group.ts'
import { STAGES } from '../../../src/engines/documents/stages.ts'
import { UPDATE_OPERATORS } from '../../../src/engines/documents/update.ts'
import { isSoak } from '../../soak.ts'
import { documentStoreUnderTest } from '../servers.ts'
import { rawClient } from './raw.ts'
import { isUnsound, LOOKED_AT, VALID, VALUES } from './samples.ts'

const server = await documentStoreUnderTest()
const raw = await rawClient(server.url)
const client = await new MongoClient(server.url).connect()

test.after(async () => {
  raw.end()
  await client.close()
  await server.end()
})

/** In the short run a third of expressions is given each value. */

const ask = (command: Document) => raw.command('$db' in command ? command : { ...command, $db: 'schema' })

/** Types that the server takes for an option of a type; of others it is told by name. */
const TAKES: Readonly<Partial<Record<OptionType, readonly string[]>>> = {
  bool: ['bool', 'int', 'long', 'double', 'decimal'],
  strictBool: ['bool'],
  string: ['string'],
  object: ['object'],
  objects: ['array'],
  array: ['array'],
  long: ['long'],
  longs: ['array'],
  whole: ['int', 'long', 'double', 'decimal'],
  number: ['int', 'long', 'double', 'decimal'],
  wholes: ['array'],
  timestamp: ['timestamp'],
  objectOrString: ['object', 'string'],
  objectOrArray: ['object', 'array'],
  names: ['string', 'object', 'array'],
  concernNumber: ['int', 'long', 'double', 'decimal', 'string', 'object'],
  collation: ['object'],
}

/** An answer, or a refusal that says what is wrong: never an error of the server's own making. */
const sound = (answer: Document, what: string): void => {
  const told = answer.ok === 1 ? answer.writeErrors?.[0] : answer
  if (told === undefined || (answer.ok === 1 && !told.code)) return
  assert.not.ok(isUnsound({ ...told, ok: 0 }), `${what}: ${told.code} ${told.errmsg}`)
}

const codeOf = (answer: Document): number => (answer.ok === 1 ? (answer.writeErrors?.[0]?.code ?? 0) : answer.code)

const checkOption = async (path: string, option: Option, put: (value: unknown) => Document): Promise<void> => {
  const taken = TAKES[option.type]
  for (const [type, value] of VALUES) {
    const what = `${path}: ${type} ${BSON.EJSON.stringify({ value })}`
    const answer = await ask(put(value))
    sound(answer, what)
    if (taken === undefined || type === 'null' || taken.includes(type)) continue
    assert.is(codeOf(answer), option.typeCode ?? 14, what)
    assert.match(String(answer.errmsg ?? answer.writeErrors[0].errmsg), path.split('.').at(-1)!, what)
  }
  const number = option.least !== undefined || option.most !== undefined
  if (!number) return
  const outside = option.type === 'long' ? BSON.Long.fromNumber(-1) : (option.least ?? 0) - 1
  if (option.least !== undefined) assert.is(codeOf(await ask(put(outside))), option.boundCode ?? 51024, path)
  if (option.most !== undefined) assert.is(codeOf(await ask(put(option.most + 1))), option.boundCode ?? 51024, path)
}

const checkTable = async (
  path: string,
  table: Table,
  put: (name: string, value: unknown) => Document,
): Promise<void> => {
  for (const [name, option] of table.options) {
    if (option.type === 'raw') continue
    await checkOption(`${path}.${name}`, option, (value) => put(name, value))
    if (option.fields)
      await checkTable(`${path}.${name}`, option.fields, (inner, value) => put(name, { [inner]: value }))
  }
  if (table.unknownCode === undefined) return
  const answer = await ask(put('noSuchOption', 1))
  assert.is(codeOf(answer), table.unknownCode, `${path}.noSuchOption`)
  assert.match(String(answer.errmsg ?? answer.writeErrors[0].errmsg), 'noSuchOption')
}

/** Options that would keep the test waiting, or be taken for a transaction, when they are right. */
const SKIPPED = new Set(['lsid', 'txnNumber', '$db'])

for (const [name, valid] of Object.entries(VALID))
  test(`${name}: each option with each type, out of bounds, and one that there is not`, async () => {
    sound(await ask(valid), name)
    await checkTable(name, OPTIONS.get(name)!, (option, value) => ({ ...valid, [option]: value }))
    for (const missing of Object.keys(valid).slice(1)) {
      const required = OPTIONS.get(name)!.options.get(missing)?.required
      const less = Object.fromEntries(Object.entries(valid).filter(([key]) => key !== missing))
      if (required) assert.is(codeOf(await ask(less)), 40414, `${name} without ${missing}`)
    }
  })

test('what every command may have', async () => {
  const options = new Map([...COMMON.options].filter(([name]) => !SKIPPED.has(name)))
  await checkTable('ping', { options, unknownCode: undefined }, (option, value) => ({ ping: 1, [option]: value }))
})

test('every command with every type as its own value, and what the others look at beside it', async () => {
  const tried = new Set([...Object.keys(VALID), ...Object.keys(LOOKED_AT)])
  const untried = [...COMMANDS]
    .filter(([name]) => !tried.has(name))
    .filter(([, { run }]) => ![...tried].some((other) => COMMANDS.get(other)?.run === run))
  assert.equal(
    untried.map(([name]) => name),
    [],
    'each has a place in the samples',
  )
  for (const [type, value] of VALUES) {
    for (const [name, valid] of Object.entries(VALID)) sound(await ask({ ...valid, [name]: value }), `${name}: ${type}`)
    for (const [name, beside] of Object.entries(LOOKED_AT)) {
      sound(await ask({ [name]: value, $db: 'admin' }), `${name}: ${type}`)
      for (const option of beside)
        sound(await ask({ [name]: 1, [option]: value, $db: 'admin' }), `${name}.${option}: ${type}`)
    }
  }
})

test('statements of updates and deletes', async () => {
  await checkTable('updates', UPDATE_STATEMENT, (name, value) => ({
    update: 'c',
    updates: [{ q: { no: 1 }, u: { $set: { a: 1 } }, [name]: value }],
  }))
  await checkTable('deletes', DELETE_STATEMENT, (name, value) => ({
    delete: 'c',
    deletes: [{ q: { no: 1 }, limit: 1, [name]: value }],
  }))
})

const QUERY_OPERATORS =
  `$eq $ne $gt $gte $lt $lte $in $nin $exists $type $size $mod $not $regex $options $elemMatch $all
  $bitsAllSet $bitsAllClear $bitsAnySet $bitsAnyClear $near $geoWithin $nope`.split(/\s+/)
const JOINED = ['$and', '$or', '$nor', '$expr', '$where', '$text', '$jsonSchema', '$comment', '$alwaysTrue', '$nope']

test('every query operator with every type answers the same along an index and without one', async () => {
  const rows = client.db('schema').collection<Document>('typed')
  await rows.insertMany(VALUES.map(([type, value], i) => ({ _id: i as never, type, v: value })))
  await rows.createIndex({ v: 1 })
  for (const operator of QUERY_OPERATORS)
    for (const [type, operand] of VALUES) {
      const filter = { v: { [operator]: operand } }
      const what = `${operator} ${type} ${BSON.EJSON.stringify({ operand })}`
      const [along, without] = await Promise.all([
        ask({ find: 'typed', filter, projection: { _id: 1 }, hint: 'v_1' }),
        ask({ find: 'typed', filter, projection: { _id: 1 }, hint: { $natural: 1 } }),
      ])
      for (const answer of [along, without]) sound(answer, what)
      const ids = (answer: Document) => answer.cursor?.firstBatch.map((d: Document) => d._id).sort()
      assert.equal([codeOf(along), ids(along)], [codeOf(without), ids(without)], what)
    }
  for (const operator of JOINED)
    for (const [type, operand] of VALUES) sound(await ask({ find: 'typed', filter: { [operator]: operand } }), type)
})

test('every update operator with every type changes a document as it says or not at all', async () => {
  for (const operator of UPDATE_OPERATORS)
    for (const [type, operand] of VALUES) {
      const what = `${operator} ${type} ${BSON.EJSON.stringify({ operand })}`
      for (const update of [{ [operator]: { v: operand } }, { [operator]: operand }]) {
        const answer = await ask({ update: 'changed', updates: [{ q: { _id: 1 }, u: update, upsert: true }] })
        sound(answer, what)
        const [found] = (await ask({ find: 'changed' })).cursor.firstBatch
        if (codeOf(answer) !== 0) assert.is(found, undefined, what)
        await ask({ delete: 'changed', deletes: [{ q: {}, limit: 0 }] })
      }
    }
})

test('every expression, accumulator and stage with every type', async () => {
  const unsound: string[] = []
  const run = async (what: string, stages: readonly Document[]) => {
    const answer = await ask({ aggregate: 'few', pipeline: stages, cursor: {} })
    if (isUnsound(answer)) unsound.push(`${what}: ${answer.code} ${answer.errmsg}`)
  }
  await ask({ insert: 'few', documents: [{ _id: 1, v: [1, 'a'] }] })
  for (const [i, [type, value]] of VALUES.entries()) {
    for (const [n, operator] of Object.keys(OPERATORS).entries()) {
      if (!isSoak && n % 3 !== i % 3) continue
      await run(`${operator} ${type}`, [{ $project: { x: { [operator]: value } } }])
      await run(`${operator} of two: ${type}`, [{ $project: { x: { [operator]: [{ $literal: value }, '$v'] } } }])
    }
    for (const operator of Object.keys(ACCUMULATORS))
      await run(`${operator} ${type}`, [{ $group: { _id: null, x: { [operator]: value } } }])
    for (const stage of [...Object.keys(STAGES), '$facet', '$lookup', '$unionWith', '$sortByCount', '$merge', '$nope'])
      await run(`${stage} ${type}`, [{ [stage]: value }])
  }
  assert.equal(unsound, [])
})

test.run()
