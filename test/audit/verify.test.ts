// A whole node, compared with its own log: it agrees, also while events come in, and what was tampered with is named exactly.
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../../commands/index.ts'
import { projections } from '../../projections/index.ts'
import { type Verification, verify } from '../../src/audit/verify.ts'
import { StoreUnavailable } from '../../src/eventstore/index.ts'
import { buildInto } from '../../src/projector/index.ts'
import { type Keyed, ReadModelUnavailable } from '../../src/readmodel/index.ts'
import { isSoak, times } from '../soak.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'
import { buy, populate, verified } from './shop.ts'

let node: TestNode
const test = suite('verify')
test.before(async () => {
  node = await testNode({ DELIVERY: 'off' })
  await populate(node)
})
test.after(() => node.end())

const found = ({ projections }: Verification, name: string) => {
  const one = projections.find((projection) => projection.name === name)
  assert.ok(one, name)
  return one
}

test('what is served follows from the log, in every read model', async () => {
  const report = await verified(node)
  assert.equal([report.holds, report.finished], [true, true], JSON.stringify(report))
  for (const name of ['customers', 'activity', 'segmentMembers', 'loyaltyCards', 'loyaltyTransactions', 'outbox'])
    assert.ok(found(report, name).documents > 0, `${name} has documents`)
})

test('while events come in: no difference, whatever moved on meanwhile', async () => {
  let going = true
  let sent = 0
  const intake = (async () => {
    while (going) {
      await Promise.all(Array.from({ length: 5 }, (_, i) => buy(node, `c${(sent + i) % 12}`, 1)))
      sent += 5
      await sleep(isSoak ? 20 : 100)
    }
  })()
  try {
    for (let n = 0; n < times(1, 10); n++) {
      const report = await verified(node)
      assert.equal([report.holds, report.finished], [true, true], JSON.stringify(report))
    }
  } finally {
    going = false
    await intake
  }
  assert.ok(sent > 0)
})

test('a field, a balance, a lost and an invented document: each is named, and nothing else', async () => {
  const { readModel, projector, store } = node.services
  assert.ok(await projector.waitFor((await store.head())!, 10_000))
  const customers = readModel.collection<Keyed>('customers')
  const members = readModel.collection('segmentMembers')
  const cards = readModel.collection<Keyed & { card: { total: number } }>('loyaltyCards')
  const victim = await customers.findOne({})
  const member = await members.findOne({})
  const card = await cards.findOne({})
  assert.ok(victim && member && card)
  await customers.updateOne({ _id: victim._id }, { $set: { tampered: 'yes' } } as never)
  await members.deleteOne({ _id: member._id })
  await members.insertOne({ ...member, _id: 'invented' })
  const { total } = card.card
  await cards.updateOne({ _id: card._id }, { $set: { 'card.total': total + 1 } } as never)

  const report = await verified(node)
  assert.equal([report.holds, report.finished], [false, true])
  assert.equal(found(report, 'customers').differing, [{ id: victim._id, fields: [{ path: 'tampered', live: 'yes' }] }])
  assert.equal(found(report, 'segmentMembers').missing_ids, [member._id])
  assert.equal(found(report, 'segmentMembers').extra_ids, ['invented'])
  assert.equal(found(report, 'loyaltyCards').differing, [
    { id: card._id, fields: [{ path: 'card.total', live: total + 1, rebuilt: total }] },
  ])
  const others = report.projections.filter(
    ({ name }) => !['customers', 'segmentMembers', 'loyaltyCards'].includes(name),
  )
  assert.ok(others.every(({ documents, equal }) => documents === equal))
  assert.equal(
    report.projections.reduce((n, { different, missing, extra }) => n + different + missing + extra, 0),
    4,
  )

  const one = await verified(node, '?projection=segmentMembers')
  assert.equal(
    one.projections.map(({ name, missing, extra }) => [name, missing, extra]),
    [['segmentMembers', 1, 1]],
  )
  const sampled = await verified(node, '?projection=activity&sample=5')
  assert.ok(sampled.one_in > 1)

  await customers.updateOne({ _id: victim._id }, { $unset: { tampered: '' } } as never)
  await members.deleteOne({ _id: 'invented' })
  await members.insertOne(member)
  await cards.updateOne({ _id: card._id }, { $set: { 'card.total': total } } as never)
  assert.is((await verified(node)).holds, true)
})

test('a log that goes away in the middle of a rebuild is waited for, and nothing is lost or doubled', async () => {
  const { store, readModel } = node.services
  const scratch = node.services.background!.scratch()
  const opened: (bigint | 'start' | 'end')[] = []
  const flaky: typeof store = {
    ...store,
    async subscribeAll(options) {
      opened.push(options.from)
      const source = await store.subscribeAll(options)
      let given = 0
      return {
        get buffered() {
          return source.buffered
        },
        async next(max, gather) {
          if (opened.length <= 2 && ++given > 2) throw new StoreUnavailable('the subscription broke')
          return source.next(max, gather)
        },
        close: source.close,
      }
    },
  }
  try {
    const upTo = (await store.head())!
    const facts = await buildInto({ store: flaky, readModel: scratch, projections, upTo, maxBatch: 20 })
    assert.is(opened.length, 3)
    assert.is(typeof opened[1], 'bigint')
    assert.ok(facts > 40)
    for (const name of ['activity', 'customers', 'loyaltyTransactions'])
      assert.is(await scratch.plain(name).count({}), await readModel.collection(name).count({}), name)
  } finally {
    await scratch.dropDatabase()
    await scratch.close()
  }
})

test('a document store that goes away in the middle of a comparison is waited for, and nothing is counted twice', async () => {
  const { store, readModel } = node.services
  const { projector } = node.services.background!
  const scratch = node.services.background!.scratch()
  let broken = 0
  const flaky: typeof readModel = {
    ...readModel,
    plain: <D extends Keyed>(name: string) => {
      const collection = readModel.plain<D>(name)
      return {
        ...collection,
        async *stream(...asked: Parameters<typeof collection.stream>) {
          let given = 0
          for await (const document of collection.stream(...asked)) {
            if (++given === 4 && broken === 0) {
              broken++
              throw new ReadModelUnavailable('interrupted')
            }
            yield document
          }
        },
      }
    },
  }
  try {
    const asked = projections.filter(({ name }) => name === 'customers')
    const report = await verify({ store, readModel: flaky, scratch, projector, projections: asked })
    assert.equal([broken, report.holds, found(report, 'customers').documents], [1, true, 12])
  } finally {
    await scratch.close()
  }
})

test('a comparison leaves no database behind, whether it ends or its reader goes away', async () => {
  const { scratch } = node.services.background!
  const count = { made: 0, dropped: 0, closed: 0 }
  Object.assign(node.services.background!, {
    scratch: () => {
      count.made++
      const one = scratch()
      return {
        ...one,
        async dropDatabase() {
          await one.dropDatabase()
          count.dropped++
        },
        async close() {
          await one.close()
          count.closed++
        },
      }
    },
  })
  try {
    for (const way of ['read', 'left', 'HEAD'] as const) {
      const method = way === 'HEAD' ? way : 'GET'
      const answer = await fetch(`${node.url}/v1/audit/verify`, { method, headers: node.headers('auditor') })
      assert.is(answer.status, 200, way)
      if (way === 'read') assert.match(await answer.text(), /"holds":true/)
      else await answer.body?.cancel()
      await until(
        async () => count,
        ({ made, closed }) => made === closed,
      )
      assert.is(count.dropped, count.made, way)
    }
    assert.ok(count.made >= 2)
    await until(
      async () => node.services.background!.longRuns.active,
      (active) => active === 0,
    )
  } finally {
    Object.assign(node.services.background!, { scratch })
  }
})

test('only auditors and administrators may ask; an unknown projection is not found; a key of an auditor writes nothing', async () => {
  for (const as of ['integrator', 'reader'] as const)
    assert.is((await node.call('GET', '/v1/audit/verify', undefined, { as })).status, 403)
  assert.is((await node.call('GET', '/v1/audit/verify?projection=nothing', undefined, { as: 'auditor' })).status, 404)
  const before = await node.services.store.head()
  let tried = 0
  for (const { path, method } of commandRoutes(node.services))
    if (path.startsWith('/v1/')) {
      tried++
      const answer = await node.call(method.toUpperCase(), path.replaceAll(/\{[^}]+\}/g, 'x'), {}, { as: 'auditor' })
      // Some only ask, and write nothing: the head below says so.
      const asks = path.endsWith('/preview') || /\/qualifications?$/.test(path)
      // Any key may have tokens of its own; what is sent here is no form.
      const wanted = path.startsWith('/v1/oauth/') ? [415] : asks ? [200, 400] : [403]
      assert.ok(wanted.includes(answer.status), `${method} ${path}: ${answer.status}`)
    }
  assert.ok(tried > 30, `${tried} writing routes`)
  assert.is(await node.services.store.head(), before)
})

test.run()
