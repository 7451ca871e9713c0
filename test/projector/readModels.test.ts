// What facts make of the documents of small read models: each row is a log and what it leaves.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { accessLog } from '../../projections/accessLog.ts'
import { activity } from '../../projections/activity.ts'
import { creditTransactions, type CreditTransactionDocument as Row } from '../../projections/creditTransactions.ts'
import { customers } from '../../projections/customers.ts'
import { deadlines } from '../../projections/deadlines.ts'
import { eventTotals } from '../../projections/eventTotals.ts'
import { loyaltyTotals } from '../../projections/loyaltyTotals.ts'
import { orders } from '../../projections/orders.ts'
import { pendingPoints } from '../../projections/pendingPoints.ts'
import { redemptionOf } from '../../projections/redemptions.ts'
import { referrals } from '../../projections/referrals.ts'
import { rejectedEvents } from '../../projections/rejectedEvents.ts'
import { membersOf } from '../../projections/segmentDays.ts'
import { segmentMembers } from '../../projections/segmentMembers.ts'
import { sortable } from '../../src/domain/position.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import { HOUR, MINUTE, T0 } from '../given.ts'
import { documents, log, type Written } from './written.ts'

const at = (ms: number) => new Date(T0 + ms)
const erased = (of: string, keys: readonly string[], events: readonly object[] = []): RecordedFact[] =>
  log(
    [['TracesErased', { customer: 'cust_1', of, keys, events, occurredAt: T0 }, { position: 99n, revision: 99n }]],
    'traces-cust_1',
  )

test('the access log says who did what to what, and nothing of what nobody did', () => {
  const actor = { name: 'shop', role: 'admin' }
  const rows: readonly (readonly [type: string, data: object, done: string])[] = [
    ['AccessKeyCreated', { key: { id: 'k' } }, 'created access_key k'],
    ['AccessKeyRotated', { id: 'k' }, 'rotated access_key k'],
    ['AccessRoleSaved', { role: { name: 'clerk' } }, 'saved role clerk'],
    ['AccessRoleDeleted', { name: 'clerk' }, 'deleted role clerk'],
    ['AccessUserInvited', { user: { id: 'u' } }, 'invited access_user u'],
    ['AccessUserChanged', { id: 'u' }, 'changed access_user u'],
    ['PointsAdded', { card: { id: 'v' } }, 'points_added loyalty_card v'],
    ['PendingPointsCanceled', { card: { id: 'v' } }, 'pending_points_canceled loyalty_card v'],
    ['GiftCreditsChanged', { voucher: 'v', amount: -1 }, 'credits_removed voucher v'],
    ['GiftCreditsChanged', { voucher: 'v', amount: 0 }, 'credits_added voucher v'],
    ['GiftCreditsChanged', { voucher: 'v', amount: 1 }, 'credits_added voucher v'],
    ['CustomerErased', {}, 'erased customer cust_1'],
    ['SegmentUpdated', { id: 'seg', definition: {} }, 'updated segment seg'],
    ['ProjectWebhookDeleted', { id: 'wh' }, 'deleted project_webhook wh'],
  ]
  const metadata = { $correlationId: 'v-1', now: T0 - HOUR, actor }
  const done = (by: RecordedFact['metadata']) =>
    documents(accessLog, log(rows.map(([type, data]): Written => [type, data, { metadata: by }]))) as {
      [name: string]: unknown
    }[]
  const all = done(metadata)
  assert.equal(
    all.map(({ action, resource_type, resource }) => `${action} ${resource_type} ${resource}`),
    rows.map(([, , row]) => row),
  )
  const { at: when, actor: who, role, request_id } = all[0]!
  assert.equal([when, who, role, request_id], [at(-HOUR), 'shop', 'admin', 'v-1'])
  assert.equal(done({ $correlationId: 'v-1' }), [])
})

test('redemptions and rollbacks stand at the place of their request, and those that failed at the first', () => {
  const common = { request: 'req', redemption: 'r', rollback: 'rr', parent: 'req', channel: 'API', occurredAt: T0 }
  const about = { ...common, voucher: { id: 'v', code: 'C' }, reason: 'key', details: 'why', share: { credits: 0 } }
  const shown = (type: string, place?: number) => {
    const {
      _id,
      kind,
      result,
      place: at,
      parent,
    } = redemptionOf({ type, data: { ...about, place } } as never, null, '0')
    return `${kind} ${result} ${_id} of ${parent} at ${at}`
  }
  assert.equal(
    [
      shown('RedemptionSucceeded', 2),
      shown('RedemptionFailed'),
      shown('RedemptionRolledBack', 2),
      shown('RedemptionRollbackFailed'),
    ],
    [
      'redemption SUCCESS r of req at 2',
      'redemption FAILURE r of req at 0',
      'rollback SUCCESS rr of req at 2',
      'rollback FAILURE rr of req at 0',
    ],
  )
})

test('what is redeemed of a gift, and given back, are transactions, from one credit on', () => {
  const of = (credits: number) => ({
    voucher: { code: 'GIFT', id: 'v' },
    redemption: `r_${credits}`,
    rollback: `rr_${credits}`,
    share: { credits },
    occurredAt: T0,
  })
  const rows = (type: string) =>
    (documents(creditTransactions, log([0, 1, 2].map((credits): Written => [type, of(credits)]))) as Row[])
      .map(({ type: kind, amount, redemption, rollback }) => `${kind} ${amount} ${redemption} ${rollback}`)
      .sort()
  assert.equal(rows('RedemptionSucceeded'), ['CREDITS_REDEMPTION -1 r_1 null', 'CREDITS_REDEMPTION -2 r_2 null'])
  assert.equal(rows('RedemptionRolledBack'), ['CREDITS_REFUND 1 r_1 rr_1', 'CREDITS_REFUND 2 r_2 rr_2'])
})

test('an activity is of the customer whose stream it is in, or who holds the code that it is about', () => {
  const voucher = { code: 'GIFT', voucher: 'v', occurredAt: T0 }
  const facts: readonly Written[] = [
    ['VoucherDeleted', voucher],
    ['VoucherDeleted', { ...voucher, customer: 'cust_2' }],
    ['GiftCreditsChanged', { ...voucher, amount: 1, balance: 1, transaction: 't' }],
    ['GiftCreditsChanged', { ...voucher, amount: 1, balance: 1, transaction: 't', customer: 'cust_2' }],
    ['CustomEventTracked', { event: 'bought', metadata: {}, occurredAt: T0 - HOUR }],
  ]
  const shown = (stream: string) =>
    (documents(activity, log(facts, stream)) as { customer: string; type: string; event?: string }[]).map(
      ({ customer, type, event }) => `${customer} ${event ?? type}`,
    )
  const ofCode = ['cust_2 customer.voucher.deleted', 'cust_2 customer.voucher.gift.balance_added']
  assert.equal(shown('code-GIFT').sort(), ofCode)
  assert.equal(shown('customer-cust_1').sort(), ['cust_1 bought', ...ofCode])
  for (const fact of log([facts[0]!, facts[2]!, facts[4]!], 'code-GIFT'))
    assert.equal([activity.keys(fact), activity.evolve(null, fact, 'k')], [[], null], fact.type)
})

test('a customer is in the segments that were entered and not left, each once', () => {
  const created: Written = ['CustomerCreated', { id: 'cust_1', profile: { email: 'Ann@Shop.test' }, occurredAt: T0 }]
  const moved = (type: string, id: string): Written => [type, { segment: { id, name: id }, occurredAt: T0 + HOUR }]
  const [a, b, left] = [moved('SegmentEntered', 'a'), moved('SegmentEntered', 'b'), moved('SegmentLeft', 'a')]
  const segments = (...facts: readonly Written[]) =>
    (documents(customers, log([created, ...facts])) as { segments: string[] }[])[0]?.segments
  assert.equal([segments(a, b), segments(a, b, a), segments(a, b, left)], [['a', 'b'], ['b', 'a'], ['b']])
  const email = (facts: readonly Written[]) =>
    (documents(customers, log(facts)) as { email: string | null }[])[0]?.email
  const nobody: Written = ['CustomerUpdated', { changes: { email: null }, occurredAt: T0 + HOUR }]
  assert.equal([email([created]), email([created, nobody])], ['ann@shop.test', null])
  const members = (documents(segmentMembers, log([a, b, left])) as { _id: string; since: Date }[]).map(
    ({ _id, since }) => [_id, since],
  )
  assert.equal(members, [['b/cust_1', at(HOUR)]])
  const days = (entered: number, left: number) => ({ _id: 'seg', entered, left })
  assert.equal([membersOf(null), membersOf(days(3, 1)), membersOf(days(1, 3))], [0, 2, 0])
})

test('a program’s totals hold what waits, until it is changed, canceled or spendable', () => {
  const campaign = { id: 'camp_1', name: 'club' }
  const added = (points: number): Written => ['PendingPointsAdded', { campaign, pending: { id: 'p', points } }]
  const rows: readonly (readonly [facts: readonly Written[], pending: number, balance: number])[] = [
    [[added(10), added(5)], 15, 0],
    [[added(10), ['PendingPointsUpdated', { campaign, pending: { id: 'p', points: 4 }, before: 10 }]], 4, 0],
    [[added(10), ['PendingPointsCanceled', { campaign, pending: { id: 'p', points: 10 } }]], 0, 0],
    [[added(10), ['PendingPointsActivated', { campaign, pending: 'p', points: 10 }]], 0, 10],
  ]
  for (const [facts, pending, balance] of rows) {
    const [totals] = documents(loyaltyTotals, log(facts)) as { pending: number; balance: number }[]
    assert.equal([totals?.pending, totals?.balance], [pending, balance], facts[1]?.[0])
  }
  const [totals] = documents(
    loyaltyTotals,
    log([
      ['PointsAdded', { campaign, points: 7 }],
      ['PointsAdded', { campaign, points: 2 }],
      ['PointsRemoved', { campaign, points: 4 }],
    ]),
  ) as { balance: number; transactions: unknown }[]
  assert.is(totals?.balance, 5)
  assert.equal(totals?.transactions, {
    POINTS_ADDITION: { count: 2, points: 9 },
    POINTS_REMOVAL: { count: 1, points: 4 },
  })
})

test('points that wait are listed until they are canceled or spendable, or their customer is erased', () => {
  const added: Written = [
    'PendingPointsAdded',
    {
      card: { id: 'v', code: 'V' },
      campaign: { id: 'camp_1' },
      pending: { id: 'p', points: 4, activatesAt: T0 + HOUR },
      rule: { id: 'ern_1' },
      cause: { fact: 'f', type: 'bought' },
      occurredAt: T0,
    },
  ]
  const left = (...facts: readonly Written[]) =>
    documents(pendingPoints, log([added, ...facts])) as { points: number }[]
  assert.equal(left(), [
    {
      _id: 'p',
      customer: 'cust_1',
      card: 'v',
      campaign: 'camp_1',
      points: 4,
      rule: 'ern_1',
      cause: { fact: 'f', type: 'bought', order: null },
      activates_at: at(HOUR),
      created_at: at(0),
      position: sortable(0n),
    },
  ] as never)
  assert.is(left(['PendingPointsUpdated', { pending: { id: 'p', points: 9 } }])[0]?.points, 9)
  assert.equal(left(['PendingPointsCanceled', { pending: { id: 'p' } }]), [])
  assert.equal(left(['PendingPointsActivated', { pending: 'p' }]), [])
  assert.equal(documents(pendingPoints, [...log([added]), ...erased('pendingPoints', ['p'])]), [])
  assert.is(documents(pendingPoints, [...log([added]), ...erased('orders', ['p'])]).length, 1)
})

test('events are counted in all and by name, less those that were erased', () => {
  const tracked = (event: string): Written => ['CustomEventTracked', { event, occurredAt: T0 }]
  const left = (...events: readonly object[]) =>
    (
      documents(eventTotals, [
        ...log([tracked('a'), tracked('b'), tracked('a')]),
        ...erased('activity', [], events),
      ]) as { _id: string; events: number; last_at: Date }[]
    ).map(({ _id, events, last_at }) => [_id, events, last_at])
  assert.equal(left(), [
    ['all', 3, at(2 * MINUTE)],
    ['event/a', 2, at(2 * MINUTE)],
    ['event/b', 1, at(MINUTE)],
  ])
  const counts = (...events: readonly object[]) => left(...events).map(([, n]) => n)
  assert.equal(counts({ event: 'a', events: 2 }), [1, 0, 1])
  assert.equal(counts({ event: 'a', events: 1 }, { event: 'b', events: 1 }), [1, 1, 0])
  assert.equal(counts({ event: 'a', events: 9 }), [0, 0, 1])
})

test('a customer is due at the instant of the newest fact that says one, and not when it says none', () => {
  const due = (...instants: readonly (number | null | undefined)[]) =>
    (
      documents(
        deadlines,
        log(
          instants.map(
            (nextDueAt): Written => [
              'CustomerUpdated',
              {},
              { metadata: { $correlationId: 'v', ...(nextDueAt === undefined ? {} : { nextDueAt }) } },
            ],
          ),
        ),
      ) as { dueAt: Date }[]
    ).map(({ dueAt }) => dueAt.getTime() - T0)
  assert.equal(due(T0 + 1), [1])
  assert.equal(due(T0 + 1, T0 + 2), [2])
  assert.equal(due(T0 + 1, T0 + 1, undefined), [1])
  assert.equal([due(T0 + 1, null), due(undefined)], [[], []])
})

test('an order is as its last fact left it, paid until it is canceled; of a deleted customer’s the money stays', () => {
  const saved = (type: string, more: object = {}): Written => [
    type,
    { order: 'ord_1', status: 'CREATED', amount: 7, createdAt: T0, occurredAt: T0 + HOUR, ...more },
  ]
  const amounts = {
    amount: 7,
    initial_amount: 7,
    discount_amount: 0,
    items_discount_amount: 0,
    total_discount_amount: 0,
    applied_discount_amount: 0,
    items_applied_discount_amount: 0,
    total_applied_discount_amount: 0,
    total_amount: 7,
  }
  const content = { ...amounts, source_id: 'shop-1', metadata: { a: 1 }, items: [] }
  const after = (facts: readonly Written[], more: readonly RecordedFact[] = [], stream?: string) =>
    (documents(orders, [...log(facts, stream), ...more]) as { [name: string]: unknown }[])[0]
  const created = saved('OrderCreated')
  assert.equal(after([created]), {
    _id: 'ord_1',
    customer: 'cust_1',
    source_id: null,
    status: 'CREATED',
    paid: false,
    total_amount: 7,
    // Facts of older programs say only what an order comes to.
    content: amounts,
    created_at: at(0),
    updated_at: null,
    position: after([created])?.position,
  })
  const updated = saved('OrderUpdated', { status: 'PAID', content })
  const { status, source_id, updated_at, position } = after([created, updated])!
  assert.equal([status, source_id, updated_at], ['PAID', 'shop-1', at(HOUR)])
  assert.is(position, after([created])?.position, 'its place is that of its first fact')
  const [paid, canceled] = [saved('OrderPaid'), saved('OrderCanceled')]
  const isPaid = (...facts: readonly Written[]) => after(facts)?.paid
  assert.equal(
    [
      isPaid(created, paid),
      isPaid(created, paid, updated),
      isPaid(created, paid, canceled),
      isPaid(saved('OrderUpdated', { was: { paid: true } })),
      isPaid(paid),
    ],
    [true, true, false, true, undefined],
  )
  assert.is(after([created], [], 'order-ord_1')?.customer, null)
  assert.is(after([created], [], 'code-X'), undefined)
  const left = after([created, updated], erased('orders', ['ord_1']))
  assert.equal([left?.customer, left?.source_id, left?.content], [null, null, amounts])
})

test('a refused event is kept as it was sent, and says when it went in after all', () => {
  const rejected: Written = [
    'EventRejected',
    { id: 'rej', event: 'bought', body: { a: 1 }, reasons: ['no'], channel: 'API', of: 'ann', occurredAt: T0 },
  ]
  const resent: Written = ['RejectedEventResent', { id: 'rej', customer: 'cust_1', occurredAt: T0 + HOUR }]
  const left = (...facts: readonly Written[]) =>
    (documents(rejectedEvents, log(facts, 'rejected-events')) as { [name: string]: unknown }[]).map(
      ({ about, customer, key, resent_at }) => [about, customer, key, resent_at],
    )
  assert.equal(left(rejected), [['ann', null, null, null]])
  assert.equal(left(rejected, resent), [['ann', 'cust_1', null, at(HOUR)]])
  assert.equal(left(rejected, resent, rejected), [['ann', 'cust_1', null, at(HOUR)]])
  assert.equal(left(resent), [])
})

test('a referral names the event that converted it, and until then the one that was refused last', () => {
  const common = (event: string) => ({
    campaign: { id: 'camp_1', name: 'friends' },
    voucher: { id: 'v', code: 'ANN' },
    referrer: 'cust_ann',
    cause: { fact: `f-${event}`, event },
    occurredAt: T0,
  })
  const refused = (event: string): Written => [
    'ReferralRefused',
    { ...common(event), reason: 'code_disabled', details: 'the code is disabled' },
  ]
  const converted: Written = ['ReferralConverted', { ...common('bought'), promise: {} }]
  const told = (...facts: readonly Written[]) => {
    const [document] = documents(referrals, log(facts)) as {
      status: string
      event: { name: string }
      refused: unknown
    }[]
    return [document?.status, document?.event.name, document?.refused !== null]
  }
  assert.equal(told(refused('visited'), refused('left')), ['refused', 'left', true])
  assert.equal(told(refused('visited'), converted), ['converted', 'bought', false])
  assert.equal(told(converted, refused('left')), ['converted', 'bought', true])
})

test.run()
