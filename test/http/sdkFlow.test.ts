// The whole of the incentive flow by the official SDK as its users write it: every step is a method of the SDK.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'

const { VoucherifyServerSide } = createRequire(import.meta.url)('@voucherify/sdk') as typeof import('@voucherify/sdk')

type Sdk = ReturnType<typeof VoucherifyServerSide>
// biome-ignore lint/suspicious/noExplicitAny: the SDK's types lag behind its own API.
type Any = any

let node: TestNode
let sdk: Sdk
let folder: string
const test = suite('the incentive flow by the official SDK')

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-sdk-'))
  node = await testNode()
  const { appId, token } = node.key('admin')
  sdk = VoucherifyServerSide({ applicationId: appId, secretKey: token, apiUrl: node.url })
})
test.after(async () => {
  await rm(folder, { recursive: true, force: true })
  await node.end()
})

const finished = (id: string) =>
  until(
    () => sdk.asyncActions.get(id) as Promise<Any>,
    ({ status }) => status === 'DONE',
  )

test('customers: bulk, metadata, CSV, activity, deletion', async () => {
  await sdk.customers.create({ source_id: 'ann', name: 'Ann' })
  await finished(
    ((await sdk.customers.updateInBulk([{ source_id: 'ann', name: 'Anna' }] as Any)) as Any).async_action_id,
  )
  await finished(
    ((await sdk.customers.updateMetadataInBulk({ source_ids: ['ann'], metadata: { vip: true } } as Any)) as Any)
      .async_action_id,
  )
  const ann = await until(
    () => sdk.customers.get('ann') as Promise<Any>,
    ({ metadata }) => metadata.vip === true,
  )
  assert.is(ann.name, 'Anna')
  const file = join(folder, 'customers.csv')
  await writeFile(file, 'Source_id,Name\ncsv-1,Cees\n')
  await finished(((await sdk.customers.importCSV(file)) as Any).async_action_id)
  const cees = await until(
    () => sdk.customers.get('csv-1').catch(() => undefined) as Promise<Any>,
    (found) => found !== undefined,
  )
  assert.is(cees.name, 'Cees')
  assert.ok(((await sdk.customers.listActivity('ann')) as Any).data.length > 0)
  assert.is(((await sdk.customers.deletePermanently('csv-1')) as Any).status, 'DONE')
})

test('orders: made, changed, listed, imported', async () => {
  const order: Any = await sdk.orders.create({
    source_id: 'order-1',
    amount: 10_000,
    status: 'CREATED',
    customer: { source_id: 'ann' },
    items: [{ source_id: 'tea', related_object: 'product', quantity: 2, price: 5_000 }],
  } as Any)
  assert.is(((await sdk.orders.update({ id: order.id, status: 'PAID' } as Any)) as Any).status, 'PAID')
  assert.is(((await sdk.orders.get('order-1')) as Any).items[0].quantity, 2)
  await finished(
    ((await sdk.orders.import([{ source_id: 'order-2', amount: 500, customer: { source_id: 'ann' } }] as Any)) as Any)
      .async_action_id,
  )
  const listed = await until(
    () => sdk.orders.list({ limit: 10 }) as Promise<Any>,
    ({ total }) => total === 2,
  )
  assert.is(listed.orders.length, 2)
})

test('categories, campaigns, codes: generated, imported, published, found by qualifications', async () => {
  const category: Any = await sdk.categories.create({ name: 'Autumn', hierarchy: 1 })
  const campaign: Any = await sdk.campaigns.create({
    name: 'Autumn sale',
    campaign_type: 'DISCOUNT_COUPONS',
    type: 'AUTO_UPDATE',
    category_id: category.id,
    vouchers_count: 2,
    voucher: {
      type: 'DISCOUNT_VOUCHER',
      discount: { type: 'PERCENT', percent_off: 10 },
      redemption: { quantity: 1 },
      code_config: { length: 8 },
    },
  } as Any)
  assert.is(campaign.categories[0].name, 'Autumn')
  await finished(
    ((await sdk.campaigns.importVouchers(campaign.id, [{ code: 'AUTUMN-1' }] as Any)) as Any).async_action_id,
  )
  const file = join(folder, 'codes.csv')
  await writeFile(file, 'Code\nAUTUMN-2\n')
  await finished(((await sdk.campaigns.importVouchersCSV(campaign.id, file)) as Any).async_action_id)
  const publication: Any = await sdk.distributions.publications.create({
    voucher: 'AUTUMN-1',
    customer: { source_id: 'ann' },
  } as Any)
  assert.is(publication.voucher.code, 'AUTUMN-1')
  const body = { customer: { source_id: 'ann' }, order: { amount: 1_000 } } as Any
  const found: Any = await until(
    () => sdk.qualifications.checkEligibility({ ...body, scenario: 'CUSTOMER_WALLET' }) as Promise<Any>,
    ({ redeemables }) => redeemables.data.length > 0,
  )
  assert.equal([found.redeemables.data[0].id, found.redeemables.data[0].order.total_amount], ['AUTUMN-1', 900])
  const older: Any = await sdk.vouchers.qualifications.examine(body, { limit: 50 } as Any)
  assert.ok(older.data.some(({ code }: Any) => code === 'AUTUMN-1'))
  const redeemable: Any = await until(
    () => sdk.customers.listRedeemables('ann') as Promise<Any>,
    ({ data }) => data.length > 0,
  )
  assert.is(redeemable.data[0].redeemable.voucher.code, 'AUTUMN-1')
})

test('promotions: tiers and stacks are validated, redeemed with a code, and rolled back', async () => {
  const promotion: Any = await sdk.promotions.create({
    name: 'Spring',
    campaign_type: 'PROMOTION',
    promotion: { tiers: [{ name: 'Five', action: { discount: { type: 'AMOUNT', amount_off: 500 } } }] },
  } as Any)
  const [tier] = promotion.promotion.tiers
  const stack: Any = await sdk.promotions.stack.createInCampaign(promotion.id, {
    name: 'One',
    tiers: { ids: [tier.id] },
  } as Any)
  const redeemables = [
    { object: 'promotion_stack', id: stack.id },
    { object: 'voucher', id: 'AUTUMN-1' },
  ] as Any
  const asked = { redeemables, customer: { source_id: 'ann' }, order: { amount: 2_000 } }
  const seen: Any = await sdk.validations.validateStackable(asked as Any)
  assert.equal([seen.valid, seen.order.total_amount], [true, 1_350])
  const done: Any = await sdk.redemptions.redeemStackable(asked as Any)
  assert.equal([done.redemptions.length, done.order.total_amount], [2, 1_350])
  const back: Any = await until(
    () => sdk.redemptions.rollbackStackable(done.parent_redemption.id).catch(() => undefined) as Promise<Any>,
    (answer) => answer !== undefined,
  )
  assert.is(back.rollbacks.length, 2)
  const stacks: Any = await sdk.qualifications.checkEligibility({
    customer: asked.customer,
    order: asked.order,
    scenario: 'PROMOTION_STACKS',
  } as Any)
  assert.equal(
    stacks.redeemables.data.map(({ id }: Any) => id),
    [stack.id],
  )
  assert.is(((await sdk.promotions.tiers.listAll({ is_available: true } as Any)) as Any).tiers.length, 1)
})

test('loyalty: cards are made beforehand, earn on paid orders, pay, and are exported', async () => {
  const club: Any = await sdk.loyalties.create({
    name: 'Club',
    vouchers_count: 1,
    voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 100 }, code_config: { length: 8 } },
  } as Any)
  await sdk.loyalties.createEarningRule(club.id, [
    {
      event: 'order.paid',
      loyalty: {
        type: 'PROPORTIONAL',
        calculation_type: 'ORDER_AMOUNT',
        order: { amount: { every: 1_000, points: 1 } },
      },
    },
  ] as Any)
  const card: Any = await sdk.loyalties.createMember(club.id, { customer: { source_id: 'ann' } } as Any)
  await sdk.orders.create({
    source_id: 'order-3',
    amount: 5_000,
    status: 'PAID',
    customer: { source_id: 'ann' },
  } as Any)
  const { loyalty_card: earned } = await until(
    () => sdk.loyalties.getMember(club.id, card.code) as Promise<Any>,
    ({ loyalty_card }) => loyalty_card.balance === 105,
  )
  assert.is(earned.points, 105)
  const coins: Any = await sdk.rewards.create({
    name: 'Coins',
    type: 'COIN',
    parameters: { coin: { exchange_ratio: 10, points_ratio: 1 } },
  } as Any)
  await sdk.rewards.createAssignment(coins.id, { campaign: club.id } as Any)
  const paid: Any = await sdk.redemptions.redeemStackable({
    redeemables: [{ object: 'voucher', id: card.code, reward: { id: coins.id, points: 20 } }],
    customer: { source_id: 'ann' },
    order: { amount: 1_000 },
  } as Any)
  assert.is(paid.order.total_amount, 800)
  const transactions: Any = await until(
    () => sdk.loyalties.listCardTransactions(card.code, club.id) as Promise<Any>,
    ({ data }) => data.length >= 3,
  )
  assert.ok(transactions.data.some(({ type }: Any) => type === 'POINTS_REDEMPTION'))
  const exported: Any = await sdk.loyalties.exportCardTransactions(card.code, club.id)
  const file = await until(
    () => sdk.distributions.exports.get(exported.id) as Promise<Any>,
    ({ status }) => status === 'DONE',
  )
  assert.match(file.result.url, /^http/)
})

test('schemas of metadata are read, and kept to', async () => {
  await node.call(
    'POST',
    '/management/v1/projects/proj_main/metadata-schemas',
    { related_object: 'publication', properties: { shop: { type: 'string', optional: false } } },
    { as: 'admin' },
  )
  assert.ok(
    ((await sdk.metadataSchemas.list()) as Any).schemas.some((one: Any) => one.related_object === 'publication'),
  )
  const refused = await sdk.distributions.publications
    .create({ voucher: 'AUTUMN-2', customer: { source_id: 'ann' } } as Any)
    .catch((error: Any) => error)
  assert.is(refused.key, 'metadata_validation_failed')
})

test.run()
