// Referrals over a whole node: campaigns, publications, conversions, holders, and what can be read of them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { serverSdk } from '../system/sdk.ts'
import { until } from '../until.ts'
import { postedProgram } from './fixtures.ts'

let dir: string
let node: TestNode
let club = ''
let friends = ''
const test = suite('referrals over http')

const made = async (path: string, body: unknown): Promise<string> => {
  const answer = await node.call('POST', path, body, { as: 'admin' })
  assert.is(answer.status, 200, JSON.stringify(answer.body))
  return answer.body.id
}

const points = (amount: number) => ({
  type: 'LOYALTY_CARD',
  amount,
  related_object_parent: { id: club },
})

const program = (name: string, more: Record<string, unknown> = {}) => postedProgram(name, club, more)

test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-referrals-'))
  node = await testNode({}, dir, { client: { allow: ['publish'] } })
  await made('/v1/event-schemas', { name: 'signed_up', schema: { properties: {} } })
  club = await made('/v1/campaigns', {
    name: 'club',
    campaign_type: 'LOYALTY_PROGRAM',
    voucher: { type: 'LOYALTY_CARD' },
  })
  friends = await made('/v1/campaigns', program('friends'))
})
test.after(async () => {
  await node.end()
  await rm(dir, { recursive: true, force: true })
})

const publish = (customer: string, more: Record<string, unknown> = {}, query = '') =>
  node.call('POST', `/v1/publications${query}`, { campaign: 'friends', customer: { source_id: customer }, ...more })

const signUp = (customer: string, code: string, more: Record<string, unknown> = {}) =>
  node.call('POST', '/v1/events', {
    event: 'signed_up',
    customer: { source_id: customer },
    referral: { code },
    ...more,
  })

const referee = async (customer: string, after?: Answer) =>
  (await node.call('GET', `/v1/referrals/friends/referees/${customer}`, undefined, after ? { after } : {})).body

/** Waits until the referee's referral has come to an end. */
const rewarded = (customer: string) =>
  until(async () => {
    const found = await referee(customer)
    return found.status === 'rewarded' ? found : undefined
  })

const types = async (customer: string): Promise<string[]> => {
  const log = await node.call('GET', `/v1/customers/${customer}/activity?limit=100`)
  return log.body.data.map((entry: { type: string }) => entry.type)
}

test('a campaign is made, shown by id and name, listed, changed, switched and deleted', async () => {
  const id = await made('/v1/campaigns', program('short-lived'))
  const one = await node.call('GET', `/v1/campaigns/${id}`)
  assert.is(one.body.voucher.is_referral_code, true)
  assert.equal((await node.call('GET', '/v1/campaigns/short-lived')).body, one.body)
  const twin = await node.call('POST', '/v1/campaigns', program('short-lived'))
  assert.equal([twin.status, twin.body.key], [409, 'duplicate_found'])
  const list = await node.call('GET', '/v1/campaigns?campaign_type=REFERRAL_PROGRAM&limit=1')
  assert.equal([list.body.data_ref, list.body.campaigns[0].id, list.body.total], ['campaigns', id, 2])
  const changed = await node.call('PUT', `/v1/campaigns/${id}`, { description: 'soon over' })
  assert.equal([changed.body.description, changed.body.name], ['soon over', 'short-lived'])
  assert.is((await node.call('PUT', `/v1/campaigns/${id}`, { campaign_type: 'PROMOTION' })).status, 400)
  assert.is((await node.call('POST', `/v1/campaigns/${id}/disable`, {})).body.active, false)
  assert.is((await node.call('POST', `/v1/campaigns/${id}/enable`, {})).body.active, true)
  const used = await node.call('DELETE', `/v1/campaigns/${club}`)
  assert.equal([used.status, used.body.key], [400, 'resource_in_use'])
  assert.is((await node.call('DELETE', `/v1/campaigns/${id}`)).status, 204)
  assert.is((await node.call('GET', `/v1/campaigns/${id}`)).status, 404)
})

test('what is wrong with a program is said, path by path', async () => {
  const bad = await node.call(
    'POST',
    '/v1/campaigns',
    program('bad', {
      custom_event: { name: 'unheard_of' },
      referrer_reward: { ...points(1), related_object_parent: { id: 'camp_none' } },
      new_customers: { created_within: 'soon', segment_id: 'seg_none' },
      referrer_tiers: [
        { from: 5, reward: points(1) },
        { from: 5, reward: points(1) },
      ],
    }),
  )
  assert.is(bad.status, 400)
  for (const path of ['custom_event', 'referrer_reward', 'created_within', 'segment_id', 'referrer_tiers'])
    assert.match(bad.body.details, path)
})

test('a program that converts by redemption: whoever redeems the code of another is referred, once', async () => {
  const code = 'by-redemption'
  await made('/v1/campaigns', {
    ...program(code, { conversion_event_type: 'redemption', custom_event: null }),
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 20 } },
  })
  const published = await publish('rosa', { campaign: code })
  const given = published.body.voucher.code
  const redeem = (who: string) =>
    node.call('POST', '/v1/redemptions', {
      redeemables: [{ object: 'voucher', id: given }],
      order: { amount: 1_000 },
      customer: { source_id: who },
    })
  assert.is((await redeem('rosa')).body.key, 'referrer_not_permitted_to_redeem')
  const first = await redeem('ned')
  assert.is(first.status, 200, JSON.stringify(first.body))
  assert.is(first.body.order.total_amount, 800)
  await redeem('ned')
  await redeem('nina')
  const rosa = await until(
    () => node.call('GET', '/v1/customers/rosa'),
    ({ body }) => body.loyalty.referred_customers === 2,
  )
  assert.is(rosa.body.loyalty.points, 200)
  const ned = await node.call('GET', '/v1/customers/ned', undefined, { after: first })
  assert.is(ned.body.referrals.total, 1)
  assert.is(ned.body.loyalty.points, 50)
})

test('publishing: once a customer with join_once, another code without, a source_id once', async () => {
  const first = await publish('pat')
  assert.is(first.status, 200, JSON.stringify(first.body))
  assert.match(first.body.voucher.code, /^REF-\d{8}$/)
  assert.is(first.body.customer.source_id, 'pat')
  const second = await publish('pat', { source_id: 'p-0' })
  assert.is(second.body.voucher.code, first.body.voucher.code)
  const third = await publish('pat', { source_id: 'p-1' }, '?join_once=false')
  assert.is.not(third.body.voucher.code, first.body.voucher.code)
  const repeat = await publish('pat', { source_id: 'p-1' }, '?join_once=false')
  assert.equal([repeat.status, repeat.body.key], [400, 'duplicate_source_id'])
  const other = await publish('pia', { source_id: 'p-1' })
  assert.equal([other.status, other.body.key], [400, 'duplicate_source_id'])
  const list = await node.call('GET', '/v1/publications?customer=pat', undefined, { after: third })
  assert.equal([list.body.total, list.body.publications[0].id], [2, third.body.id])
  assert.equal(list.body.publications[1], first.body)
  assert.is((await node.call('GET', '/v1/publications?page=1001')).body.key, 'page_over_limit')
  assert.is((await publish('pat', { campaign: 'nothing' })).status, 404)
  const again = await node.call('POST', '/v1/publications', {
    voucher: first.body.voucher.code,
    customer: { source_id: 'pat' },
  })
  assert.is(again.body.id, first.body.id)
  const stolen = await node.call('POST', '/v1/publications', {
    voucher: first.body.voucher.code,
    customer: { source_id: 'pia' },
  })
  assert.is(stolen.body.key, 'voucher_already_published')
})

test('the same request for a code twice at once, and repeated with its key, gives one code', async () => {
  const [a, b] = await Promise.all([publish('poe'), publish('poe')])
  assert.is(a.body.voucher.code, b.body.voucher.code)
  const keyed = () =>
    node.call(
      'POST',
      '/v1/publications?join_once=false',
      { campaign: 'friends', customer: { source_id: 'poe' } },
      { headers: { 'Idempotency-Key': 'k-1' } },
    )
  const first = await keyed()
  assert.is.not(first.body.voucher.code, a.body.voucher.code)
  assert.is((await keyed()).body.voucher.code, first.body.voucher.code)
})

test('a code converts: both sides are rewarded, and it shows everywhere', async () => {
  const { code } = (await publish('ann')).body.voucher
  const sent = await signUp('bob', code)
  assert.is(sent.status, 200, JSON.stringify(sent.body))
  assert.equal(
    sent.body.effects.map((effect: { type: string }) => effect.type),
    ['customer.referred', 'customer.publication.succeeded', 'customer.rewarded'],
  )
  const found = await rewarded('bob')
  const [referral] = found.referrals
  assert.equal([referral.referee_reward.amount, referral.referrer_reward.amount, referral.number], [50, 100, 1])
  assert.ok((await types('bob')).includes('customer.referred'))
  assert.ok((await types('bob')).includes('customer.rewarded'))
  assert.ok((await types('ann')).includes('customer.referred'))
  assert.ok((await types('ann')).includes('customer.rewarded'))
  const [bob, ann] = await Promise.all(['bob', 'ann'].map((name) => node.call('GET', `/v1/customers/${name}`)))
  assert.is(bob?.body.referrals.total, 1)
  assert.is(bob?.body.referrals.campaigns[0].referrer_id, ann?.body.id)
  assert.is(bob?.body.referrals.campaigns[0].campaign_id, friends)
  assert.is(ann?.body.loyalty.referred_customers, 1)
  const status = await node.call('GET', `/v1/referrals/friends/members/${code}`)
  assert.equal([status.body.active, status.body.totals.conversions, status.body.totals.rewarded], [true, 1, 1])
  const referrer = await node.call('GET', '/v1/referrals/friends/referrers/ann')
  assert.equal([referrer.body.codes[0].code, referrer.body.totals.rewarded], [code, 1])
  const raw = await node.call('GET', '/v1/events?customer=bob')
  assert.equal(raw.body.data[0].referral, { code }, 'what was found under the code is nobody else’s')
})

test('a refused event is recorded, and the reason is there to be read', async () => {
  const { code } = (await publish('eve')).body.voucher
  const own = await signUp('eve', code)
  assert.is(own.status, 200)
  const found = await referee('eve', own)
  assert.equal([found.status, found.referrals[0].refused.reason], ['refused', 'self_referral'])
  const off = await node.call('POST', `/v1/vouchers/${code}/disable`, {})
  assert.equal([off.status, off.body.active], [200, false])
  assert.is((await referee('fay', await signUp('fay', code))).referrals[0].refused.reason, 'code_disabled')
  await node.call('POST', `/v1/vouchers/${code}/enable`, {})
  await signUp('fay', code)
  assert.is((await rewarded('fay')).status, 'rewarded')
  const unknown = await signUp('gil', 'NO-SUCH-CODE')
  assert.is(unknown.status, 200)
  assert.is((await referee('gil', unknown)).status, 'none')
})

test('both orders: the event before the code is published converts nothing, the next one does', async () => {
  const before = await signUp('hal', 'REF-00000000')
  assert.is((await referee('hal', before)).status, 'none')
  const { code } = (await publish('ida')).body.voucher
  await signUp('hal', code)
  await rewarded('hal')
})

test('holders: all or none, once each, not the referrer, and taken away again', async () => {
  const { code } = (await publish('joe')).body.voucher
  const path = `/v1/referrals/friends/members/${code}/holders`
  const both = await node.call('POST', path, { holders: [{ source_id: 'kim' }, { source_id: 'lee' }] })
  assert.is(both.status, 200, JSON.stringify(both.body))
  assert.equal([both.body.holders.length, both.body.holders[0].holder_role], [2, 'REFEREE'])
  assert.is((await referee('kim', both)).status, 'pending')
  const twice = await node.call('POST', path, { holders: [{ source_id: 'max' }, { source_id: 'kim' }] })
  assert.equal([twice.status, twice.body.key], [409, 'holder_assignement_duplication'])
  assert.is((await node.call('GET', '/v1/customers/max', undefined, { after: both })).status, 404)
  const self = await node.call('POST', path, { holders: [{ source_id: 'joe' }] })
  assert.is(self.status, 409)
  assert.is((await node.call('POST', path, { holders: [] })).status, 400)
  const unknown = await node.call('POST', path, { holders: [{ id: 'cust_nobody' }] })
  assert.is(unknown.status, 404)
  const listed = await node.call('GET', `/v1/referrals/members/${code}/holders?limit=1`, undefined, { after: both })
  assert.equal(
    [listed.body.data.length, listed.body.data[0].holder_role, listed.body.has_more],
    [1, 'REFERRER', true],
    'the referrer comes first',
  )
  const next = await node.call(
    'GET',
    `/v1/referrals/members/${code}/holders?limit=2&starting_after_id=${listed.body.more_starting_after}`,
  )
  assert.equal([next.body.data.length, next.body.has_more, next.body.total], [2, false, 3])
  const referrer = await node.call('DELETE', `${path}/${listed.body.data[0].id}`)
  assert.is(referrer.status, 403)
  const gone = await node.call('DELETE', `${path}/${both.body.holders[0].id}`)
  assert.is(gone.status, 204)
  assert.is((await referee('kim', gone)).status, 'none')
  assert.is((await node.call('DELETE', `${path}/${both.body.holders[0].id}`)).status, 404)
  await signUp('lee', code)
  assert.is((await rewarded('lee')).referrals.length, 1)
  await until(async () => (await types('lee')).includes('customer.holder.assignment.created') || undefined)
  assert.is(
    (await node.call('POST', '/v1/referrals/members/NOPE/holders', { holders: [{ source_id: 'x' }] })).status,
    404,
  )
})

test('the list of a program is paged without loss or repeat, and its totals add up', async () => {
  const seen: string[] = []
  let after = ''
  for (;;) {
    const { body } = await node.call('GET', `/v1/referrals/${friends}?limit=2${after}`)
    seen.push(...body.data.map((r: { id: string }) => r.id))
    assert.is(body.total, body.totals.pending + body.totals.refused + body.totals.converted + body.totals.rewarded)
    if (!body.has_more) {
      assert.is(seen.length, body.total)
      break
    }
    after = `&starting_after_id=${encodeURIComponent(body.more_starting_after)}`
  }
  assert.is(new Set(seen).size, seen.length)
  const only = await node.call('GET', `/v1/referrals/${friends}?status=refused&referee=eve`)
  assert.equal([only.body.data.length, only.body.total], [1, 1])
})

test('a card of a loyalty program is published like a code, and switched like one', async () => {
  const ask = () => node.call('POST', '/v1/publications', { campaign: 'club', customer: { source_id: 'nan' } })
  const given = await ask()
  assert.is(given.body.voucher.type, 'LOYALTY_CARD', JSON.stringify(given.body))
  assert.is((await ask()).body.voucher.code, given.body.voucher.code)
  const list = await node.call('GET', '/v1/publications?customer=nan', undefined, { after: given })
  assert.equal(
    list.body.publications.map((p: { id: string; voucher: { code: string } }) => [p.id, p.voucher.code]),
    [[given.body.id, given.body.voucher.code]],
  )
  const { code } = given.body.voucher
  const off = await node.call('POST', `/v1/vouchers/${code}/disable`, {})
  assert.is(off.body.active, false)
  const member = await node.call('GET', `/v1/loyalties/members/${code}`, undefined, { after: off })
  assert.is(member.body.active, false)
  assert.is((await node.call('POST', '/v1/vouchers/NOPE/disable', {})).status, 404)
})

test('the official SDK makes, switches and deletes campaigns and publishes codes', async () => {
  const sdk = serverSdk(node)
  const campaign = await sdk.campaigns.create({ ...program('by sdk'), type: 'AUTO_UPDATE' } as never)
  assert.is((await sdk.campaigns.get('by sdk')).id, campaign.id)
  assert.is((await sdk.campaigns.list({ limit: 5 })).data_ref, 'campaigns')
  const published = await sdk.distributions.publications.create({
    campaign: { name: 'by sdk' },
    customer: { source_id: 'sue' },
    metadata: { from: 'sdk' },
  } as never)
  assert.is(published.result, 'SUCCESS')
  const listed = async () => (await sdk.distributions.publications.list({ campaign: 'by sdk' })).publications ?? []
  assert.is((await until(listed, (found) => found.length > 0))[0]?.id, published.id)
  const { code } = (published as unknown as { voucher: { code: string } }).voucher
  await sdk.events.create('signed_up', { customer: { source_id: 'sam' }, referral: { code } } as never)
  await until(async () => (await node.call('GET', '/v1/referrals/by%20sdk/referees/sam')).body.status === 'rewarded')
  await sdk.campaigns.disable(campaign.id)
  assert.is((await sdk.campaigns.get(campaign.id)).active, false)
  await sdk.campaigns.enable(campaign.id)
  await sdk.campaigns.update(campaign.id, { description: 'changed' } as never)
  await sdk.campaigns.delete(campaign.id)
  assert.is((await node.call('GET', `/v1/campaigns/${campaign.id}`)).status, 404)
})

test('browsers publish codes for those who are allowed to', async () => {
  const answer = await node.call('POST', '/client/v1/publish?join_once=true&campaign=friends', {
    customer: { source_id: 'web' },
    channel: 'Voucherify.js',
  })
  assert.equal([answer.status, answer.body.channel], [200, 'Voucherify.js'], JSON.stringify(answer.body))
})

test('fifty referees at once on one code: fifty rewards, no more; the same referee twice at once: one', async () => {
  const { code } = (await publish('zoe')).body.voucher
  const names = Array.from({ length: 50 }, (_, i) => `referee-${i}`)
  const answers = await Promise.all(names.flatMap((name) => [signUp(name, code), signUp(name, code)]))
  assert.ok(answers.every(({ status }) => status === 200))
  await until(async () => {
    const { body } = await node.call('GET', `/v1/referrals/friends/members/${code}`)
    return body.totals?.rewarded === 50 || undefined
  })
  const members = await node.call('GET', '/v1/customers/zoe/activity?type=customer.rewarded&limit=100')
  assert.is(members.body.data.length, 50)
  const last = Math.max(
    ...members.body.data.map((e: { data: { balance: { balance: number } } }) => e.data.balance.balance),
  )
  assert.is(last, 5_000)
  const numbers = new Set(
    (await node.call('GET', `/v1/referrals/friends?code=${code}&limit=100`)).body.data.map(
      (r: { number: number }) => r.number,
    ),
  )
  assert.is(numbers.size, 50)
})

test('a node that stops right after the conversion rewards the referrer once it is back', async () => {
  const { code } = (await publish('amy')).body.voucher
  const sent = await signUp('ben', code, { id: 'e-1' })
  await node.stop()
  node = await testNode({}, node.dir)
  await rewarded('ben')
  assert.equal((await signUp('ben', code, { id: 'e-1' })).body, sent.body, 'a repeat is answered as the first time')
  const log = await node.call('GET', '/v1/customers/amy/activity?type=customer.rewarded')
  assert.is(log.body.data.length, 1)
})

test.run()
