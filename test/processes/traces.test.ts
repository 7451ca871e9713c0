// A customer who was deleted is in no read model: one who went through every route of the application, looked for in all of them.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../../commands/index.ts'
import { type EventTotalsDocument, ofEvent } from '../../projections/eventTotals.ts'
import { projections } from '../../projections/index.ts'
import { ANN, createExamples } from '../requests/examples.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'

let node: TestNode
const test = suite('traces of deleted customers')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

/** Where the customer's id, which is no person's name, stays, and why. */
const KEPT: Readonly<Record<string, string>> = {
  accessLog: 'who deleted or erased whom, by the id alone',
  vouchers: 'whose a code was, so that nobody else gets it',
  referrals: 'a referral counts for the one who referred',
}

/** What says something of a person, wherever it stands. */
const PERSONAL = ['ann@example.test', '"ann"', 'secret-of-ann']

const say = (path: string, body: unknown, as: 'admin' | 'integrator' = 'admin'): Promise<Answer> =>
  node.call('POST', path, body, { as })

/** Read models that hold one of the texts, with the documents. */
const holding = async (texts: readonly string[]): Promise<Readonly<Record<string, readonly string[]>>> => {
  const found: Record<string, string[]> = {}
  for (const { name } of projections)
    for await (const document of node.services.readModel.collection<{ _id: string }>(name).stream({})) {
      const text = JSON.stringify(document)
      if (texts.some((one) => text.includes(one))) found[name] = [...(found[name] ?? []), text.slice(0, 300)]
    }
  return found
}

test('after a deletion no read model holds the customer, and totals agree with what is listed', async () => {
  const examples = await createExamples(node)
  const paths = commandRoutes(node.services).flatMap(({ method, path }) => (method === 'post' ? [path] : []))
  for (const [n, path] of paths.entries()) {
    const example = await examples.of(path)?.(`trace-${n}`)
    if (example && !/deletion|audit|projections/.test(example.path)) await say(example.path, example.body)
  }
  const ann = (await node.call('GET', '/v1/customers/ann', undefined, { as: 'admin' })).body
  await say('/v1/events', { event: 'bought', customer: ANN, metadata: { n: 1 } })
  await say('/v1/events', { event: 'bought', customer: { source_id: 'other' }, metadata: { n: 1 } })
  assert.is((await say('/v1/events', { event: 'bought', customer: ANN, metadata: { n: 'secret-of-ann' } })).status, 400)
  await say('/v1/vouchers/TRACE', { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } })
  const redeemed = await say('/v1/redemptions', {
    customer: ANN,
    redeemables: [{ object: 'voucher', id: 'TRACE' }],
    order: { amount: 1_000, metadata: { gift_note: 'secret-of-ann' } },
    metadata: { note: 'secret-of-ann' },
    tracking_id: 'ann',
  })
  assert.is(redeemed.status, 200, JSON.stringify(redeemed.body))
  const before = await until(
    () => holding([ann.id, ...PERSONAL]),
    (found) => found.redemptions !== undefined && found.rejectedEvents !== undefined,
  )
  assert.ok(Object.keys(before).length >= 8, Object.keys(before).join(', '))
  const deleted = await node.call('DELETE', '/v1/customers/ann', undefined, { as: 'admin' })
  assert.is(deleted.status, 204)
  const rest = await until(
    () => holding([ann.id, ...PERSONAL]),
    (found) => Object.keys(found).every((name) => KEPT[name] !== undefined),
    15_000,
  ).catch((error: unknown) => error)
  assert.not.instance(rest, Error, String(rest))
  assert.equal(await holding(PERSONAL), {}, 'nothing that says something of a person')
  const { data } = (await node.call('GET', '/v1/events?event=bought&limit=100', undefined, { as: 'admin' })).body
  const counted = await node.services.readModel.collection<EventTotalsDocument>('eventTotals').findOne({
    _id: ofEvent('bought'),
  })
  assert.equal([data.length > 0, counted?.events], [true, data.length])
  // The redemption still counts for its code.
  const voucher = (await node.call('GET', '/v1/vouchers/TRACE', undefined, { as: 'admin' })).body
  assert.is(voucher.redemption.redeemed_quantity, 1)
})

test.run()
