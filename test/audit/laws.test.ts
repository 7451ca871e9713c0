// The laws of the log: lawful histories pass, each kind of breach is found and named, and memory stays bounded.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type CheckedRecord, checkLaws, LAWS } from '../../src/audit/laws/index.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'

type Part = readonly [stream: string, type: string, data: object, metadata?: object]

/** Records in the order of the log, with the revisions that their streams give them. */
const logOf = (parts: readonly Part[]): readonly CheckedRecord[] => {
  const lengths = new Map<string, number>()
  return parts.map(([stream, type, data, metadata = {}], i) => {
    const revision = lengths.get(stream) ?? 0
    lengths.set(stream, revision + 1)
    return { stream, revision: BigInt(revision), position: BigInt(i), id: `fact-${i}`, type, data, metadata }
  })
}

const broken = async (parts: readonly Part[], options = {}): Promise<readonly string[]> => {
  const log = logOf(parts)
  const { violations, laws, holds } = await checkLaws(() => log, options)
  assert.is(holds, violations.length === 0)
  assert.is(
    laws.reduce((sum, law) => sum + law.violations, 0),
    violations.length,
  )
  return violations.map(({ law }) => law)
}

const card = { id: 'loy_1', code: 'CARD' }
const moved = (type: string, points: number, before: number, more: object = {}): Part => {
  const sign = /Removed|TakenBack|Expired|Out$|Spent/.test(type) ? -1 : 1
  return [
    'customer-ann',
    type,
    {
      transaction: `vtx_${type}_${before}_${points}`,
      card,
      points,
      balance: { before, after: before + sign * points },
      lots: [{ bucket: 'lopb_1', points, expiresAt: null }],
      ...more,
    },
  ]
}

const order = (what: string, status: string, more: object = {}): Part => [
  'customer-ann',
  `Order${what}`,
  { order: 'ord_1', status, amount: 5, ...more },
]
const share = { day: '2026-03-02', apiKey: 'shop', credits: 0, amount: 100, discounted: 10 }
const reserved = (redemption: string, code: string): Part => [
  `code-${code}`,
  'RedemptionReserved',
  { redemption, share },
]
const redeemed = (redemption: string, code: string, customer: string, more: object = {}): Part => [
  `customer-${customer}`,
  'RedemptionSucceeded',
  {
    redemption,
    voucher: { id: `v_${code}`, code },
    campaign: { id: 'camp_1', name: 'sale' },
    share,
    ledgers: [`code-${code}`],
    ...more,
  },
  { rulebook: '9' },
]
const rolledBack = (redemption: string, code: string, customer: string, more: object = {}): Part => [
  `customer-${customer}`,
  'RedemptionRolledBack',
  {
    rollback: `rr_${redemption}`,
    redemption,
    voucher: { id: `v_${code}`, code },
    campaign: { id: 'camp_1', name: 'sale' },
    share,
    ledgers: [`code-${code}`],
    ...more,
  },
]
const code = (name: string, spec: object): Part => [
  `code-${name}`,
  'CodeReserved',
  { code: name, owner: { type: 'voucher', id: `v_${name}` }, spec },
]
const SALE = { related_object_type: 'campaign', related_object_id: 'sale' }
const rule = (name: string, conditions: object, logic = '1', target = SALE): readonly Part[] => [
  [
    'rulebook-main',
    'ValidationRuleCreated',
    { id: 'val_1', definition: { rules: { 1: { name, conditions }, logic } } },
  ],
  ['rulebook-main', 'AssignmentCreated', { id: 'asgm_1', definition: { rule_id: 'val_1', ...target } }],
]
const key = (stream: string, commandKey: string, n?: number): Part => [
  stream,
  'CustomerUpdated',
  {},
  n === undefined ? { commandKey } : { commandKey, n },
]
const cause = { rule: { id: 'ern_1' }, cause: { fact: 'fact-x' } }
const out = moved('PointsTransferredOut', 4, 10, { transfer: 't1' })
const arrives = (points: number, transaction: string): Part => [
  'customer-bob',
  'PointsTransferredIn',
  {
    transaction,
    transfer: 't1',
    card: { id: 'loy_2', code: 'OTHER' },
    points,
    balance: { before: 0, after: points },
    lots: [{ bucket: 'lopb_2', points }],
  },
]
const pending = (type: string, points: number): Part => [
  'customer-ann',
  type,
  { pending: { id: 'lopp_1', points }, card },
]
const converted: Part = ['customer-bob', 'ReferralConverted', { cause: { fact: 'fact-x' }, campaign: { id: 'camp_r' } }]
const credited: Part = ['customer-ann', 'ReferralCredited', { conversion: 'fact-x' }]
const rewarded: Part = ['customer-ann', 'ReferralRewarded', { conversion: 'fact-x', role: 'REFERRER' }]
const sent: Part = ['message-1', 'MessageSent', { message: '1' }]

const lawful: Readonly<Record<string, readonly Part[]>> = {
  'a customer who was deleted, and begins anew': [
    ...rule('redemption.count.per_customer', { $less_than_or_equal: [1] }),
    reserved('r_1', 'A'),
    redeemed('r_1', 'A', 'ann'),
    ['customer-ann', 'CustomerDeleted', { permanently: true }],
    ['customer-ann', 'CustomerErased', {}],
    reserved('r_2', 'A'),
    redeemed('r_2', 'A', 'ann'),
  ],
  'a card': [
    moved('PointsAdded', 10, 0),
    moved('PointsSpent', 4, 10, { redemption: 'r_1' }),
    moved('PointsExpired', 6, 6),
  ],
  'an order': [
    order('Created', 'CREATED'),
    order('Updated', 'PAID', { was: { status: 'CREATED', amount: 5 } }),
    order('Paid', 'PAID'),
    order('Updated', 'CANCELED', { was: { status: 'PAID', amount: 5 } }),
    order('Canceled', 'CANCELED'),
    order('Paid', 'PAID'),
  ],
  'a customer who comes back': [
    ['customer-ann', 'CustomerCreated', { id: 'ann' }],
    ['customer-ann', 'CustomerDeleted', {}],
    ['customer-ann', 'CustomerCreated', { id: 'ann' }],
  ],
  'a code redeemed, rolled back and redeemed': [
    code('ONE', { redemption: { quantity: 1 } }),
    reserved('r_1', 'ONE'),
    redeemed('r_1', 'ONE', 'ann'),
    ['code-ONE', 'RedemptionConfirmed', { redemption: 'r_1' }],
    rolledBack('r_1', 'ONE', 'ann'),
    ['code-ONE', 'RedemptionReleased', { redemption: 'r_1', reason: 'rolled_back' }],
    reserved('r_2', 'ONE'),
    redeemed('r_2', 'ONE', 'bob'),
  ],
  'a redemption under a bound that was lowered after it had its place': [
    code('TWO', { redemption: { quantity: 2 } }),
    reserved('r_1', 'TWO'),
    redeemed('r_1', 'TWO', 'ann'),
    reserved('r_2', 'TWO'),
    ['code-TWO', 'VoucherChanged', { spec: { redemption: { quantity: 1 } } }],
    redeemed('r_2', 'TWO', 'bob'),
  ],
  'a rule that was made after the redemption was decided': [
    reserved('r_1', 'A'),
    ['rulebook-main', 'ProjectOpened', {}],
    ...rule('campaign.redemptions.count', { $less_than: [1] }),
    [...redeemed('r_1', 'A', 'ann').slice(0, 3), { rulebook: '0' }] as unknown as Part,
  ],
  'a rule with alternatives': [
    ...rule('campaign.redemptions.count', { $less_than: [1] }, '1 or 2'),
    reserved('r_1', 'A'),
    redeemed('r_1', 'A', 'ann'),
  ],
  'days of two weeks': [
    ...rule('campaign.redemptions.count.weekly', { $less_than_or_equal: [1] }),
    reserved('r_1', 'A'),
    redeemed('r_1', 'A', 'ann', { share: { ...share, day: '2026-03-01' } }),
    reserved('r_2', 'B'),
    redeemed('r_2', 'B', 'ann', { share: { ...share, day: '2026-03-02' } }),
  ],
  'a transfer that arrives': [moved('PointsAdded', 10, 0), out, arrives(4, 'vtx_in')],
  'commands one after the other': [
    key('customer-ann', 'a'),
    key('customer-ann', 'a', 1),
    key('customer-ann', 'b'),
    key('customer-bob', 'a'),
  ],
  'a referral': [converted, credited, rewarded],
  'pending points': [
    pending('PendingPointsAdded', 5),
    pending('PendingPointsUpdated', 7),
    moved('PendingPointsActivated', 7, 0, { pending: 'lopp_1' }),
  ],
}

for (const [name, parts] of Object.entries(lawful))
  test(`lawful: ${name}`, async () => assert.equal(await broken(parts), []))

const breaches: readonly (readonly [law: string, what: string, parts: readonly Part[]])[] = [
  [
    'ids-are-unique',
    'one redemption id of two customers',
    [
      reserved('r_1', 'A'),
      redeemed('r_1', 'A', 'ann'),
      reserved('r_1', 'B'),
      ['customer-bob', 'RedemptionFailed', { redemption: 'r_1' }],
    ],
  ],
  [
    'ids-are-unique',
    'one id of two definitions',
    [
      ['rulebook-main', 'SegmentCreated', { id: 'seg_1' }],
      ['rulebook-main', 'SegmentCreated', { id: 'seg_1' }],
    ],
  ],
  [
    'customers-begin-once',
    'a customer made twice',
    [
      ['customer-ann', 'CustomerCreated', { id: 'ann' }],
      ['customer-bob', 'CustomerCreated', { id: 'ann' }],
    ],
  ],
  [
    'command-keys-are-unique',
    'a command decided twice',
    [key('customer-ann', 'a'), key('customer-ann', 'b'), key('customer-ann', 'a')],
  ],
  [
    'codes-keep-their-limits',
    'a code redeemed too often',
    [
      code('ONE', { redemption: { quantity: 1 } }),
      reserved('r_1', 'ONE'),
      redeemed('r_1', 'ONE', 'ann'),
      reserved('r_2', 'ONE'),
      redeemed('r_2', 'ONE', 'bob'),
    ],
  ],
  [
    'codes-keep-their-limits',
    'a gift card that pays more than it has',
    [
      code('GIFT', { gift: { amount: 100 } }),
      reserved('r_1', 'GIFT'),
      redeemed('r_1', 'GIFT', 'ann', { credits: 60 }),
      reserved('r_2', 'GIFT'),
      redeemed('r_2', 'GIFT', 'bob', { credits: 41 }),
    ],
  ],
  [
    'rules-keep-their-limits',
    'a campaign redeemed too often',
    [
      ...rule('campaign.redemptions.count', { $less_than_or_equal: [1] }),
      reserved('r_1', 'A'),
      redeemed('r_1', 'A', 'ann'),
      reserved('r_2', 'B'),
      redeemed('r_2', 'B', 'bob'),
    ],
  ],
  [
    'rules-keep-their-limits',
    'a customer twice on one day',
    [
      ...rule('redemption.count.per_customer.daily', { $less_than: [2] }),
      reserved('r_1', 'A'),
      redeemed('r_1', 'A', 'ann'),
      reserved('r_2', 'A'),
      redeemed('r_2', 'A', 'ann'),
    ],
  ],
  [
    'rules-keep-their-limits',
    'a customer twice after a deletion',
    [
      ...rule('campaign.redemptions.customers_count', { $less_than: [2] }),
      ['customer-ann', 'CustomerDeleted', {}],
      reserved('r_1', 'A'),
      redeemed('r_1', 'A', 'ann'),
      reserved('r_2', 'B'),
      redeemed('r_2', 'B', 'ann'),
    ],
  ],
  [
    'rules-keep-their-limits',
    'codes of a campaign, though a customer was deleted in between',
    [
      ...rule('campaign.redemptions.count', { $less_than: [2] }),
      reserved('r_1', 'A'),
      redeemed('r_1', 'A', 'ann'),
      ['customer-ann', 'CustomerDeleted', {}],
      reserved('r_2', 'B'),
      redeemed('r_2', 'B', 'ann'),
    ],
  ],
  [
    'rules-keep-their-limits',
    'two in a week',
    [
      ...rule('campaign.redemptions.count.weekly', { $less_than: [2] }),
      reserved('r_1', 'A'),
      redeemed('r_1', 'A', 'ann', { share: { ...share, day: '2026-03-02' } }),
      reserved('r_2', 'A'),
      redeemed('r_2', 'A', 'bob', { share: { ...share, day: '2026-03-08' } }),
    ],
  ],
  [
    'rules-keep-their-limits',
    'a promotion tier redeemed too often',
    [
      ...rule('redemption.count.monthly', { $less_than_or_equal: [1] }, '1', {
        related_object_type: 'promotion_tier',
        related_object_id: 'promo_1',
      }),
      ...['r_1', 'r_2'].flatMap((redemption): readonly Part[] => [
        ['limits-promo_1', 'RedemptionReserved', { redemption, share }],
        redeemed(redemption, 'promo_1', 'ann', {
          voucher: { id: 'promo_1', code: 'promo_1' },
          promotion: { id: 'promo_1', name: 'first', hierarchy: 1 },
          ledgers: ['limits-promo_1'],
        }),
      ]),
    ],
  ],
  ['redemptions-hold-their-places', 'a redemption without a place', [redeemed('r_1', 'A', 'ann')]],
  [
    'redemptions-hold-their-places',
    'a place that is given up although the redemption came about in it',
    [
      reserved('r_1', 'A'),
      redeemed('r_1', 'A', 'ann'),
      ['code-A', 'RedemptionReleased', { redemption: 'r_1', reason: 'abandoned', share }],
    ],
  ],
  [
    'redemptions-hold-their-places',
    'a place that is counted in which it did not come about',
    [
      reserved('r_1', 'B'),
      reserved('r_1', 'A'),
      redeemed('r_1', 'A', 'ann'),
      ['code-B', 'RedemptionConfirmed', { redemption: 'r_1', share }],
    ],
  ],
  ['redemptions-hold-their-places', 'a rollback of nothing', [rolledBack('r_1', 'A', 'ann')]],
  [
    'points-pay-once',
    'points that the card did not give',
    [
      reserved('r_1', 'A'),
      redeemed('r_1', 'A', 'ann', { paid: { card: card.id, points: 5 } }),
      ['code-A', 'RedemptionConfirmed', { redemption: 'r_1', share }],
    ],
  ],
  [
    'points-pay-once',
    'more points than the redemption says',
    [
      moved('PointsAdded', 10, 0),
      reserved('r_1', 'A'),
      redeemed('r_1', 'A', 'ann', { paid: { card: card.id, points: 5 } }),
      moved('PointsSpent', 6, 10, { redemption: 'r_1' }),
    ],
  ],
  [
    'points-pay-once',
    'points that come back twice',
    [
      moved('PointsAdded', 10, 0),
      reserved('r_1', 'A'),
      redeemed('r_1', 'A', 'ann', { paid: { card: card.id, points: 5 } }),
      moved('PointsSpent', 5, 10, { redemption: 'r_1' }),
      rolledBack('r_1', 'A', 'ann'),
      moved('PointsRefunded', 5, 5, { redemption: 'r_1' }),
      moved('PointsRefunded', 5, 10, { redemption: 'r_1' }),
    ],
  ],
  [
    'rewards-keep-their-stock',
    'one reward too many',
    [
      ['rulebook-main', 'RewardCreated', { id: 'rew_1', definition: { stock: 1 } }],
      ...['a', 'b'].map(
        (redemption): Part => ['stock-rew_1', 'RewardReserved', { redemption, reward: 'rew_1' }, { rulebook: '0' }],
      ),
    ],
  ],
  [
    'card-ledgers-add-up',
    'a balance that does not follow',
    [moved('PointsAdded', 10, 0), moved('PointsAdded', 10, 0, { transaction: 'vtx_2' })],
  ],
  [
    'card-ledgers-add-up',
    'more taken than there is',
    [moved('PointsAdded', 10, 0), moved('PointsSpent', 11, 10, { redemption: 'r_1' })],
  ],
  [
    'pending-points-once',
    'pending points activated twice',
    [
      pending('PendingPointsAdded', 5),
      moved('PendingPointsActivated', 5, 0, { pending: 'lopp_1' }),
      moved('PendingPointsActivated', 5, 5, { pending: 'lopp_1' }),
    ],
  ],
  ['transfers-conserve', 'more arrives than left', [moved('PointsAdded', 10, 0), out, arrives(5, 'vtx_in')]],
  [
    'transfers-conserve',
    'a transfer that arrives and comes back',
    [moved('PointsAdded', 10, 0), out, arrives(4, 'vtx_in'), moved('PointsTransferReturned', 4, 6, { transfer: 't1' })],
  ],
  [
    'causes-pay-once',
    'a rule that pays an event twice',
    [moved('PointsEarned', 3, 0, cause), moved('PointsEarned', 3, 3, { ...cause, transaction: 'vtx_2' })],
  ],
  [
    'orders-go-on',
    'an order that is paid twice',
    [order('Created', 'CREATED'), order('Paid', 'PAID'), order('Paid', 'PAID')],
  ],
  [
    'orders-go-on',
    'a change of what was not',
    [order('Created', 'PAID'), order('Updated', 'PAID', { was: { status: 'CREATED', amount: 5 } })],
  ],
  [
    'orders-go-on',
    'an order of two customers',
    [order('Created', 'PAID'), ['customer-bob', 'OrderCreated', { order: 'ord_1', status: 'PAID', amount: 5 }]],
  ],
  [
    'orders-go-on',
    'more points taken back than given',
    [
      order('Created', 'PAID'),
      moved('PointsEarned', 3, 0, { ...cause, cause: { fact: 'f', type: 't', order: 'ord_1' }, transaction: 'vtx_1' }),
      moved('PointsAdded', 3, 3),
      moved('PointsTakenBack', 4, 6, { order: 'ord_1', related: 'vtx_1' }),
    ],
  ],
  ['referrals-match', 'a reward paid twice', [converted, credited, rewarded, rewarded]],
  ['referrals-match', 'a credit without a conversion', [credited]],
  [
    'referred-once',
    'a customer referred twice',
    [converted, ['customer-bob', 'ReferralConverted', { cause: { fact: 'fact-y' }, campaign: { id: 'camp_r' } }]],
  ],
  ['messages-succeed-once', 'a message sent twice', [sent, sent]],
]

for (const [law, what, parts] of breaches)
  test(`${law}: ${what}`, async () => {
    const found = await broken(parts)
    assert.ok(found.includes(law), `${law}, found ${found.join(', ') || 'nothing'}`)
  })

test('a request that began with other redeemables gives their places up, and nothing is broken', async () => {
  const log: readonly Part[] = [
    reserved('r_1', 'B'),
    reserved('r_1', 'A'),
    redeemed('r_1', 'A', 'ann'),
    ['code-A', 'RedemptionConfirmed', { redemption: 'r_1', share }],
    ['code-B', 'RedemptionReleased', { redemption: 'r_1', reason: 'abandoned', share }],
  ]
  assert.not((await broken(log)).includes('redemptions-hold-their-places'))
})

test('every law has a breach that it alone is shown to find', () =>
  assert.equal([...new Set(breaches.map(([law]) => law))].sort(), LAWS.map(({ name }) => name).sort()))

test('a violation names the streams and records on both sides', async () => {
  const log = logOf([sent, ['message-2', 'MessageSent', { message: '1' }]])
  const { violations } = await checkLaws(() => log)
  assert.equal(violations, [
    {
      law: 'messages-succeed-once',
      details: 'success of message 1 comes up twice',
      streams: ['message-1', 'message-2'],
      facts: ['fact-0', 'fact-1'],
    },
  ])
})

test('in parts, with little memory, the same is found as in one pass', async () => {
  const all = [...Object.values(lawful).flat(), ...breaches.flatMap(([, , parts]) => parts)]
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(all, { minLength: 10 }),
      fc.integer({ min: 6, max: 20 }),
      async (parts, max) => {
        const log = logOf(parts)
        const whole = await checkLaws(() => log)
        const little = await checkLaws(() => log, { maxRemembered: max })
        assert.is(whole.passes <= 2, true)
        const names = ({ violations }: typeof whole) => violations.map(({ law, details }) => `${law} ${details}`).sort()
        assert.equal(names(little), names(whole))
        assert.is(little.facts, whole.facts)
      },
    ),
    { numRuns: times(15, 2_000) },
  )
})

test('records after the position asked for are not looked at', async () => {
  const log = logOf([sent, sent])
  assert.is((await checkLaws(() => log, { until: 0n })).holds, true)
  assert.is((await checkLaws(() => log)).position, '1')
  assert.is((await checkLaws(() => [])).position, null)
})

test.run()
