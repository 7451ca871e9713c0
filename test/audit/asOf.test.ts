// States as of a point: what the auditor is told equals an independent fold of the log, at points drawn at random.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { postedProgram } from '../referrals/fixtures.ts'
import { times } from '../soak.ts'
import { type Answer, type TestNode, testNode } from '../system/node.ts'
import { until } from '../until.ts'
import { populate, type Shop } from './shop.ts'

interface Line {
  readonly stream: string
  readonly revision: string
  readonly type: string
  readonly data: ReturnType<typeof JSON.parse>
  readonly metadata: { readonly now: number }
}

const POINTS = times(50, 500)
const test = suite('as of')
let node: TestNode

/** Cards that were added to, taken from and redeemed; a code that brought two customers; profiles that changed. */
const live = async ({ program }: Shop): Promise<void> => {
  const ask = async (method: string, path: string, body: unknown) => {
    const answer = await node.call(method, path, body, { as: 'admin' })
    assert.is(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  await ask('POST', '/v1/event-schemas', { name: 'signed_up', schema: { properties: {} } })
  await ask('POST', '/v1/campaigns', postedProgram('friends', program))
  const customer = { source_id: 'c0' }
  const { voucher } = await ask('POST', '/v1/publications', { campaign: 'friends', customer })
  for (const source_id of ['c6', 'c7'])
    await ask('POST', '/v1/events', { event: 'signed_up', customer: { source_id }, referral: { code: voucher.code } })
  await until(
    async () =>
      (await node.call('GET', '/v1/audit/customers/c0', undefined, { as: 'auditor' })).body.loyalty
        .referred_customers === 2,
  )
  for (let i = 0; i < 6; i++) {
    const { cards } = (await node.call('GET', `/v1/audit/customers/c${i}`, undefined, { as: 'auditor' })).body
    for (const change of [30, -5, i])
      if (change !== 0) await ask('POST', `/v1/loyalties/members/${cards[0].code}/balance`, { points: change })
    const address = { city: 'Krakow', country: 'PL' }
    await ask('PUT', `/v1/customers/c${i}`, { name: `Name ${i}`, address, metadata: { tier: i, old: true } })
    await ask('PUT', `/v1/customers/c${i}`, { name: `Other ${i}`, phone: '+48', metadata: { old: null, more: [i] } })
    await ask('PUT', `/v1/customers/c${i}`, { phone: null, address: { city: 'Gdansk' } })
  }
}

test.before(async () => {
  node = await testNode({ DELIVERY: 'off' })
  await live(await populate(node, 6))
})
test.after(() => node.end())

type Values = Record<string, unknown>

/** Keys of `changes` over those before; null takes one away, as what is not there. */
const over = (before: Values, changes: Values): Values =>
  Object.fromEntries(Object.entries({ ...before, ...changes }).filter(([, value]) => value != null))

interface Folded {
  readonly profile: Values
  readonly metadata: Values
  readonly address: Values
  readonly segments: readonly string[]
  readonly cards: Readonly<Record<string, number>>
  readonly referrals: readonly Values[]
  readonly referred: number
}

const PROFILE = ['source_id', 'name', 'description', 'email', 'phone', 'birthdate'] as const
/** What adds to a card and what takes from it, by what the facts are called. */
const ADDS = new Set(['PointsEarned', 'PointsAdded'])
const TAKES = new Set(['PointsRemoved'])

/** What changes nothing that is compared. */
const NOTHING = new Set(['CustomEventTracked', 'MessageRequested', 'VoucherPublished', 'ReferralRewarded'])

/** Profile, segments, cards and referrals by a few lines that share nothing with the product. */
const foldOf = (lines: readonly Line[]): Folded => {
  let profile: Values = {}
  let metadata: Values = {}
  let address: Values = {}
  const segments = new Set<string>()
  const cards: Record<string, number> = {}
  const referrals: Values[] = []
  let referred = 0
  for (const { type, data } of lines) {
    if (type === 'CustomerCreated' || type === 'CustomerUpdated') {
      const { metadata: m = {}, address: a = {}, ...flat } = type === 'CustomerCreated' ? data.profile : data.changes
      profile = over(profile, flat)
      metadata = over(metadata, m)
      address = over(address, a)
    } else if (type === 'SegmentEntered') segments.add(data.segment.id)
    else if (type === 'SegmentLeft') segments.delete(data.segment.id)
    else if (type === 'LoyaltyCardIssued') cards[data.card.id] = 0
    else if (ADDS.has(type)) cards[data.card.id]! += data.points
    else if (TAKES.has(type)) cards[data.card.id]! -= data.points
    else if (type === 'ReferralConverted') referrals.push({ campaign_id: data.campaign.id, referrer_id: data.referrer })
    else if (type === 'ReferralCredited') referred++
    else assert.ok(NOTHING.has(type), `the fold knows no ${type}`)
  }
  return { profile, metadata, address, segments: [...segments].sort(), cards, referrals, referred }
}

/** What of a customer as it is shown the fold knows. */
const shownAs = (body: Answer['body']): Folded => ({
  profile: over({}, Object.fromEntries(PROFILE.map((name) => [name, body[name]]))),
  metadata: body.metadata,
  address: over({}, body.address ?? {}),
  segments: body.segments.map((one: { id: string }) => one.id).sort(),
  cards: Object.fromEntries(body.cards.map((card: { id: string; balance: number }) => [card.id, card.balance])),
  referrals: body.referrals.campaigns.map(({ campaign_id, referrer_id }: Values) => ({ campaign_id, referrer_id })),
  referred: body.loyalty.referred_customers,
})

test('equal the fold of the log, by revision and by time', async () => {
  const seed = Date.now() % 2 ** 31
  let drawn = seed
  const random = (below: number): number => {
    drawn = (Math.imul(drawn, 1_103_515_245) + 12_345) & 0x7fffffff
    return Math.floor((drawn / 2 ** 31) * below)
  }
  const streams = new Map<string, Line[]>()
  // Not the export: what it says of people is encrypted.
  for await (const { stream, revision, type, data, metadata } of node.services.store.readAll())
    if (stream.startsWith('customer-')) {
      const line: Line = { stream, revision: `${revision}`, type, data, metadata: { now: metadata.now ?? Number.NaN } }
      streams.set(stream, [...(streams.get(stream) ?? []), line])
    }
  const all = [...streams.values()]
  assert.is(all.length, 8)
  const met = new Set<keyof Folded>()
  for (let n = 0; n < POINTS; n++) {
    const lines = all[random(all.length)]!
    const line = lines[random(lines.length)]!
    const byTime = n % 2 === 1
    const known = byTime
      ? lines.filter(({ metadata }) => metadata.now <= line.metadata.now)
      : lines.filter(({ revision }) => Number(revision) <= Number(line.revision))
    const point = byTime ? `time=${new Date(line.metadata.now).toISOString()}` : `revision=${line.revision}`
    const id = line.stream.slice('customer-'.length)
    const { status, body } = await node.call('GET', `/v1/audit/customers/${id}?${point}`, undefined, { as: 'auditor' })
    assert.is(status, 200, `seed ${seed}: ${JSON.stringify(body)}`)
    const expected = foldOf(known)
    assert.equal(shownAs(body), expected, `seed ${seed}, ${id} as of ${point}`)
    const balance = Object.values(expected.cards).reduce((sum, points) => sum + points, 0)
    assert.is(body.loyalty.points, balance, `seed ${seed}, ${id} as of ${point}`)
    assert.is(body.revision, known.at(-1)!.revision)
    for (const name of ['metadata', 'address', 'segments', 'referrals'] as const)
      if (Object.keys(expected[name]).length > 0) met.add(name)
    if (balance > 0) met.add('cards')
  }
  assert.ok(met.size >= 4, `seed ${seed}: points lie after changes of ${[...met]}`)
  const whole = foldOf(streams.get((await node.call('GET', '/v1/customers/c0')).body.id.replace(/^/, 'customer-'))!)
  assert.is(whole.referred, 2)
})

test.run()
