// Small rules that no story comes upon: who counts as active, what of a fact is a person's, names that are taken once, what a rule
// asks of the customer alone, what is wrong with an event, and totals that go up and down again.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { creditTransactions } from '../../projections/creditTransactions.ts'
import { customerEvents } from '../../projections/customerEvents.ts'
import { eventHours } from '../../projections/eventHours.ts'
import { promotionTotals } from '../../projections/promotionTotals.ts'
import { publications } from '../../projections/publications.ts'
import { segmentDays } from '../../projections/segmentDays.ts'
import { type VoucherDocument, vouchers } from '../../projections/vouchers.ts'
import { voucherTotals } from '../../projections/voucherTotals.ts'
import { email } from '../../src/domain/channels/email.ts'
import { httpUrl } from '../../src/domain/channels/httpUrl.ts'
import { isEmptyMessage } from '../../src/domain/channels/index.ts'
import { webhook } from '../../src/domain/channels/webhook.ts'
import type { Condition } from '../../src/domain/conditions/ast.ts'
import { audiencePart } from '../../src/domain/conditions/audience.ts'
import { activityId, factIdOf } from '../../src/domain/customer/activity.ts'
import { lastActivityAt } from '../../src/domain/customer/idle.ts'
import { redemptionHappening } from '../../src/domain/customer/redemptions/happening.ts'
import { Share } from '../../src/domain/customer/redemptions/share.ts'
import { referralHappening } from '../../src/domain/customer/referrals/happening.ts'
import { newCustomer } from '../../src/domain/customer/state.ts'
import { voucherFacts } from '../../src/domain/customer/vouchers/facts.ts'
import { heldBy, NO_VOUCHERS, type VouchersState, voucherIn } from '../../src/domain/customer/vouchers/state.ts'
import { deliveryFacts } from '../../src/domain/distributions/delivery.ts'
import { decideParked, foldParked, type ParkedEvents } from '../../src/domain/distributions/webhookFacts.ts'
import { listedEntries, sumsOf, wholeFields } from '../../src/domain/personal.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import { factRegistry } from '../../src/domain/registry.ts'
import { rejectedFacts } from '../../src/domain/rejected.ts'
import {
  EventSchema,
  eventSchemaKind,
  metadataFaults,
  personalProperties,
} from '../../src/domain/rulebook/eventSchema.ts'
import { decidePublication, foldPublication } from '../../src/domain/vouchers/publication.ts'
import { impliedPublication } from '../../src/domain/vouchers/publish.ts'
import { HOUR, MINUTE, T0 } from '../given.ts'
import { documents, log } from '../projector/written.ts'
import { succeeded } from '../redemption/fixtures.ts'

test('a customer is as active as the newest thing that was done, not as what time or messages do', () => {
  const of = (more: object) =>
    lastActivityAt({ ...newCustomer('c'), status: 'active', createdAt: 10, updatedAt: 20, ...more } as never)
  const stats = (type: string, last: number) => ({ occurrences: { [type]: { count: 1, first: 1, last } } })
  assert.equal([of({}), of({ createdAt: 30 })], [20, 30])
  assert.equal(
    [of({ consents: { history: [{ occurredAt: 90 }, { occurredAt: 40 }] } }), of(stats('bought', 50))],
    [40, 50],
  )
  assert.equal([of(stats('customer.order.paid', 50)), of(stats('customer.segment.entered', 50))], [50, 20])
  assert.equal([of(stats('bought', 5)), of({ status: 'deleted', now: 99, ...stats('bought', 200) })], [20, 99])
})

test('what of a fact is a person’s is taken out and put back, or stands for nothing', () => {
  const fields = wholeFields({ name: 'somebody', 'because.rule': undefined })
  const data = { id: 1, name: 'Ann', because: { rule: { a: 1 }, points: 2 } }
  const taken = fields.take(data)
  assert.equal(taken, { rest: { id: 1, because: { points: 2 } }, taken: { name: 'Ann', 'because.rule': { a: 1 } } })
  assert.equal(fields.put(taken!.rest, taken!.taken), data)
  assert.equal(fields.put(taken!.rest, undefined), { id: 1, name: 'somebody', because: { points: 2 } })
  const none = [{ id: 1 }, { id: 1, name: null }, { id: 1, name: {} }, { id: 1, because: [1] }]
  for (const one of none) assert.equal([fields.holds(one), fields.take(one)], [false, undefined])
  assert.ok(fields.holds({ name: 'Ann' }) && fields.holds({ because: { rule: [1] } }))
  const listed = listedEntries('metadata', 'personal')
  const event = { metadata: { phone: 1, city: 2 }, personal: ['phone', 'none'] }
  assert.equal(listed.take(event), { rest: { ...event, metadata: { city: 2 } }, taken: { phone: 1 } })
  assert.equal(listed.put({ ...event, metadata: { city: 2 } }, { phone: 1 }), {
    ...event,
    metadata: { city: 2, phone: 1 },
  })
  assert.equal(listed.put({ id: 1 }, { phone: 1 }), { id: 1 })
  assert.is(listed.put(event, undefined), event)
  for (const one of [
    { ...event, personal: ['none'] },
    { metadata: event.metadata },
    { personal: ['phone'] },
    { metadata: [1], personal: ['0'] },
  ])
    assert.equal([listed.holds(one), listed.take(one)], [false, undefined], JSON.stringify(one))
  assert.ok(listed.holds(event))
})

test('the sums of an order stay in the clear: what is a number and called an amount', () => {
  const sums = { amount: 5, total_amount: 7 }
  assert.equal(sumsOf({ ...sums, quantity: 3, given_amount: '9', items: [{ amount: 1 }] }), sums)
  for (const none of [{ quantity: 3 }, {}, [1], null, 'amount', undefined]) assert.is(sumsOf(none), undefined)
})

test('facts that stand apart say whose what is personal in them is', () => {
  for (const [{ personal }, name] of [
    [deliveryFacts.MessageAttemptFailed, 'customer'],
    [rejectedFacts.EventRejected, 'of'],
  ] as const)
    assert.equal([personal.of?.({ [name]: 'c' }), personal.of?.({})], ['c', undefined], name)
})

test('the public id of a fact in the activity log leads back to it', () => {
  const id = '01234567-89ab-5cde-8f01-23456789abcd'
  assert.equal([factIdOf(activityId(id)), factIdOf('evcus_1')], [id, undefined])
})

test('a text message without a word says nothing; what a webhook says is for no reader', () => {
  const sms = (text: string) => isEmptyMessage({ channel: 'sms', to: '1', text })
  assert.equal([sms(' '), sms('x'), isEmptyMessage({ channel: 'webhook', url: 'u', body: '' })], [true, false, false])
})

test('a webhook sends what its template gives, which is JSON, else the event', () => {
  const settings = { type: 'webhook', url: 'https://shop.test/h' } as const
  const body = (template?: string) =>
    webhook.message(settings, { rendered: template === undefined ? {} : { template }, event: () => 'event' } as never)
      .body
  assert.equal([body(), body('{"a":1}')], ['event', '{"a":1}'])
  assert.throws(() => body('{'), /no JSON/)
  assert.equal([webhook.sendsEvent?.(settings), webhook.sendsEvent?.({ ...settings, template: '1' })], [true, false])
})

test('a publication is one document, with each code that it gave once, the first of them by name', () => {
  const published = (id: string, publication: string) =>
    ['VoucherPublished', { voucher: { id, code: id }, publication: { id: publication }, occurredAt: T0 }] as const
  const given = documents(publications, log([published('v1', 'p'), published('v2', 'p'), published('v2', 'p')])) as {
    voucher: object
    vouchers: object[]
  }[]
  const ref = (id: string, code = id) => ({ id, code })
  assert.equal(
    given.map(({ voucher, vouchers }) => [voucher, vouchers]),
    [[ref('v1'), [ref('v1'), ref('v2')]]],
  )
  const club = { id: 'camp_club', name: 'club' }
  const rest = documents(
    publications,
    log([
      published('v3', impliedPublication('v3')),
      ['VoucherCodeReplaced', { voucher: ref('v3', 'new') }],
      ['LoyaltyCardIssued', { card: ref('v4'), campaign: club, occurredAt: T0 }],
      ['LoyaltyCardCodeReplaced', { card: ref('v4', 'new') }],
      ['LoyaltyCardCodeReplaced', { card: ref('v5', 'new') }],
    ]),
  ) as Record<string, unknown>[]
  const of = (id: string) => rest.find(({ voucher }) => (voucher as { id: string }).id === id)
  const one = (id: string) => ({ voucher: ref(id, 'new'), vouchers: [ref(id, 'new')], customer: 'cust_1' })
  const told = (id: string) => {
    const { voucher, vouchers, customer, campaign } = of(id) ?? {}
    return { voucher, vouchers, customer, campaign }
  }
  assert.equal(
    [told('v3'), told('v4'), rest.length],
    [{ ...one('v3'), campaign: null }, { ...one('v4'), campaign: { ...club, type: 'LOYALTY_PROGRAM' } }, 2],
  )
})

test('the name of a publication is whose it was first', () => {
  const asked = { id: 'pub_1', campaign: 'c', customer: 'ann' }
  const first = foldPublication({}, {
    type: 'PublicationRequested',
    data: { ...asked, occurredAt: 1 },
    metadata: { commandKey: 'k' },
  } as never)
  assert.is(first.key, 'k')
  assert.is(foldPublication(first, { type: 'PublicationRequested', data: {}, metadata: {} } as never), first)
  assert.equal(foldPublication({}, { type: 'Other', data: {}, metadata: {} } as never), {})
  const told = (name: typeof first, more: object) => {
    const decided = decidePublication(name, { ...asked, ...more }, 5)
    return isRefused(decided) ? decided.refused.key : decided.length
  }
  assert.equal(
    [told({}, {}), told(first, { id: 'pub_2' }), told(first, { campaign: 'd' }), told(first, { customer: 'bob' })],
    [1, 0, 'duplicate_source_id', 'duplicate_source_id'],
  )
})

test('an event is given up once each time that the feed comes by it, and the newest thousand are remembered', () => {
  const event = (n: number) => ({ webhook: 'w', event: `e${n}`, customer: 'c', tries: 1, reason: 'x' })
  const park = (parked: ParkedEvents, n: number, at: number, replayedAt = 0): ParkedEvents =>
    decideParked(parked, { event: event(n), replayedAt }, at).reduce(foldParked, parked)
  const once = park(new Map(), 1, 100)
  assert.equal([...once], [['e1', 100]])
  assert.equal([park(once, 1, 200), park(once, 1, 200, 100)], [once, once])
  assert.equal([...park(once, 1, 200, 101)], [['e1', 200]])
  assert.is(foldParked(once, { type: 'Other', data: {} }), once)
  const many = Array.from({ length: 1_000 }, (_, n) => n).reduce(
    (parked, n) => park(parked, n, n),
    new Map() as ParkedEvents,
  )
  assert.equal([many.size, many.has('e0')], [1_000, true])
  const more = park(many, 1_000, 1_000)
  assert.equal([more.size, more.has('e0'), more.has('e1')], [1_000, false, true])
  // Again is at the end: it is not the oldest any more.
  assert.equal([...park(park(many, 0, 1_000, 1), 1_000, 1_001).keys()].slice(0, 1), ['e2'])
})

test('what a condition asks of the customer alone', () => {
  const own = { kind: 'segment', id: 's' } as unknown as Condition
  const other = { kind: 'context' } as unknown as Condition
  const of = (kind: 'all' | 'any', ...parts: Condition[]) => ({ kind, of: parts }) as unknown as Condition
  const not = (part: Condition) => ({ kind: 'not', of: part }) as unknown as Condition
  const rule = (part: Condition) => ({ kind: 'rule', of: part }) as unknown as Condition
  assert.equal([audiencePart(own), audiencePart(other)], [own, undefined])
  assert.equal(audiencePart(of('all', own, other)), of('all', own))
  assert.is(audiencePart(of('all', other)), undefined)
  assert.equal(
    [audiencePart(of('any', own, own)), audiencePart(of('any', own, other))],
    [of('any', own, own), undefined],
  )
  assert.equal([audiencePart(rule(own)), audiencePart(rule(other))], [rule(own), undefined])
  const whole = [own, of('all', own, own), of('any', own, own), not(own), rule(own)].map(not)
  for (const one of whole) assert.is(audiencePart(one), one)
  for (const one of [other, of('all', own, other), of('any', other, own), not(other), rule(other)].map(not))
    assert.is(audiencePart(one), undefined, JSON.stringify(one))
})

test('what is wrong with an event is said a line a property, without what is personal', () => {
  const property = (type: string, more: object = {}) => ({ type, ...more })
  const schema = (properties: Record<string, unknown>) => v.parse(EventSchema, { name: 'e', schema: { properties } })
  const faults = (type: string, value: unknown, more: object = {}) =>
    metadataFaults(schema({ a: property(type, more) }), { a: value })
  const good: [string, unknown][] = [
    ['string', ''],
    ['number', 0],
    ['boolean', false],
    ['date', '2026-02-28'],
    ['datetime', '2026-02-28'],
    ['datetime', '2026-02-28T10:00:00Z'],
  ]
  for (const [type, value] of good) assert.equal(faults(type, value), [], `${type} ${value}`)
  const bad: [string, unknown][] = [
    ['string', 1],
    ['number', '1'],
    ['number', Number.NaN],
    ['boolean', 'true'],
    ['date', 20260228],
    ['date', '2026-02-30'],
    ['date', '2026-02-28T10:00:00Z'],
    ['datetime', 1],
    ['datetime', 'soon'],
    ['datetime', '2026-02-30T10:00:00Z'],
    ['datetime', '2026-02-28T25:00:00Z'],
    // The language of today's dates takes them; conditions, which would be asked of them, do not.
    ['datetime', '2026-02-28T24:00:00Z'],
    ['datetime', '2026-02-28T10:00:00+24:00'],
  ]
  for (const [type, value] of bad) assert.is(faults(type, value).length, 1, `${type} ${value}`)
  assert.equal(faults('number', '5'), ["a: must be a number (actual value is '5')"])
  assert.equal(faults('number', '5', { personal: true }), ['a: must be a number'])
  assert.equal([faults('number', null), faults('number', null, { optional: true })], [['a: property is required'], []])
  assert.equal(faults('number', [1, 'x', 'y'], { array: true }), ["a[1]: must be a number (actual value is 'x')"])
  assert.equal(faults('number', [1], { array: true }), [])
  assert.equal(faults('number', ['x'], { array: true }), ["a[0]: must be a number (actual value is 'x')"])
  assert.equal(faults('number', 1, { array: true }), ['a: must be an array (actual value is 1)'])
  const long = (n: number) => faults('number', 'x'.repeat(n))[0]!
  assert.equal([long(98).endsWith("x')"), long(99).endsWith('…)')], [true, true])
  const personal = schema({
    a: property('string', { personal: true }),
    b: property('string'),
    c: property('string', { personal: true }),
  })
  assert.equal(personalProperties(personal, { a: '1', b: '2' }), ['a'])
})

test('a schema of events has a hundred properties and no name of ours', () => {
  const properties = (n: number) =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}`, { type: 'string' }]))
  const takes = (n: number) => v.safeParse(EventSchema, { name: 'e', schema: { properties: properties(n) } }).success
  assert.equal([takes(100), takes(101)], [true, false])
  const named = (name: string) => v.parse(EventSchema, { name, schema: { properties: { a: { type: 'string' } } } })
  const faults = (name: string) => eventSchemaKind.check('ms_1', named(name), { entries: {} } as never).length
  assert.equal([faults('customer.created'), faults('customers')], [1, 0])
  const gone = v.parse(EventSchema, { name: 'e', schema: { properties: { a: { type: 'number', deleted: true } } } })
  assert.equal(
    [metadataFaults(gone, { a: 'x' }), metadataFaults(gone, {})],
    [[], []],
    'what was deleted is not checked',
  )
  assert.equal(metadataFaults(named('e'), { toString: 1, b: 1 }), ['a: property is required'])
})

test('a redemption’s event says what was redeemed and what it gave', () => {
  const data = succeeded(1, { credits: 0, metadata: { shop: 'x' } })
  assert.equal(redemptionHappening({ type: 'RedemptionSucceeded', data })?.metadata, {
    shop: 'x',
    code: 'SPRING',
    campaign: 'camp_a',
    campaign_name: 'spring',
    order_amount: 100,
    discount_amount: 10,
    credits: 0,
  })
  const unknown = redemptionHappening({ type: 'RedemptionSucceeded', data: { ...data, applied: undefined } } as never)
  assert.is(unknown?.metadata.discount_amount, 0)
  const about = { campaign: { id: 'c', name: 'n' }, voucher: { id: 'v', code: 'C' } }
  const shown = { campaign: 'c', campaign_name: 'n', code: 'C' }
  const said = (type: string, more: object) =>
    referralHappening({ type, data: { ...about, ...more } } as never)?.metadata
  const reward = (amount?: number) =>
    said('ReferralRewarded', { role: 'REFEREE', reward: { type: 'LOYALTY_CARD', amount } })
  for (const [amount, worth] of [
    [5, 5],
    [undefined, 0],
  ] as const)
    assert.equal(reward(amount), { ...shown, role: 'REFEREE', reward_type: 'LOYALTY_CARD', amount: worth })
  assert.equal(said('ReferralCredited', { number: 2 }), { ...shown, role: 'REFERRER', number: 2 })
  assert.equal(said('ReferralConverted', {}), { ...shown, role: 'REFEREE' })
  const { campaign: _, order: __, applied: ___, ...bare } = data
  const promotion = { id: 'promo_1', name: 'p', hierarchy: 1 }
  const paid = { card: 'v', points: 7, reward: { id: 'rew', name: 'r', type: 'COIN', revision: '1' }, assignment: 'a' }
  assert.equal(
    redemptionHappening({
      type: 'RedemptionSucceeded',
      data: { ...bare, credits: undefined, promotion, paid },
    } as never)?.metadata,
    { shop: 'x', promotion_tier: 'promo_1', points: 7, reward: 'rew' },
  )
  assert.is(redemptionHappening({ type: 'RedemptionAbandoned', data: { request: 'q', occurredAt: 1 } }), undefined)
})

test('totals of promotion tiers and campaigns go up and down by what each fact says', () => {
  const share = { amount: 100, discounted: 10 }
  const promotion = { id: 'promo_1' }
  const [totals] = documents(
    promotionTotals,
    log([
      ['RedemptionSucceeded', { promotion, share }],
      ['RedemptionSucceeded', { promotion, share: { amount: 30, discounted: 3 } }],
      ['RedemptionSucceeded', { share }],
      ['RedemptionRolledBack', { promotion, share: { amount: 30, discounted: 3 } }],
    ]),
  )
  assert.equal(totals, { _id: 'promo_1', redeemed: 1, orders: 100, discounted: 10 })
  const campaign = 'camp_1'
  const counted = (...facts: readonly (readonly [string, object])[]) => {
    const all = facts.map(([type, data]) => [type, { campaign, ...data }] as const)
    const { _id, ...rest } = documents(voucherTotals, log(all, 'job-1'))[0]! as Record<string, number>
    return rest
  }
  const nothing = { codes: 0, deleted: 0, published: 0, open: 0, failed: 0 }
  const requested = ['VoucherJobRequested', {}] as const
  const failed = ['VoucherJobFailed', {}] as const
  assert.equal(counted(requested, requested), { ...nothing, open: 2 })
  assert.equal(counted(requested, ['VoucherJobAdvanced', { finished: false }]), { ...nothing, open: 1 })
  assert.equal(counted(requested, ['VoucherJobAdvanced', { finished: true }]), nothing)
  assert.equal(counted(requested, failed), { ...nothing, failed: 1 })
  assert.equal(counted(requested, ['VoucherJobCanceled', { was: 'open' }]), nothing)
  assert.equal(counted(requested, failed, ['VoucherJobCanceled', { was: 'failed' }]), nothing)
  assert.equal(counted(requested, failed, ['VoucherJobRetried', { was: 'failed' }]), { ...nothing, open: 1 })
  assert.equal(counted(requested, ['VoucherJobRetried', { was: 'open' }]), { ...nothing, open: 1 })
  assert.equal(counted(requested, ['VoucherJobRetried', { was: 'done' }]), { ...nothing, open: 2 })
  const code = ['CodeReserved', { owner: { campaign } }] as const
  assert.equal(counted(code, code, ['VoucherDeleted', {}], ['VoucherPublished', { campaign: { id: campaign } }]), {
    ...nothing,
    codes: 1,
    deleted: 1,
    published: 1,
  })
})

test('what a publication gave is found by it, and a customer’s first code of a campaign by that', () => {
  const { VoucherPublished, VoucherCodeReplaced } = voucherFacts
  const published = (state: VouchersState, id: string, publication: string, more: object = {}) =>
    VoucherPublished.evolve!(state, {
      voucher: { id, code: id.toUpperCase() },
      publication: { id: publication },
      by: 'rule',
      occurredAt: T0,
      ...more,
    })
  const campaign = { id: 'camp_1', name: 'c', type: 'GIFT_VOUCHERS' }
  const given = published(published(published(NO_VOUCHERS, 'a', 'pub_1'), 'b', 'pub_2', { campaign }), 'c', 'pub_1', {
    campaign,
    type: 'GIFT_VOUCHER',
    credits: 0,
  })
  const idsBy = (publication: string) => heldBy(given, publication).map(({ id }) => id)
  assert.equal([idsBy('pub_1'), idsBy('pub_2'), idsBy('pub_3')], [['a', 'c'], ['b'], []])
  assert.equal([voucherIn(given, 'camp_1')?.id, voucherIn(given, 'camp_2')], ['b', undefined])
  assert.equal(given.a, { id: 'a', code: 'A', publication: { id: 'pub_1' }, publishedAt: T0 })
  assert.equal([given.c?.credits, given.c?.type, given.c?.campaign], [0, 'GIFT_VOUCHER', campaign])
  const replaced = (id: string) =>
    VoucherCodeReplaced.evolve!(given, {
      voucher: { id, code: 'NEW' },
      campaign,
      before: 'B',
      attempt: 1,
      occurredAt: T0,
    })
  assert.equal([replaced('b').b?.code, replaced('b').a?.code], ['NEW', 'A'])
  assert.is(replaced('x'), given)
})

test('the code of a loyalty card is listed once it is reserved and the card is there, whichever comes first', () => {
  const campaign = { id: 'camp_1', name: 'club' }
  const reserved = (id: string, customer?: string, type = 'loyalty_card') =>
    ['CodeReserved', { code: 'X', owner: { type, id, campaign: 'camp_1', customer }, occurredAt: T0 }] as const
  const issued = (id: string) =>
    ['LoyaltyCardIssued', { card: { id, code: 'X' }, campaign, by: 'request', occurredAt: T0 }] as const
  const closed = (id: string) =>
    ['LoyaltyCardClosed', { card: { id, code: 'X' }, campaign, balance: 0, occurredAt: T0 }] as const
  const off = ['CodeDisabled', { code: 'X', voucher: 'v_1', occurredAt: T0 }] as const
  /** Each fact in its own stream, in the order in which they are given. */
  const after = (...facts: readonly (readonly [string, object])[]) => {
    const streams = facts.map(([type]) => (type.startsWith('Code') ? 'code-X' : 'customer-cust_1'))
    const all = facts.map((_, i) => log(facts, streams[i])[i]!)
    const [found] = documents(vouchers, all) as VoucherDocument[]
    return found && [found.voucher, found.issued, found.listed, found.active]
  }
  assert.equal(after(issued('v_1')), ['v_1', true, false, true])
  assert.equal(after(reserved('v_1', 'cust_1')), ['v_1', false, false, true])
  assert.equal(after(issued('v_1'), reserved('v_1', 'cust_1')), ['v_1', true, true, true])
  assert.equal(after(reserved('v_1', 'cust_1'), issued('v_1')), ['v_1', true, true, true])
  assert.equal(after(reserved('v_1', 'cust_1'), off), ['v_1', false, false, false])
  assert.equal(after(reserved('v_1', 'cust_1'), issued('v_1'), off), ['v_1', true, true, false])
  assert.equal(after(reserved('v_1')), ['v_1', false, true, true], 'nobody has it: its code is all there is')
  assert.equal(after(reserved('v_1', 'cust_1', 'voucher')), ['v_1', false, true, true])
  // The code went to somebody else.
  assert.equal(after(issued('v_1'), reserved('v_2', 'cust_2')), ['v_2', false, false, true])
  assert.equal(after(reserved('v_2', 'cust_2'), issued('v_1')), ['v_2', false, false, true])
  assert.equal(after(reserved('v_2', 'cust_2'), closed('v_1')), ['v_2', false, false, true])
  assert.is(after(reserved('v_1', 'cust_1'), issued('v_1'), closed('v_1')), undefined)
  assert.is(after(off), undefined)
})

test('segments by the day, events by the hour and its minutes, names up to two hundred', () => {
  const segment = { id: 'seg' }
  const days = documents(
    segmentDays,
    log(
      [
        ['SegmentLeft', { segment }],
        ['SegmentEntered', { segment }],
        ['SegmentEntered', { segment }],
        ['SegmentLeft', { segment }],
      ],
      undefined,
      6 * HOUR,
    ),
  )
  assert.equal(days, [
    { _id: 'seg', entered: 2, left: 2 },
    { _id: 'seg/2026-03-02', entered: 1, left: 1 },
    { _id: 'seg/2026-03-03', entered: 1, left: 1 },
  ])
  const tracked = (event: string) => ['CustomEventTracked', { event }] as const
  const [hour, next] = documents(
    eventHours,
    log([tracked('a'), tracked('b'), tracked('a'), tracked('a')], undefined, 20 * MINUTE),
  ) as { minutes: number[] }[]
  assert.equal(
    [hour!.minutes.length, hour!.minutes[0], hour!.minutes[20], hour!.minutes[40], hour!.minutes[1]],
    [60, 1, 1, 1, 0],
  )
  assert.equal(
    { ...hour, minutes: 0 },
    {
      _id: '2026-03-02T12',
      events: 3,
      minutes: 0,
      names: [
        { event: 'a', events: 2 },
        { event: 'b', events: 1 },
      ],
      others: 0,
    },
  )
  assert.is((next as unknown as { events: number }).events, 1)
  const many = Array.from({ length: 202 }, (_, n) => tracked(`e${n}`))
  const [full] = documents(eventHours, log([...many, tracked('e199')], undefined, 1)) as {
    names: { events: number }[]
    others: number
    events: number
  }[]
  assert.equal([full!.names.length, full!.names[199]!.events, full!.others, full!.events], [200, 2, 2, 203])
})

test('events of a customer that were erased are counted no more, and nobody without any is listed', () => {
  const tracked = (event: string) => ['CustomEventTracked', { event }] as const
  const erased = (events: object[], of = 'activity') => ['TracesErased', { of, customer: 'cust_1', events }] as const
  const left = (...events: object[]) =>
    documents(customerEvents, [
      ...log([tracked('a'), tracked('a'), tracked('b')]),
      ...log([['', {}], ['', {}], ['', {}], erased(events)], 'traces-cust_1').slice(3),
    ])
  assert.equal(left({ event: 'a', events: 1 }), [
    {
      _id: 'cust_1',
      events: 2,
      names: [
        { event: 'a', events: 1 },
        { event: 'b', events: 1 },
      ],
    },
  ])
  assert.equal(left({ event: 'a', events: 2 }), [{ _id: 'cust_1', events: 1, names: [{ event: 'b', events: 1 }] }])
  assert.equal(left({ event: 'a', events: 2 }, { event: 'b', events: 1 }), [])
})

test('credits are told with the sign of what they do to the balance', () => {
  const voucher = { id: 'v', code: 'GIFT' }
  const redeemed = { ...succeeded(1, { voucher: { ...voucher, type: 'GIFT_VOUCHER' } }), share: { credits: 40 } }
  const changed = (transaction: string, amount: number) =>
    ['GiftCreditsChanged', { transaction, amount, code: 'GIFT', voucher: 'v', occurredAt: T0 }] as const
  const all = documents(
    creditTransactions,
    log([
      changed('t1', 10),
      changed('t2', -10),
      changed('t3', 0),
      ['RedemptionSucceeded', redeemed],
      ['RedemptionSucceeded', succeeded(2)],
      ['RedemptionRolledBack', { ...redeemed, rollback: 'rr_1' }],
    ]),
  ) as { type: string; amount: number; position: string }[]
  assert.equal(
    all.sort((a, b) => (a.position < b.position ? -1 : 1)).map(({ type, amount }) => [type, amount]),
    [
      ['CREDITS_ADDITION', 10],
      ['CREDITS_REMOVAL', -10],
      ['CREDITS_ADDITION', 0],
      ['CREDITS_REDEMPTION', -40],
      ['CREDITS_REFUND', 40],
    ],
  )
})

test('a mail is one line of a subject and a body that is seen, from its own sender or the node’s', () => {
  const settings = { type: 'email' as const, subject: 'Hi' }
  const faults = (more: object) => email.faults?.({ ...settings, ...more }).map(({ setting }) => setting)
  assert.equal(
    [faults({}), faults({ text: 'a' }), faults({ html: 'a' }), faults({ text: 'a', from: 'nobody' })],
    [['html'], [], [], ['from']],
  )
  assert.equal([faults({ text: 'a', from: 'Shop <shop@shop.test>' }), faults({ from: 'x' })], [[], ['from', 'html']])
  const message = (rendered: Record<string, string>, from?: string) =>
    email.message(
      { ...settings, ...(from === undefined ? {} : { from }) },
      { rendered, to: 'ann@shop.test', event: () => '' },
    )
  assert.equal(
    [message({ subject: ' Hi,\r\n  Ann ' }).subject, message({}).subject, message({ text: 'a', html: 'b' }).html],
    ['Hi, Ann', '', 'b'],
  )
  const isEmpty = (rendered: Record<string, string>) => email.isEmpty?.(message({ subject: 'Hi', ...rendered }))
  assert.equal(
    [isEmpty({}), isEmpty({ html: '<p></p>', text: ' ' }), isEmpty({ html: '<p>a</p>' }), isEmpty({ text: 'a' })],
    [true, true, false, false],
  )
  const end = (smtpUrl?: string) => email.end({ smtpUrl, emailFrom: 'node@shop.test' })!
  const hostOf = (smtpUrl?: string, from?: string) => end(smtpUrl).hostOf({ ...settings, ...(from ? { from } : {}) })
  assert.equal(
    [
      hostOf('smtp://mail.test:25'),
      hostOf(),
      hostOf(undefined, 'a@sink.test'),
      hostOf('smtp://mail.test', 'a@sink.test'),
    ],
    ['mail.test:25', undefined, 'sink.test', 'sink.test'],
  )
  const out = (from?: string) => {
    const sent = end().outgoing('msg_1', message({ text: 'a' }, from))
    return sent.by === 'mail' ? sent.from : sent.by
  }
  assert.equal([out(), out('own@shop.test'), out('a@sink.test')], ['node@shop.test', 'own@shop.test', 'sink'])
})

test('whole numbers of facts are 0 at least', () => {
  const closed = (balance: number) =>
    v.is(factRegistry.LoyaltyCardClosed!.schema, {
      card: { id: 'v', code: 'C' },
      campaign: { id: 'camp', name: 'club' },
      balance,
      occurredAt: T0,
    })
  assert.equal([-1, 0, 1, 0.5].map(closed), [false, true, true, false])
  const share = (n: number) => v.is(Share, { day: '2026-01-05', apiKey: 'k', credits: n, amount: n, discounted: n })
  assert.equal([-1, 0, 1, 0.5].map(share), [false, true, true, false])
})

test('a receiver is reached by http or https, and its address holds no user and no password', () => {
  const taken = (url: string) => v.is(httpUrl, url)
  for (const url of ['https://shop.test/in?a=1', 'http://127.0.0.1:8080']) assert.ok(taken(url), url)
  const refused = [
    'https://u@shop.test',
    'https://:p@shop.test',
    'https://u:p@shop.test',
    'ftp://shop.test',
    'shop.test',
  ]
  for (const url of refused) assert.not.ok(taken(url), url)
  assert.equal(
    [1_980, 1_981].map((n) => taken(`https://shop.test/in${'x'.repeat(n)}`)),
    [true, false],
  )
})

test.run()
