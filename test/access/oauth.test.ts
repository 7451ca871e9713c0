// OAuth tokens of keys over HTTP: given to a key, used on its paths within their scope, looked at, revoked, and ended with the key.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAX_TOKENS, reaches, scopesIn } from '../../src/http/tokens.ts'
import { type TestNode, testNode } from '../system/node.ts'

let node: TestNode
const test = suite('oauth')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const ask = async (path: string, form: Record<string, string>, headers: Record<string, string>) => {
  const response = await fetch(node.url + path, { method: 'POST', headers, body: new URLSearchParams(form) })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}
const token = (scope: string, headers = node.headers('integrator')) =>
  ask('/v1/oauth/token', { grant_type: 'client_credentials', scope }, headers)
const get = async (path: string, headers: Record<string, string>): Promise<number> => {
  const answer = await fetch(node.url + path, { headers })
  await answer.body?.cancel()
  return answer.status
}
const bearer = (text: string) => ({ Authorization: `Bearer ${text}` })

test('scopes', () => {
  assert.equal(scopesIn('events  customers,events'), { scopes: ['events', 'customers'] })
  assert.equal(scopesIn('api everything'), { unknown: 'everything' })
  assert.equal(
    ['api', 'events', 'validation_rules customers', 'customers'].map((scope) =>
      reaches(scope, '/v1/validation-rules/{id}'),
    ),
    [true, false, true, false],
  )
})

test('a key gets a token, which is used within its scope and its role', async () => {
  const { status, body, headers } = await token('customers events')
  assert.is(status, 200, JSON.stringify(body))
  assert.is(headers.get('cache-control'), 'no-store')
  assert.equal(
    [body.token_type, body.client_id, body.scope, body.expires_in],
    ['Bearer', node.key('integrator').appId, 'customers events', 900],
  )
  assert.ok(Math.abs(body.expires_at - Date.now() / 1_000 - 900) < 60)
  const { access_token: text } = body
  assert.is(await get('/v1/customers', bearer(text)), 200)
  assert.is(await get('/v1/customers', { 'X-Voucherify-OAuth': `Bearer ${text}` }), 200)
  assert.is(await get('/v1/vouchers', bearer(text)), 403)
  assert.is(await get('/v1/customers', bearer(`${text}x`)), 401)
  assert.is(await get('/management/v1/projects/proj_main/webhooks', bearer(text)), 401)
  const all = (await token('api', node.headers('reader'))).body.access_token
  assert.is(await get('/v1/vouchers', bearer(all)), 200)
  assert.is(await get('/v1/access/keys', bearer(all)), 403, 'no more than the key')
  assert.is((await token('api', bearer(all))).status, 403, 'a token gets no token')
})

test('what is asked for wrongly is refused by name', async () => {
  const integrator = node.headers('integrator')
  const wrong = async (form: Record<string, string>, headers = integrator) => {
    const { status, body } = await ask('/v1/oauth/token', form, headers)
    return [status, body.key]
  }
  assert.equal(await wrong({ grant_type: 'password', scope: 'api' }), [400, 'invalid_grant_type'])
  assert.equal(await wrong({ grant_type: 'client_credentials', scope: 'all' }), [400, 'invalid_scope'])
  assert.equal(await wrong({ grant_type: 'client_credentials', scope: ' ' }), [400, 'invalid_scope'])
  assert.equal(await wrong({ grant_type: 'client_credentials', scope: 'api', more: '1' }), [400, 'invalid_payload'])
  assert.equal(await wrong({ grant_type: 'client_credentials', scope: 'api' }, {}), [401, 'unauthorized'])
  assert.match((await token('api', {})).body.details, /X-App-Id and X-App-Token, or the pair as Authorization: Basic$/)
  const json = await node.call('POST', '/v1/oauth/token', { grant_type: 'client_credentials', scope: 'api' })
  assert.is(json.status, 415)
})

test('Basic takes the place of the headers where tokens are given, and nowhere else', async () => {
  const { appId, token: secret } = node.key('integrator')
  const basic = { Authorization: `Basic ${btoa(`${appId}:${secret}`)}` }
  assert.is((await token('api', basic)).status, 200)
  assert.is((await token('api', { Authorization: `Basic ${btoa(`${appId}:wrong`)}` })).status, 401)
  assert.is(await get('/v1/customers', basic), 401)
})

test('a token is looked at and revoked by its own key, and ends with the key', async () => {
  const text = (await token('api')).body.access_token
  const state = async (headers: Record<string, string>) =>
    (await ask('/v1/oauth/introspect', { access_token: text }, headers)).body
  const integrator = node.headers('integrator')
  assert.is((await state(integrator)).active, true)
  assert.equal(await state(node.headers('reader')), { active: false })
  const revoke = (headers: Record<string, string>) =>
    ask('/v1/oauth/token/revoke', { access_token: text }, headers).then(({ status }) => status)
  assert.is(await revoke(node.headers('reader')), 204)
  assert.is(await get('/v1/customers', bearer(text)), 200, 'it is not the reader’s')
  assert.is(await revoke(integrator), 204)
  assert.is(await get('/v1/customers', bearer(text)), 401)
  assert.equal(await state(integrator), { active: false })

  const made = (await node.call('POST', '/v1/access/keys', { name: 'k', role: 'reader' }, { as: 'admin' })).body
  const own = (await token('api', { 'X-App-Id': made.id, 'X-App-Token': made.token })).body.access_token
  assert.is(await get('/v1/customers', bearer(own)), 200)
  await node.call('DELETE', `/v1/access/keys/${made.id}`, undefined, { as: 'admin' })
  assert.is(await get('/v1/customers', bearer(own)), 401)
})

test('a key with all the tokens that it may have takes none from the others', async () => {
  const { appId } = node.key('reader')
  for (let n = 0; n < MAX_TOKENS; n++) await node.services.tokens.make(appId, 'api', Date.now())
  const full = await token('api', node.headers('reader'))
  assert.equal([full.status, full.body.key], [429, 'too_many_requests'])
  assert.is((await token('api')).status, 200)
})

test.run()
