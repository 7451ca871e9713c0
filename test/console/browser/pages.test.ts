// Work in a real browser over a small shop: segments from the builder to a member and why not, a code to its limit, a message to
// its receiver, a customer as of then; and every page for axe, light, dark and 375 pixels wide.
import type { Browser, Locator } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { startReceiver } from '../../delivery/receiver.ts'
import { skipFile } from '../../skip.ts'
import { type TestNode, testNode } from '../../system/node.ts'
import { until } from '../../until.ts'
import { launch, makeIn, missing, signIn, visit } from './browser.ts'

let node: TestNode
let browser: Browser
if (missing !== undefined) skipFile(missing)

const made = (path: string, body: unknown) => makeIn(node, path, body)

test.before(async () => {
  node = await testNode({ WEBHOOK_ALLOW_PRIVATE: 'true' })
  browser = await launch()
  await made('/v1/event-schemas', { name: 'order_paid', schema: { properties: { amount: { type: 'number' } } } })
  const longName = `A customer whose name goes on ${'and on '.repeat(20)}`
  for (const [source_id, name] of [
    ['ann', 'Ann'],
    ['bob', 'Bob'],
    ['long', longName],
  ] as const)
    await made('/v1/customers', { source_id, name })
  for (const amount of [10, 20, 30])
    await made('/v1/events', { event: 'order_paid', customer: { source_id: 'ann' }, metadata: { amount } })
})
test.after(async () => {
  await browser.close()
  await node.end()
})

test('a segment from the builder to its member, and why somebody is not in it', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  await one.open('/segments/new')
  await page.getByLabel('Name').fill('Regulars')
  await page.getByRole('button', { name: '+ Event' }).click()
  await page.getByLabel('What is asked of order_paid').selectOption('count')
  await page.getByLabel('Value of the count of order_paid').fill('3')
  await page.getByLabel('Window of time').selectOption('P90D')
  await page.getByText('of 3 customers').waitFor()
  await one.accessible('the builder')
  // The JSON beside it is the same condition, and changes it.
  const json = page.getByLabel('Condition')
  const condition = JSON.parse(await json.inputValue())
  assert.equal(condition, { all: [{ event: 'order_paid', count: { $more_than_equal: 3 }, within: 'P90D' }] })
  await json.fill(JSON.stringify({ all: [{ event: 'order_paid', count: { $more_than_equal: 2 }, within: 'P30D' }] }))
  assert.is(await page.getByLabel('Value of the count of order_paid').inputValue(), '2')
  assert.is(await page.getByLabel('Window of time').inputValue(), 'P30D')
  await page.getByRole('button', { name: 'Publish', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Regulars' }).waitFor()
  await until(async () => {
    await page.reload()
    await page.getByRole('region', { name: 'Members' }).or(page.getByText('Nobody is in it now')).first().waitFor()
    return page.getByRole('link', { name: 'Ann' }).count()
  })
  await page.getByLabel('Customer').fill('bob')
  await page.getByRole('button', { name: 'Explain' }).click()
  await page.getByText('No, it does not hold').waitFor()
  await page.getByText('count of order_paid within P30D >= 2 must hold').waitFor()
  await one.accessible('a segment')
  await one.end()
})

test('a code to its limit', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  await one.open('/campaigns')
  await page.getByRole('button', { name: 'New campaign' }).click()
  await page.getByLabel('Name').fill('Spring')
  await page.getByLabel('Pattern of codes').fill('SPRING-####')
  await page.getByLabel('Codes to make now').fill('1')
  await one.accessible('the form of a campaign')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { level: 1, name: 'Spring' }).waitFor()
  await until(async () => {
    await page.reload()
    await page.locator('main .figures').waitFor()
    return page.getByRole('link', { name: /^SPRING-/ }).count()
  })
  await one.accessible('a campaign with its codes')
  await page.getByRole('link', { name: /^SPRING-/ }).click()
  await page.getByLabel('Customer').fill('ann')
  await page.getByLabel('Amount of the order').fill('50')
  await page.getByRole('button', { name: 'Validate' }).click()
  await page.getByText('It would be taken: 5.00 off.').waitFor()
  await page.getByRole('button', { name: 'Redeem' }).click()
  await page.getByText('Redeemed.', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Redeem' }).click()
  await page.locator('.note[data-tone="bad"]').waitFor()
  await one.accessible('a code')
  await one.end()
})

test('what was made is changed: a campaign, and a program with its rules, tiers and reward', async () => {
  const program = await made('/v1/loyalties', { name: 'Club', voucher: { code_config: { pattern: 'CLUB-########' } } })
  const below = `/v1/loyalties/${program.id}`
  await made(`${below}/earning-rules`, [{ event: 'order_paid', loyalty: { type: 'FIXED', points: 10 } }])
  await made(`${below}/tiers`, [{ name: 'Gold', points: { from: 0, to: 99 } }])
  const reward = await made('/v1/rewards', {
    name: 'Mug',
    type: 'MATERIAL',
    stock: 5,
    parameters: { product: { id: 'm' } },
  })
  const campaign = await made('/v1/campaigns', {
    name: 'Autumn',
    expiration_date: '2027-01-01T00:00:00Z',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 5 } },
  })
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const change = async (where: Locator, label: string, value: string) => {
    await where.getByRole('button', { name: 'Change', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(label, { exact: true }).fill(value)
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
  }
  const now = async (path: string) => (await node.call('GET', path, undefined, { as: 'admin' })).body
  const main = page.locator('main')
  await one.open(`/loyalty/${program.id}`)
  await page.getByRole('row', { name: /order_paid/ }).waitFor()
  await change(page.getByRole('row', { name: /order_paid/ }), 'Points', '15')
  await page.getByRole('row', { name: /Gold/ }).waitFor()
  await change(page.getByRole('row', { name: /Gold/ }), 'Name', 'Platinum')
  await change(main.locator('.page-head'), 'Points expire after months', '6')
  await one.accessible('a program that can be changed')
  const rules = await now(`${below}/earning-rules`)
  assert.equal([rules.data[0].event, rules.data[0].loyalty], ['order_paid', { type: 'FIXED', points: 15 }])
  const tiers = await now(`${below}/tiers`)
  assert.equal([tiers.data[0].name, tiers.data[0].points], ['Platinum', { from: 0, to: 99 }])
  const { voucher } = await now(below)
  assert.equal([voucher.loyalty_card.expiration_rules.period_value, voucher.code_config.pattern], [6, 'CLUB-########'])
  await one.open(`/rewards/${reward.id}`)
  await change(main, 'Pieces in stock', '')
  assert.is((await now(`/v1/rewards/${reward.id}`)).stock, null)
  await one.open(`/campaigns/${campaign.id}`)
  await change(main, 'Until', '')
  const { expiration_date, name, voucher: codes } = await now(`/v1/campaigns/${campaign.id}`)
  assert.equal([expiration_date ?? null, name, codes.discount.percent_off], [null, 'Autumn', 5])
  await one.end()
})

test('two people who change one thing at once: the later is told, and goes on from what the first made of it', async () => {
  const { id } = await made('/v1/campaigns', {
    name: 'Winter',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 5 } },
  })
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const dialog = page.getByRole('dialog')
  const begin = () => page.locator('main').getByRole('button', { name: 'Change', exact: true }).click()
  const save = async (label: string, value: string) => {
    await dialog.getByLabel(label, { exact: true }).fill(value)
    await dialog.getByRole('button', { name: 'Save' }).click()
  }
  const now = async () => (await node.call('GET', `/v1/campaigns/${id}`, undefined, { as: 'admin' })).body
  await one.open(`/campaigns/${id}`)
  await begin()
  await node.call('PUT', `/v1/campaigns/${id}`, { description: 'For skates' }, { as: 'admin' })
  await save('Name', 'Winter sale')
  await dialog.getByText('Somebody else has changed it since you began').waitFor()
  assert.equal([(await now()).name, (await now()).description], ['Winter', 'For skates'])
  await page.getByText('For skates').first().waitFor()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await begin()
  await save('Name', 'Winter sale')
  await dialog.waitFor({ state: 'detached' })
  assert.equal([(await now()).name, (await now()).description], ['Winter sale', 'For skates'])
  const schema = await made('/v1/event-schemas', { name: 'skated', schema: { properties: {} } })
  await one.open(`/event-schemas/${schema.id}`)
  await page.getByRole('button', { name: 'Add a property' }).click()
  await page.getByLabel('Name of property 1').fill('laps')
  const properties = { place: { type: 'string' } }
  await node.call('PUT', `/v1/event-schemas/${schema.id}`, { name: 'skated', schema: { properties } }, { as: 'admin' })
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText('Somebody else has changed it since you began').first().waitFor()
  await page.getByRole('button', { name: 'Remove place' }).waitFor()
  const kept = await node.call('GET', `/v1/event-schemas/${schema.id}`, undefined, { as: 'admin' })
  assert.equal(Object.keys(kept.body.schema.properties), ['place'])
  const segment = await made('/v1/segments', { name: 'Skaters', type: 'auto-update', condition: { event: 'skated' } })
  await one.open(`/segments/${segment.id}/edit`)
  await page.getByLabel('Name', { exact: true }).fill('Those who skate')
  await node.call('PUT', `/v1/segments/${segment.id}`, { name: 'On skates' }, { as: 'admin' })
  await page.getByRole('button', { name: 'Publish the change' }).click()
  await page.getByRole('alert').getByText('Somebody else has changed it since you began').waitFor()
  await page.getByRole('button', { name: 'Discard the draft' }).click()
  await until(async () => (await page.getByLabel('Name', { exact: true }).inputValue()) === 'On skates')
  await one.end()
})

test('a row of a list is read anew when its form is opened, and held against what others do after that', async () => {
  const category = `/v1/categories/${(await made('/v1/categories', { name: 'Ice', hierarchy: 1 })).id}`
  const put = (path: string, body: unknown) => node.call('PUT', path, body, { as: 'admin' })
  const read = async (path: string) => (await node.call('GET', path, undefined, { as: 'admin' })).body
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const dialog = page.getByRole('dialog')
  const begin = () => page.getByRole('row', { name: /Ice/ }).getByRole('button', { name: 'Change' }).click()
  await one.open('/categories')
  await page.getByRole('row', { name: /Ice/ }).waitFor()
  await put(category, { hierarchy: 7 })
  await begin()
  await dialog.getByLabel('Name').fill('Ice and snow')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
  const { name, hierarchy } = await read(category)
  assert.equal([name, hierarchy], ['Ice and snow', 7])
  await begin()
  await dialog.waitFor()
  await put(category, { hierarchy: 8 })
  await dialog.getByLabel('Name').fill('Snow')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByText('Somebody else has changed it since you began').waitFor()
  assert.is((await read(category)).name, 'Ice and snow')
  const rules = `/v1/stacking-rules/${(await made('/v1/stacking-rules', {})).id}`
  await one.open('/stacking-rules')
  await page.getByLabel('Of them are applied').fill('3')
  await put(rules, { redeemables_limit: 20 })
  await page.getByRole('button', { name: 'Save' }).click()
  // Beside the form, which begins anew: there it would be gone before it is read.
  await page.getByRole('status').getByText('Somebody else has changed it since you began').waitFor()
  assert.is((await read(rules)).redeemables_limit, 20)
  await node.call('DELETE', rules, undefined, { as: 'admin' })
  await one.end()
})

test('a referral program is made with points of a program that is chosen, or with none', async () => {
  const club = await made('/v1/loyalties', { name: 'Friends’ club' })
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const dialog = page.getByRole('dialog')
  for (const [name, program] of [
    ['Bring one', ''],
    ['Bring two', club.id],
  ] as const) {
    await one.open('/referrals')
    await page.getByRole('button', { name: 'New program' }).click()
    await dialog.getByLabel('Name', { exact: true }).fill(name)
    await dialog.getByLabel('Event that converts').fill('order_paid')
    await dialog.getByLabel('In the loyalty program').selectOption(program)
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
    const id = page.url().split('/').at(-1)
    const { body } = await node.call('GET', `/v1/campaigns/${id}`, undefined, { as: 'admin' })
    assert.is(body.referral_program.referrer_reward?.related_object_parent?.id ?? '', program)
  }
  await one.end()
})

test('what can be switched off is, and on again', async () => {
  const program = await made('/v1/loyalties', {
    name: 'Switched',
    voucher: { code_config: { pattern: 'SWI-########' } },
  })
  const rules = `/v1/loyalties/${program.id}/earning-rules`
  await made(rules, [{ event: 'order_paid', loyalty: { type: 'FIXED', points: 1 } }])
  const discount = { type: 'PERCENT', percent_off: 5 }
  const campaign = await made('/v1/campaigns', { name: 'Switches', voucher: { type: 'DISCOUNT_VOUCHER', discount } })
  await made('/v1/vouchers', { code: 'SWITCH', type: 'DISCOUNT_VOUCHER', discount })
  const distribution = await made('/v1/distributions', {
    name: 'Switched to nobody',
    trigger: { type: 'event', event: 'order_paid' },
    channel: { type: 'webhook', url: 'https://shop.example/till' },
  })
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const isOn = async (path: string): Promise<boolean> => {
    const { body } = await node.call('GET', path, undefined, { as: 'admin' })
    return (body.data?.[0] ?? body).active
  }
  for (const [path, shown, where] of [
    [`/v1/loyalties/${program.id}`, `/loyalty/${program.id}`, '.page-head'],
    [rules, `/loyalty/${program.id}`, 'tr'],
    [`/v1/campaigns/${campaign.id}`, `/campaigns/${campaign.id}`, '.page-head'],
    ['/v1/vouchers/SWITCH', '/codes/SWITCH', '.page-head'],
    [`/v1/distributions/${distribution.id}`, `/distributions/${distribution.id}`, '.page-head'],
  ] as const) {
    await one.open(shown)
    for (const [name, wanted] of [
      ['Switch off', false],
      ['Switch on', true],
    ] as const) {
      assert.is(await isOn(path), !wanted, path)
      await page.locator(`main ${where}`).getByRole('button', { name, exact: true }).click()
      await until(async () => (await isOn(path)) === wanted)
    }
  }
  await node.call('DELETE', `/v1/distributions/${distribution.id}`, undefined, { as: 'admin' })
  await one.end()
})

test('a message from its template to the receiver', async () => {
  const receiver = await startReceiver()
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const { id } = await made('/v1/distributions', {
    name: 'Orders to the till',
    trigger: { type: 'event', event: 'order_paid' },
    channel: { type: 'webhook', url: `${receiver.url}/till` },
  })
  await one.open(`/distributions/${id}`)
  await page.getByRole('button', { name: 'Change' }).click()
  await page.getByLabel('Body (Liquid)').fill('{ "who": "{{ customer.name }}" }')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.getByLabel('For the customer').fill('ann')
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.getByLabel('Body', { exact: true }).getByText('Ann').waitFor()
  await one.accessible('a distribution')
  await made('/v1/events', { event: 'order_paid', customer: { source_id: 'ann' }, metadata: { amount: 40 } })
  await until(() => receiver.received.length > 0)
  const note = page.getByText('E-mails wait: this node has no mail server')
  await one.open('/messages')
  assert.is(await note.count(), 0, 'nothing is said about a channel that no distribution uses')
  await made('/v1/distributions', {
    name: 'A mail',
    trigger: { type: 'event', event: 'order_paid' },
    channel: { type: 'email', subject: 'Thanks', text: 'Thanks' },
  })
  await one.open('/messages?state=requested')
  await page.reload()
  await note.waitFor()
  await one.open('/messages?state=sent')
  await until(async () => {
    await page.reload()
    await page.locator('main .filters').waitFor()
    await page.waitForFunction(() => document.querySelector('.loading') === null)
    return page.getByRole('link', { name: 'Orders to the till' }).count()
  })
  await page.getByRole('link', { name: 'Orders to the till' }).click()
  await page.getByText('Why it was asked for').waitFor()
  await page.getByText('Message Requested').waitFor()
  await one.accessible('a message')
  await one.end()
  await receiver.close()
})

test('a customer as of then, and what differs now', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const { body: ann } = await node.call('GET', '/v1/customers/ann')
  const before = Date.parse(ann.created_at)
  await node.call('PUT', '/v1/customers/ann', { name: 'Ann of now' })
  await one.open(`/customers/ann/as-of?time=${before}`)
  await page.getByRole('row', { name: /name/ }).filter({ hasText: 'Ann of now' }).waitFor()
  await one.accessible('a customer as of then')
  await one.end()
})

test('why a code was taken, by the rule that allowed it; and a person is erased for good', async () => {
  const rule = await made('/v1/validation-rules', {
    name: 'Orders of 20 and more',
    rules: { 1: { name: 'order.amount', conditions: { $more_than_equal: [2000] } }, logic: '1' },
  })
  const discount = { type: 'PERCENT', percent_off: 5 }
  await made('/v1/vouchers', { code: 'RULED', type: 'DISCOUNT_VOUCHER', discount, validation_rules: [rule.id] })
  await made('/v1/redemptions', {
    redeemables: [{ object: 'voucher', id: 'RULED' }],
    order: { amount: 2500 },
    customer: { source_id: 'zoe', name: 'Zoe' },
  })
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  await one.open('/customers/zoe')
  await page.locator('.tabs [aria-current=page]', { hasText: 'Activity' }).waitFor()
  await page.getByText('From', { exact: true }).waitFor()
  await page.getByText('Redemption succeeded').click()
  await page.getByRole('link', { name: 'a validation rule' }).waitFor()
  await page.locator('.truth').getByText('order.amount >= 2000').waitFor()
  await one.accessible('why a code was taken')
  await page.getByRole('button', { name: 'Erase', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Erase', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Customers' }).waitFor()
  const { status, body } = await node.call('GET', '/v1/access/log?limit=1', undefined, { as: 'admin' })
  assert.equal([status, body.data[0].action], [200, 'erased'])
  await one.end()
})

test('a store that is away: lists come back by themselves, and the health of the node says what it is', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  const away = { status: 503, contentType: 'application/json' }
  let isAway = true
  await page.route(/\/v1\/customers\?/, (route) =>
    isAway
      ? route.fulfill({
          ...away,
          body: JSON.stringify({ code: 503, key: 'unavailable', details: 'The store is away' }),
        })
      : route.continue(),
  )
  const health = { status: 'unavailable', checks: { documents: { ok: false, error: 'cannot be reached' } } }
  await page.route(/\/health\/ready/, (route) => route.fulfill({ ...away, body: JSON.stringify(health) }))
  await one.open('/customers')
  await page.getByText('The store is away').waitFor()
  await one.accessible('a list that cannot be shown')
  isAway = false
  await page.getByRole('row', { name: /Ann/ }).waitFor()
  await one.open('/system')
  await page.getByText('cannot be reached').waitFor()
  await one.end()
})

test('a list that does not show yet what was written is asked for again', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  let asked = 0
  await page.route(/\/v1\/customers\?/, (route) =>
    asked++ === 0
      ? route.fulfill({
          contentType: 'application/json',
          headers: { Stale: 'true' },
          body: JSON.stringify({ object: 'list', data_ref: 'customers', customers: [], has_more: false }),
        })
      : route.continue(),
  )
  await one.open('/customers')
  await page.getByRole('row', { name: /Ann/ }).waitFor()
  await one.end()
})

test('refused events are sent again once each, however often it is clicked', async () => {
  for (const source_id of ['r1', 'r2', 'r3']) {
    const bad = { event: 'order_paid', customer: { source_id }, metadata: { amount: 'ten' } }
    assert.is((await node.call('POST', '/v1/events', bad, { as: 'admin' })).status, 400)
  }
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  let sent = 0
  page.on('request', (request) => {
    if (request.url().endsWith('/resend')) sent += 1
  })
  await one.open('/refused')
  await page.getByRole('button', { name: 'Send all 3 shown again' }).dblclick()
  await page.getByText('0 events sent again, 3 still refused').waitFor()
  assert.is(sent, 3)
  await one.end()
})

test('a node that stays behind is asked less and less, and a long list stays as long as it is', async () => {
  for (let n = 0; n < 60; n++) await made('/v1/customers', { source_id: `many ${n}`, name: `Many ${n}` })
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  const { page } = one
  await page.clock.install()
  const asked: { readonly isByItself: boolean }[] = []
  await page.route(/\/v1\/customers\?/, async (route) => {
    asked.push({ isByItself: route.request().headers()['x-by-itself'] === '1' })
    const response = await route.fetch()
    await route.fulfill({ response, headers: { ...response.headers(), stale: 'true' } })
  })
  await one.open('/customers')
  const rows = page.getByRole('row')
  await until(async () => (await rows.count()) > 20)
  const short = await rows.count()
  await page.getByRole('button', { name: 'Show more' }).click()
  await until(async () => (await rows.count()) > short)
  const long = await rows.count()
  const byHand = asked.length
  for (let second = 0; second < 40; second++) {
    await page.clock.runFor(1_000)
    await page.getByRole('button', { name: 'Show more' }).waitFor()
  }
  assert.is(await rows.count(), long)
  assert.ok(asked.length > byHand, 'it is asked again')
  assert.ok(asked.length - byHand < 20, `asked ${asked.length - byHand} times in 40 seconds`)
  assert.ok(
    asked.slice(byHand).every(({ isByItself }) => isByItself),
    'nobody need be there',
  )
  await one.end()
})

const PAGES = [
  '',
  '/customers',
  '/customers/ann/activity',
  '/customers/ann/profile',
  '/customers/ann/segments',
  '/customers/ann/cards',
  '/customers/ann/codes',
  '/customers/ann/referrals',
  '/customers/ann/messages',
  '/customers/long/profile',
  '/customers/nobody/activity',
  '/event-schemas',
  '/metadata-schemas',
  '/metadata-schemas/customer',
  '/refused',
  '/segments',
  '/orders',
  '/imports',
  '/loyalty',
  '/rewards',
  '/campaigns',
  '/redemptions',
  '/categories',
  '/stacking-rules',
  '/referrals',
  '/validation-rules',
  '/distributions',
  '/messages',
  '/webhooks',
  '/exports',
  '/audit',
  '/access',
  '/system',
  '/nowhere',
]

test('axe finds nothing on any page', async () => {
  const one = await visit(browser, node)
  await signIn(one, node, 'admin')
  for (const path of PAGES) {
    await one.open(path)
    await one.accessible(path)
  }
  await one.end()
})

test('on a window of 375 pixels in the dark nothing is wider than it, and all can be read', async () => {
  const one = await visit(browser, node, { width: 375, isDark: true })
  await signIn(one, node, 'admin')
  for (const [index, path] of PAGES.entries()) {
    await one.open(path)
    const isWider = await one.page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    )
    assert.not.ok(isWider, `${path} is wider than its window`)
    // Colours are those of the parts that pages share: every third page has them all.
    if (index % 3 === 0) await one.accessible(path, ['color-contrast'])
  }
  await one.end()
})

test.run()
