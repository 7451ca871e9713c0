// Lists that know customers by their ids alone, in a real browser: they show names, which are asked for together; of who is erased, or
// was never there, they say so; and who may not read customers is shown ids.
import type { Browser, Page } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { skipFile } from '../../skip.ts'
import { type TestNode, testNode } from '../../system/node.ts'
import { until } from '../../until.ts'
import { launch, makeIn, missing, signIn, visit } from './browser.ts'

let node: TestNode
let browser: Browser
/** Ids of customers by their `source_id`. */
const ids: Record<string, string> = {}
if (missing !== undefined) skipFile(missing)

const admin = { as: 'admin' } as const
const made = (path: string, body: unknown) => makeIn(node, path, body)

const LONG = `Ann-Sophie ${'Wolfeschlegelsteinhausenbergerdorff'.repeat(2)}`
const PEOPLE = [
  { source_id: 'long', name: LONG },
  { source_id: 'mail', email: 'mail@shop.test' },
  { source_id: 'bare' },
  { source_id: 'gone', name: 'Gone' },
] as const

test.before(async () => {
  node = await testNode()
  browser = await launch()
  await made('/v1/event-schemas', { name: 'order_paid', schema: { properties: { amount: { type: 'number' } } } })
  await made('/v1/distributions', {
    name: 'Thanks',
    trigger: { type: 'event', event: 'order_paid' },
    channel: { type: 'email', subject: 'Thanks', text: 'Thanks' },
  })
  const club = await made('/v1/loyalties', { name: 'Club', voucher: { code_config: { pattern: 'CLUB-########' } } })
  for (const customer of PEOPLE) {
    const { source_id } = customer
    ids[source_id] = (await made('/v1/customers', customer)).id
    await made('/v1/events', { event: 'order_paid', customer: { source_id }, metadata: { amount: 40 } })
    await made(`/v1/loyalties/${club.id}/members`, { customer: { source_id } })
    for (const amount of [1_000, 2_000]) await made('/v1/orders', { customer: { source_id }, amount })
  }
  const strange = { event: 'order_paid', customer: { source_id: 'never-there' }, metadata: { amount: 'much' } }
  assert.is((await node.call('POST', '/v1/events', strange, admin)).status, 400)
  await until(async () => (await node.call('GET', '/v1/messages', undefined, admin)).body.data.length === PEOPLE.length)
})
test.after(async () => {
  await browser.close()
  await node.end()
})

/** The cells of a column of a table, from above. */
const column = async (page: Page, label: string, head: string): Promise<readonly string[]> => {
  const table = page.getByRole('region', { name: label, exact: true })
  const heads = await table.locator('th').allInnerTexts()
  return table.locator(`tbody td:nth-child(${heads.indexOf(head) + 1})`).allInnerTexts()
}

/** The same, when every name is known. */
const named = async (page: Page, label: string, head = 'Customer'): Promise<readonly string[]> => {
  await until(async () => {
    const cells = await column(page, label, head)
    return cells.length > 0 && !cells.includes('…')
  })
  return column(page, label, head)
}

test('names stand in lists, by one question a page, and lead to the customer', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const questions: string[] = []
  page.on('request', (request) => {
    const { pathname, searchParams } = new URL(request.url())
    if (pathname === '/v1/customers') questions.push([...searchParams.keys()].join(' '))
  })
  for (const [path, label] of [
    ['/orders', 'Orders'],
    ['/messages', 'Messages'],
  ] as const) {
    questions.length = 0
    await one.open(path)
    const cells = await named(page, label)
    assert.equal([...new Set(cells)].sort(), ['Gone', LONG, 'bare', 'mail@shop.test'].sort(), path)
    assert.is(questions.length, 1, questions.join('\n'))
    assert.is(
      questions[0]?.match(/\[id\]/g)?.length,
      PEOPLE.length,
      'each is asked for once, however often it stands there',
    )
    await one.accessible(path)
  }
  await page.getByRole('link', { name: 'mail@shop.test' }).click()
  await page.getByRole('heading', { level: 1, name: 'mail@shop.test' }).waitFor()
  await page.locator('.tabs [aria-current=page]', { hasText: 'Messages' }).waitFor()
  const [club] = (await node.call('GET', '/v1/loyalties', undefined, admin)).body.campaigns
  await one.open(`/loyalty/${club.id}`)
  assert.is((await named(page, 'Members')).length, PEOPLE.length)
  await one.end()
})

test('who is erased has no name any more, nor who never was there', async () => {
  await made(`/v1/customers/${ids.gone}/permanent-deletion`, {})
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  await one.open('/refused')
  assert.equal(await named(page, 'Refused events'), ['never-there\ndeleted, or not there yet'])
  await one.accessible('refused events')
  await until(async () => (await node.call('GET', `/v1/customers/${ids.gone}`, undefined, admin)).status === 404)
  await one.open('/orders')
  assert.not.ok((await named(page, 'Orders')).includes('Gone'))
  await one.end()
})

test('who may not read customers sees their ids, and asks for nobody', async () => {
  const role = { name: 'till', permissions: ['orders.read', 'events.read', 'event_schemas.read'] }
  await made('/v1/access/roles', role)
  const { id: appId, token } = await made('/v1/access/keys', { name: 'till', role: 'till' })
  const one = await visit(browser, node)
  await signIn(one, node, { appId, token })
  const { page } = one
  const asked: string[] = []
  page.on('request', (request) => asked.push(new URL(request.url()).pathname))
  await one.open('/orders')
  const cells = await named(page, 'Orders')
  assert.ok(cells.includes(ids.long!), cells.join())
  assert.is(await page.getByRole('link', { name: ids.long! }).count(), 0, 'it leads nowhere')
  assert.not.ok(asked.includes('/v1/customers'))
  await one.end()
})

test.run()
