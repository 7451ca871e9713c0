// People who sign in to the console: what is decided, and what a whole node answers to them and to those who only try.

import { SMTPServer } from 'smtp-server'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decideAccess, foldAccess, NO_ACCESS } from '../../src/domain/access/access.ts'
import { createSessions } from '../../src/http/sessions.ts'
import { createSignInAttempts, FREE_ATTEMPTS, lockAfter } from '../../src/signIn/attempts.ts'
import { createPasswords, passwordFault } from '../../src/signIn/passwords.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'
import { commandLine } from './commandLine.ts'

const mails: string[] = []
const smtp = new SMTPServer({
  disabledCommands: ['AUTH', 'STARTTLS'],
  onData(stream, _, done) {
    let text = ''
    stream.on('data', (chunk) => {
      text += chunk
    })
    stream.on('end', () => {
      mails.push(text.replaceAll('=\r\n', '').replaceAll('=3D', '='))
      done()
    })
  },
})

let node: TestNode
const test = suite('users')
test.before(async () => {
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve))
  const { port } = smtp.server.address() as { readonly port: number }
  node = await testNode({ SMTP_URL: `smtp://127.0.0.1:${port}`, PUBLIC_URL: 'http://console.test/', TRUST_PROXY: '1' })
})
test.after(async () => {
  await node.end()
  await new Promise<void>((resolve) => smtp.close(resolve))
})

const PASSWORD = 'correct horse battery'
const admin = { as: 'admin' } as const
const json = { 'Content-Type': 'application/json' }
const tokenIn = (text: string | undefined): string => /set-password#([\w-]+)/.exec(text ?? '')?.[1] ?? ''

/** Addresses are bounded: each request comes from another, unless it says which. */
let addresses = 0
const post = async (path: string, body: unknown, more: Record<string, string> = {}) => {
  addresses++
  const headers = { 'X-Forwarded-For': `10.0.${addresses >> 8}.${addresses & 255}`, ...more }
  const response = await fetch(node.url + path, {
    method: 'POST',
    headers: { ...json, ...headers },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  return {
    status: response.status,
    cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '',
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  }
}
const signIn = (email: string, password: string) => post('/console/session', { email, password })
const as = ({ cookie, body }: Awaited<ReturnType<typeof post>>) => ({ Cookie: cookie, 'X-CSRF-Token': body.csrf_token })
const get = async (path: string, headers: Record<string, string>): Promise<number> => {
  const answer = await fetch(node.url + path, { headers })
  await answer.body?.cancel()
  return answer.status
}

/** Invites somebody and sets the password by the mailed link. */
const enrolled = async (email: string, role = 'admin') => {
  const before = mails.length
  const made = await node.call('POST', '/v1/access/users', { email, role }, admin)
  assert.is(made.status, 201, JSON.stringify(made.body))
  assert.is(made.body.link, null)
  const mail = await until(() => mails[before])
  const entered = await post('/console/password', { link: tokenIn(mail), password: PASSWORD })
  assert.is(entered.status, 200, JSON.stringify(entered.body))
  return { id: made.body.id as string, entered, link: tokenIn(mail) }
}

test('what may be done to users', () => {
  const user = { id: 'usr_1', email: 'ann@shop.test', role: 'reader' }
  const link = { digest: 'a'.repeat(64), until: 5_000 }
  const run = (state: typeof NO_ACCESS, command: Parameters<typeof decideAccess>[1], now = 1_000) => {
    const decided = decideAccess(state, command, now)
    return 'refused' in decided ? decided.refused.key : decided.reduce(foldAccess, state)
  }
  const invited = run(NO_ACCESS, { type: 'InviteUser', user, link }) as typeof NO_ACCESS
  assert.is(run(invited, { type: 'InviteUser', user: { ...user, id: 'usr_2' }, link }), 'duplicate_found')
  assert.is(run(NO_ACCESS, { type: 'InviteUser', user: { ...user, role: 'client' }, link }), 'invalid_payload')
  assert.is(run(NO_ACCESS, { type: 'InviteUser', user: { ...user, role: 'none' }, link }), 'invalid_payload')
  const set = { type: 'SetPassword', id: 'usr_1', password: 'kept', proof: { link: link.digest } } as const
  assert.is(run(invited, set, 5_000), 'invalid_payload', 'too old')
  const active = run(invited, set) as typeof NO_ACCESS
  assert.is(run(active, set), 'invalid_payload', 'used')
  assert.is(run(active, { ...set, proof: { before: 'else' } }), 'invalid_payload')
  const disabled = run(active, { type: 'ChangeUser', id: 'usr_1', isDisabled: true }) as typeof NO_ACCESS
  assert.is(run(disabled, { type: 'MakeUserLink', id: 'usr_1', link }), 'resource_protected')
  assert.is(disabled.users.get('usr_1')?.generation, 2)
  assert.equal(decideAccess(active, { type: 'ChangeUser', id: 'usr_1', role: 'reader' }, 1), [])
  const identity = { issuer: 'https://id.test', subject: 's1' }
  const admitted = run(active, {
    type: 'AdmitUser',
    user: { id: 'usr_3', email: user.email },
    role: 'auditor',
    isMapped: true,
    identity,
  })
  assert.equal(
    [...(admitted as typeof NO_ACCESS).users.values()].map(({ id, role }) => [id, role]),
    [['usr_1', 'auditor']],
  )
  const other = { ...identity, subject: 's2' }
  assert.is(run(admitted as typeof NO_ACCESS, { type: 'AdmitUser', user, identity: other }), 'resource_protected')
})

test('passwords: salted, of one form, bounded, and as long for nobody', async () => {
  const passwords = createPasswords()
  const [kept, again] = await Promise.all([
    passwords.hash('Zo\u00eb likes rain'),
    passwords.hash('Zo\u00eb likes rain'),
  ])
  assert.match(kept, /^\$scrypt\$ln=15,r=8,p=3\$[^$]{22}\$[^$]{43}$/)
  assert.is.not(kept, again)
  assert.is(await passwords.matches('Zoe\u0308 likes rain', kept), true)
  assert.is(await passwords.matches('Zoe likes rain', kept), false)
  assert.is(await passwords.matches('anything', undefined), false)
  assert.is(await passwords.matches('anything', kept.replace('ln=15', 'ln=29')), false)
  for (const bad of ['short', 'aaaaaaaaaaaaaaaa', 'ann@shop.test', 'x'.repeat(300)])
    assert.ok(passwordFault(bad, ['ann@shop.test', 'ann']), bad)
  assert.is(passwordFault(PASSWORD, ['ann@shop.test', 'ann']), undefined)
  assert.equal([1, FREE_ATTEMPTS, FREE_ATTEMPTS + 1, 1_000].map(lockAfter), [0, 60_000, 120_000, 900_000])
})

test('invited by mail, signs in, acts under a name of its own, and is listed', async () => {
  const { id, entered, link } = await enrolled('ann@shop.test')
  assert.match(entered.headers.get('set-cookie') ?? '', /; HttpOnly; SameSite=Strict$/)
  assert.is(entered.body.user_id, id)
  assert.is((await post('/console/password', { link, password: PASSWORD })).status, 401, 'used')
  const session = await signIn('  Ann@Shop.test ', PASSWORD)
  assert.is(session.status, 200)
  assert.is.not(session.cookie, entered.cookie)
  const made = await post('/v1/event-schemas', { name: 'by-ann', schema: { properties: {} } }, as(session))
  assert.is(made.status, 200, JSON.stringify(made.body))
  const after = { status: 200, body: '', headers: made.headers }
  const log = await node.call('GET', '/v1/access/log?actor=ann@shop.test', undefined, { as: 'auditor', after })
  assert.equal(log.body.data[0].actor, { name: 'ann@shop.test', role: 'admin', user_id: id })
  assert.is(log.body.data[0].resource.type, 'event_schema')
  const { body } = await node.call('GET', '/v1/access/users', undefined, admin)
  assert.equal([body.data[0].status, body.data[0].last_used_at !== null], ['active', true])
  assert.not.match(JSON.stringify(body), /scrypt/)
})

test('what is kept of users is in the log as ciphertext and hashes only', async () => {
  const text = await (await fetch(`${node.url}/v1/audit/export`, { headers: node.headers('auditor') })).text()
  assert.match(text, /AccessUserPasswordSet/)
  assert.not.match(text, new RegExp(`scrypt|ann@shop|${PASSWORD}`))
})

test('whether an address is known does not show, and each is locked after wrong passwords', async () => {
  await enrolled('ben@shop.test', 'reader')
  const answers = async (email: string) => {
    const all = []
    for (let n = 0; n <= FREE_ATTEMPTS; n++) {
      const { status, body } = await signIn(email, 'not the right one')
      all.push([status, body.key, body.details])
    }
    return all
  }
  const known = await answers('ben@shop.test')
  assert.equal(known, await answers('nobody@shop.test'))
  assert.equal(
    known.map(([status]) => status),
    [401, 401, 401, 401, 401, 429],
  )
  const locked = await signIn('ben@shop.test', PASSWORD)
  assert.is(locked.status, 429)
  assert.ok(Number(locked.headers.get('retry-after')) > 0)
  // A link that only the mailbox has opens it again.
  const before = mails.length
  const asked = ['ben@shop.test', 'nobody@shop.test'].map((email) => post('/console/password/forgotten', { email }))
  assert.equal(
    (await Promise.all(asked)).map(({ status }) => status),
    [204, 204],
  )
  const mail = await until(() => mails[before])
  assert.match(mail ?? '', /To: ben@shop\.test/)
  const fresh = 'another long sentence'
  assert.is((await post('/console/password', { link: tokenIn(mail), password: 'short' })).status, 400)
  assert.is((await post('/console/password', { link: tokenIn(mail), password: fresh })).status, 200)
  assert.is((await signIn('ben@shop.test', PASSWORD)).status, 401)
  assert.is((await signIn('ben@shop.test', fresh)).status, 200)
})

test('an address may try so often, whoever it says it is', async () => {
  const from = { 'X-Forwarded-For': '10.9.9.9' }
  const all = await Promise.all(
    Array.from({ length: 70 }, (_, n) =>
      post('/console/password', { link: `none-${n}`, password: PASSWORD }, from).then(({ status }) => status),
    ),
  )
  assert.ok(all.includes(429), String(all))
})

test('attempts at once are counted one by one', async () => {
  const attempts = createSignInAttempts(node.services.readModel)
  const all = await Promise.all(Array.from({ length: 12 }, () => attempts.begin('many@shop.test', 1_000)))
  assert.ok(all.filter((seconds) => seconds === undefined).length <= FREE_ATTEMPTS, JSON.stringify(all))
})

test('a change of the password, signing out everywhere, disabling and removing end sessions', async () => {
  const { id, entered } = await enrolled('cat@shop.test')
  const second = await signIn('cat@shop.test', PASSWORD)
  const change = (headers: Record<string, string>, current: string) =>
    post('/console/password/change', { current, password: 'quite a new sentence' }, headers)
  assert.is((await change({ Cookie: second.cookie }, PASSWORD)).status, 403, 'no token of the page')
  assert.is((await change(as(second), 'wrong')).status, 403)
  const changed = await change(as(second), PASSWORD)
  assert.is(changed.status, 200, JSON.stringify(changed.body))
  assert.equal(
    await Promise.all([entered, second, changed].map((one) => get('/v1/customers', as(one)))),
    [401, 401, 200],
  )
  assert.is((await post('/console/sessions/end', {}, as(changed))).status, 204)
  assert.is(await get('/v1/customers', as(changed)), 401)

  const third = await signIn('cat@shop.test', 'quite a new sentence')
  const own = (method: string, path: string, body?: unknown) =>
    node.call(method, path, body, { headers: { ...as(third), 'X-App-Id': '', 'X-App-Token': '' } })
  assert.is((await own('DELETE', `/v1/access/users/${id}`)).status, 401, 'a cookie beside a key is not looked at')
  const remove = await fetch(`${node.url}/v1/access/users/${id}`, { method: 'DELETE', headers: as(third) })
  assert.is(remove.status, 400, 'oneself')
  const put = (body: unknown) => node.call('PUT', `/v1/access/users/${id}`, body, admin)
  assert.is((await put({ role: 'reader', name: 'Cat' })).body.role, 'reader')
  const readerNow = await fetch(`${node.url}/v1/access/users`, { headers: as(third) })
  assert.is(readerNow.status, 403)
  assert.is((await put({ is_disabled: true })).body.status, 'disabled')
  assert.is(await get('/v1/customers', as(third)), 401)
  assert.is((await signIn('cat@shop.test', 'quite a new sentence')).status, 401)
  await put({ is_disabled: false })
  assert.is(await get('/v1/customers', as(third)), 401)
  assert.is((await signIn('cat@shop.test', 'quite a new sentence')).status, 200)
  assert.is((await node.call('DELETE', `/v1/access/users/${id}`, undefined, admin)).status, 204)
  assert.is((await node.call('DELETE', `/v1/access/users/${id}`, undefined, admin)).status, 404)
  assert.is((await signIn('cat@shop.test', 'quite a new sentence')).status, 401)
  const facts = []
  for await (const { type, data } of node.services.store.readStream('access-main')) facts.push({ type, data })
  assert.not.match(JSON.stringify(facts), /cat@shop/)
})

test('sessions end without use, and at the latest after their time', async () => {
  let now = Date.now()
  const { readModel } = node.services
  const keys = { keys: [], recognise: () => undefined, customerSecretOf: () => undefined }
  const sessions = createSessions({
    readModel,
    keys,
    now: () => now,
    limits: { idleMs: 600_000, longestMs: 1_500_000 },
  })
  const { token } = await sessions.begin({ name: 'link', role: 'admin' })
  const idle = await sessions.begin({ name: 'link', role: 'admin' })
  const isThere = async (one: string, isUse = true) => (await sessions.of(one, isUse)) !== undefined
  now += 500_000
  assert.equal([await isThere(token), await isThere(idle.token, false)], [true, true])
  now += 500_000
  assert.equal([await isThere(token), await isThere(idle.token)], [true, false])
  now += 500_000
  assert.is(await isThere(token), false)
})

test('nobody makes users who may do more, or takes over one', async () => {
  const role = { name: 'hr', permissions: ['access.manage', 'customers.read'] }
  assert.is((await node.call('POST', '/v1/access/roles', role, admin)).status, 201)
  const { id: hr, entered } = await enrolled('hr@shop.test', 'hr')
  const { id } = await enrolled('dan@shop.test')
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(node.url + path, {
      method,
      headers: { ...json, ...as(entered) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    await answer.body?.cancel()
    return answer.status
  }
  assert.is(await ask('GET', '/v1/access/users'), 200)
  assert.is(await ask('POST', '/v1/access/users', { email: 'x@shop.test', role: 'admin' }), 403)
  assert.is(await ask('POST', `/v1/access/users/${id}/link`), 403)
  assert.is(await ask('PUT', `/v1/access/users/${id}`, { is_disabled: true }), 403)
  assert.is(await ask('DELETE', `/v1/access/users/${id}`), 403)
  assert.is(await ask('PUT', `/v1/access/users/${hr}`, { role: 'admin' }), 403)
  assert.is((await node.call('DELETE', '/v1/access/roles/hr', undefined, admin)).status, 400)
})

test('tributary users: add, list, invite, remove', async () => {
  const run = (...args: readonly string[]) => commandLine(node, ['users', ...args])
  assert.match(await run('add', 'eve@shop.test', '--role', 'auditor', '--name', 'Eve'), /mailed to eve@shop\.test/)
  assert.match(await run('list'), /usr_\w+ +auditor +invited +never used +eve@shop\.test \(Eve\)/)
  assert.match(await run('invite', 'eve@shop.test'), /mailed to eve@shop\.test/)
  assert.is(await run('remove', 'eve@shop.test'), 'eve@shop.test is removed\n')
  assert.not.match(await run('list'), /eve@/)
})

test.run()
