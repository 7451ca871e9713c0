// Signatures of webhooks as the product makes them, checked as a receiver does.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  verifyVoucherifySignature,
  verifyWebhook,
  WebhookError,
  type WebhookRequest,
} from '../../src/client/webhooks.ts'
import { derivedSecret, signatureHeaders } from '../../src/delivery/sign.ts'

const secret = derivedSecret('a key')
const other = derivedSecret('another')
const now = Date.UTC(2026, 0, 1)
const body = '{"type":"customer.created","data":{"name":"Zoë"}}'
const request: WebhookRequest = { body, headers: signatureHeaders('msg_1', body, secret, now), secret }

const refused = async (call: Promise<unknown>, words: RegExp): Promise<void> => {
  const error = await call.then(
    () => undefined,
    (reason) => reason,
  )
  assert.instance(error, WebhookError)
  assert.match(error.message, words)
}

test('what the product signs is taken, as text or bytes, by any kind of headers, with either secret', async () => {
  const bytes = new TextEncoder().encode(body)
  for (const one of [
    request,
    { ...request, body: bytes },
    { ...request, headers: new Headers(request.headers as Record<string, string>) },
    { ...request, secret: [other, secret] },
  ])
    assert.equal(await verifyWebhook(one, { now }), JSON.parse(body))
  assert.equal(await verifyVoucherifySignature(request), JSON.parse(body))
})

test('what was changed, is signed by somebody else, or is old, is refused', async () => {
  const changed = body.replace('Zoë', 'Eve')
  await refused(verifyWebhook({ ...request, body: changed }, { now }), /not that of this body/)
  await refused(verifyWebhook({ ...request, secret: other }, { now }), /not that of this body/)
  await refused(verifyWebhook(request, { now: now + 301_000 }), /too far/)
  await refused(verifyWebhook(request, { now: now - 301_000 }), /too far/)
  await refused(verifyWebhook({ ...request, headers: {} }, { now }), /not all there/)
  await refused(verifyWebhook({ ...request, secret: '' }, { now }), /no secret/)
  await refused(verifyWebhook({ ...request, secret: 'abc' }, { now }), /begins with whsec_/)
  const headers = request.headers as Record<string, string>
  await refused(verifyWebhook({ ...request, headers: { ...headers, 'webhook-id': 'msg_2' } }, { now }), /not that/)
  await refused(
    verifyWebhook({ ...request, headers: { ...headers, 'webhook-signature': 'v2,AAAA' } }, { now }),
    /not that/,
  )
  await refused(verifyVoucherifySignature({ ...request, body: changed }), /not that/)
  await refused(verifyVoucherifySignature({ ...request, headers: {} }), /not there/)
})

test.run()
