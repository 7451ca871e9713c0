// Signing in through a provider of OpenID Connect, against a real one that this test starts.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Provider } from 'oidc-provider'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ConfigError, loadConfig } from '../../src/config.ts'
import { roleOf } from '../../src/signIn/openId.ts'
import { type TestNode, testNode } from '../system/node.ts'

interface Account {
  readonly email: string
  readonly email_verified: boolean
  readonly groups?: readonly string[]
}
const ACCOUNTS: Record<string, Account> = {
  ann: { email: 'Ann@shop.test', email_verified: true, groups: ['staff', 'admins'] },
  ben: { email: 'ben@shop.test', email_verified: true },
  eve: { email: 'eve@shop.test', email_verified: false },
  far: { email: 'far@else.test', email_verified: true, groups: ['admins'] },
}
const SECRET = 'a secret of the client, long enough'

let server: Server
let dir: string
let node: TestNode
/** Who is signed in at the provider. */
let who = 'ann'
const test = suite('OpenID Connect')

const listening = async (): Promise<string> => {
  server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as { readonly port: number }).port}`
}

const startProvider = (issuer: string, redirect: string): void => {
  const provider = new Provider(issuer, {
    clients: [
      { client_id: 'console', client_secret: SECRET, redirect_uris: [redirect], grant_types: ['authorization_code'] },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id, ...ACCOUNTS[id] }) }),
  })
  const handle = provider.callback()
  server.on('request', async (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return handle(request, response)
    // Whoever is there is who is asked for, and agrees to everything.
    const { prompt, params, grantId } = await provider.interactionDetails(request, response)
    if (prompt.name === 'login')
      return provider.interactionFinished(
        request,
        response,
        { login: { accountId: who } },
        { mergeWithLastSubmission: false },
      )
    const grant = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: who, clientId: String(params.client_id) })
    grant?.addOIDCScope('openid email groups')
    return provider.interactionFinished(
      request,
      response,
      { consent: { grantId: (await grant?.save()) ?? '' } },
      { mergeWithLastSubmission: true },
    )
  })
}

test.before(async () => {
  const issuer = await listening()
  dir = await mkdtemp(join(tmpdir(), 'tributary-oidc-'))
  const secret = join(dir, 'secret')
  await writeFile(secret, `${SECRET}\n`)
  node = await testNode({
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: 'console',
    OIDC_CLIENT_SECRET_FILE: secret,
    OIDC_SCOPES: 'openid email groups',
    OIDC_DOMAINS: 'shop.test',
    OIDC_ROLES: 'groups:admins=admin',
    OIDC_DEFAULT_ROLE: 'reader',
  })
  startProvider(issuer, `${node.url}/console/oidc/callback`)
})
test.after(async () => {
  await node.end()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(dir, { recursive: true, force: true })
})

/** A browser as far as it matters here: follows redirects and keeps cookies, by origin. */
const browser = () => {
  const jar = new Map<string, Map<string, string>>()
  const visited: string[] = []
  const go = async (from: string, until = 20): Promise<{ readonly url: URL; readonly response: Response }> => {
    let url = new URL(from)
    for (let step = 0; step < until; step++) {
      visited.push(url.href)
      const cookies = jar.get(url.origin) ?? new Map<string, string>()
      jar.set(url.origin, cookies)
      const response = await fetch(url, {
        redirect: 'manual',
        headers: { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        cookies.set(name, value)
      }
      const next = response.headers.get('location')
      await response.body?.cancel()
      if (next === null) return { url, response }
      url = new URL(next, url)
    }
    throw new Error('too many redirects')
  }
  const session = async (): Promise<ReturnType<typeof JSON.parse>> => {
    const cookies = [...(jar.get(node.url) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
    return (await fetch(`${node.url}/console/session`, { headers: { Cookie: cookies } })).json()
  }
  return { go, session, visited, jar }
}
const signIn = async (name: string) => {
  who = name
  const one = browser()
  const { url } = await one.go(`${node.url}/console/oidc`)
  return { ...one, url, ended: url.pathname + url.search }
}

test('settings name who gets which role, and not everybody', () => {
  const roles = [{ claim: 'groups', value: 'admins', role: 'admin' }]
  assert.equal(roleOf({ roles, defaultRole: undefined }, { groups: ['staff', 'admins'] }), {
    role: 'admin',
    isMapped: true,
  })
  assert.equal(roleOf({ roles, defaultRole: 'reader' }, { groups: 'staff' }), { role: 'reader', isMapped: false })
  assert.is(roleOf({ roles, defaultRole: undefined }, {}), undefined)
  const base = { OIDC_ISSUER: 'https://id.test', OIDC_CLIENT_ID: 'c', OIDC_CLIENT_SECRET_FILE: '/s' }
  assert.equal(loadConfig({ ...base, OIDC_ROLES: 'https//x:a=b' }).openId?.roles, [
    { claim: 'https//x', value: 'a', role: 'b' },
  ])
  for (const wrong of [
    { ...base, OIDC_ISSUER: 'http://id.test' },
    { OIDC_ISSUER: 'https://id.test' },
    { ...base, OIDC_DEFAULT_ROLE: 'reader' },
    { ...base, OIDC_ROLES: 'groups=admin' },
  ])
    assert.throws(
      () => loadConfig(wrong),
      (error: unknown) => error instanceof ConfigError,
    )
})

test('who is allowed signs in as a user with the role that the claims give', async () => {
  const { ended, session, visited } = await signIn('ann')
  assert.is(ended, '/console', visited.join('\n'))
  const asked = new URL(visited[1]!)
  assert.equal(
    ['state', 'nonce', 'code_challenge'].map((name) => (asked.searchParams.get(name)?.length ?? 0) > 20),
    [true, true, true],
  )
  assert.is(asked.searchParams.get('code_challenge_method'), 'S256')
  const { role, name, user_id } = await session()
  assert.equal([role, name], ['admin', 'ann@shop.test'])
  const again = await (await signIn('ann')).session()
  assert.is(again.user_id, user_id)
  const ben = await (await signIn('ben')).session()
  assert.is(ben.role, 'reader')
  // An administrator's word holds for whom the claims say nothing of.
  const put = (body: unknown) => node.call('PUT', `/v1/access/users/${ben.user_id}`, body, { as: 'admin' })
  await put({ role: 'marketer' })
  assert.is((await (await signIn('ben')).session()).role, 'marketer')
  await put({ is_disabled: true })
  assert.is((await signIn('ben')).ended, '/console/sign-in?failed=disabled')
})

test('an address that is not proven, or of elsewhere, is not let in', async () => {
  assert.is((await signIn('eve')).ended, '/console/sign-in?failed=unverified')
  assert.is((await signIn('far')).ended, '/console/sign-in?failed=not_allowed')
  const { body } = await node.call('GET', '/v1/access/users', undefined, { as: 'admin' })
  assert.equal(body.data.map(({ email }: { email: string }) => email).sort(), ['ann@shop.test', 'ben@shop.test'])
})

test('an answer that belongs to another browser, or that was used, signs nobody in', async () => {
  const { visited, jar } = await signIn('ann')
  const callback = visited.find((address) => address.includes('/callback'))!
  const stranger = browser()
  assert.is((await stranger.go(callback)).url.search, '?failed=expired')
  // Another flow of the stranger's own does not fit either.
  await stranger.go(`${node.url}/console/oidc`, 1).catch(() => undefined)
  assert.is((await stranger.go(callback)).url.search, '?failed=provider')
  const cookies = jar.get(node.url)!
  cookies.delete('tributary_session')
  const same = browser()
  same.jar.set(node.url, cookies)
  assert.is((await same.go(callback)).url.search, '?failed=provider')
  assert.is((await same.session()).key, 'unauthorized')
})

test.run()
