// Replays recorded scenarios against a document server through the driver, and compares what it did with the record.
import { randomBytes } from 'node:crypto'
import {
  BSON,
  type ClientSession,
  type Collection,
  type Db,
  type Document,
  type FindCursor,
  type MongoClient,
} from 'mongodb'
import * as v from 'valibot'

const { EJSON } = BSON

const Plain = v.record(v.string(), v.unknown())
const Step = v.looseObject({
  op: v.string(),
  on: v.optional(v.string()),
  in: v.optional(v.string()),
  as: v.optional(v.string()),
  of: v.optional(v.string()),
  later: v.optional(v.string()),
  outcome: v.optional(Plain),
})
const Scenario = v.object({ name: v.string(), steps: v.array(Step) })
export const Facts = v.object({
  title: v.string(),
  before: v.optional(v.array(Step), []),
  scenarios: v.array(Scenario),
})

export type Step = v.InferOutput<typeof Step>
export type Scenario = v.InferOutput<typeof Scenario>

export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'differs'; readonly how: readonly string[] }

/** Codes with which a server refuses what it leaves out by choice. */
const REFUSALS = [238, 115, 59]

/** What a record says, with its types: extended JSON, a plain integer being an int32. */
const lift = (value: unknown): Document => EJSON.parse(JSON.stringify(value ?? {}), { relaxed: false })

/** What the server said, with its types. */
const show = (value: unknown): unknown => JSON.parse(EJSON.stringify(value, { relaxed: false }))

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (!isRecord(value)) return value
  if ('$numberInt' in value) return Number(value.$numberInt)
  return Object.fromEntries(Object.entries(value).map(([k, x]) => [k, plain(x)]))
}

/** Ids made by driver or server differ each time; those of the record begin with zeros. */
const hideIds = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(hideIds)
  if (!isRecord(value)) return value
  if (typeof value.$oid === 'string' && !value.$oid.startsWith('0000')) return '(new ObjectId)'
  return Object.fromEntries(Object.entries(value).map(([k, x]) => [k, hideIds(x)]))
}

const typed = (value: unknown): unknown => hideIds(plain(show(value)))

const idOf = (value: unknown): unknown => {
  const shown = plain(show(value))
  return isRecord(shown) && typeof shown.$oid === 'string' ? '(new ObjectId)' : shown
}

const toNumber = (value: unknown): unknown => (isRecord(value) ? Number(value.valueOf()) : value)

const COUNTS = ['insertedCount', 'matchedCount', 'modifiedCount', 'deletedCount', 'upsertedCount']
const counts = (result: unknown): Record<string, unknown> =>
  isRecord(result)
    ? Object.fromEntries(COUNTS.filter((k) => result[k] !== undefined).map((k) => [k, toNumber(result[k])]))
    : {}

const updated = (result: { readonly upsertedId?: unknown }): Record<string, unknown> => ({
  ...counts(result),
  ...(result.upsertedId === null || result.upsertedId === undefined ? {} : { upsertedId: idOf(result.upsertedId) }),
})

const errorOutcome = (error: unknown): Record<string, unknown> => {
  const e = error as Record<string, unknown> & { readonly constructor: { readonly name: string } }
  const response = isRecord(e.errorResponse) ? e.errorResponse : {}
  const pattern = e.keyPattern ?? response.keyPattern
  const labels = Array.isArray(e.errorLabels) ? [...e.errorLabels].sort() : []
  const writeErrors = e.writeErrors === undefined ? undefined : [e.writeErrors].flat()
  const result = isRecord(e.result) ? e.result : e
  return {
    error: e.codeName ?? e.constructor.name,
    ...(e.code === undefined ? {} : { code: toNumber(e.code) }),
    ...(labels.length > 0 && { labels }),
    ...(pattern !== undefined && {
      keyPattern: plain(show(pattern)),
      keyValue: plain(show(e.keyValue ?? response.keyValue)),
    }),
    ...(writeErrors && {
      writeErrors: writeErrors.filter(isRecord).map((w) => ({ index: toNumber(w.index), code: toNumber(w.code) })),
    }),
    ...(result.insertedCount !== undefined && { counts: counts(result) }),
  }
}

interface State {
  readonly client: MongoClient
  readonly db: Db
  readonly sessions: Map<string, ClientSession>
  readonly cursors: Map<string, FindCursor>
  readonly later: Map<string, { done: boolean; readonly promise: Promise<Record<string, unknown>> }>
}

/** Reads keep int32, int64 and double apart; counts of writes need the driver's default. */
const READ = { promoteValues: false, promoteLongs: false }

type Outcome = Record<string, unknown>
type Options = { readonly session?: ClientSession }
type Operation = (c: Collection, s: Step, o: Options, state: State) => Promise<Outcome>

// The driver checks its arguments itself; a record's are what some client really sent.
const arg = <T>(value: unknown): T => value as T

const project = (step: Step) => (step.project ? { projection: lift(step.project) } : {})

const operations: Readonly<Record<string, Operation>> = {
  insertOne: async (c, s, o) => ({ insertedId: idOf((await c.insertOne(lift(s.doc), o)).insertedId) }),
  insertMany: async (c, s, o) =>
    counts(await c.insertMany(arg<Document[]>(lift(s.docs)), { ordered: arg<boolean>(s.ordered ?? true), ...o })),
  find: async (c, s, o) => {
    let query = c.find(lift(s.filter), {
      ...o,
      ...READ,
      ...(s.batchSize ? { batchSize: arg<number>(s.batchSize) } : {}),
      ...(s.collation ? { collation: arg<{ locale: string }>(s.collation) } : {}),
      ...(s.hint ? { hint: arg<string>(s.hint) } : {}),
    })
    if (s.project) query = query.project(lift(s.project))
    if (s.sort) query = query.sort(arg(s.sort))
    if (s.skip) query = query.skip(arg(s.skip))
    if (s.limit) query = query.limit(arg(s.limit))
    const all = await query.toArray()
    return s.full || s.project ? { docs: typed(all) } : { ids: all.map((d) => idOf(d._id)) }
  },
  findOne: async (c, s, o) => ({ doc: typed(await c.findOne(lift(s.filter), { ...o, ...READ })) }),
  updateOne: async (c, s, o) => updated(await c.updateOne(lift(s.filter), arg(lift(s.update)), updateOptions(s, o))),
  updateMany: async (c, s, o) => updated(await c.updateMany(lift(s.filter), arg(lift(s.update)), updateOptions(s, o))),
  replaceOne: async (c, s, o) =>
    updated(await c.replaceOne(lift(s.filter), lift(s.doc), { ...o, upsert: s.upsert === true })),
  deleteOne: async (c, s, o) => counts(await c.deleteOne(lift(s.filter), o)),
  deleteMany: async (c, s, o) => counts(await c.deleteMany(lift(s.filter), o)),
  findOneAndUpdate: async (c, s, o) => ({
    doc: typed(await c.findOneAndUpdate(lift(s.filter), arg(lift(s.update)), { ...changing(s, o), ...project(s) })),
  }),
  findOneAndReplace: async (c, s, o) => ({
    doc: typed(await c.findOneAndReplace(lift(s.filter), lift(s.doc), changing(s, o))),
  }),
  findOneAndDelete: async (c, s, o) => ({
    doc: typed(
      await c.findOneAndDelete(lift(s.filter), { ...o, ...READ, ...(s.sort ? { sort: arg<'_id'>(s.sort) } : {}) }),
    ),
  }),
  aggregate: async (c, s, o) => {
    const batch = s.batchSize ? { batchSize: arg<number>(s.batchSize) } : {}
    const docs = typed(await c.aggregate(arg(lift(s.pipeline)), { ...o, ...READ, ...batch }).toArray())
    const sorted = (list: readonly unknown[]) =>
      [...list].sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1))
    return { docs: s.unordered ? sorted(arg(docs)) : docs }
  },
  count: async (c, s, o) => ({ count: toNumber(await c.countDocuments(lift(s.filter), o)) }),
  distinct: async (c, s, o) => ({
    values: typed(await c.distinct(arg<string>(s.key), lift(s.filter), { ...o, ...READ })),
  }),
  bulkWrite: async (c, s, o) => {
    const r = await c.bulkWrite(arg(lift(s.writes)), { ordered: arg<boolean>(s.ordered ?? true), ...o })
    return {
      ...counts(r),
      upsertedIds: Object.fromEntries(Object.entries(r.upsertedIds).map(([k, x]) => [k, idOf(x)])),
    }
  },
  createIndex: async (c, s, o) => {
    const options = isRecord(s.options) ? s.options : {}
    const partial = options.partialFilterExpression
    const lifted = partial === undefined ? {} : { partialFilterExpression: lift(partial) }
    return { name: await c.createIndex(arg(s.keys), { ...options, ...lifted, ...o }) }
  },
  indexes: async (c) => {
    const all = arg<Document[]>(plain(show(await c.indexes(READ))))
    return { indexes: all.map(({ ns, v: version, ...i }) => i).sort((x, y) => (x.name < y.name ? -1 : 1)) }
  },
  dropIndex: async (c, s) => {
    await c.dropIndex(arg(s.name))
    return {}
  },
  drop: async (c) => ({ dropped: await c.drop() }),
  rename: async (_c, s, _o, { db }) => {
    await db.renameCollection(arg(s.on), arg(s.to), { dropTarget: s.dropTarget === true })
    return {}
  },
  create: async (_c, s, _o, { db }) => {
    await db.createCollection(s.on ?? 'c', isRecord(s.options) ? s.options : {})
    return {}
  },
  collections: async (_c, _s, _o, { db }) => ({
    names: (await db.listCollections({}, { nameOnly: true }).toArray()).map((x) => x.name).sort(),
  }),
  command: async (_c, s, o, { db }) => {
    const r = arg<Record<string, unknown>>(plain(show(await db.command(lift(s.command), { ...o, ...READ }))))
    if (Array.isArray(s.pick)) return Object.fromEntries(s.pick.map((k: string) => [k, r[k]]))
    return { ok: isRecord(r.ok) ? r.ok.$numberDouble : r.ok }
  },
  cursor: async (c, s, o, { cursors }) => {
    const size = arg<number>(s.batchSize ?? 2)
    const query = c.find(lift(s.filter), { ...o, ...READ, batchSize: size, sort: arg<'_id'>(s.sort) })
    cursors.set(s.as!, query)
    return { first: idOf((await query.next())?._id ?? null) }
  },
  more: async (_c, s, _o, { cursors }) => {
    const ids: unknown[] = []
    for (let i = 0; i < Number(s.times ?? 100); i += 1) {
      const doc = await cursors.get(s.as!)!.next()
      if (!doc) break
      ids.push(idOf(doc._id))
    }
    return { ids }
  },
  close: async (_c, s, _o, { cursors }) => {
    await cursors.get(s.as!)!.close()
    return {}
  },
  session: async (_c, s, _o, { client, sessions }) => {
    sessions.set(s.as!, client.startSession({ causalConsistency: s.causal !== false }))
    return {}
  },
  begin: async (_c, s, _o, { sessions }) => {
    const options = s.options ?? { readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } }
    sessions.get(s.in!)!.startTransaction(arg(options))
    return {}
  },
  state: async (_c, s, _o, { later }) => {
    await new Promise((resolve) => setTimeout(resolve, 400))
    return { done: later.get(s.of!)!.done }
  },
  join: async (_c, s, _o, { later }) => later.get(s.of!)!.promise,
  commit: async (_c, s, _o, { sessions }) => {
    await sessions.get(s.in!)!.commitTransaction()
    return { committed: true }
  },
  abort: async (_c, s, _o, { sessions }) => {
    await sessions.get(s.in!)!.abortTransaction()
    return { aborted: true }
  },
}

const updateOptions = (s: Step, o: Options) => ({
  ...o,
  upsert: s.upsert === true,
  ...(s.arrayFilters ? { arrayFilters: arg<Document[]>(lift(s.arrayFilters)) } : {}),
})

const changing = (s: Step, o: Options) => ({
  ...o,
  ...READ,
  upsert: s.upsert === true,
  returnDocument: s.after ? ('after' as const) : ('before' as const),
  ...(s.sort ? { sort: arg<'_id'>(s.sort) } : {}),
})

/** Steps that name a session without being part of its transaction. */
const CONTROL = new Set(['session', 'begin', 'commit', 'abort'])

/** The order of a document's own fields matters, that of an outcome does not. */
const ordered = (value: unknown): unknown =>
  isRecord(value) && !Array.isArray(value)
    ? Object.fromEntries(
        Object.keys(value)
          .sort()
          .map((k) => [k, value[k]]),
      )
    : value
const same = (a: unknown, b: unknown): boolean => JSON.stringify(ordered(a)) === JSON.stringify(ordered(b))

const refuses = (got: Outcome, wanted: Outcome): boolean =>
  REFUSALS.includes(Number(got.code)) && wanted.code !== got.code

/** Longest that one step may take, in milliseconds. */
const STEP_LIMIT = 20_000

const runStep = async (step: Step, state: State): Promise<Outcome> => {
  const operation = operations[step.op]!
  const session = step.in && !CONTROL.has(step.op) ? state.sessions.get(step.in) : undefined
  const options: Options = session ? { session } : {}
  const collection = state.db.collection(step.on ?? 'c')
  if (step.later !== undefined) {
    const started = {
      done: false,
      promise: operation(collection, step, options, state)
        .catch(errorOutcome)
        .finally(() => {
          started.done = true
        }),
    }
    state.later.set(step.later, started)
    return { started: true }
  }
  let timer: NodeJS.Timeout | undefined
  const overdue = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${STEP_LIMIT} ms`)), STEP_LIMIT)
  })
  try {
    const outcome = await Promise.race([operation(collection, step, options, state), overdue])
    return JSON.parse(JSON.stringify(outcome)) as Outcome
  } catch (error) {
    return JSON.parse(JSON.stringify(errorOutcome(error))) as Outcome
  } finally {
    clearTimeout(timer)
  }
}

/** Runs a scenario in a database of its own. */
export const replayScenario = async (
  client: MongoClient,
  before: readonly Step[],
  scenario: Scenario,
): Promise<Verdict> => {
  const db = client.db(`facts_${randomBytes(6).toString('hex')}`)
  const state: State = { client, db, sessions: new Map(), cursors: new Map(), later: new Map() }
  const differences: string[] = []
  let refused = false
  for (const step of before) {
    const got = await runStep(step, state)
    if (got.error !== undefined) differences.push(`before: ${JSON.stringify(got)}`)
  }
  for (const [i, step] of scenario.steps.entries()) {
    const wanted = step.outcome ?? {}
    const got = await runStep(step, state)
    if (step.later !== undefined) continue
    if (refuses(got, wanted)) {
      refused = true
      break
    }
    if (!same(got, wanted))
      differences.push(`step ${i} ${step.op}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`)
  }
  for (const session of state.sessions.values()) await session.endSession()
  for (const cursor of state.cursors.values()) await cursor.close()
  await db.dropDatabase()
  if (differences.length > 0) return { kind: 'differs', how: differences }
  return refused ? { kind: 'refused' } : { kind: 'passed' }
}
