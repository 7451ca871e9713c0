// The server's side of the console, without a browser: signing in, what a cookie may do and what not, pages and their policy,
// and the stream of what comes in.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { consolePages } from '../../src/console/assets.ts'
import { asFailure, isFailure } from '../../src/http/errors.ts'
import type { Answer } from '../../src/http/route.ts'
import { type TestNode, testNode } from '../system/node.ts'

let node: TestNode
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

const json = { 'Content-Type': 'application/json' }

const signIn = async (body: unknown) => {
  const response = await fetch(`${node.url}/console/session`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify(body),
  })
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
  return { response, cookie, body: JSON.parse(await response.text()) }
}

const asKey = (role: 'admin' | 'reader') => signIn({ app_id: node.key(role).appId, token: node.key(role).token })

const schema = (name: string) => JSON.stringify({ name, schema: { properties: {} } })

test('a one-time link signs in once, with a cookie that scripts and other sites never see', async () => {
  const link = node.console?.signInAddress().split('#')[1]
  const first = await signIn({ link })
  assert.is(first.response.status, 200)
  assert.is(first.body.role, 'admin')
  assert.match(first.response.headers.get('set-cookie') ?? '', /; HttpOnly; SameSite=Strict$/)
  const again = await signIn({ link })
  assert.is(again.response.status, 401)
  assert.match(again.body.details, /used already/)
})

test('a cookie reads; it changes something only with the token that a page of ours has read', async () => {
  const { cookie, body } = await asKey('admin')
  const read = await fetch(`${node.url}/v1/event-schemas`, { headers: { Cookie: cookie } })
  assert.is(read.status, 200)
  const write = (headers: Record<string, string>) =>
    fetch(`${node.url}/v1/event-schemas`, {
      method: 'POST',
      headers: { ...json, Cookie: cookie, ...headers },
      body: schema('seen'),
    })
  assert.is((await write({})).status, 403)
  assert.is((await write({ 'X-CSRF-Token': 'guessed' })).status, 403)
  assert.is((await write({ 'X-CSRF-Token': body.csrf_token, 'Sec-Fetch-Site': 'cross-site' })).status, 403)
  const done = await write({ 'X-CSRF-Token': body.csrf_token, 'Sec-Fetch-Site': 'same-origin' })
  assert.is(done.status, 200)
})

test('a session may what its role may, and nothing after signing out', async () => {
  const { cookie, body } = await asKey('reader')
  assert.is(body.role, 'reader')
  const headers = { ...json, Cookie: cookie, 'X-CSRF-Token': body.csrf_token }
  const refused = await fetch(`${node.url}/v1/event-schemas`, { method: 'POST', headers, body: schema('unseen') })
  assert.is(refused.status, 403)
  const forged = await fetch(`${node.url}/console/session`, { method: 'DELETE', headers: { Cookie: cookie } })
  assert.is(forged.status, 403)
  assert.is((await fetch(`${node.url}/console/session`, { method: 'DELETE', headers })).status, 204)
  assert.is((await fetch(`${node.url}/v1/customers`, { headers })).status, 401)
  assert.is((await fetch(`${node.url}/console/session`, { headers })).status, 401)
})

test('client keys and wrong tokens do not sign in', async () => {
  const { appId, token } = node.key('client')
  assert.is((await signIn({ app_id: appId, token })).response.status, 401)
  assert.is((await signIn({ app_id: node.key('admin').appId, token: 'x'.repeat(43) })).response.status, 401)
  assert.is((await signIn({ link: 'x' })).response.status, 401)
})

test('the root leads to the console', async () => {
  const root = await fetch(node.url, { redirect: 'manual' })
  assert.is(root.status, 302)
  assert.is(root.headers.get('location'), '/console')
})

test('every address below /console is the one page; files of the build are kept for good', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-console-'))
  const pages = consolePages(folder)
  const answerOf = (path: string, headers = {}): Answer | undefined => {
    const settled = asFailure<Answer>(pages.answer(path, new Headers(headers)))
    return isFailure(settled) ? undefined : settled
  }
  assert.is(answerOf('/console'), undefined, 'not built yet')
  writeFileSync(join(folder, 'main-1.js'), 'export {}')
  writeFileSync(join(folder, 'manifest.json'), '{"script":"main-1.js","style":"main-1.css","preload":[]}')
  const page = answerOf('/console/customers/ann')
  assert.match(String(page?.raw?.content), /<script type="module" src="\/console\/assets\/main-1\.js">/)
  assert.match(
    page?.headers?.['Content-Security-Policy'] ?? '',
    /default-src 'none'; script-src 'self'; style-src 'self'/,
  )
  const file = answerOf('/console/assets/main-1.js', { 'Accept-Encoding': 'gzip, br' })
  assert.is(file?.headers?.['Content-Encoding'], 'gzip')
  assert.match(file?.headers?.['Cache-Control'] ?? '', /immutable/)
  assert.is(answerOf('/console/assets/..%2Fmanifest.json'), undefined)
  rmSync(folder, { recursive: true })
})

test('what comes in is seen as it comes, filtered as asked', async () => {
  await node.call('POST', '/v1/event-schemas', { name: 'visit', schema: { properties: {} } }, { as: 'admin' })
  const gone = new AbortController()
  const response = await fetch(`${node.url}/v1/activity/stream?event=visit`, {
    headers: node.headers('reader'),
    signal: gone.signal,
  })
  assert.is(response.headers.get('content-type'), 'text/event-stream')
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  assert.match((await reader.read()).value ?? '', /retry/)
  await node.call('POST', '/v1/events', { event: 'visit', customer: { source_id: 'ann' } })
  let text = ''
  while (!text.includes('\n\n')) text += (await reader.read()).value ?? ''
  const entry = JSON.parse(/data: (.*)\n/.exec(text)?.[1] ?? '{}')
  assert.is(entry.type, 'customer.custom_event')
  assert.is(entry.data.customer.source_id, 'ann')
  assert.not.match(text, /customer\.created/)
  gone.abort()
})

test.run()
