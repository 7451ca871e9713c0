// Random commands against a small model: writes, queries with and without indexes, transactions of two sessions, restarts.

import { type ClientSession, type Collection, type Document, MongoClient } from 'mongodb'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import fc from '../../fc.ts'
import { times } from '../../soak.ts'
import { documentStoreUnderTest, type ServerUnderTest } from '../servers.ts'

const RUNS = times(12, 300)
const COMMANDS = times(60, 150)

interface Row extends Document {
  readonly _id: number
  readonly a?: number | string
  readonly b: number
  readonly u?: string
}

/** A transaction as the model sees it: what it read from, and what it has written. */
interface Open {
  readonly session: ClientSession
  readonly snapshot: ReadonlyMap<number, Row>
  readonly since: number
  readonly writes: Map<number, Row | null>
}

interface Model {
  rows: Map<number, Row>
  /** Number of the change that last wrote an id, removals too. */
  changed: Map<number, number>
  changes: number
  unique: boolean
  open: (Open | undefined)[]
}

interface Real {
  readonly client: MongoClient
  readonly rows: Collection<Row>
  readonly server: ServerUnderTest
}

type Command = fc.AsyncCommand<Model, Real>

const command = (
  name: string,
  run: (model: Model, real: Real) => Promise<void>,
  check: (model: Readonly<Model>) => boolean = () => true,
): Command => ({ check, run, toString: () => name })

/** Ids that an open transaction holds: a write outside would wait for its end. */
const held = (model: Readonly<Model>, id: number): boolean => model.open.some((t) => t?.writes.has(id))
const noneOpen = (model: Readonly<Model>): boolean => model.open.every((t) => t === undefined)

const commit = (model: Model, id: number, row: Row | null): void => {
  model.changes += 1
  model.changed.set(id, model.changes)
  if (row === null) model.rows.delete(id)
  else model.rows.set(id, row)
}

const takes = (model: Model, row: Row): boolean =>
  model.unique && row.u !== undefined && [...model.rows.values()].some((r) => r._id !== row._id && r.u === row.u)

const same = (got: unknown, expected: unknown): void =>
  assert.equal(got, expected, `got ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`)

const codeOf = async (work: Promise<unknown>): Promise<number | undefined> => {
  try {
    await work
    return undefined
  } catch (error) {
    return (error as { readonly code?: number }).code ?? -1
  }
}

const id = fc.integer({ min: 0, max: 11 })
const small = fc.integer({ min: -2, max: 5 })
const row = fc
  .record(
    { _id: id, a: fc.oneof(small, fc.constantFrom('x', 'y')), b: small, u: fc.constantFrom('k', 'l', 'm') },
    { requiredKeys: ['_id', 'b'] },
  )
  .map((r): Row => ({ ...r }))

type Test = (row: Row) => boolean

/** A filter and what it means, written out a second time. */
const meaning = (f: Document, t: Test): readonly [Document, Test] => [f, t]

const leaf: fc.Arbitrary<readonly [Document, Test]> = fc.oneof(
  small.map((n) => meaning({ b: n }, (r) => r.b === n)),
  small.map((n) => meaning({ a: n }, (r) => r.a === n)),
  fc.constantFrom('x', 'z').map((s) => meaning({ a: { $gte: s } }, (r) => typeof r.a === 'string' && r.a >= s)),
  small.map((n) => meaning({ a: { $gt: n } }, (r) => typeof r.a === 'number' && r.a > n)),
  small.map((n) => meaning({ b: { $lte: n } }, (r) => r.b <= n)),
  fc.tuple(small, small).map(([x, y]) => meaning({ b: { $gte: x, $lt: y } }, (r) => r.b >= x && r.b < y)),
  fc.array(small, { maxLength: 3 }).map((list) => meaning({ b: { $in: list } }, (r) => list.includes(r.b))),
  fc.constant(meaning({ a: null }, (r) => r.a === undefined)),
  id.map((n) => meaning({ _id: { $lt: n } }, (r) => r._id < n)),
  small.map((n) => meaning({ b: { $ne: n } }, (r) => r.b !== n)),
)
const filter: fc.Arbitrary<readonly [Document, Test]> = fc.oneof(
  { weight: 3, arbitrary: leaf },
  fc.constant(meaning({}, () => true)),
  fc.tuple(leaf, leaf).map(([[f, t], [g, u]]) => meaning({ $and: [f, g] }, (r) => t(r) && u(r))),
  fc.tuple(leaf, leaf).map(([[f, t], [g, u]]) => meaning({ $or: [f, g] }, (r) => t(r) || u(r))),
)

const rankOf = (v: unknown): number => (v === undefined ? 0 : typeof v === 'number' ? 1 : 2)
const compare = (x: unknown, y: unknown): number =>
  rankOf(x) - rankOf(y) || ((x as number) < (y as number) ? -1 : (x as number) > (y as number) ? 1 : 0)

type Way = 1 | -1
const sort = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'u'), fc.constantFrom<Way>(1, -1)), {
  maxLength: 2,
  selector: ([field]) => field,
})

const sorted = (rows: readonly Row[], by: readonly (readonly [string, Way])[]): Row[] =>
  [...rows].sort((r, s) => {
    for (const [field, way] of by) {
      const order = compare(r[field], s[field]) * way
      if (order !== 0) return order
    }
    return r._id - s._id
  })

const insert = row.map((r) =>
  command(
    `insert ${JSON.stringify(r)}`,
    async (model, { rows }) => {
      const taken = model.rows.has(r._id) || takes(model, r)
      assert.is(await codeOf(rows.insertOne({ ...r })), taken ? 11000 : undefined)
      if (!taken) commit(model, r._id, r)
    },
    (model) => !held(model, r._id) && noneOpen(model),
  ),
)

const put = row.map((r) =>
  command(
    `put ${JSON.stringify(r)}`,
    async (model, { rows }) => {
      const { _id, ...rest } = r
      const code = await codeOf(rows.replaceOne({ _id }, rest as Row, { upsert: true }))
      assert.is(code, takes(model, r) ? 11000 : undefined)
      const unchanged = JSON.stringify(model.rows.get(_id)) === JSON.stringify(r)
      if (code === undefined && !unchanged) commit(model, _id, r)
    },
    (model) => !held(model, r._id) && noneOpen(model),
  ),
)

const increment = fc.tuple(filter, fc.integer({ min: -1, max: 2 })).map(([[f, matches], by]) =>
  command(
    `updateMany ${JSON.stringify(f)} by ${by}`,
    async (model, { rows }) => {
      const result = await rows.updateMany(f, { $inc: { b: by } })
      const found = [...model.rows.values()].filter(matches)
      assert.is(result.matchedCount, found.length)
      assert.is(result.modifiedCount, by === 0 ? 0 : found.length)
      if (by !== 0) for (const r of found) commit(model, r._id, { ...r, b: r.b + by })
    },
    noneOpen,
  ),
)

const removeMany = filter.map(([f, matches]) =>
  command(
    `deleteMany ${JSON.stringify(f)}`,
    async (model, { rows }) => {
      const found = [...model.rows.values()].filter(matches)
      assert.is((await rows.deleteMany(f)).deletedCount, found.length)
      for (const r of found) commit(model, r._id, null)
    },
    noneOpen,
  ),
)

const find = fc
  .record({
    filter,
    by: sort,
    skip: fc.integer({ min: 0, max: 3 }),
    limit: fc.integer({ min: 0, max: 4 }),
    batch: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ filter: [f, matches], by, skip, limit, batch }) =>
    command(
      `find ${JSON.stringify(f)} by ${JSON.stringify(by)} skip ${skip} limit ${limit}`,
      async (model, { rows }) => {
        const order = [...by, ['_id', 1] as const]
        const found = await rows
          .find(f)
          .sort(order.map(([k, w]) => [k, w] as [string, Way]))
          .skip(skip)
          .limit(limit)
          .batchSize(batch)
          .toArray()
        const expected = sorted([...model.rows.values()].filter(matches), by).slice(
          skip,
          limit === 0 ? undefined : skip + limit,
        )
        same(found, expected)
        assert.is(await rows.countDocuments(f), [...model.rows.values()].filter(matches).length)
      },
    ),
  )

const group = fc.constant(
  command('group', async (model, { rows }) => {
    const found = await rows.aggregate([{ $group: { _id: '$b', n: { $sum: 1 } } }, { $sort: { _id: 1 } }]).toArray()
    const counts = new Map<number, number>()
    for (const r of model.rows.values()) counts.set(r.b, (counts.get(r.b) ?? 0) + 1)
    same(
      found,
      [...counts].sort(([x], [y]) => x - y).map(([_id, n]) => ({ _id, n })),
    )
  }),
)

const index = fc
  .constantFrom<Record<string, Way>>({ a: 1 }, { b: -1 }, { a: 1, b: -1 }, { b: 1, _id: -1 }, { u: 1, a: 1 })
  .map((keys) =>
    command(
      `createIndex ${JSON.stringify(keys)}`,
      async (_model, { rows }) => {
        await rows.createIndex(keys)
      },
      noneOpen,
    ),
  )

const partialIndex = fc.constant(
  command(
    'createIndex partial and sparse',
    async (_model, { rows }) => {
      await rows.createIndex({ b: 1, a: 1 }, { name: 'part', partialFilterExpression: { b: { $gt: 1 } } })
      await rows.createIndex({ a: -1 }, { name: 'sparse', sparse: true })
    },
    noneOpen,
  ),
)

const uniqueIndex = fc.constant(
  command(
    'createIndex unique',
    async (model, { rows }) => {
      const values = [...model.rows.values()].flatMap((r) => (r.u === undefined ? [] : [r.u]))
      const possible = model.unique || new Set(values).size === values.length
      assert.is(await codeOf(rows.createIndex({ u: 1 }, { unique: true, sparse: true })), possible ? undefined : 11000)
      if (possible) model.unique = true
    },
    noneOpen,
  ),
)

const dropIndexes = fc.constant(
  command(
    'dropIndexes',
    async (model, { rows }) => {
      await codeOf(rows.dropIndexes())
      model.unique = false
    },
    noneOpen,
  ),
)

const which = fc.constantFrom(0, 1)

const begin = which.map((n) =>
  command(
    `begin ${n}`,
    async (model, { client, rows }) => {
      const session = client.startSession()
      session.startTransaction({ readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } })
      // The first operation takes the snapshot.
      await rows.findOne({ _id: -1 }, { session })
      model.open[n] = { session, snapshot: new Map(model.rows), since: model.changes, writes: new Map() }
    },
    (model) => model.open[n] === undefined,
  ),
)

const visible = (open: Open, key: number): Row | undefined => {
  const own = open.writes.get(key)
  return own === undefined ? open.snapshot.get(key) : (own ?? undefined)
}

/** Whether writing `key` meets somebody else's write: one that is open, or one made since the snapshot. */
const conflicts = (model: Model, n: number, key: number): boolean => {
  const open = model.open[n]!
  return model.open.some((t, i) => i !== n && t?.writes.has(key)) || (model.changed.get(key) ?? 0) > open.since
}

const endTransaction = async (model: Model, n: number, how: 'commit' | 'abort'): Promise<number | undefined> => {
  const open = model.open[n]!
  model.open[n] = undefined
  const code = await codeOf(how === 'commit' ? open.session.commitTransaction() : open.session.abortTransaction())
  await open.session.endSession()
  return code
}

const putInside = fc.tuple(which, id, small).map(([n, key, b]) =>
  command(
    `put ${key} inside ${n}`,
    async (model, { rows }) => {
      const open = model.open[n]!
      const unchanged = visible(open, key)?.b === b && Object.keys(visible(open, key)!).length === 2
      const conflict = !unchanged && conflicts(model, n, key)
      const code = await codeOf(rows.replaceOne({ _id: key }, { b } as Row, { upsert: true, session: open.session }))
      assert.is(code, conflict ? 112 : undefined)
      if (conflict) await endTransaction(model, n, 'abort')
      else if (!unchanged) open.writes.set(key, { _id: key, b })
    },
    (model) => model.open[n] !== undefined,
  ),
)

const removeInside = fc.tuple(which, id).map(([n, key]) =>
  command(
    `remove ${key} inside ${n}`,
    async (model, { rows }) => {
      const open = model.open[n]!
      const there = visible(open, key) !== undefined
      const conflict = there && conflicts(model, n, key)
      const code = await codeOf(rows.deleteOne({ _id: key }, { session: open.session }))
      assert.is(code, conflict ? 112 : undefined)
      if (conflict) await endTransaction(model, n, 'abort')
      else if (there) open.writes.set(key, null)
    },
    (model) => model.open[n] !== undefined,
  ),
)

const readInside = fc.tuple(which, filter).map(([n, [f, matches]]) =>
  command(
    `find ${JSON.stringify(f)} inside ${n}`,
    async (model, { rows }) => {
      const open = model.open[n]!
      const found = await rows.find(f, { session: open.session, sort: { _id: 1 } }).toArray()
      const keys = [...new Set([...open.snapshot.keys(), ...open.writes.keys()])].sort((x, y) => x - y)
      const expected = keys.map((key) => visible(open, key)).filter((r): r is Row => r !== undefined && matches(r))
      same(found, expected)
    },
    (model) => model.open[n] !== undefined,
  ),
)

const commitInside = which.map((n) =>
  command(
    `commit ${n}`,
    async (model) => {
      const { writes } = model.open[n]!
      assert.is(await endTransaction(model, n, 'commit'), undefined)
      for (const [key, r] of writes) commit(model, key, r)
    },
    (model) => model.open[n] !== undefined,
  ),
)

const abortInside = which.map((n) =>
  command(
    `abort ${n}`,
    async (model) => {
      assert.is(await endTransaction(model, n, 'abort'), undefined)
    },
    (model) => model.open[n] !== undefined,
  ),
)

/** Outside a transaction while some are open: to what none of them holds. */
const putBeside = fc.tuple(id, small).map(([key, b]) =>
  command(
    `put ${key} beside`,
    async (model, { rows }) => {
      await rows.replaceOne({ _id: key }, { b } as Row, { upsert: true })
      const now = model.rows.get(key)
      if (now?.b !== b || Object.keys(now).length !== 2) commit(model, key, { _id: key, b })
    },
    (model) => !held(model, key),
  ),
)

const restart = fc.constantFrom<'stop' | 'kill'>('stop', 'kill').map((how) =>
  command(`restart after ${how}`, async (model, { server, rows }) => {
    await server.restart!(how)
    for (const n of [0, 1]) if (model.open[n]) await endTransaction(model, n, 'abort')
    const all = await rows.find({}, { sort: { _id: 1 } }).toArray()
    same(all, sorted([...model.rows.values()], []))
  }),
)

test('random commands give what the model gives', async () => {
  const server = await documentStoreUnderTest()
  const client = new MongoClient(server.url)
  const commands = [
    ...[
      insert,
      insert,
      put,
      put,
      put,
      increment,
      removeMany,
      find,
      find,
      find,
      group,
      index,
      index,
      partialIndex,
      uniqueIndex,
      dropIndexes,
    ],
    ...[
      begin,
      begin,
      putInside,
      putInside,
      putInside,
      removeInside,
      readInside,
      readInside,
      commitInside,
      commitInside,
      abortInside,
      putBeside,
    ],
    ...(server.restart ? [restart] : []),
  ]
  let run = 0
  try {
    await client.connect()
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: COMMANDS, size: 'max' }), async (list) => {
        run += 1
        const rows = await client.db('model').createCollection<Row>(`rows${run}`)
        const model: Model = {
          rows: new Map(),
          changed: new Map(),
          changes: 0,
          unique: false,
          open: [undefined, undefined],
        }
        await fc.asyncModelRun(() => ({ model, real: { client, rows, server } }), list)
        for (const n of [0, 1]) if (model.open[n]) await endTransaction(model, n, 'abort')
        await rows.drop()
      }),
      { numRuns: RUNS, endOnFailure: true, includeErrorInReport: true },
    )
  } finally {
    await client.close()
    await server.end()
  }
})

test.run()
