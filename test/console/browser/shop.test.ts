// A shop's daily work in a real browser: a promotion with its tiers and stack, a code given and rolled back, points by hand, an order
// on its way, files of customers and codes, what metadata holds, how codes go together, a file for a spreadsheet, an own system that is
// told of events; and that a role is offered what it may do, no more.
import type { Browser, Page } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { skipFile } from '../../skip.ts'
import { type TestNode, testNode } from '../../system/node.ts'
import { until } from '../../until.ts'
import { launch, makeIn, missing, signIn, visit } from './browser.ts'

let node: TestNode
let browser: Browser
if (missing !== undefined) skipFile(missing)

const admin = { as: 'admin' } as const
const made = (path: string, body: unknown) => makeIn(node, path, body)
const now = async (path: string) => (await node.call('GET', path, undefined, admin)).body

test.before(async () => {
  node = await testNode()
  browser = await launch()
  await made('/v1/event-schemas', { name: 'order_paid', schema: { properties: { amount: { type: 'number' } } } })
  await made('/v1/customers', { source_id: 'ann', name: 'Ann' })
})
test.after(async () => {
  await browser.close()
  await node.end()
})

/** Saves the dialog that is open, and waits until it is gone. */
const saveIn = async (page: Page): Promise<void> => {
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

test('a promotion, its tiers and a stack of them, in a category', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const save = () => saveIn(page)
  await one.open('/categories')
  await page.getByRole('button', { name: 'New category' }).click()
  await page.getByLabel('Name').fill('Winter')
  await save()
  await page.getByRole('row', { name: /Winter/ }).waitFor()
  await one.accessible('categories')
  await one.open('/campaigns')
  await page.getByRole('button', { name: 'New campaign' }).click()
  await page.getByLabel('Name').fill('Winter sale')
  await page.getByLabel('Kind', { exact: true }).selectOption('PROMOTION')
  assert.is(await page.getByLabel('Pattern of codes').count(), 0, 'a promotion has no codes')
  await save()
  await page.getByRole('heading', { level: 1, name: 'Winter sale' }).waitFor()
  for (const [name, off] of [
    ['First', '10'],
    ['Second', '20'],
  ] as const) {
    await page.getByRole('button', { name: 'Add a tier' }).click()
    await page.getByLabel('Name').fill(name)
    await page.getByLabel('Per cent off').fill(off)
    await save()
    await page.getByRole('row', { name: new RegExp(name) }).waitFor()
  }
  await page
    .getByRole('row', { name: /Second/ })
    .getByRole('button', { name: 'Change' })
    .click()
  // Written as people write: "2.0" is on the way to "2.05".
  await page.getByLabel('Per cent off').fill('')
  await page.getByLabel('Per cent off').pressSequentially('2.05')
  assert.is(await page.getByLabel('Per cent off').inputValue(), '2.05')
  await page.getByLabel('Discount').selectOption('AMOUNT')
  await page.getByLabel('Amount off').pressSequentially('10.05')
  assert.is(await page.getByLabel('Amount off').inputValue(), '10.05')
  await page.getByLabel('Discount').selectOption('PERCENT')
  await save()
  await page.getByRole('row', { name: /2\.05/ }).waitFor()
  await page
    .getByRole('row', { name: /Second/ })
    .getByRole('button', { name: 'Change' })
    .click()
  await page.getByLabel('Per cent off').fill('25')
  await save()
  await page.getByRole('button', { name: 'Add a stack' }).click()
  await page.getByLabel('Name').fill('Both')
  await save()
  await page.getByText('First, then Second').waitFor()
  await one.accessible('a promotion')
  const { tiers } = await now('/v1/promotions/tiers')
  assert.equal(
    tiers.map(
      (tier: { readonly name: string; readonly action: { readonly discount: { readonly percent_off: number } } }) => [
        tier.name,
        tier.action.discount.percent_off,
      ],
    ),
    [
      ['Second', 25],
      ['First', 10],
    ],
  )
  // What the form does not ask for stays.
  const kept = { effect: 'APPLY_TO_ITEMS', amount_limit: 900, aggregated_amount_limit: 2_000 }
  const third = await made(`/v1/promotions/${tiers[0].campaign_id}/tiers`, {
    name: 'Third',
    action: { discount: { type: 'PERCENT', percent_off: 5, ...kept } },
  })
  await one.open('/categories')
  await one.open(`/campaigns/${tiers[0].campaign_id}`)
  await page.getByRole('row', { name: /Third/ }).getByRole('button', { name: 'Change' }).click()
  await page.getByLabel('Per cent off').fill('6')
  await save()
  const { discount } = (await now(`/v1/promotions/tiers/${third.id}`)).action
  assert.equal(discount, { type: 'PERCENT', percent_off: 6, ...kept })
  await one.end()
})

test('a code is given, used and taken back; points are given by hand', async () => {
  const voucher = { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 5 } }
  await made('/v1/campaigns', { name: 'Autumn', voucher: { ...voucher, code_config: { pattern: 'AUT-####' } } })
  await made('/v1/loyalties', { name: 'Club', voucher: { code_config: { pattern: 'CLUB-########' } } })
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const save = () => saveIn(page)
  await one.open('/customers/ann/codes')
  await page.getByRole('button', { name: 'Give a code' }).click()
  await page.getByLabel('Of the campaign').selectOption({ label: 'Autumn' })
  await save()
  const code = (await page.getByRole('link', { name: /^AUT-/ }).textContent()) ?? ''
  await made('/v1/redemptions', {
    redeemables: [{ object: 'voucher', id: code }],
    order: { amount: 2_000 },
    customer: { source_id: 'ann' },
  })
  // Recorded under another key: this page may be ahead of it.
  await until(async () => (await now('/v1/redemptions')).total > 0)
  await one.open('/redemptions')
  await page
    .getByRole('row', { name: new RegExp(code) })
    .getByRole('button', { name: 'Roll back' })
    .click()
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await until(async () => (await now(`/v1/vouchers/${code}`)).redemption.redeemed_quantity === 0)
  assert.equal((await now('/v1/statistics')).redemptions, { succeeded: 1, failed: 0 }, 'a rollback is no redemption')
  await one.accessible('redemptions')
  // The programs come when the form is open already: what it then shows is what it sends.
  let isOpen = () => {}
  const opened = new Promise<void>((resolve) => {
    isOpen = resolve
  })
  await page.route(/\/v1\/loyalties\?/, (route) => opened.then(() => route.continue()))
  await one.open('/customers/ann/cards')
  await page.getByRole('button', { name: 'Join a program' }).click()
  await page.getByLabel('Program', { exact: true }).waitFor()
  isOpen()
  await page.getByRole('option', { name: 'Club' }).waitFor({ state: 'attached' })
  await save()
  await page.getByRole('button', { name: 'Change points' }).click()
  await page.getByLabel('Points', { exact: true }).fill('40')
  await page.getByLabel('Reason').fill('sorry for the wait')
  await save()
  await page.getByText('sorry for the wait').waitFor()
  await one.accessible('cards')
  assert.is((await now('/v1/customers/ann')).loyalty.points, 40)
  await one.end()
})

test('an order on its way, a file of all orders, and an own system that is told of events', async () => {
  const order = { source_id: '1001', status: 'CREATED', customer: { source_id: 'ann' }, amount: 900 }
  await made('/v1/orders', {
    ...order,
    items: [{ source_id: 'tea', related_object: 'product', quantity: 2, price: 450 }],
  })
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  await one.open('/orders?status=CREATED')
  await page.getByRole('link', { name: '1001' }).click()
  await page.getByRole('row', { name: /tea/ }).waitFor()
  await page.getByRole('button', { name: 'Mark as paid' }).click()
  await page.getByRole('button', { name: 'Mark as fulfilled' }).waitFor()
  await one.accessible('an order')
  assert.is((await now('/v1/orders/1001')).status, 'PAID')
  await one.open('/exports')
  await page.getByRole('button', { name: 'New export' }).click()
  await page.getByLabel('What', { exact: true }).selectOption('order')
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download' }).click(),
  ])
  assert.match(file.suggestedFilename(), /\.csv$/)
  await one.accessible('exports')
  await one.open('/webhooks')
  await page.getByRole('button', { name: 'New webhook' }).click()
  await page.getByLabel('Address').fill('https://crm.sink.test/events')
  await page.getByLabel('Events, a line each').fill('order_paid\ncustomer.segment.entered')
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { level: 1, name: 'https://crm.sink.test/events' }).waitFor()
  await page.getByText('order_paid, customer.segment.entered').waitFor()
  await one.accessible('a webhook')
  const { data } = await now('/v1/webhooks')
  assert.equal(data[0].events, ['order_paid', 'customer.segment.entered'])
  await one.end()
})

test('what a schema calls personal stays so when something else of it is changed', async () => {
  const { id } = await made('/v1/event-schemas', {
    name: 'asked',
    schema: { properties: { question: { type: 'string', personal: true }, topic: { type: 'string' } } },
  })
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  await one.open(`/event-schemas/${id}`)
  await page.getByRole('button', { name: 'Add a property' }).click()
  await page.getByLabel('Name of property 3').fill('reply_to')
  await page.getByLabel('Personal').nth(2).check()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved').waitFor()
  const { properties } = (await now(`/v1/event-schemas/${id}`)).schema
  assert.equal(
    ['question', 'topic', 'reply_to'].map((name) => properties[name].personal ?? false),
    [true, false, true],
  )
  await one.accessible('a schema')
  await one.end()
})

test('what a customer said to messages is noted by hand', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  await one.open('/customers/ann/profile')
  await page.getByLabel('E-mail: what the customer said').selectOption('refused')
  await until(async () => {
    const { consents } = await now('/v1/customers/ann/consents')
    return consents.some(
      (each: { readonly channel: string; readonly consent: string | null }) =>
        each.channel === 'email' && each.consent === 'refused',
    )
  })
  await one.accessible('consents')
  await one.end()
})

test('a file of customers is looked at, sent, and its refused rows are told by their lines', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const choose = (name: string, text: string) =>
    page.getByLabel('CSV file').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) })
  await one.open('/imports')
  await choose('wrong.csv', 'Name,City\nAnn,Bern\n')
  await page.getByText('The file has no column source_id').waitFor()
  assert.ok(await page.getByRole('button', { name: 'Import', exact: true }).isDisabled())
  // The first row goes over two lines, and the fourth line is blank.
  await choose('few.csv', 'Source_id,Name,Birthdate,Tier\neve,"Eve\nEast",1990-01-01,gold\n\nfay,Fay,yesterday,\n')
  await page.getByText('metadata: Tier').waitFor()
  await one.accessible('a file that was chosen')
  await page.getByText('The API call this makes').click()
  await page.getByText("-F 'file=@few.csv'").waitFor()
  await page.getByRole('button', { name: 'Import 2 rows' }).click()
  await page.getByRole('heading', { level: 1, name: 'Customers imported from a file' }).waitFor()
  await page.getByRole('row', { name: /^5 .*birthdate/ }).waitFor()
  await one.accessible('an import')
  const job = new URL(page.url()).pathname.split('/').at(-1)
  assert.equal((await now(`/v1/async-actions/${job}`)).result.done_count, 1)
  const { name, metadata } = await now('/v1/customers/eve')
  assert.equal([name, metadata], ['Eve\nEast', { Tier: 'gold' }])
  // Without the file at hand rows are counted below the header.
  await page.reload()
  await page.getByRole('row', { name: /^2 .*birthdate/ }).waitFor()
  const { id } = await made('/v1/campaigns', {
    name: 'Brought along',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 5 } },
  })
  await one.open(`/campaigns/${id}`)
  await page.getByRole('link', { name: 'Import codes' }).click()
  await page.getByLabel('Campaign').selectOption({ label: 'Brought along' })
  await choose('codes.csv', 'Code;Active\nOLD-1;true\nOLD-2;perhaps\n')
  await page.getByRole('button', { name: 'Import 2 rows' }).click()
  await page.getByRole('row', { name: /^3 OLD-2 .*active must be true or false/ }).waitFor()
  assert.is((await now('/v1/vouchers/OLD-1')).campaign, 'Brought along')
  await page.getByRole('link', { name: 'Imports' }).first().click()
  await page.getByRole('row', { name: /Codes brought into a campaign from a file/ }).waitFor()
  await one.accessible('imports')
  await one.end()
})

test('what metadata holds is said by properties: added, changed, and checked no longer', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const save = () => saveIn(page)
  const property = async () => (await now('/v1/metadata-schemas/reward')).properties.size
  await one.open('/metadata-schemas')
  await page.getByRole('link', { name: 'Rewards', exact: true }).last().click()
  await page.getByText('There is no schema yet').waitFor()
  await one.accessible('a resource without a schema')
  await page.getByRole('button', { name: 'Add a property' }).click()
  await page.getByLabel('Name', { exact: true }).fill('size')
  await page.getByLabel('One of these, a line each', { exact: true }).fill('S\nM\nL')
  await page.getByLabel('Characters, at most').fill('1')
  await save()
  await page.getByText('at most 1 character, one of S, M, L').waitFor()
  await page.getByRole('row', { name: /size/ }).getByRole('button', { name: 'Change' }).click()
  await page.getByLabel('Must be there').check()
  await one.accessible('the form of a property')
  await save()
  const { type, optional, eq, maxLength } = await property()
  assert.equal([type, optional, eq, maxLength], ['string', false, ['S', 'M', 'L'], 1])
  await page.getByRole('button', { name: 'Refuse other properties' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Refuse other properties' }).click()
  await page.getByRole('button', { name: 'Take other properties' }).waitFor()
  assert.ok((await now('/v1/metadata-schemas/reward')).allow_defined_only)
  await page.getByRole('row', { name: /size/ }).getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('button', { name: 'Check again' }).waitFor()
  await one.accessible('a metadata schema')
  const left = await property()
  assert.equal([left.deleted, left.eq, left.optional], [true, ['S', 'M', 'L'], false])
  await page.getByRole('button', { name: 'Delete the schema' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete the schema' }).click()
  await page.getByRole('heading', { level: 1, name: 'Metadata schemas' }).waitFor()
  assert.equal((await now('/v1/metadata-schemas')).total, 0)
  await one.end()
})

test('how redeemables go together is set, by category too, and deleted again', async () => {
  const { id } = await made('/v1/categories', { name: 'Alone', hierarchy: 9 })
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const rules = async () => (await now('/v1/stacking-rules')).data[0]
  await one.open('/stacking-rules')
  await page.getByRole('button', { name: 'Set stacking rules' }).click()
  await page.getByLabel('Of them are applied').fill('3')
  await page.getByLabel('Of one category').fill('')
  await page.getByLabel('Beside others: Alone').selectOption({ label: 'not with others' })
  await page.getByLabel('At most: Alone').fill('2')
  await page.getByRole('button', { name: 'Make these the rules' }).click()
  await page.getByRole('button', { name: 'Delete the rules' }).waitFor()
  const first = await rules()
  assert.equal(
    [first.applicable_redeemables_limit, first.applicable_redeemables_per_category_limit, first.exclusive_categories],
    [3, null, [id]],
  )
  assert.equal(first.applicable_redeemables_category_limits, { [id]: 2 })
  await one.accessible('stacking rules')
  await page.getByLabel('Of them are applied').fill('30')
  await page.getByLabel('A request may name').fill('20')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('must be less than or equal to redeemables_limit').waitFor()
  await page.getByLabel('A request may name').fill('30')
  await page.getByLabel('Beside others: Alone').selectOption({ label: 'with everything' })
  await page.getByLabel('At most: Alone').fill('')
  await page.getByLabel('When some may not be redeemed').selectOption('PARTIAL')
  await page.getByRole('button', { name: 'Save' }).click()
  await until(async () => (await rules()).redeemables_application_mode === 'PARTIAL')
  const { exclusive_categories, joint_categories, applicable_redeemables_category_limits: limits } = await rules()
  assert.equal([exclusive_categories, joint_categories, limits], [[], [id], {}])
  const two = await visit(browser, node)
  await signIn(two, node, 'reader')
  await two.open('/stacking-rules')
  await two.page.getByRole('row', { name: /Alone with everything/ }).waitFor()
  await two.accessible('stacking rules, for who may look only')
  for (const path of ['/stacking-rules', '/metadata-schemas', '/metadata-schemas/customer', '/imports']) {
    await two.open(path)
    assert.is(await two.page.locator('main button:not(.copy)').count(), 0, path)
  }
  await two.end()
  await page.getByRole('button', { name: 'Delete the rules' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete the rules' }).click()
  await page.getByText('There are no stacking rules').waitFor()
  await one.end()
})

test('a marketer is offered definitions and codes, and neither redemptions, customers’ data nor files', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'marketer')
  const { page } = one
  const buttons = (name: string) => page.getByRole('button', { name, exact: true }).count()
  assert.is(await page.getByRole('link', { name: 'Exports' }).count(), 0)
  await one.open('/customers/ann/codes')
  assert.equal([await buttons('Give a code'), await buttons('Roll back'), await buttons('Erase')], [1, 0, 0])
  await one.open('/customers/ann/cards')
  assert.equal([await buttons('Change points'), await buttons('Spend points')], [0, 0])
  await one.open('/customers')
  assert.is(await buttons('New customer'), 0)
  await one.open('/orders/1001')
  assert.is(await buttons('Cancel the order'), 0)
  await one.end()
})

test.run()
