// Metadata schemas over a whole node: what they refuse, wherever there is metadata, and what they let through.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { asking } from '../system/asking.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'

let node: TestNode
const test = suite('metadata schemas')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const { ask, ok } = asking(() => node)

const refused = async (method: string, path: string, body: unknown, details: RegExp): Promise<void> => {
  const { status, body: answer } = await ask(method, path, body)
  assert.equal([status, answer.key], [400, 'metadata_validation_failed'], `${path}: ${JSON.stringify(answer)}`)
  assert.match(answer.details, details)
}

const property = (type: string, more: object = {}) => ({ type, optional: true, array: false, ...more })

test('the schema of customers holds for whatever saves one, and asks for what must be there of new ones only', async () => {
  await ok('POST', '/v1/customers', { source_id: 'before' })
  await ok('POST', '/v1/metadata-schemas', {
    related_object: 'customer',
    properties: {
      tier: property('string', { optional: false, eq: ['gold', 'silver'] }),
      age: property('number', { gte: 18, lt: 130 }),
      tags: property('string', { array: true, max_length: 5 }),
      size: property('object', { object_type: 'size' }),
    },
  })
  await ok('POST', '/v1/metadata-schemas', {
    related_object: 'size',
    allow_defined_only: true,
    properties: { width: property('number', { optional: false }) },
  })
  const gold = (metadata: object) => ({ source_id: 'ann', metadata: { tier: 'gold', ...metadata } })
  await refused('POST', '/v1/customers', { source_id: 'ann' }, /^tier: property is required$/)
  await refused('POST', '/v1/customers', gold({ tier: 'lead' }), /tier: must be equal to one of gold,silver .*'lead'/)
  await refused('POST', '/v1/customers', gold({ age: '20' }), /age: must be a number \(actual value is '20'\)/)
  await refused('POST', '/v1/customers', gold({ age: 17 }), /age: must be greater than or equal to 18/)
  await refused('POST', '/v1/customers', gold({ tags: 'a' }), /tags: must be an array/)
  await refused('POST', '/v1/customers', gold({ tags: ['a', 'longer'] }), /tags: must be at most 5 characters/)
  await refused('POST', '/v1/customers', gold({ size: {} }), /size\.width: property is required/)
  await refused('POST', '/v1/customers', gold({ size: { width: 1, depth: 2 } }), /size\.depth: property is not defined/)
  await ok('POST', '/v1/customers', gold({ age: 20, tags: ['a'], size: { width: 1 }, other: true }))
  await ok('PUT', '/v1/customers/before', { name: 'Before', metadata: { age: 40 } })
  await refused('PUT', '/v1/customers/before', { metadata: { age: 'old' } }, /age/)
  const event = { event: 'bought', customer: { source_id: 'ann', metadata: { age: 'old' } } }
  await ok('POST', '/v1/event-schemas', { name: 'bought', schema: { properties: {} } })
  await refused('POST', '/v1/events', event, /age: must be a number/)
})

test('and so do those of orders, vouchers, campaigns, publications, redemptions and definitions', async () => {
  const objects = ['order', 'order_item', 'voucher', 'campaign', 'publication', 'redemption', 'reward']
  for (const related_object of objects)
    await ok('POST', '/v1/metadata-schemas', { related_object, properties: { shop: property('number') } })
  const metadata = { shop: 'north' }
  const shop = /^shop: must be a number \(actual value is 'north'\)$/
  const coupon = { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } }
  const customer = { source_id: 'ann' }
  await refused('POST', '/v1/orders', { amount: 100, customer, metadata }, shop)
  await refused('POST', '/v1/orders', { customer, items: [{ amount: 1, quantity: 1, metadata }] }, shop)
  await refused('POST', '/v1/vouchers/META', { ...coupon, metadata }, shop)
  await ok('POST', '/v1/vouchers/META', { ...coupon, metadata: { shop: 1 } })
  await refused('PUT', '/v1/vouchers/META', { metadata }, shop)
  await refused('POST', '/v1/vouchers/import', [{ code: 'META-2', ...coupon, metadata }], shop)
  const campaign = { name: 'c', campaign_type: 'DISCOUNT_COUPONS', voucher: coupon, use_voucher_metadata_schema: true }
  await refused('POST', '/v1/campaigns', { ...campaign, metadata }, shop)
  await ok('POST', '/v1/campaigns', campaign)
  await refused('POST', '/v1/campaigns/c/vouchers/META-3', { metadata }, shop)
  await refused('POST', '/v1/publications', { campaign: 'c', customer, metadata }, shop)
  const redeemables = [{ object: 'voucher', id: 'META' }]
  await refused('POST', '/v1/redemptions', { redeemables, customer, metadata }, shop)
  await refused(
    'POST',
    '/v1/rewards',
    { name: 'r', type: 'COIN', parameters: { coin: { exchange_ratio: 1 } }, metadata },
    shop,
  )
  await ok('POST', '/v1/redemptions', { redeemables, customer, metadata: { shop: 1 } })
})

test('the official client lists and reads them; the management API changes and deletes them', async () => {
  const sdk = serverSdk(node)
  const { schemas, total } = await sdk.metadataSchemas.list()
  assert.equal([schemas.length, schemas[0]!.related_object], [total, 'customer'])
  const one = await sdk.metadataSchemas.get('customer')
  assert.equal(one.properties.tags, {
    type: 'string',
    optional: true,
    array: true,
    deleted: false,
    objectType: null,
    maxLength: 5,
  } as never)
  const path = `/management/v1/projects/proj_main/metadata-schemas/${one.id}`
  const changed = await ok('PUT', path, { properties: { tags: property('string', { array: true, deleted: true }) } })
  assert.equal([changed.properties.tags.deleted, changed.properties.age.gte], [true, 18])
  await ok('POST', '/v1/customers', { source_id: 'ann', metadata: { tags: 'a' } })
  assert.is((await ask('POST', '/v1/metadata-schemas', { related_object: 'customer', properties: {} })).status, 409)
  await ok('DELETE', path)
  await ok('POST', '/v1/customers', { source_id: 'ann', metadata: { age: 'old' } })
  assert.is((await ask('GET', '/v1/metadata-schemas/customer')).status, 404)
})

test.run()
