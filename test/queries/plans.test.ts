// How the document store goes about every list and every total: along an index, so that what a page costs does not grow with what
// there is. What is sorted in memory all the same is of one customer, code or other thing that the query names.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadConfig } from '../../src/config.ts'
import { startEngines } from '../../src/engines/start.ts'
import { type Document, MAX_COUNTED } from '../../src/readmodel/index.ts'
import { runOnOwnServers } from '../skip.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { makeWorld, type World } from './world.ts'

interface Asked {
  readonly collection: string
  readonly command: Document
}

const DATABASE = 'plans'
const asked: Asked[] = []
let dir: string
let engines: Awaited<ReturnType<typeof startEngines>>
let node: TestNode
let world: World
let client: MongoClient
const test = suite('plans of lists')

type Calls = Record<string, (filter: Document, options?: Document) => unknown>

/** A collection that notes what it is asked. */
const noting = (name: string, calls: Calls): Calls => ({
  ...calls,
  find: (filter, options = {}) => {
    const { sort, skip = 0, limit } = options
    asked.push({ collection: name, command: { find: name, filter, ...(sort ? { sort } : {}), skip, limit } })
    return calls.find!(filter, options)
  },
  findOne: (filter, options) => {
    asked.push({ collection: name, command: { find: name, filter, limit: 1 } })
    return calls.findOne!(filter, options)
  },
  count: (filter, options) => {
    // All there are are not counted one by one.
    if (Object.keys(filter).length > 0) asked.push({ collection: name, command: { count: name, query: filter } })
    return calls.count!(filter, options)
  },
  aggregate: (pipeline, options) => {
    asked.push({ collection: name, command: { aggregate: name, pipeline, cursor: {} } })
    return calls.aggregate!(pipeline, options)
  },
})

test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-plans-'))
  engines = await startEngines({ dir }, loadConfig({ DATA_DIR: dir }))
  const urls = { EVENTSTORE_URL: engines.eventStoreUrl, MONGODB_URL: engines.mongodbUrl, MONGODB_DATABASE: DATABASE }
  node = await testNode(urls)
  world = await makeWorld(node)
  client = new MongoClient(engines.mongodbUrl)
  const { readModel } = node.services
  const { collection } = readModel
  Object.assign(readModel, {
    collection: (name: string) => noting(name, collection(name) as unknown as Calls),
  })
})
test.after(async () => {
  await client?.close()
  await node?.end()
  await engines?.stop()
  await rm(dir, { recursive: true, force: true })
})

/** Values of parameters that no text will do for. */
const VALUES: Readonly<Record<string, string>> = {
  'created_at[after]': '2020-01-01',
  'created_at[before]': '2030-01-01',
  'updated_at[after]': '2020-01-01',
  'updated_at[before]': '2030-01-01',
  start_date: '2020-01-01',
  end_date: '2030-01-01',
  starting_after: '2030-01-01T00:00:00Z',
  customer: 'c0',
  referrer: 'c0',
  referee: 'c0',
  campaign: 'coupons',
  result: 'SUCCESS',
  status: 'converted',
  state: 'sent',
  type: 'customer.custom_event',
  page: '2',
  limit: '3',
}
const SOME_IDS = 'filters[id][conditions][$in][0]=x&filters[id][conditions][$in][1]=y'
const ROUTES_WITHOUT = /stream$|^\/v1\/audit\/|^\/v1\/projections/

/** Read whole: one document for each program, or as few. */
const SMALL = new Set(['loyaltyTotals'])
/**
 * What holds a query to one thing, in whose entries an order may be made in memory: a customer, a code, a card, what is named by id.
 * Customers of one name, city or segment are in the usual order without.
 */
const ONE =
  /^(?:_id|voucher|voucher\.code|vouchers\.code|customer|referee|card|code|email|profile\.\w+|profile\.address\.city|segments)$/

const namesOf = (filter: Document): readonly string[] =>
  Object.entries(filter).flatMap(([name, value]) => (name === '$and' ? value.flatMap(namesOf) : [name]))

const stagesOf = (plan: Document | undefined): readonly Document[] =>
  plan === undefined ? [] : [plan, ...stagesOf(plan.inputStage)]

/** What is wrong with how a command is carried out; undefined: nothing. */
const faultOf = async ({ collection, command }: Asked, usual: boolean): Promise<string | undefined> => {
  const real = await node.services.readModel.aliases.resolve(collection)
  const [verb] = Object.keys(command)
  const { queryPlanner } = await client
    .db(DATABASE)
    .command({ explain: { ...command, [verb!]: real }, verbosity: 'queryPlanner' })
  const stages = stagesOf(queryPlanner.winningPlan)
  const has = (stage: string) => stages.some((one) => one.stage === stage)
  if (has('COLLSCAN') && !SMALL.has(collection)) return 'looks through all documents'
  const names = namesOf(command.filter ?? {})
  if (has('SORT') && !names.some((name) => ONE.test(name) && !(usual && name === 'segments')))
    return 'sorts in memory what may be much'
  return undefined
}

test('every list, in every order and with every parameter, is read along an index, and so is every total', async () => {
  const faults = new Set<string>()
  /** Questions of one form are planned in one way. */
  const forms = new Set<string>()
  for (const { path, parameters, orders } of world.routes) {
    if (ROUTES_WITHOUT.test(path)) continue
    const url = world.filled(path)
    const queries = [
      '',
      ...orders.map((order) => `order=${order}`),
      ...(parameters.has('filters') ? [SOME_IDS] : []),
      ...[...parameters].map((name) => `${encodeURIComponent(name)}=${encodeURIComponent(VALUES[name] ?? 'x')}`),
    ]
    for (const order of parameters.has('cursor') ? [undefined, ...orders] : []) {
      const first = `limit=1${order === undefined ? '' : `&order=${order}`}`
      const page = await node.call('GET', `${url}?${first}`, undefined, { as: 'admin' })
      if (page.body.next_cursor) queries.push(`${first}&cursor=${page.body.next_cursor}`)
    }
    for (const query of queries) {
      asked.length = 0
      await node.call('GET', `${url}?${query}`, undefined, { as: 'admin', headers: { Prefer: 'wait=0' } })
      for (const one of [...asked]) {
        const form = JSON.stringify(one.command, (_, value) => (typeof value === 'string' ? '' : value))
        if (forms.has(`${one.collection} ${form}`)) continue
        forms.add(`${one.collection} ${form}`)
        const fault = await faultOf(one, !query.includes('order='))
        if (fault) faults.add(`${path}?${query} ${one.collection} ${fault}: ${JSON.stringify(one.command)}`)
      }
    }
  }
  assert.ok(forms.size > 120, String(forms.size))
  assert.is([...faults].join('\n'), '')
})

test('what is counted by a filter is counted up to a bound', async () => {
  const { readModel } = node.services
  const most: unknown[] = []
  const { plain } = readModel
  assert.ok(MAX_COUNTED <= 100_000)
  const counted = plain('counted')
  for (let n = 0; n < 5; n++) await counted.insertOne({ _id: `${n}`, of: 'one' } as never)
  most.push(await counted.count({ of: 'one' } as never), await counted.count({ of: 'one' } as never, { limit: 3 }))
  assert.equal(most, [5, 3])
})

runOnOwnServers(test)
