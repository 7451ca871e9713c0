// Publishing codes that are there already over a whole node: none twice, none lost, and what happens when none is left.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'
import { until } from '../until.ts'

let node: TestNode
const test = suite('publications of codes that are there')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const post = (path: string, body: unknown) => node.call('POST', path, body)
const get = (path: string, after?: Answer) => node.call('GET', path, undefined, after ? { after } : {})
const keyOf = ({ status, body }: Answer) => [status, body.key]

const campaign = async (name: string, type: string, count: number): Promise<void> => {
  const made = await post('/v1/campaigns', {
    name,
    type,
    campaign_type: 'DISCOUNT_COUPONS',
    vouchers_count: count,
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 10 } },
  })
  assert.is(made.status, 200, JSON.stringify(made.body))
  await until(
    () => get(`/v1/campaigns/${name}`),
    ({ body }) => body.vouchers_count === count,
    60_000,
  )
}

const publish = (what: Record<string, unknown>, customer: string, query = ''): Promise<Answer> =>
  post(`/v1/publications${query}`, { ...what, customer: { source_id: customer } })

test('of 60 codes and 70 customers at once each of 60 gets one, none twice, and the others are told', async () => {
  await campaign('sixty', 'STATIC', 60)
  const answers = await Promise.all(Array.from({ length: 70 }, (_, i) => publish({ campaign: 'sixty' }, `many-${i}`)))
  const given = answers.filter(({ status }) => status === 200)
  assert.is(new Set(given.map(({ body }) => body.voucher.code)).size, 60, JSON.stringify(answers.map(keyOf)))
  for (const refused of answers.filter(({ status }) => status !== 200))
    assert.equal(keyOf(refused), [400, 'no_voucher_suitable_for_publication'], JSON.stringify(refused.body))
  const held = await get(`/v1/vouchers/${given[0]!.body.voucher.code}`)
  assert.equal([held.body.holder_id, held.body.publish.count], [given[0]!.body.customer_id, 1])
  const mine = await get('/v1/vouchers?campaign=sixty&customer=many-0', given.at(-1)!)
  assert.is(mine.body.total, given.some(({ body }) => body.customer.source_id === 'many-0') ? 1 : 0)
})

test('a customer keeps the one code with join_once, also when asking twice at once; the code left over goes to another', async () => {
  await campaign('two', 'STATIC', 2)
  const twice = await Promise.all([publish({ campaign: 'two' }, 'pat'), publish({ campaign: 'two' }, 'pat')])
  assert.equal(
    twice.map(({ status }) => status),
    [200, 200],
    JSON.stringify(twice),
  )
  assert.is(twice[0]?.body.voucher.code, twice[1]?.body.voucher.code)
  const other = await publish({ campaign: 'two' }, 'pia')
  assert.is(other.status, 200, JSON.stringify(other.body))
  assert.is.not(other.body.voucher.code, twice[0]?.body.voucher.code)
  assert.equal(keyOf(await publish({ campaign: 'two' }, 'pio')), [400, 'no_voucher_suitable_for_publication'])
})

test('an AUTO_UPDATE campaign gives out what is there, then makes new ones; a source_id publishes once', async () => {
  await campaign('auto', 'AUTO_UPDATE', 1)
  const [ready] = (await get('/v1/vouchers?campaign=auto')).body.vouchers
  const first = await publish({ campaign: 'auto', source_id: 'a-1' }, 'ann', '?join_once=false')
  assert.is(first.body.voucher.code, ready.code)
  const again = await publish({ campaign: 'auto', source_id: 'a-1' }, 'ann', '?join_once=false')
  assert.equal(keyOf(again), [400, 'duplicate_source_id'])
  const second = await publish({ campaign: 'auto', source_id: 'a-2' }, 'ann', '?join_once=false')
  assert.equal([second.status, second.body.voucher.code === ready.code], [200, false])
  const codes = [first, second].map(({ body }) => body.voucher.code)
  const said = async (once: boolean | null, query?: string) =>
    (await publish({ campaign: 'auto', join_once: once }, 'ann', query)).body.voucher.code
  assert.not.ok(codes.includes(await said(false)), 'said in the body')
  assert.ok(codes.includes(await said(true)))
  assert.ok(codes.includes(await said(false, '?join_once=true')), 'the query comes first')
  assert.ok(codes.includes(await said(null)))
})

const codesOf = ({ body }: Answer): readonly string[] => body.vouchers

test('several codes are published together, all or none, and a repeat is answered with the same', async () => {
  await campaign('pack', 'STATIC', 8)
  const ask = (count: number, who: string, key: string) =>
    node.call(
      'POST',
      '/v1/publications?join_once=false',
      { campaign: { name: 'pack', count }, customer: { source_id: who } },
      { headers: { 'Idempotency-Key': key } },
    )
  const [first, twin] = await Promise.all([ask(3, 'tom', 'tom-1'), ask(3, 'tom', 'tom-1')])
  assert.is(first.status, 200, JSON.stringify(first.body))
  assert.is(new Set(codesOf(first)).size, 3)
  assert.equal(
    [codesOf(twin), first.body.vouchers_id.length, first.body.voucher.code],
    [codesOf(first), 3, codesOf(first)[0]],
  )
  assert.equal(codesOf(await ask(3, 'tom', 'tom-1')), codesOf(first))
  for (const code of codesOf(first))
    assert.is((await get(`/v1/vouchers/${code}`, first)).body.holder_id, first.body.customer_id)
  const listed = await get(`/v1/publications?voucher=${codesOf(first)[2]}`, first)
  assert.equal([listed.body.total, listed.body.publications[0].vouchers], [1, codesOf(first)])
  assert.equal(keyOf(await ask(6, 'tim', 'tim-1')), [400, 'no_voucher_suitable_for_publication'])
  // Two packs of three are wanted of the five that are left: one at most comes about, and none in part.
  const rivals = await Promise.all([ask(3, 'ada', 'ada-1'), ask(3, 'ben', 'ben-1'), ask(3, 'cid', 'cid-1')])
  const given = rivals.filter(({ status }) => status === 200)
  assert.ok(given.length <= 1, JSON.stringify(rivals.map(keyOf)))
  const left = 5 - 3 * given.length
  const rest = await ask(left, 'eve', 'eve-1')
  assert.equal(
    [rest.status, new Set([...given, first, rest].flatMap(codesOf)).size],
    [200, 3 + 5],
    JSON.stringify(rest.body),
  )
})

test('an AUTO_UPDATE campaign gives several of those that are there and makes the others; 20 is the bound', async () => {
  await campaign('auto-pack', 'AUTO_UPDATE', 2)
  const ready = (await get('/v1/vouchers?campaign=auto-pack')).body.vouchers.map(({ code }: { code: string }) => code)
  const made = await publish(
    { campaign: { name: 'auto-pack', count: 20 }, source_id: 'pack-1' },
    'zoe',
    '?join_once=false',
  )
  assert.equal([made.status, new Set(codesOf(made)).size], [200, 20], JSON.stringify(made.body))
  assert.ok(ready.every((code: string) => codesOf(made).includes(code)))
  const again = await publish({ campaign: { name: 'auto-pack', count: 2 } }, 'zoe', '?join_once=true')
  assert.equal(codesOf(again), codesOf(made))
  const beyond = await publish({ campaign: { name: 'auto-pack', count: 21 } }, 'zoe')
  assert.equal(keyOf(beyond), [400, 'invalid_payload'])
})

test('a code is published by name: of a campaign and a single one, to one customer only', async () => {
  await post('/v1/vouchers/NAMED', { gift: { amount: 500 } })
  await campaign('named', 'STATIC', 1)
  await post('/v1/campaigns/named/vouchers/NAMED-2', {})
  await post('/v1/vouchers/OFF', { gift: { amount: 500 }, active: false })
  for (const code of ['NAMED', 'NAMED-2']) {
    const first = await publish({ voucher: code }, 'bob')
    assert.equal([first.status, first.body.voucher.code], [200, code], JSON.stringify(first.body))
    // Its credits count at once, wherever the read model is.
    assert.is(first.body.customer.summary.redemptions.gift.amount_to_go, 500)
    assert.equal((await publish({ voucher: code }, 'bob')).body, first.body)
    assert.equal(keyOf(await publish({ voucher: code }, 'eve')), [400, 'voucher_already_published'])
    assert.is((await get(`/v1/vouchers/${code}`)).body.holder_id, first.body.customer_id)
  }
  const listed = await get('/v1/publications?voucher=NAMED', await publish({ voucher: 'NAMED' }, 'bob'))
  assert.equal([listed.body.total, listed.body.publications[0].voucher.type], [1, 'GIFT_VOUCHER'])
  assert.equal(keyOf(await publish({ voucher: 'OFF' }, 'bob')), [400, 'voucher_disabled'])
  assert.equal(keyOf(await publish({ voucher: 'UNHEARD-OF' }, 'bob')), [404, 'not_found'])
  const deleted = await node.call('DELETE', '/v1/vouchers/NAMED')
  const log = await get('/v1/customers/bob/activity', deleted)
  assert.is(log.body.data[0].type, 'customer.voucher.deleted')
})

test('the official SDK publishes', async () => {
  const { publications } = serverSdk(node).distributions
  await campaign('sdk', 'STATIC', 1)
  const customer = { source_id: 'sue' } as Parameters<typeof publications.create>[0]['customer']
  const made = await publications.create({ campaign: { name: 'sdk', count: 1 }, customer })
  assert.equal([made.result, made.voucher.campaign], ['SUCCESS', 'sdk'])
  assert.is((await publications.list({ limit: 1 })).data_ref, 'publications')
})

test.run()
