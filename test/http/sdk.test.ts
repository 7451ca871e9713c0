// The official SDK as a client of the HTTP layer: its headers, its errors, its rate-limit reader, its odd paths.
import { createRequire } from 'node:module'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { route } from '../../src/http/route.ts'
import { type Running, serve } from '../../src/http/server.ts'
import { keys, toyApp, toyRoutes } from './toy.ts'

// The package is CommonJS whose named exports Node cannot see from an ES module.
const { VoucherifyServerSide, VoucherifyClientSide } = createRequire(import.meta.url)(
  '@voucherify/sdk',
) as typeof import('@voucherify/sdk')

const seen: unknown[] = []
let server: Running

const keyOf = (appId: string) => keys.find((key) => key.appId === appId)!

const sdkFor = (appId: string, token = keyOf(appId).token) =>
  VoucherifyServerSide({ applicationId: appId, secretKey: token, apiUrl: server.url })

/** `POST /v1/vouchers`, for which the SDK sends a trailing slash when there is no code. */
const vouchers = route({
  method: 'post',
  path: '/v1/vouchers',
  summary: 'Vouchers',
  tag: 'vouchers',
  permission: 'codes.write',
  body: v.looseObject({}),
  handler: ({ body }) => ({ body: { ...body, object: 'voucher' } }),
})

test.before(async () => {
  server = await serve(toyApp({}, [...toyRoutes(seen), vouchers]).app, { port: 0, host: '127.0.0.1' })
})
test.after(async () => {
  await server.close(0)
})

test('the server side tracks, and its channel is seen', async () => {
  const sdk = sdkFor('app-integrator')
  const answer = await sdk.events.create('review_left', {
    event: 'review_left',
    customer: { source_id: 'ada' },
    metadata: { stars: 5 },
  })
  assert.is(answer.type, 'review_left')
  const call = v.parse(v.object({ channel: v.string(), body: v.looseObject({}) }), seen.at(-1))
  assert.match(call.channel, /SDK-v2\.9/)
  assert.equal(call.body, { event: 'review_left', customer: { source_id: 'ada' }, metadata: { stars: 5 } })
})

test('the client side tracks from its origin', async () => {
  const { appId, token } = keyOf('app-client')
  const sdk = VoucherifyClientSide({
    clientApplicationId: appId,
    clientSecretKey: token,
    apiUrl: server.url,
    origin: 'https://shop.test',
    trackingId: 'anonymous-7',
  })
  const answer = await sdk.track('review_left', {})
  assert.is(answer.type, 'review_left')
  const call = v.parse(v.looseObject({ body: v.looseObject({ customer: v.unknown() }) }), seen.at(-1))
  assert.equal(call.body.customer, { source_id: 'anonymous-7' })
})

const told = v.object({
  code: v.number(),
  key: v.string(),
  details: v.string(),
  request_id: v.string(),
  resource_id: v.optional(v.string()),
})

/** The SDK's error, whose fields come from the error body. */
const failure = async (work: Promise<unknown>): Promise<v.InferOutput<typeof told>> => {
  try {
    await work
  } catch (error) {
    return v.parse(told, error)
  }
  throw new Error('the call did not fail')
}

test('errors reach the caller with code, key and details', async () => {
  const missing = await failure(sdkFor('app-integrator').customers.get('missing'))
  assert.is(missing.code, 404)
  assert.is(missing.key, 'not_found')
  assert.is(missing.resource_id, 'missing')
  const wrong = await failure(sdkFor('app-integrator', 'not the token').customers.get('ada'))
  assert.is(wrong.code, 401)
  const broken = await failure(
    sdkFor('app-integrator').events.create('', { event: '', customer: { source_id: 'ada' } }),
  )
  assert.is(broken.code, 400)
  assert.match(broken.details, /Property \.event must NOT have fewer than 1 characters/)
})

test('ids are encoded and decoded, a trailing slash is tolerated', async () => {
  const sdk = sdkFor('app-integrator')
  const customer = await sdk.customers.get('shop/ada @home')
  assert.is(v.parse(v.looseObject({ id: v.string() }), customer).id, 'shop/ada @home')
  const voucher = await sdk.vouchers.create({ type: 'GIFT_VOUCHER', gift: { amount: 100, balance: 100 } })
  assert.is(v.parse(v.looseObject({ object: v.string() }), voucher).object, 'voucher')
})

test('the rate-limit reader finds its headers', async () => {
  const sdk = sdkFor('app-integrator')
  await sdk.customers.get('ada')
  assert.ok(sdk.apiLimitsHandler.areLimitsAvailable())
  assert.ok(Number(sdk.apiLimitsHandler.getRateLimit()) > 1000)
  assert.ok(Number(sdk.apiLimitsHandler.getRateLimitRemaining()) > 1000)
})

test.run()
