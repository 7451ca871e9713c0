// What a collection of small rows answers: the requests of the generator, and what each has to give.
import type { Document } from 'mongodb'
import * as assert from 'uvu/assert'
import type { Random } from './mutation.ts'

export interface Row extends Document {
  readonly _id: number
  readonly a: number
  readonly b: string
  readonly l: readonly number[]
}

export interface Request {
  readonly command: Document
  /** Holds the answer against the model. */
  check(answer: Document, what: string): void
}

export interface Model {
  rows(): readonly Row[]
  /** A request that changes the model as it is made, unless it is only to be changed and never sent as it is. */
  request(only?: boolean): Request
}

type Test = (row: Row) => boolean
interface Chosen {
  readonly filter: Document
  readonly test: Test
}

/** A statement of an update or a delete as an operation of a bulkWrite. */
const operationOf = ({ updates, deletes }: Document): Document => {
  if (deletes) return { delete: 0, filter: deletes[0].q, multi: deletes[0].limit === 0 }
  const { q, u, ...options } = updates[0]
  return { update: 0, filter: q, updateMods: u, ...options }
}

/** The rows are those of the collection `m` of a database. */
export const createModel = (random: Random, database: string): Model => {
  let all = new Map<number, Row>()
  const int = (most: number): number => Math.floor(random() * most)
  const pick = <T>(list: readonly T[]): T => list[int(list.length)]!
  const sorted = (): Row[] => [...all.values()].sort((x, y) => x._id - y._id)
  const makeRow = (id: number): Row => ({ _id: id, a: int(6), b: pick(['x', 'y', 'z']), l: [int(4), int(4)] })

  const filters: readonly (() => Chosen)[] = [
    () => ({ filter: {}, test: () => true }),
    () => {
      const id = int(20)
      return { filter: { _id: id }, test: (row) => row._id === id }
    },
    () => {
      const a = int(6)
      return { filter: { a }, test: (row) => row.a === a }
    },
    () => {
      const [low, high] = [int(6), int(6)]
      return { filter: { a: { $gte: low, $lt: high } }, test: (row) => row.a >= low && row.a < high }
    },
    () => {
      const list = [int(6), int(6)]
      return { filter: { a: { $in: list } }, test: (row) => list.includes(row.a) }
    },
    () => {
      const [a, b] = [int(6), pick(['x', 'y'])]
      return { filter: { $or: [{ a }, { b }] }, test: (row) => row.a === a || row.b === b }
    },
    () => {
      const l = int(4)
      return { filter: { l }, test: (row) => row.l.includes(l) }
    },
    () => {
      const [b, low] = [pick(['x', 'y']), int(20)]
      return { filter: { b: { $ne: b }, _id: { $gt: low } }, test: (row) => row.b !== b && row._id > low }
    },
  ]
  const choose = (): Chosen => pick(filters)()

  /** Without an order any match may be the first, so what is about one names it. */
  const ofOne = (
    filter: Document,
    targets: readonly Row[],
  ): { readonly q: Document; readonly chosen: readonly Row[] } => {
    if (targets.length === 0) return { q: filter, chosen: [] }
    const one = pick(targets)
    return { q: { $and: [filter, { _id: one._id }] }, chosen: [one] }
  }

  const insert = (): Request => {
    const rows = [makeRow(int(20)), makeRow(int(20))]
    const ordered = random() < 0.5
    let n = 0
    for (const row of rows) {
      if (all.has(row._id)) {
        if (ordered) break
        continue
      }
      all.set(row._id, row)
      n += 1
    }
    const command = { insert: 'm', documents: rows, ordered }
    return { command, check: (answer, what) => assert.is(answer.n, n, what) }
  }

  const update = (): Request => {
    const { filter, test } = choose()
    const multi = random() < 0.5
    const targets = sorted().filter(test)
    const { q, chosen } = multi ? { q: filter, chosen: targets } : ofOne(filter, targets)
    const by = int(3)
    const b = pick(['x', 'y', 'z'])
    let modified = 0
    for (const row of chosen) {
      const next = { ...row, a: (row.a + by) % 1000, b }
      if (by !== 0 || b !== row.b) modified += 1
      all.set(row._id, next)
    }
    const command = { update: 'm', updates: [{ q, u: { $inc: { a: by }, $set: { b } }, multi }] }
    return {
      command,
      check: (answer, what) => assert.equal([answer.n, answer.nModified], [chosen.length, modified], what),
    }
  }

  const replace = (): Request => {
    const row = makeRow(int(20))
    const known = all.has(row._id)
    all.set(row._id, row)
    const command = { update: 'm', updates: [{ q: { _id: row._id }, u: row, upsert: true }] }
    return { command, check: (answer, what) => assert.is(answer.upserted === undefined, known, what) }
  }

  const remove = (): Request => {
    const { filter, test } = choose()
    const limit = random() < 0.8 ? 1 : 0
    const targets = sorted().filter(test)
    const { q, chosen: gone } = limit === 1 ? ofOne(filter, targets) : { q: filter, chosen: targets }
    for (const { _id } of gone) all.delete(_id)
    const command = { delete: 'm', deletes: [{ q, limit }] }
    return { command, check: (answer, what) => assert.is(answer.n, gone.length, what) }
  }

  const bulk = (): Request => {
    const parts = Array.from({ length: 1 + int(4) }, () => pick([update, replace, remove])())
    return {
      command: {
        bulkWrite: 1,
        ops: parts.map(({ command }) => operationOf(command)),
        nsInfo: [{ ns: `${database}.m` }],
        $db: 'admin',
      },
      check: (answer, what) => {
        assert.is(answer.nErrors, 0, what)
        for (const [i, { check }] of parts.entries()) check(answer.cursor.firstBatch[i], `${i} of ${what}`)
      },
    }
  }

  const find = (): Request => {
    const { filter, test } = choose()
    const way = pick([1, -1])
    const [skip, limit] = [int(3), int(5)]
    const order = random() < 0.5 ? ['_id'] : ['a', '_id']
    const rows = sorted().filter(test)
    rows.sort((x, y) => {
      for (const key of order) if (x[key] !== y[key]) return (x[key] - y[key]) * way
      return 0
    })
    const expected = rows.slice(skip, limit === 0 ? undefined : skip + limit)
    const sort = Object.fromEntries(order.map((key) => [key, way]))
    return {
      command: { find: 'm', filter, sort, skip, limit, projection: { l: 0 } },
      check: (answer, what) =>
        assert.equal(
          answer.cursor.firstBatch,
          expected.map(({ l: _, ...shown }) => shown),
          what,
        ),
    }
  }

  const count = (): Request => {
    const { filter, test } = choose()
    const skip = int(3)
    const n = Math.max(0, sorted().filter(test).length - skip)
    return { command: { count: 'm', query: filter, skip }, check: (answer, what) => assert.is(answer.n, n, what) }
  }

  const distinct = (): Request => {
    const { filter, test } = choose()
    const values = [
      ...new Set(
        sorted()
          .filter(test)
          .flatMap((row) => row.l),
      ),
    ].sort((x, y) => x - y)
    return {
      command: { distinct: 'm', key: 'l', query: filter },
      check: (answer, what) => assert.equal(answer.values, values, what),
    }
  }

  const group = (): Request => {
    const { filter, test } = choose()
    const sums = new Map<string, number>()
    for (const row of sorted().filter(test)) sums.set(row.b, (sums.get(row.b) ?? 0) + row.a)
    const expected = [...sums].map(([b, sum]) => ({ _id: b, sum })).sort((x, y) => (x._id < y._id ? -1 : 1))
    const pipeline = [{ $match: filter }, { $group: { _id: '$b', sum: { $sum: '$a' } } }, { $sort: { _id: 1 } }]
    return {
      command: { aggregate: 'm', pipeline, cursor: {} },
      check: (answer, what) => assert.equal(answer.cursor.firstBatch, expected, what),
    }
  }

  const findAndModify = (): Request => {
    const { filter, test } = choose()
    const target = sorted().filter(test).at(-1)
    const next = target && { ...target, a: target.a + 1, l: [...target.l.slice(-1), 3] }
    if (next) all.set(next._id, next)
    const update = { $inc: { a: 1 }, $push: { l: { $each: [3], $slice: -2 } } }
    return {
      command: { findAndModify: 'm', query: filter, sort: { _id: -1 }, update, new: true },
      check: (answer, what) => assert.equal(answer.value, next ?? null, what),
    }
  }

  const index = (): Request => {
    const name = pick(['a_1', 'l_1'])
    const make = random() < 0.6
    const command = make
      ? { createIndexes: 'm', indexes: [{ key: { [name.slice(0, 1)]: 1 }, name }] }
      : { dropIndexes: 'm', index: '*' }
    return { command, check: () => undefined }
  }

  const requests = [
    insert,
    insert,
    update,
    replace,
    remove,
    bulk,
    find,
    find,
    count,
    distinct,
    group,
    findAndModify,
    index,
  ]
  return {
    rows: sorted,
    request: (only = false) => {
      if (!only) return pick(requests)()
      const before = all
      all = new Map(before)
      const made = pick(requests)()
      all = before
      return made
    },
  }
}
