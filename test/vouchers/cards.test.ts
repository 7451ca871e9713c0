// Loyalty cards as vouchers, over a whole node: made before anybody has them, listed, changed, and given to one customer each.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { customerOfSource } from '../../src/api/context.ts'
import { asking, fresh } from '../system/asking.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'
import { until } from '../until.ts'

let node: TestNode
const test = suite('cards as vouchers')

const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  node.call(method, path, body, { as: 'admin', headers })
const { post: ok } = asking(() => node)
const get = (path: string, after?: Answer) =>
  node.call('GET', path, undefined, { as: 'admin', ...(after ? { after } : {}) })

const program = async (more: Record<string, unknown> = {}, points = 10): Promise<string> =>
  (
    await ok('/v1/loyalties', {
      name: fresh('club'),
      voucher: { type: 'LOYALTY_CARD', loyalty_card: { points } },
      ...more,
    })
  ).id

test.before(async () => {
  node = await testNode({}, undefined, { client: { allow: ['publish'] } })
})
test.after(() => node.end())

test('a card is made for nobody, shown and listed, and becomes that of the customer it is published to', async () => {
  const campaign = await program()
  const made = await call('POST', '/v1/vouchers', {
    type: 'LOYALTY_CARD',
    campaign_id: campaign,
    loyalty_card: { points: 25 },
    metadata: { print: 'gold' },
  })
  const { code, type, loyalty_card: card, holder_id: holder, publish } = made.body
  assert.equal(
    [made.status, type, card, holder, publish?.count],
    [200, 'LOYALTY_CARD', { points: 25, balance: 25 }, undefined, 0],
    JSON.stringify(made.body),
  )
  const listed = await get(`/v1/vouchers?campaign_id=${campaign}`, made)
  assert.equal(
    listed.body.vouchers.map((one: Answer['body']) => [one.code, one.loyalty_card.balance]),
    [[code, 25]],
  )
  assert.is((await get(`/v1/vouchers/${code}`)).body.loyalty_card.points, 25)
  const early = await call('POST', `/v1/loyalties/members/${code}/balance`, { points: 5 })
  assert.equal([early.status, early.body.key], [400, 'not_published'])
  const paid = await call('POST', '/v1/redemptions', {
    redeemables: [{ object: 'voucher', id: code, reward: { id: 'x' } }],
  })
  assert.is(paid.body.key, 'not_published')
  const given = await call('POST', '/v1/publications', {
    voucher: code,
    customer: { source_id: 'ann' },
    metadata: { by: 'post' },
  })
  assert.equal([given.status, given.body.voucher?.code], [200, code], JSON.stringify(given.body))
  const held = await get(`/v1/vouchers/${code}`)
  assert.equal(
    [held.body.loyalty_card.balance, held.body.holder_id, held.body.metadata],
    [25, given.body.customer_id, { print: 'gold', by: 'post' }],
  )
  const again = await call('POST', '/v1/publications', { voucher: code, customer: { source_id: 'ann' } })
  assert.equal([again.status, again.body.voucher.code], [200, code])
  const other = await call('POST', '/v1/publications', { voucher: code, customer: { source_id: 'bob' } })
  assert.equal([other.status, other.body.key], [400, 'voucher_already_published'])
  const after = await get(`/v1/vouchers?campaign_id=${campaign}`, given)
  assert.equal(
    after.body.vouchers.map((one: Answer['body']) => one.holder_id),
    [given.body.customer_id],
  )
  const members = await get(`/v1/loyalties/${campaign}/members`, given)
  assert.is(members.body.total, 1)
})

test('a card says which program it is of, and nothing that is not a card’s', async () => {
  const campaign = await program()
  const wrong = async (body: Record<string, unknown>, key: string, words: RegExp) => {
    const { status, body: answer } = await call('POST', '/v1/vouchers', body)
    assert.equal([status, answer.key], [400, key], JSON.stringify(answer))
    assert.match(answer.details, words)
  }
  await wrong({ type: 'LOYALTY_CARD', loyalty_card: { points: 1 } }, 'invalid_voucher', /campaign is required/)
  await wrong(
    { campaign_id: campaign, discount: { type: 'AMOUNT', amount_off: 1 } },
    'invalid_voucher',
    /discount does not go with the type LOYALTY_CARD/,
  )
  await wrong(
    { discount: { type: 'AMOUNT', amount_off: 1 }, loyalty_card: { points: 1 } },
    'invalid_voucher',
    /loyalty_card does not go with the type DISCOUNT_VOUCHER/,
  )
  await wrong({ campaign_id: campaign, loyalty_card: { points: -1 } }, 'invalid_payload', /points/)
})

test('a card of nobody is changed, switched and deleted as a voucher; that of a customer as a member', async () => {
  const campaign = await program()
  const { code } = await ok(`/v1/campaigns/${campaign}/vouchers`, { metadata: { a: 1 } })
  const changed = await call('PUT', `/v1/vouchers/${code}`, { metadata: { b: 2 } })
  assert.equal(
    [changed.body.metadata, changed.body.loyalty_card],
    [
      { a: 1, b: 2 },
      { points: 10, balance: 10 },
    ],
  )
  const worth = await call('PUT', `/v1/vouchers/${code}`, { loyalty_card: { points: 99 } })
  assert.equal([worth.status, worth.body.key], [400, 'invalid_voucher'])
  assert.is((await call('PUT', `/v1/vouchers/${code}`, changed.body)).status, 200)
  assert.is((await ok(`/v1/vouchers/${code}/disable`)).active, false)
  const off = await call('POST', '/v1/publications', { voucher: code, customer: { source_id: 'cleo' } })
  assert.is(off.body.key, 'voucher_already_published')
  await ok(`/v1/vouchers/${code}/enable`)
  await ok('/v1/publications', { voucher: code, customer: { source_id: 'cleo' } })
  assert.is((await call('PUT', `/v1/vouchers/${code}`, { metadata: {} })).body.key, 'resource_protected')
  assert.is((await call('DELETE', `/v1/vouchers/${code}`)).body.key, 'resource_protected')
  const { code: gone } = await ok(`/v1/campaigns/${campaign}/vouchers/GONE-${campaign}`)
  assert.is((await call('DELETE', `/v1/vouchers/${gone}`)).status, 204)
  assert.is((await call('POST', '/v1/publications', { voucher: gone, customer: { source_id: 'dan' } })).status, 404)
})

test('a program begins with cards, which members are given before any is made', async () => {
  const one = await call('POST', '/v1/loyalties', { name: fresh('one'), vouchers_count: 1 })
  assert.equal([one.body.vouchers_count, one.body.vouchers_generation_status], [1, 'DONE'], JSON.stringify(one.body))
  const campaign = await program({ vouchers_count: 12 })
  const done = await until(
    () => get(`/v1/loyalties/${campaign}`),
    ({ body }) => body.vouchers_generation_status === 'DONE' && body.vouchers_count === 12,
    60_000,
  )
  assert.is(done.body.creation_status, 'DONE')
  for (const path of [`/v1/loyalties/${campaign}`, `/v1/campaigns/${campaign}`]) {
    const asked = await call('PUT', path, { vouchers_count: 13 })
    assert.is(asked.status, 400, path)
    assert.match(asked.body.details, /vouchers_count must NOT be more than the 12 that there are: add codes by POST/)
    assert.is((await call('PUT', path, { vouchers_count: 12, description: path })).body.description, path)
  }
  const more = await call('POST', `/v1/campaigns/${campaign}/vouchers?vouchers_count=3`, {
    loyalty_card: { points: 77 },
  })
  assert.is(more.status, 202)
  const full = await until(
    () => get(`/v1/vouchers?campaign_id=${campaign}&limit=100`),
    ({ body }) => body.total === 15,
    60_000,
  )
  const ready: string[] = full.body.vouchers.map(({ code }: { code: string }) => code)
  const joined = await Promise.all(
    Array.from({ length: 15 }, (_, n) => {
      const customer = { source_id: `${campaign}-${n}` }
      return n % 2 === 0
        ? ok(`/v1/loyalties/${campaign}/members`, { customer })
        : ok('/v1/publications', { campaign, customer })
    }),
  )
  const codes = joined.map((body) => body.voucher?.code ?? body.code)
  assert.equal([...codes].sort(), [...ready].sort())
  const balances = await Promise.all(
    codes.map(async (code) => (await get(`/v1/vouchers/${code}`)).body.loyalty_card.balance),
  )
  assert.equal(
    [...balances].sort((a, b) => a - b),
    [...Array.from({ length: 12 }, () => 10), 77, 77, 77],
  )
  const late = await ok(`/v1/loyalties/${campaign}/members`, { customer: { source_id: 'late' } })
  assert.not.ok(ready.includes(late.code))
  assert.is(late.loyalty_card.balance, 10)
})

test('one request gives one card, also where a customer may have several and it is asked again or twice at once', async () => {
  const campaign = await program({ join_once: false })
  for (let n = 0; n < 6; n++) await ok(`/v1/campaigns/${campaign}/vouchers`)
  await until(
    () => get(`/v1/vouchers?campaign_id=${campaign}`),
    ({ body }) => body.total === 6,
  )
  for (const [path, more] of [
    [`/v1/loyalties/${campaign}/members`, {}],
    ['/v1/publications', { campaign }],
  ] as const) {
    const key = { 'Idempotency-Key': fresh('join') }
    const ask = () => call('POST', path, { ...more, customer: { source_id: 'eve' } }, key)
    const codeIn = ({ body }: Answer) => body.voucher?.code ?? body.code
    const twice = await Promise.all([ask(), ask()])
    const again = await ask()
    const codes = new Set([...twice, again].filter(({ status }) => status === 200).map(codeIn))
    assert.is(
      codes.size,
      1,
      JSON.stringify([...twice, again].map(({ body }) => body.key ?? codeIn({ body } as Answer))),
    )
  }
  const eve = await get('/v1/customers/eve')
  const members = await until(
    () => get(`/v1/loyalties/${campaign}/members?customer=eve`),
    ({ body }) => body.total >= 2,
  )
  assert.is(members.body.total, 2)
  const free = await get(`/v1/vouchers?campaign_id=${campaign}&limit=100`)
  assert.is(free.body.vouchers.filter((one: Answer['body']) => one.holder_id === eve.body.id).length, 2)
})

test('of two customers who ask for a card by its code one has it; who may have one card keeps it', async () => {
  const campaign = await program()
  const { code } = await ok(`/v1/campaigns/${campaign}/vouchers`)
  const both = await Promise.all(
    ['fay', 'gil'].map((source_id) =>
      call('POST', `/v1/loyalties/${campaign}/members`, { voucher: code, customer: { source_id } }),
    ),
  )
  assert.equal(both.map(({ status }) => status).sort(), [200, 409], JSON.stringify(both.map(({ body }) => body)))
  const { code: second } = await ok(`/v1/campaigns/${campaign}/vouchers`)
  const has = both[0]!.status === 200 ? 'fay' : 'gil'
  const kept = await call('POST', '/v1/publications', { voucher: second, customer: { source_id: has } })
  assert.equal([kept.status, kept.body.voucher?.code], [200, code], JSON.stringify(kept.body))
  const free = await get(`/v1/vouchers/${second}`)
  assert.is(free.body.holder_id, undefined)
})

test('what a card said of itself before it was given stays said of it and holds, whichever way it pays', async () => {
  const { id: category } = await ok('/v1/categories', { name: fresh('paper'), hierarchy: 1 })
  const campaign = await program()
  const { id: reward } = await ok('/v1/rewards', {
    name: fresh('mug'),
    type: 'MATERIAL',
    parameters: { product: { id: 'prod_mug' } },
  })
  await ok(`/v1/rewards/${reward}/assignments`, { campaign, parameters: { loyalty: { points: 1 } } })
  const days = [0, 1, 2, 3, 4, 5, 6]
  const today = new Date().getUTCDay()
  for (const [traits, key] of [
    [{ expiration_date: '2020-01-01T00:00:00Z' }, 'voucher_expired'],
    [{ start_date: '2090-01-01T00:00:00Z' }, 'voucher_not_active'],
    [{ validity_day_of_week: days.filter((day) => (day - today + 7) % 7 > 1) }, 'voucher_not_active_now'],
    [{ validity_day_of_week: days, start_date: '2020-01-01T00:00:00Z' }, undefined],
  ] as const) {
    const own = { ...traits, category_id: category, additional_info: 'printed' }
    const { code } = await ok(`/v1/campaigns/${campaign}/vouchers`, own)
    const given = await call('POST', '/v1/publications', { voucher: code, customer: { source_id: fresh('who') } })
    const listed = await get(`/v1/vouchers?code=${code}`, given)
    const [one, member] = [await get(`/v1/vouchers/${code}`), await get(`/v1/loyalties/members/${code}`)]
    for (const shown of [listed.body.vouchers[0], one.body, member.body])
      assert.equal(Object.fromEntries(Object.keys(own).map((name) => [name, shown[name]])), own)
    const paid = await Promise.all([
      call('POST', `/v1/loyalties/members/${code}/redemption`, { reward: { id: reward } }),
      call('POST', '/v1/redemptions', { redeemables: [{ object: 'voucher', id: code, reward: { id: reward } }] }),
    ])
    assert.equal(
      paid.map(({ body }) => body.key),
      [key, key],
    )
  }
})

test('bulk changes say of a customer’s card that it was not changed', async () => {
  const campaign = await program()
  const { code: free } = await ok(`/v1/campaigns/${campaign}/vouchers`)
  const { code: held } = await ok(`/v1/campaigns/${campaign}/vouchers`)
  await ok('/v1/publications', { voucher: held, customer: { source_id: fresh('who') } })
  for (const [path, body] of [
    ['/v1/vouchers/bulk/async', [free, held].map((code) => ({ code, metadata: { a: 1 } }))],
    ['/v1/vouchers/metadata/async', { codes: [free, held], metadata: { a: 2 } }],
  ] as const) {
    const { async_action_id: id } = await ok(path, body)
    const done = await until(
      () => get(`/v1/async-actions/${id}`),
      ({ body: action }) => action.status === 'DONE',
    )
    const { done_count, failed_count, failed } = done.body.result
    assert.equal([done_count, failed_count, failed[0].reason], [1, 1, 'resource_protected'], path)
  }
})

test('a card that has been paid with begins with nothing more than is left: its balance is its points, or is left out', async () => {
  const campaign = await program()
  for (const [path, body] of [
    ['/v1/vouchers', { type: 'LOYALTY_CARD', campaign_id: campaign }],
    [`/v1/campaigns/${campaign}/vouchers`, {}],
    [`/v1/campaigns/${campaign}/import`, { code: fresh('OLD') }],
  ] as const) {
    const card = { ...body, loyalty_card: { points: 700, balance: 300 } }
    const answer = await call('POST', path, path.endsWith('import') ? [card] : card)
    assert.equal([answer.status, answer.body.key], [400, 'invalid_payload'], path)
    assert.match(answer.body.details, /balance must be equal to points/)
  }
})

test('a publication’s source_id gives one card to one customer, whatever it asks for', async () => {
  const campaign = await program({ join_once: false })
  for (const stock of [0, 4])
    for (const isNamed of stock > 0 ? [false, true] : [false]) {
      const ready: string[] = []
      for (let n = 0; n < stock; n++) ready.push((await ok(`/v1/campaigns/${campaign}/vouchers`)).code)
      const source = fresh('order')
      const ask = (customer: string, n: number) =>
        call('POST', '/v1/publications', {
          ...(isNamed ? { voucher: ready[n] } : { campaign }),
          source_id: source,
          customer: { source_id: customer },
        })
      const [ann, bea] = [fresh('ann'), fresh('bea')]
      const atOnce = await Promise.all([ask(ann, 0), ask(ann, 1)])
      const given = atOnce.find(({ status }) => status === 200)!
      assert.is(given?.body.source_id, source, JSON.stringify(atOnce.map(({ body }) => body)))
      for (const { status, body } of [await ask(ann, 2), await ask(bea, 3)])
        assert.equal([status, body.key], [400, 'duplicate_source_id'], JSON.stringify(body))
      const cards = await until(
        () => get(`/v1/loyalties/${campaign}/members?customer=${ann}`),
        ({ body }) => body.total > 0,
      )
      assert.is(cards.body.total, 1)
      const listed = await get(`/v1/publications?source_id=${source}`, given)
      assert.equal(
        listed.body.publications.map((one: Answer['body']) => one.voucher.code),
        [given.body.voucher.code],
      )
    }
})

test('who asks many times at once for one card of a program that gives several has one, from a browser in any case', async () => {
  const campaign = await program({ join_once: false })
  for (const stock of [0, 3]) {
    for (let n = 0; n < stock; n++) await ok(`/v1/campaigns/${campaign}/vouchers`)
    const asker = fresh('many')
    const answers = await Promise.all(
      Array.from({ length: 6 }, () =>
        call('POST', '/v1/publications?join_once=true', { campaign, customer: { source_id: asker } }),
      ),
    )
    const codes = answers.map(({ body }) => body.voucher?.code)
    assert.equal([new Set(codes).size, answers[0]!.status], [1, 200], JSON.stringify(codes))
    const { id } = (await get(`/v1/customers/${asker}`, answers.at(-1)!)).body
    const { cards } = (await node.services.customers.load(id)).state.loyalty
    assert.is(Object.keys(cards).length, 1)
    const visitor = fresh('visitor')
    await Promise.all(
      Array.from({ length: 6 }, () =>
        node.call('POST', '/client/v1/publish', { campaign, customer: { source_id: visitor } }, { as: 'client' }),
      ),
    )
    const held = await node.services.customers.load(customerOfSource(node.services, visitor))
    assert.is(Object.keys(held.state.loyalty.cards).length, 1)
  }
})

test('cards are imported, and the official SDK makes them', async () => {
  const campaign = await program()
  const sdk = serverSdk(node)
  const made = await sdk.vouchers.create({
    code: `SDK-${campaign}`,
    type: 'LOYALTY_CARD',
    campaign_id: campaign,
    loyalty_card: { points: 3, balance: 3 },
  } as never)
  assert.equal([made.type, made.loyalty_card?.points], ['LOYALTY_CARD', 3])
  await ok(`/v1/campaigns/${campaign}/import`, [{ code: `OLD-${campaign}`, loyalty_card: { points: 41 } }])
  const found = await until(
    () => get(`/v1/vouchers/OLD-${campaign}`),
    ({ status }) => status === 200,
  )
  assert.equal([found.body.type, found.body.loyalty_card], ['LOYALTY_CARD', { points: 41, balance: 41 }])
  const member = await ok(`/v1/loyalties/${campaign}/members`, {
    voucher: `OLD-${campaign}`,
    customer: { source_id: 'hal' },
  })
  assert.is(member.loyalty_card.balance, 41)
})

test.run()
