// Keys and roles managed while nodes run: what is decided, what a whole node lets them do, and that other nodes follow.
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type AccessCommand, decideAccess, foldAccess, MAX_KEYS, NO_ACCESS } from '../../src/domain/access/access.ts'
import { networkAllowed } from '../../src/http/clients.ts'
import { createSessions } from '../../src/http/sessions.ts'
import { createLogger } from '../../src/log.ts'
import { customerSecret, joinKeys, startAccess, tokenDigest } from '../../src/runtime/access.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'
import { commandLine } from './commandLine.ts'

let node: TestNode
const test = suite('access')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const digest = tokenDigest('t')
const create = (id: string, role = 'reader', more = {}): AccessCommand => ({
  type: 'CreateKey',
  key: { id, name: id, role, digest, ...more },
})
/** The state after commands that are all carried out. */
const after = (...commands: readonly AccessCommand[]) =>
  commands.reduce((state, command) => {
    const decided = decideAccess(state, command, 1_000)
    if ('refused' in decided) throw new Error(decided.refused.details)
    return decided.reduce(foldAccess, state)
  }, NO_ACCESS)
const refusalOf = (state: typeof NO_ACCESS, command: AccessCommand): string | undefined => {
  const decided = decideAccess(state, command, 1_000)
  return 'refused' in decided ? decided.refused.key : undefined
}

test('what may be done to keys and roles', () => {
  const support = { type: 'CreateRole', role: { name: 'support', permissions: ['codes.read'] } } as const
  const state = after(support, create('a', 'support'), create('b'))
  assert.equal(decideAccess(state, support, 2_000), [])
  for (const [command, key] of [
    [create('a'), 'duplicate_found'],
    [create('c', 'nobody'), 'invalid_payload'],
    [create('c', 'reader', { expiresAt: 999 }), 'invalid_payload'],
    [{ type: 'RevokeKey', id: 'c' }, 'not_found'],
    [{ type: 'RotateKey', id: 'c', digest, overlapMs: 0 }, 'not_found'],
    [{ ...support, role: { name: 'support', permissions: ['jobs.read'] } }, 'duplicate_found'],
    [{ type: 'ChangeRole', role: { name: 'else', permissions: ['jobs.read'] } }, 'not_found'],
    [{ type: 'ChangeRole', role: { name: 'admin', permissions: ['jobs.read'] } }, 'resource_protected'],
    [{ type: 'CreateRole', role: { name: 'system', permissions: ['jobs.read'] } }, 'resource_protected'],
    [{ type: 'DeleteRole', name: 'support' }, 'resource_in_use'],
    [{ type: 'DeleteRole', name: 'reader' }, 'resource_protected'],
  ] as const)
    assert.is(refusalOf(state, command), key, JSON.stringify(command))
  const full = after(...Array.from({ length: MAX_KEYS }, (_, n) => create(`k${n}`)))
  assert.is(refusalOf(full, create('one more')), 'resource_protected')
  assert.is(
    after(support, create('a', 'support'), { type: 'RevokeKey', id: 'a' }, { type: 'DeleteRole', name: 'support' })
      .roles.size,
    0,
  )
})

test('networks of a key', () => {
  const key = { name: 'k', role: 'reader', appId: 'k', networks: ['10.1.0.0/16', '2001:db8::/32'] }
  assert.equal(
    ['10.1.2.3', '::ffff:10.1.2.3', '10.2.0.1', '2001:db8::1', '2001:db9::1', undefined].map((address) =>
      networkAllowed(key, address),
    ),
    [true, true, false, true, false, false],
  )
})

const admin = { as: 'admin' } as const
/** Asks with a managed key. */
const asKey = (appId: string, token: string, path: string, method = 'GET') =>
  fetch(node.url + path, { method, headers: { 'X-App-Id': appId, 'X-App-Token': token } })
const statusOf = async (...asked: Parameters<typeof asKey>): Promise<number> => {
  const answer = await asKey(...asked)
  await answer.body?.cancel()
  return answer.status
}

test('a key works, is rotated with an overlap, is followed by other nodes, and ends when it is revoked', async () => {
  const { services } = node
  const other = await startAccess({
    store: services.store,
    readModel: services.readModel,
    projectKey: () => services.rulebook.current().project.customerKey,
    log: createLogger('error'),
    now: Date.now,
    sleep: (ms) => sleep(ms),
  })
  const made = await node.call('POST', '/v1/access/keys', { name: 'shop', role: 'reader' }, admin)
  assert.is(made.status, 201, JSON.stringify(made.body))
  assert.is(made.headers.get('cache-control'), 'no-store')
  const { id, token } = made.body
  assert.is(await statusOf(id, token, '/v1/customers'), 200)
  assert.is(await statusOf(id, 'another token', '/v1/customers'), 401)
  assert.is(await statusOf(id, token, '/v1/projections'), 403)
  await until(() => other.ring.recognise(id, token)?.name === 'shop')
  const listed = await node.call('GET', '/v1/access/keys', undefined, admin)
  const [shown] = listed.body.data.filter((key: { id: string }) => key.id === id)
  assert.ok(Date.parse(shown.last_used_at) > 0)
  assert.not.match(JSON.stringify(listed.body), new RegExp(`${token}|${tokenDigest(token)}`))

  const rotated = await node.call('POST', `/v1/access/keys/${id}/rotate`, { overlap_seconds: 600 }, admin)
  assert.is(rotated.status, 200)
  assert.equal(
    await Promise.all([token, rotated.body.token].map((one) => statusOf(id, one, '/v1/customers'))),
    [200, 200],
  )
  const again = await node.call('POST', `/v1/access/keys/${id}/rotate`, { overlap_seconds: 0 }, admin)
  assert.equal(
    await Promise.all([token, rotated.body.token, again.body.token].map((one) => statusOf(id, one, '/v1/customers'))),
    [401, 401, 200],
  )

  // A session that was begun with the key ends with it.
  const ring = joinKeys(
    { keys: [], recognise: () => undefined, customerSecretOf: () => undefined },
    () => services.access.ring,
  )
  const sessions = createSessions({ readModel: services.readModel, keys: ring, now: Date.now })
  const begun = await sessions.begin({ name: 'shop', role: 'reader', appId: id })
  assert.is((await sessions.of(begun.token))?.key.role, 'reader')
  assert.is((await node.call('DELETE', `/v1/access/keys/${id}`, undefined, admin)).status, 204)
  assert.is(await statusOf(id, again.body.token, '/v1/customers'), 401)
  assert.is(await sessions.of(begun.token), undefined)
  await until(() => other.ring.recognise(id, again.body.token) === undefined)
  await other.stop()
})

test('what tells a secret does so once under an Idempotency-Key, and a repeat does nothing', async () => {
  const key = (await node.call('POST', '/v1/access/keys', { name: 'kept', role: 'reader' }, admin)).body
  const user = (await node.call('POST', '/v1/access/users', { email: 'kept@shop.test', role: 'reader' }, admin)).body
  const revisionOf = async () => {
    let last = -1n
    for await (const { revision } of node.services.store.readStream('access-main')) last = revision
    return last
  }
  const asked: [path: string, body?: object, other?: object][] = [
    ['/v1/access/keys', { name: 'once', role: 'reader' }, { name: 'other', role: 'reader' }],
    [`/v1/access/keys/${key.id}/rotate`, {}, { overlap_seconds: 1 }],
    ['/v1/access/users', { email: 'once@shop.test', role: 'reader' }, { email: 'other@shop.test', role: 'reader' }],
    [`/v1/access/users/${user.id}/link`],
  ]
  for (const [n, [path, body, other]] of asked.entries()) {
    const ask = async (said: object | undefined) =>
      (await node.call('POST', path, said, { ...admin, headers: { 'Idempotency-Key': `once-${n}` } })).status
    const first = await ask(body)
    assert.ok(first < 300, `${path} ${first}`)
    const revision = await revisionOf()
    assert.is(await ask(body), 409, path)
    assert.is(await ask(other), other === undefined ? 409 : 422, path)
    assert.is(await revisionOf(), revision, path)
  }
  // The token from before the rotation is good for as long as was said, however often the rotation was asked for.
  assert.is(await statusOf(key.id, key.token, '/v1/customers'), 200)
})

test('a role of one’s own: its keys hold it at once, and nobody gives away more than one holds', async () => {
  const role = { name: 'desk', description: 'Help desk', permissions: ['customers.read', 'access.manage'] }
  assert.is((await node.call('POST', '/v1/access/roles', role, admin)).status, 201)
  const { id, token } = (await node.call('POST', '/v1/access/keys', { name: 'desk', role: 'desk' }, admin)).body
  assert.is(await statusOf(id, token, '/v1/customers'), 200)
  assert.is(await statusOf(id, token, '/v1/vouchers'), 403)
  assert.is(await statusOf(id, token, '/management/v1/projects/proj_main/webhooks'), 401)
  const headers = { 'X-App-Id': id, 'X-App-Token': token }
  const asDesk = (method: string, path: string, body: unknown) => node.call(method, path, body, { headers })
  const reader = await node.call('POST', '/v1/access/keys', { name: 'r', role: 'admin' }, admin)
  const boss = await node.call('POST', '/v1/access/users', { email: 'boss@shop.test', role: 'admin' }, admin)
  for (const [method, path, body] of [
    ['POST', '/v1/access/keys', { name: 'up', role: 'admin' }],
    ['POST', `/v1/access/keys/${reader.body.id}/rotate`, {}],
    ['DELETE', `/v1/access/keys/${reader.body.id}`, undefined],
    ['POST', `/v1/access/users/${boss.body.id}/sign-out`, undefined],
    ['POST', `/v1/access/users/${boss.body.id}/link`, undefined],
    ['DELETE', `/v1/access/users/${boss.body.id}`, undefined],
    ['POST', '/v1/access/roles', { name: 'up', permissions: ['points.adjust'] }],
    ['PUT', '/v1/access/roles/desk', { permissions: ['access.manage', 'points.adjust'] }],
  ] as const)
    assert.is((await asDesk(method, path, body)).status, 403, path)
  const changed = await node.call('PUT', '/v1/access/roles/desk', { permissions: ['codes.read'] }, admin)
  assert.is(changed.status, 200, JSON.stringify(changed.body))
  assert.is(await statusOf(id, token, '/v1/vouchers'), 200)
  assert.is(await statusOf(id, token, '/v1/customers'), 403)
  assert.is((await node.call('DELETE', '/v1/access/roles/desk', undefined, admin)).status, 400)
  assert.is((await node.call('GET', '/v1/access/roles', undefined, admin)).body.data.at(-1).name, 'desk')
})

test('keys bound to networks, origins and times', async () => {
  const far = { name: 'far', role: 'reader', networks: ['203.0.113.0/24'] }
  const { id, token } = (await node.call('POST', '/v1/access/keys', far, admin)).body
  assert.is(await statusOf(id, token, '/v1/customers'), 403)
  const near = await node.call('POST', '/v1/access/keys', { ...far, networks: ['127.0.0.0/8', '::1/128'] }, admin)
  assert.is(await statusOf(near.body.id, near.body.token, '/v1/customers'), 200)
  for (const body of [
    { name: 'x', role: 'client' },
    { name: 'x', role: 'reader', origins: ['https://shop.test'] },
    { name: 'x', role: 'reader', networks: ['10.0.0.0'] },
    { name: 'x', role: 'reader', expires_at: '2001-01-01T00:00:00Z' },
    { name: 'x', role: 'nobody' },
  ])
    assert.is((await node.call('POST', '/v1/access/keys', body, admin)).status, 400, JSON.stringify(body))
  for (const [path, body] of [
    ['/v1/access/keys', { name: 'x', role: 'nobody' }],
    ['/v1/access/users', { email: 'x@shop.test', role: 'nobody' }],
  ] as const)
    assert.match(
      (await node.call('POST', path, body, admin)).body.details,
      /^role: there is no role nobody \(admin, .*\/v1\/access\/roles/,
    )
  const pages = { name: 'pages', role: 'client', origins: ['https://shop.test'], allow: ['validate'] }
  const client = (await node.call('POST', '/v1/access/keys', pages, admin)).body
  assert.is(client.customer_secret, customerSecret(node.services.rulebook.current().project.customerKey, client.id))
  const ask = (origin: string) =>
    node.call('GET', '/client/v1/validate?code=NONE', undefined, {
      headers: { 'X-Client-Application-Id': client.id, 'X-Client-Token': client.token, Origin: origin },
    })
  assert.is((await ask('https://shop.test')).status, 200)
  assert.is((await ask('https://else.test')).status, 403)
})

test('who did it is listed with its actor, by filters, for those who audit', async () => {
  const schema = await node.call('POST', '/v1/event-schemas', { name: 'logged', schema: { properties: {} } }, admin)
  const made = await node.call('POST', '/v1/access/keys', { name: 'logged', role: 'reader' }, admin)
  const customer = await node.call('POST', '/v1/customers', { source_id: 'logged' })
  const gone = await node.call('DELETE', `/v1/customers/${customer.body.id}`)
  const auditor = { as: 'auditor', after: gone } as const
  const log = async (query: string) => (await node.call('GET', `/v1/access/log?${query}`, undefined, auditor)).body.data
  const { name } = node.key('admin')
  const [entry, ...others] = await log(`resource_type=access_key&resource_id=${made.body.id}`)
  assert.equal([entry.actor, entry.action, others], [{ name, role: 'admin', user_id: null }, 'created', []])
  assert.is(entry.request_id, made.headers.get('x-request-id'))
  const [defined] = await log(`resource_id=${schema.body.id}&action=created&actor=${encodeURIComponent(name)}`)
  assert.equal(defined.resource, { type: 'event_schema', id: schema.body.id })
  const [deleted] = await log('resource_type=customer&role=integrator')
  assert.equal([deleted.action, deleted.resource.id], ['deleted', customer.body.id])
  assert.equal(await log('actor=nobody'), [])
  assert.equal(await log('end_date=2001-01-01'), [])
  assert.is((await node.call('GET', '/v1/access/log', undefined, { as: 'reader' })).status, 403)
})

test('tributary keys: add, list, rotate, revoke', async () => {
  const run = (...args: readonly string[]) => commandLine(node, ['keys', ...args])
  const added = await run('add', 'till', '--role', 'integrator')
  const [, id = ''] = /id: +(\S+)/.exec(added) ?? []
  assert.match(await run('list'), new RegExp(`${id} +integrator +never used +till`))
  const [, next = ''] = /token: (\S+)/.exec(await run('rotate', id, '--overlap', '0')) ?? []
  assert.is(await statusOf(id, next, '/v1/customers'), 200)
  assert.is(await run('revoke', id), `${id} is revoked\n`)
  assert.is(await statusOf(id, next, '/v1/customers'), 401)
})

test.run()
