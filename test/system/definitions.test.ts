// Segments and validation rules as definitions over a whole node: what is refused and where it says so, lists, and asking a rule.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RULEBOOK_STREAM } from '../../src/domain/ids.ts'
import { until } from '../until.ts'
import { type Answer, type TestNode, testNode } from './node.ts'
import { serverSdk } from './sdk.ts'

let node: TestNode
const test = suite('definitions')

test.before(async () => {
  node = await testNode()
  await made('/v1/event-schemas', {
    name: 'bought',
    schema: {
      properties: {
        amount: { type: 'number', optional: true },
        kind: { type: 'string', optional: true },
        day: { type: 'date', optional: true },
      },
    },
  })
})
test.after(() => node.end())

const made = async (path: string, body: unknown): Promise<Answer['body']> => {
  const answer = await node.call('POST', path, body, { as: 'admin' })
  assert.is(answer.status, 200, JSON.stringify(answer.body))
  return answer.body
}

const segment = async (more: object): Promise<string> => (await made('/v1/segments', { name: 'some', ...more })).id
const rule = async (rules: object, more: object = {}): Promise<string> =>
  (await made('/v1/validation-rules', { name: 'some', rules, ...more })).id

/** How many definitions there are of both kinds. */
const totals = async (): Promise<number[]> =>
  Promise.all(['segments', 'validation-rules'].map(async (name) => (await node.call('GET', `/v1/${name}`)).body.total))

const times = <T>(n: number, of: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => of(i))
const numbered = (n: number, of: object): object => Object.fromEntries(times(n, (i) => [i + 1, of]))
const nested = (levels: number): object => (levels === 1 ? { event: 'bought' } : { all: [nested(levels - 1)] })
const items = (levels: number): object => ({
  1: { name: 'order.items.any', ...(levels > 1 ? { rules: items(levels - 1) } : {}) },
  logic: '1',
})

const filter = (field: string, conditions: object) => ({ filter: { junction: 'and', [field]: { conditions } } })
const bought = (more: object) => ({ condition: { event: 'bought', ...more } })

const SEGMENTS: readonly (readonly [string, object, RegExp])[] = [
  ['no condition', {}, /^Property \.filter is required/],
  ['unknown operator', bought({ count: { $wrong: 0 } }), /^Property \.condition\.count\.\$wrong unknown operator/],
  [
    'unknown operator of a filter',
    filter('name', { $like: 1 }),
    /^Property \.filter\.name\.conditions\.\$like unknown/,
  ],
  ['unknown event', { condition: { event: 'nothing' } }, /^Property \.condition\.event unknown event 'nothing'/],
  [
    'unknown event of a filter',
    filter('events.no.count', { $is: 1 }),
    /^Property \.filter\.events\.no\.count unknown event/,
  ],
  [
    'unknown property',
    bought({ where: [{ property: 'colour', $is: 'red' }] }),
    /^Property \.condition\.where\[0\]\.property unknown property 'colour'/,
  ],
  [
    'unknown property of a sum',
    bought({ sum: { property: 'x', $is: 1 } }),
    /^Property \.condition\.sum\.property unknown/,
  ],
  ['unknown field', filter('shoe', { $is: 1 }), /^Property \.filter\.shoe unknown field/],
  ['unknown segment', { condition: { segment: 'seg_none' } }, /^Property \.condition\.segment unknown segment/],
  ['unknown segment of a filter', filter('segment', { $is: 'seg_x' }), /^Property \.filter\.segment\.conditions\.\$is/],
  [
    'a number where a text is asked for',
    bought({ where: { property: 'amount', $starts_with: '1' } }),
    /^Property \.condition\.where\.\$starts_with operator '\$starts_with' cannot be used with .* a number/,
  ],
  [
    'a text where a number is asked for',
    bought({ where: { property: 'kind', $more_than: 1 } }),
    /^Property \.condition\.where\.\$more_than operator '\$more_than' cannot be used with .* a string/,
  ],
  [
    'a sum of texts',
    bought({ sum: { property: 'kind', $is: 1 } }),
    /^Property \.condition\.sum\.property .*of type string/,
  ],
  [
    'no date',
    bought({ where: { property: 'day', $after: 'soon' } }),
    /^Property \.condition\.where\.\$after must be an ISO/,
  ],
  ['no number', filter('events.bought.count', { $more_than: 'x' }), /\.\$more_than must be a number/],
  ['a window of nothing', bought({ within: 'PT0S' }), /^Property \.condition\.within must be longer than zero/],
  ['a window over five years', bought({ within: 'P5Y1D' }), /^Property \.condition\.within .*five years/],
  [
    'too deep',
    { condition: nested(21) },
    /^Property \.condition\.all\[0\]\.all.* must NOT be nested deeper than 20 levels/,
  ],
  [
    'too many',
    { condition: { any: times(500, () => ({ event: 'bought' })) } },
    /^Property \.condition\.any\[499\] must NOT have more than 500 conditions/,
  ],
]

const amount = { name: 'order.amount', conditions: { $more_than: 1 } }
const metadata = (property: string, conditions: object) => ({
  1: { name: 'custom_event.metadata', property, conditions },
})

const RULES: readonly (readonly [string, object, RegExp])[] = [
  [
    'unknown rule',
    { 1: { name: 'weather', conditions: { $is: 1 } } },
    /^Property \.rules\.1\.name unknown rule 'weather'/,
  ],
  [
    'unknown operator',
    { 1: { ...amount, conditions: { $near: 1 } } },
    /^Property \.rules\.1\.conditions\.\$near unknown/,
  ],
  [
    'no property',
    { 1: { ...metadata('x', {}), name: 'custom_event.metadata' } },
    /^Property \.rules\.1\.property .* must name/,
  ],
  ['unknown property', metadata('colour', { $is: 1 }), /^Property \.rules\.1\.property unknown property 'colour'/],
  [
    'type of a property',
    metadata('kind', { $more_than: 1 }),
    /^Property \.rules\.1\.conditions\.\$more_than .* cannot be used/,
  ],
  ['no number', metadata('amount', { $is: 'five' }), /^Property \.rules\.1\.conditions\.\$is must be a number/],
  [
    'logic that names a missing rule',
    { 1: amount, logic: '1 and 2' },
    /^Property \.rules\.logic names rule 2, which is not/,
  ],
  ['logic that cannot be read', { 1: amount, logic: '(1' }, /^Property \.rules\.logic expected '\)'/],
  ['too deep', items(21), /^Property \.rules\.1\.rules\.1.* must NOT be nested deeper than 20 levels/],
  ['too many', numbered(501, amount), /^Property \.rules\.501 must NOT have more than 500 conditions/],
]

test('what is wrong with a definition is said with its path, and nothing is written', async () => {
  const before = await totals()
  for (const [name, definition, details] of SEGMENTS) {
    const answer = await node.call('POST', '/v1/segments', { name, type: 'auto-update', ...definition })
    assert.equal([answer.status, answer.body.key], [400, 'invalid_payload'], name)
    assert.match(answer.body.details, details)
  }
  for (const [name, rules, details] of RULES) {
    const answer = await node.call('POST', '/v1/validation-rules', { name, rules })
    assert.equal([answer.status, answer.body.key], [400, 'invalid_validation_rules'], name)
    assert.match(answer.body.details, details)
  }
  assert.equal(await totals(), before)
})

test('what is likely a mistake is let in with a warning', async () => {
  const inNone = { 1: { name: 'customer.segment', property: null, conditions: { $is: ['seg_none'] } }, logic: '1' }
  const post = (path: string, body: unknown) => node.call('POST', path, body)
  const warned = async (path: string, body: unknown, words: RegExp) => {
    const { status, headers, body: answer } = await post(path, body)
    assert.is(status, 200, JSON.stringify(answer))
    assert.match(headers.get('warning') ?? '', words)
    return answer
  }
  await warned('/v1/validation-rules', { name: 'in none', rules: inNone }, /^299 - "there is no segment seg_none/)
  const coupon = { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 0 } }
  const few = { voucher: { ...coupon, code_config: { length: 2, charset: 'numeric' } }, vouchers_count: 3 }
  await warned(
    '/v1/campaigns',
    { name: 'few', campaign_type: 'DISCOUNT_COUPONS', ...few },
    /allows 100 different codes/,
  )
  const club = await post('/v1/loyalties', { name: 'warned', voucher: { type: 'LOYALTY_CARD' } })
  assert.is(club.headers.get('warning'), null)
  await warned(`/v1/loyalties/${club.body.id}/tiers`, [{ name: 'Later' }], /without points is reached by nobody/)
})

test('as deep and as large as conditions may be, a body may be too', async () => {
  await segment({ condition: nested(20) })
  await segment({ condition: { any: times(499, () => ({ event: 'bought' })) } })
  await rule(items(20))
  await rule(numbered(500, amount))
})

test('definitions that are made at once on one node do not keep each other out', async () => {
  const names = times(12, (i) => `at-once-${i}`)
  const categories = await Promise.all(names.map((name, hierarchy) => made('/v1/categories', { name, hierarchy })))
  assert.equal(
    categories.map(({ name }) => name),
    names,
  )
})

test('segments may not refer to each other in a circle', async () => {
  const first = await segment({ name: 'first', condition: { event: 'bought' } })
  const second = await segment({ name: 'second', condition: { not: { segment: first } } })
  const third = await segment({ name: 'third', filter: { segment: { conditions: { $in: [second] } } } })
  for (const [form, definition] of [
    ['condition', { condition: { any: [{ event: 'bought' }, { segment: third }] } }],
    ['filter', { filter: { segment: { conditions: { $is_not: third } } } }],
    ['condition', { condition: { segment: first } }],
  ] as const) {
    const answer = await node.call('PUT', `/v1/segments/${first}`, definition)
    assert.equal([answer.status, answer.body.key], [400, 'invalid_payload'])
    assert.match(answer.body.details, new RegExp(`^Property \\.${form} must NOT refer to itself: seg_`))
  }
  const now = (await node.call('GET', `/v1/segments/${first}`)).body
  assert.equal([now.condition, now.updated_at], [{ event: 'bought' }, undefined])
})

test('a segment in use is not deleted, and the answer lists who uses it', async () => {
  const used = await segment({ name: 'used', condition: { event: 'bought' } })
  const users = [
    ['segments', await segment({ name: 'user', condition: { not: { segment: used } } })],
    ['validation-rules', await rule({ 1: { name: 'customer.segment', conditions: { $is: used } } })],
    [
      'distributions',
      (
        await made('/v1/distributions', {
          name: 'user',
          trigger: { type: 'segment_left', segment_id: used },
          channel: { type: 'webhook', url: 'https://shop.example/hook' },
        })
      ).id,
    ],
  ] as const
  const club = await made('/v1/loyalties', { name: 'club', voucher: { code_config: {} } })
  const [earning] = await made(`/v1/loyalties/${club.id}/earning-rules`, [
    {
      event: 'customer.segment.entered',
      segment: { id: used },
      loyalty: { type: 'FIXED', points: 1 },
    },
  ])
  const refused = await node.call('DELETE', `/v1/segments/${used}`)
  assert.equal([refused.status, refused.body.key, refused.body.resource_id], [400, 'resource_in_use', used])
  for (const id of [...users.map(([, id]) => id), earning.id]) assert.match(refused.body.details, id)
  for (const [path, id] of users) assert.is((await node.call('DELETE', `/v1/${path}/${id}`)).status, 204)
  assert.is((await node.call('DELETE', `/v1/loyalties/${club.id}/earning-rules/${earning.id}`)).status, 204)
  assert.is((await node.call('DELETE', `/v1/segments/${used}`)).status, 204)
  assert.is((await node.call('GET', `/v1/segments/${used}`)).status, 404)
})

test('lists are filtered, ordered and paged as the contract says', async () => {
  const ids: string[] = []
  for (const name of ['list 1', 'list 2', 'list 3']) ids.push(await segment({ name, condition: { event: 'bought' } }))
  const made = await Promise.all(ids.map(async (id) => (await node.call('GET', `/v1/segments/${id}`)).body.created_at))
  const names = async (query: string): Promise<string[]> => {
    const { status, body } = await node.call('GET', `/v1/segments?${query}`)
    assert.is(status, 200, JSON.stringify(body))
    return body.data.map(({ name }: { name: string }) => name)
  }
  const mine = 'filters[name][conditions][$starts_with][0]=list'
  assert.equal(await names(mine), ['list 3', 'list 2', 'list 1'])
  assert.equal(await names(`${mine}&order=created_at&limit=2`), ['list 1', 'list 2'])
  assert.equal(await names(`${mine}&order=created_at&limit=2&page=2`), ['list 3'])
  assert.equal(await names(`${mine}&filters[created_at][conditions][$before][0]=${made[1]}`), ['list 1'])
  assert.equal(await names(`${mine}&filters[created_at][conditions][$after][0]=${made[1]}`), ['list 3'])
  assert.equal(await names(`${mine}&starting_after=${made[1]}`), ['list 1'])
  assert.equal(await names(`ids[0]=${ids[1]}&ids[1]=${ids[0]}`), ['list 2', 'list 1'])
  for (const path of ['segments', 'validation-rules', 'validation-rules-assignments', 'distributions']) {
    const wrong = await node.call('GET', `/v1/${path}?filters[colour][conditions][$is]=red`)
    assert.equal([wrong.status, wrong.body.key], [400, 'invalid_query_params'], path)
    const none = await node.call(
      'GET',
      `/v1/${path}?filters[created_at][conditions][$before]=2020-01-01&order=updated_at`,
    )
    assert.equal([none.status, none.body.data, none.body.total], [200, [], 0], path)
  }
  const none = await node.call('GET', '/v1/messages?created_at[before]=2020-01-01&updated_at[after]=2019-01-01')
  assert.equal([none.status, none.body.data], [200, []])
})

const ask = async (id: string, body: object): Promise<Answer['body']> => {
  const answer = await node.call('POST', `/v1/validation-rules/${id}/validation`, body)
  assert.is(answer.status, 200, JSON.stringify(answer.body))
  return answer.body
}

test('a rule asked of an event names the first part that fails, with its message', async () => {
  const id = await rule({
    1: {
      name: 'custom_event.metadata',
      property: 'amount',
      conditions: { $more_than: [5] },
      error: { message: 'too little' },
    },
    logic: '1',
  })
  const of = (amount: number) => ask(id, { event: { type: 'bought', metadata: { amount } } })
  assert.is((await of(6)).valid, true)
  const failed = await of(5)
  assert.equal([failed.valid, failed.failed.rule, failed.error], [false, '1', { message: 'too little' }])
})

test('a rule on budgets is answered for a redemption of a code as a validation answers, and else says what it lacks', async () => {
  const campaign = await made('/v1/campaigns', {
    name: 'budgets',
    campaign_type: 'DISCOUNT_COUPONS',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 10 } },
  })
  const code = async (holder: string): Promise<string> =>
    (await made('/v1/publications', { campaign: campaign.id, customer: { source_id: holder } })).voucher.code
  const [first, second, third] = [await code('h1'), await code('h2'), await code('h3')]
  await made('/v1/vouchers/LONE', { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 5 } })
  const limits = {
    daily: { name: 'redemption.count.daily', conditions: { $less_than_or_equal: 1 } },
    mine: { name: 'redemption.count.per_customer', conditions: { $less_than_or_equal: 1 } },
    all: { name: 'campaign.redemptions.count', conditions: { $less_than_or_equal: 2 } },
    money: { name: 'campaign.orders.amount', conditions: { $less_than_or_equal: 2_500 } },
  }
  const order = { amount: 1_000 }
  const redeem = async (id: string) => {
    const answer = await node.call('POST', '/v1/redemptions', {
      redeemables: [{ object: 'voucher', id }],
      customer: { source_id: 'ann' },
      order,
    })
    assert.is(answer.status, 200, JSON.stringify(answer.body))
  }
  // Attached to the campaign, one rule at a time: the endpoint and a validation say the same of every code, before and after.
  const asked: Record<string, string> = {}
  for (const [name, limit] of Object.entries(limits))
    asked[name] = await rule({ 1: { ...limit, error: { message: `over ${name}` } }, logic: '1' })
  const compare = async (expected: Readonly<Record<string, readonly boolean[]>>) => {
    for (const [name, answers] of Object.entries(expected)) {
      const id = asked[name]!
      const { id: assignment } = await made(`/v1/validation-rules/${id}/assignments`, {
        related_object_type: 'campaign',
        related_object_id: campaign.id,
      })
      for (const [n, one] of [first, second, third].entries()) {
        const customer = { source_id: 'ann' }
        const answer = await ask(id, { customer, order, redemption: { code: one } })
        const redeemables = [{ object: 'voucher', id: one }]
        const validation = (await node.call('POST', '/v1/validations', { redeemables, customer, order })).body
        assert.is(answer.valid, answers[n], `${name} of code ${n}: ${JSON.stringify(answer)}`)
        assert.is(validation.valid, answer.valid, `${name} of code ${n}`)
        if (!answer.valid) {
          assert.equal(answer.error, { message: `over ${name}` })
          assert.is(validation.redeemables[0].result.error.error.message, `over ${name}`)
        }
      }
      // Budgets of a campaign are counted from when a rule asks for them, so that these rules stay.
      if (name === 'daily' || name === 'mine')
        assert.is((await node.call('DELETE', `/v1/validation-rules/${id}/assignments/${assignment}`)).status, 204)
    }
  }
  await compare({ daily: [true, true, true], mine: [true, true, true] })
  const kept = await made(`/v1/validation-rules/${asked.money}/assignments`, {
    related_object_type: 'campaign',
    related_object_id: campaign.id,
  })
  await redeem(first)
  await redeem(second)
  await node.call('DELETE', `/v1/validation-rules/${asked.money}/assignments/${kept.id}`)
  await compare({ daily: [false, false, true], mine: [false, false, true], money: [false, false, false] })
  // Without a code, or for one that is not counted in such a way, nothing is said to have failed.
  const customer = { source_id: 'ann' }
  for (const [name, context] of [
    ['daily', { customer }],
    ['daily', { customer, order, redemption: { metadata: {} } }],
    ['mine', { event: { type: 'bought', metadata: {} } }],
    ['all', {}],
  ] as const) {
    const answer = await ask(asked[name]!, context)
    assert.equal([answer.valid, 'failed' in answer, 'error' in answer], [null, false, false])
    assert.equal(answer.undetermined.names, [limits[name].name])
    assert.match(answer.undetermined.reason, /redemption\.code/)
  }
  const lone = await ask(asked.all!, { customer, redemption: { code: 'LONE' } })
  assert.equal(
    [lone.valid, lone.failed.name],
    [false, 'campaign.redemptions.count'],
    'a code of no campaign has no such budget',
  )
  // What does not depend on the budget is certain all the same.
  const either = await rule({ 1: limits.daily, 2: amount, logic: '1 or 2' })
  assert.equal([(await ask(either, { order })).valid, (await ask(either, {})).valid], [true, null])
  const both = await rule({ 1: limits.daily, 2: amount, logic: '1 and 2' })
  const certain = await ask(both, { customer })
  assert.equal([certain.valid, certain.failed.rule], [false, '2'])
  assert.is((await ask(both, { customer, order, redemption: { code: third } })).valid, true)
  const nobody = await node.call('POST', `/v1/validation-rules/${both}/validation`, { redemption: { code: 'NOBODY' } })
  assert.equal([nobody.status, nobody.body.resource_type], [404, 'voucher'])
})

test('a change under which others would not compile is refused with all of them', async () => {
  const properties = { price: { type: 'number' } }
  const schema = await made('/v1/event-schemas', { name: 'sold', schema: { properties } })
  const dear = await segment({
    name: 'dear',
    type: 'auto-update',
    condition: { event: 'sold', where: { property: 'price', $more_than: 5 } },
  })
  const dearRule = await rule({
    1: { name: 'custom_event.metadata', property: 'price', conditions: { $more_than: 5 } },
  })
  const put = (body: object) => node.call('PUT', `/v1/event-schemas/${schema.id}`, body, { as: 'admin' })
  for (const body of [
    { name: 'given' },
    { schema: { properties: { price: { type: 'string' } } } },
    { schema: { properties: { price: { type: 'number', deleted: true } } } },
  ]) {
    const refused = await put(body)
    assert.equal([refused.status, refused.body.key, refused.body.resource_id], [409, 'definition_in_use', schema.id])
    assert.match(refused.body.details, new RegExp(`segment ${dear} \\(\\.condition`))
    assert.is(
      refused.body.details.includes(dearRule),
      !('name' in body),
      'a rule asks whichever event has the property',
    )
  }
  const now = (await node.call('GET', `/v1/event-schemas/${schema.id}`)).body
  assert.equal([now.name, now.updated_at], ['sold', undefined])
  assert.is((await put({ schema: { properties: { more: { type: 'string', optional: true } } } })).status, 200)
  const club = await made('/v1/loyalties', { name: 'counted', voucher: { code_config: {} } })
  const rich = await segment({ name: 'rich', condition: { points: 'counted', $more_than: 5 } })
  const renamed = await node.call('PUT', `/v1/loyalties/${club.id}`, { name: 'other' })
  assert.equal([renamed.status, renamed.body.key], [409, 'definition_in_use'])
  assert.match(renamed.body.details, new RegExp(rich))
  const tracked = { event: 'sold', customer: { source_id: 'eve' }, metadata: { price: 7 } }
  assert.equal((await node.call('POST', '/v1/events', tracked)).status, 200)
})

test('a definition that cannot be read is switched off and says so, and everything else works', async () => {
  const id = await segment({ name: 'of later', condition: { event: 'bought' } })
  const kept = await node.call('POST', '/v1/events', { event: 'bought', customer: { source_id: 'zoe' } })
  const later = { id, definition: { name: 'of later', kind: 'unknown' }, occurredAt: Date.now() }
  const meta = { $correlationId: 'later' }
  await node.services.store.appendRecords(
    RULEBOOK_STREAM,
    [{ id: crypto.randomUUID(), type: 'SegmentUpdated', data: later, metadata: meta }],
    'any',
  )
  const shown = async (): Promise<string> => String((await node.call('GET', `/v1/segments/${id}`)).body.switched_off)
  await until(shown, (words) => /another version/.test(words), 30_000)
  const tracked = await node.call('POST', '/v1/events', { event: 'bought', customer: { source_id: 'zoe' } })
  assert.is(tracked.status, 200)
  const members = await node.call('GET', `/v1/segments/${id}/members`, undefined, { after: tracked })
  assert.equal([kept.status, members.body.total], [200, 1], 'nobody is put out')
  const { switched_off: listed } = (await node.call('GET', '/v1/processes', undefined, { as: 'admin' })).body
  assert.equal(
    listed.map((one: { kind: string; id: string }) => [one.kind, one.id]),
    [['segment', id]],
  )
  const ready = await node.call('GET', '/health/ready')
  assert.equal([ready.status, ready.body.checks.definitions.switched_off], [200, 1])
  const metrics = await (await fetch(`${node.url}/metrics`)).text()
  assert.match(metrics, /tributary_definitions_switched_off 1/)
  const mended = await node.call('PUT', `/v1/segments/${id}`, { condition: { event: 'bought' } })
  assert.equal([mended.status, mended.body.switched_off], [200, undefined])
})

test('validation rules and segments through the official SDK', async () => {
  const sdk = serverSdk(node)
  const made = await sdk.validationRules.create({
    name: 'from the SDK',
    rules: { 1: { name: 'customer.metadata', property: 'tier', conditions: { $is: ['gold'] } }, logic: '1' },
  })
  assert.is((await sdk.validationRules.get(made.id)).name, 'from the SDK')
  assert.is((await sdk.validationRules.list({ limit: 1, page: 1 })).data[0]?.id, made.id)
  const { id: campaign } = (
    await node.call('POST', '/v1/campaigns', {
      name: 'for the SDK',
      campaign_type: 'DISCOUNT_COUPONS',
      voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 5 } },
    })
  ).body
  const assignment = await sdk.validationRules.createAssignment(made.id, { campaign })
  assert.equal([assignment.related_object_type, assignment.related_object_id], ['campaign', campaign])
  for (const target of [{ campaign: 'camp_none' }, { voucher: 'NO-SUCH-CODE' }, { promotion_tier: 'promo_1' }]) {
    const refused = await node.call('POST', `/v1/validation-rules/${made.id}/assignments`, target)
    assert.ok(refused.status === 400 || refused.status === 404, JSON.stringify(refused.body))
  }
  assert.is((await sdk.validationRules.listAssignments(made.id)).total, 1)
  await sdk.validationRules.deleteAssignment(made.id, assignment.id)
  await sdk.validationRules.delete(made.id)
  const segment = await sdk.segments.create({ name: 'sdk', type: 'static', customers: [] })
  assert.is((await sdk.segments.get(segment.id)).name, 'sdk')
  await sdk.segments.delete(segment.id)
})

test.run()
