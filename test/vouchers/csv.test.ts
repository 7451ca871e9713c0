// Customers and codes from CSV files, sent as the official client sends them.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'
import { until } from '../until.ts'

let node: TestNode
let dir: string
const test = suite('CSV files')
test.before(async () => {
  node = await testNode()
  dir = await mkdtemp(join(tmpdir(), 'csv-'))
})
test.after(() => node.end())

const fileOf = async (name: string, lines: readonly string[]): Promise<string> => {
  const path = join(dir, name)
  await writeFile(path, `\ufeff${lines.join('\r\n')}\r\n`)
  return path
}

/** Reads what the read models show once they have seen everything. */
const get = async (path: string): Promise<Answer> =>
  node.call('GET', path, undefined, {
    as: 'admin',
    headers: { 'Consistency-Token': String(await node.services.store.head()), Prefer: 'wait=10' },
  })

const ended = async (accepted: unknown): Promise<Answer['body']> => {
  const { async_action_id: id } = accepted as { readonly async_action_id: string }
  let body: Answer['body']
  await until(async () => {
    body = (await get(`/v1/async-actions/${id}`)).body
    return body.status === 'DONE' || body.status === 'FAILED'
  })
  return body
}

const failuresOf = ({ result }: Answer['body']) =>
  result.failed.map(({ row, reason }: { readonly row: number; readonly reason: string }) => [row, reason])

test('customers, with addresses and metadata; a row that cannot be is told of, and no others', async () => {
  const path = await fileOf('customers.csv', [
    'Source_id,Name,Email,Birthdate,Address_City,address.postal_code,tier,unsubscribed',
    'ann,"Ann ""A"", Jr.",ann@example.com,1990-02-03,Gdańsk,80-001,gold,email; sms',
    'bob,Bob,,soon,,,,',
    ',Nobody,,,,,,',
    'cyd,Cyd,,,,,silver,,more',
    'dan,Dan,,,,,,',
    'eve,Eve,,,,,,letters',
  ])
  const done = await ended(await serverSdk(node).customers.importCSV(path))
  assert.equal([done.type, done.result.done_count, done.result.failed_count], ['CUSTOMERS.IMPORT_CSV', 2, 4])
  assert.match(JSON.stringify(failuresOf(done)), /birthdate.*missing_customer.*9 cells under 8 names.*unsubscribed/)
  const ann = (await get('/v1/customers/ann')).body
  assert.equal(
    [ann.name, ann.email, ann.birthdate, ann.address, ann.metadata],
    ['Ann "A", Jr.', 'ann@example.com', '1990-02-03', { city: 'Gdańsk', postal_code: '80-001' }, { tier: 'gold' }],
  )
  assert.equal(ann.unsubscribed, ['email', 'sms'])
  assert.is((await get('/v1/customers/dan')).body.name, 'Dan')
  assert.is((await get('/v1/customers/bob')).status, 404)
})

test('single vouchers of each kind, and codes of a campaign', async () => {
  const sdk = serverSdk(node)
  const path = await fileOf('vouchers.csv', [
    'Code;Voucher Type;Value;Discount Type;Redemption Limit;Expiration Date;Active;shop',
    'CSV-GIFT;GIFT_VOUCHER;1000;;;;true;north',
    'CSV-TEN;DISCOUNT_VOUCHER;10;PERCENT;3;2030-01-01;false;',
    'CSV-NONE;DISCOUNT_VOUCHER;;;;;;',
    'CSV GAP;DISCOUNT_VOUCHER;10;PERCENT;;;;',
  ])
  const done = await ended(await sdk.vouchers.importCSV(path))
  assert.equal([done.type, done.result.done_count], ['VOUCHERS.IMPORT_CSV', 2])
  assert.equal(
    failuresOf(done).map(([row]: readonly [number]) => row),
    [2, 3],
  )
  assert.match(JSON.stringify(failuresOf(done)), /\.discount is required.*\.code must NOT contain/)
  const [gift, ten] = [(await get('/v1/vouchers/CSV-GIFT')).body, (await get('/v1/vouchers/CSV-TEN')).body]
  assert.equal([gift.gift.amount, gift.active, gift.metadata], [1_000, true, { shop: 'north' }])
  assert.equal([ten.discount.percent_off, ten.redemption.quantity, ten.active], [10, 3, false])
  const voucher = { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 500 } }
  const campaign = { name: 'from a file', campaign_type: 'DISCOUNT_COUPONS', voucher }
  assert.is((await node.call('POST', '/v1/campaigns', campaign, { as: 'admin' })).status, 200)
  const codes = await fileOf('codes.csv', ['code,category', 'CSV-ONE,a', 'CSV-TWO,', 'CSV-TEN,'])
  const added = await ended(await sdk.campaigns.importVouchersCSV('from a file', codes))
  assert.equal([added.type, added.result.done_count], ['CAMPAIGN.VOUCHERS_IMPORT_CSV', 2])
  assert.equal(failuresOf(added), [[2, 'duplicate_found']])
  const one = (await get('/v1/vouchers/CSV-ONE')).body
  assert.equal([one.campaign, one.category, one.discount.amount_off], ['from a file', 'a', 500])
})

test('a code that was redeemed elsewhere is not taken for a new one, and what exports call a limit is one', async () => {
  const path = await fileOf('used.csv', [
    'Code,Voucher Type,Value,Discount Type,Redemption Limit,Redeemed Quantity,Redeemed Amount',
    'USED-0,DISCOUNT_VOUCHER,10,PERCENT,5,0,0',
    'USED-2,DISCOUNT_VOUCHER,10,PERCENT,5,2,',
    'USED-30,GIFT_VOUCHER,100,,,,30',
    'USED-X,GIFT_VOUCHER,100,,,some,',
  ])
  const done = await ended(await serverSdk(node).vouchers.importCSV(path))
  assert.is(done.result.done_count, 1)
  assert.equal(
    failuresOf(done).map(([row, reason]: readonly [number, string]) => [row, reason.split(' must')[0]]),
    [
      [1, 'Property .redeemed_quantity'],
      [2, 'Property .redeemed_amount'],
      [3, 'Property .redeemed_quantity'],
    ],
  )
  const fresh = (await get('/v1/vouchers/USED-0')).body
  assert.equal([fresh.redemption.quantity, fresh.metadata], [5, {}])
  const exported = await fileOf('exported.csv', [
    'code,voucher_type,value,discount_type,gift_balance,redemption_quantity,redemption_count',
    'BACK-1,DISCOUNT_VOUCHER,10,PERCENT,,3,0',
    'BACK-2,GIFT_VOUCHER,100,,100,,0',
    'BACK-3,GIFT_VOUCHER,100,,40,,1',
    'BACK-4,GIFT_VOUCHER,100,,40,,0',
  ])
  const back = await ended(await serverSdk(node).vouchers.importCSV(exported))
  assert.match(JSON.stringify(failuresOf(back)), /^\[\[2,"Property .redemption_count .*\[3,"Property .gift_balance /)
  assert.is((await get('/v1/vouchers/BACK-1')).body.redemption.quantity, 3)
  assert.is((await get('/v1/vouchers/BACK-2')).body.gift.balance, 100)
})

test('what is no such file is refused, and nothing begins', async () => {
  const send = (body: string, type: string) =>
    fetch(`${node.url}/v1/customers/importCSV`, {
      method: 'POST',
      body,
      headers: { ...node.headers('admin'), 'Content-Type': type },
    })
  for (const [body, type, status, details] of [
    ['{}', 'application/json', 415, /multipart/],
    ['', 'text/csv', 400, /no header/],
    ['name\nAnn\n', 'text/csv', 400, /no column source_id/],
    ['source_id,Source id\na,b\n', 'text/csv', 400, /source_id is there twice/],
    ['source_id\n', 'text/csv', 400, /no rows/],
    ['source_id,__proto__\na,b\n', 'text/csv', 400, /__proto__.*is not allowed/],
    ['source_id,metadata.__proto__\na,b\n', 'text/csv', 400, /__proto__.*is not allowed/],
    ['--x\r\n', 'multipart/form-data; boundary=y', 400, /multipart/],
  ] as const) {
    const answer = await send(body, type)
    const text = await answer.text()
    assert.is(answer.status, status, text)
    assert.match(text, details)
  }
})

test('what a value is worth follows from the type of the campaign where the row says none', async () => {
  const make = async (body: object): Promise<string> => {
    const made = await node.call('POST', '/v1/campaigns', body, { as: 'admin' })
    assert.is(made.status, 200, JSON.stringify(made.body))
    return made.body.id
  }
  const gifts = await make({
    name: 'worth of gifts',
    campaign_type: 'GIFT_VOUCHERS',
    voucher: { type: 'GIFT_VOUCHER', gift: { amount: 500 } },
  })
  const coupons = await make({
    name: 'worth of coupons',
    campaign_type: 'DISCOUNT_COUPONS',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 500 } },
  })
  const club = await node.call(
    'POST',
    '/v1/loyalties',
    { name: 'worth of cards', voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 500 } } },
    { as: 'admin' },
  )
  for (const [campaign, shown] of [
    [gifts, { gift: { amount: 70, balance: 70, effect: 'APPLY_TO_ORDER' } }],
    [coupons, { discount: { type: 'AMOUNT', amount_off: 70, effect: 'APPLY_TO_ORDER' } }],
    [club.body.id, { loyalty_card: { points: 70, balance: 70 } }],
  ] as const) {
    const path = await fileOf(`${campaign}.csv`, ['Code,Value', `W-${campaign},70`, `X-${campaign},some`])
    const done = await ended(await serverSdk(node).campaigns.importVouchersCSV(campaign, path))
    assert.equal([done.result.done_count, done.result.failed_count], [1, 1], JSON.stringify(done.result))
    const { body } = await get(`/v1/vouchers/W-${campaign}`)
    for (const [part, value] of Object.entries(shown)) assert.equal(body[part], value)
  }
})

test.run()
