// The first steps in a real browser: from the printed link to the first event seen, a wrong event mended and sent again, sessions
// that end, and what a reader is offered.
import type { Browser } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { skipFile } from '../../skip.ts'
import { type TestNode, testNode } from '../../system/node.ts'
import { until } from '../../until.ts'
import { launch, missing, signIn, visit } from './browser.ts'

let node: TestNode
let browser: Browser
if (missing !== undefined) skipFile(missing)

test.before(async () => {
  node = await testNode()
  browser = await launch()
})
test.after(async () => {
  await browser.close()
  await node.end()
})

test('from the first start to the first event seen', async () => {
  const one = await visit(browser, node)
  const { page } = one
  await page.goto(node.console!.signInAddress())
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
  assert.is(new URL(page.url()).pathname, '/console')
  assert.not.ok(page.url().includes('#'))
  await page.getByText('Three steps to your first event').waitFor()
  await one.accessible('first steps')
  await page.getByRole('button', { name: 'Define “review” now' }).click()
  // The command that the page shows is sent from outside, as a new user would.
  const shown = await page.getByRole('region', { name: 'Lines that send an event' }).textContent()
  assert.ok(shown?.includes(`${node.url}/v1/events`))
  const body = /-d '(.*)'/.exec(shown ?? '')?.[1]
  assert.is((await node.call('POST', '/v1/events', body)).status, 200)
  const feed = page.getByRole('list', { name: 'What came in, newest first' })
  await feed.getByText('review', { exact: true }).waitFor()
  await page.locator('.step[data-done="true"]').nth(2).waitFor()
  await feed.getByRole('link', { name: 'Ann' }).first().click()
  await page.getByRole('heading', { level: 1, name: 'Ann' }).waitFor()
  await page.locator('.entry summary', { hasText: 'review' }).click()
  await page.getByText('Custom Event Tracked: review').waitFor()
  await one.accessible('activity with its reason')
  await one.end()
})

test('a wrong event is seen, its schema mended, and it is sent again', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const wrong = { event: 'parcel_returned', customer: { source_id: 'bob' }, metadata: { reason: 'too small' } }
  assert.is((await node.call('POST', '/v1/events', wrong)).status, 400)
  await until(
    () => node.call('GET', '/v1/events/rejected'),
    ({ body }) => body.data.length === 1,
  )
  await one.open('/refused')
  await page.getByText('no event schema is defined').waitFor()
  await one.accessible('refused events')
  await page.getByRole('button', { name: 'Send again' }).click()
  await page.locator('.toast[data-tone="bad"]').waitFor()
  await one.open('/event-schemas/new')
  await page.getByLabel('Name of the event').fill('parcel_returned')
  await page.getByRole('button', { name: 'Add a property' }).click()
  await page.getByLabel('Name of property 1').fill('reason')
  await one.accessible('new event schema')
  await page.getByRole('button', { name: 'Define' }).click()
  await page.getByRole('heading', { level: 1, name: 'parcel_returned' }).waitFor()
  await page.getByLabel('Customer').fill('bob')
  await page.getByRole('button', { name: 'Dry run' }).click()
  await page.getByText('reason').last().waitFor()
  await one.accessible('an event schema')
  await one.open('/refused')
  await page.getByRole('button', { name: 'Send again' }).click()
  await page.getByText('No event waits to be mended').waitFor()
  const { body } = await node.call('GET', '/v1/customers/bob/activity')
  assert.ok(body.data.some(({ type }: { readonly type: string }) => type === 'customer.custom_event'))
  await one.end()
})

test('a page whose code does not come says so, and comes when the server answers', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const away = /\/console\/assets\/webhooks|\/health\/live/
  await one.context.route(away, (route) => route.abort())
  await one.open('/webhooks')
  await page.getByRole('heading', { level: 1, name: 'This page did not come' }).waitFor()
  await one.accessible('a page that did not come')
  await one.context.unroute(away)
  await page.getByRole('heading', { level: 1, name: 'Webhooks' }).waitFor()
  await one.end()
})

test('a reader is offered no writes, and is refused by the API anyway', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'reader')
  const { page } = one
  assert.is(await page.getByRole('link', { name: 'Audit' }).count(), 0)
  for (const [path, name] of [
    ['/event-schemas', 'New event schema'],
    ['/segments', 'New segment'],
    ['/campaigns', 'New campaign'],
    ['/distributions', 'New distribution'],
  ] as const) {
    await one.open(path)
    assert.is(await page.getByText(name, { exact: true }).count(), 0, path)
  }
  const status = await page.evaluate(async () => {
    const session = (await (await fetch('/console/session')).json()) as { readonly csrf_token: string }
    const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': session.csrf_token }
    return (await fetch('/v1/segments', { method: 'POST', headers, body: '{}' })).status
  })
  assert.is(status, 403)
  await one.end()
})

test('signing out ends both tabs; a session that ended leads back to where one was', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page, context } = one
  const other = await context.newPage()
  await other.goto(`${node.url}/console/segments`)
  await other.getByRole('heading', { level: 1, name: 'Segments' }).waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  await one.accessible('sign in')
  await other.getByRole('link', { name: 'Customers' }).click()
  await other.getByText('Your session has ended').waitFor()
  const { appId, token } = node.key('admin')
  await other.getByRole('button', { name: 'Use an API key' }).click()
  await other.getByLabel('API key id').fill(appId)
  await other.getByLabel('Token', { exact: true }).fill(token)
  await other.getByRole('button', { name: 'Sign in' }).click()
  await other.getByRole('heading', { level: 1, name: 'Customers' }).waitFor()
  await one.end()
})

test('the keyboard: keys are shown, go to pages, and back goes back', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keys' }).waitFor()
  await one.accessible('keys')
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.keyboard.press('g')
  await page.keyboard.press('c')
  await page.getByRole('heading', { level: 1, name: 'Customers' }).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('bob')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'bob' }).click()
  await page.getByRole('heading', { level: 1, name: 'bob' }).waitFor()
  await page.goBack()
  assert.is(await page.getByLabel('Find a customer').inputValue(), 'bob')
  await page.goBack()
  await page.goBack()
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
  await one.end()
})

test.run()
