// Every target that an assignment may name, by each of its names: the rule gates what is done with it.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { NO_CONTEXT } from '../../src/domain/conditions/subject.ts'
import { subjectOf } from '../../src/domain/customer/conditions.ts'
import { type Gate, gatesBefore } from '../../src/domain/gates.ts'
import { evaluate } from '../../src/domain/redemption/evaluate.ts'
import { audienceGates } from '../../src/domain/redemption/gates.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import { CampaignType } from '../../src/domain/rulebook/campaign.ts'
import { Assignment } from '../../src/domain/rulebook/validationRule.ts'
import { noCode } from '../../src/domain/vouchers/code.ts'
import { tierCode } from '../../src/domain/vouchers/resolve.ts'
import { track, type World } from '../given.ts'
import { CLUB, CODE, FRIENDS, GIFTS, offered, publish, shop, signUp } from '../referrals/fixtures.ts'

const CARD = { id: 'v_card', code: 'CARD1' }

/** A shop with one of everything that can be gated. */
const world = (customer: string): World => {
  const w = shop(customer)
  w.define('campaign', 'camp_sale', {
    name: 'sale',
    campaign_type: 'DISCOUNT_COUPONS',
    voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 10 } },
  })
  w.define('campaign', 'camp_promo', { name: 'promo', campaign_type: 'PROMOTION' })
  w.define('promotionTier', 'promo_1', {
    campaign_id: 'camp_promo',
    name: 'five',
    action: { discount: { type: 'PERCENT', percent_off: 5 } },
    hierarchy: 1,
  })
  w.define('earningRule', 'ern_1', { campaign_id: CLUB, event: 'visited', loyalty: { type: 'FIXED', points: 5 } })
  w.define('distribution', 'dist_1', {
    name: 'hello',
    trigger: { type: 'event', event: 'visited' },
    channel: { type: 'webhook', url: 'https://shop.example/hook' },
  })
  w.define('reward', 'rew_1', { name: 'mug', type: 'MATERIAL', parameters: { product: { id: null } } })
  w.define('rewardAssignment', 'rewa_1', {
    reward_id: 'rew_1',
    campaign: CLUB,
    parameters: { loyalty: { points: 10 } },
  })
  w.define('validationRule', 'val_1', {
    name: 'vip',
    rules: { 1: { name: 'customer.metadata', property: 'tier', conditions: { $is: ['vip'] } }, logic: '1' },
  })
  return w
}

const visit = (w: World, type: string): boolean => {
  const facts = w.facts(track('visited', { occurredAt: w.now, profile: { source_id: 'cust_bob' } }))
  return facts.some((fact) => fact.type === type)
}

const redeemReward = (w: World): boolean => {
  w.facts({ type: 'AddPoints', card: CARD.id, points: 10, expiry: { type: 'NON_EXPIRING' } })
  const decided = w.when({ type: 'RedeemReward', card: CARD.id, redemption: 'r_1', assignment: 'rewa_1' })
  return !isRefused(decided)
}

const redeemCode =
  (code: string, campaign?: string) =>
  (w: World): boolean =>
    evaluate(
      [
        {
          asked: code,
          code: {
            ...noCode(code),
            owner: { type: 'voucher', id: `v_${code}`, ...(campaign === undefined ? {} : { campaign }) },
            ...(campaign === undefined
              ? {
                  spec: {
                    type: 'DISCOUNT_VOUCHER',
                    discount: { type: 'PERCENT', percent_off: 5, effect: 'APPLY_TO_ORDER' },
                  },
                }
              : {}),
          },
          measures: {},
          ...(campaign === GIFTS ? { credits: 1 } : {}),
          available: 10,
        },
      ],
      { customer: w.state, metadata: {}, apiKey: 'shop', rulebook: w.rulebook, now: w.now },
    ).valid

const redeemTier = (w: World): boolean =>
  evaluate([{ asked: 'promo_1', code: tierCode('promo_1'), measures: {} }], {
    customer: w.state,
    metadata: {},
    apiKey: 'shop',
    rulebook: w.rulebook,
    now: w.now,
  }).valid

const convert = (w: World): boolean => {
  const ann = world('cust_ann')
  publish(ann)
  return signUp(w, offered(ann)).some((fact) => fact.type === 'ReferralConverted')
}

type Row = readonly [type: string, names: readonly string[], does: (w: World) => boolean]

const ROWS: readonly Row[] = [
  ['earning_rule', ['ern_1'], (w) => visit(w, 'PointsEarned')],
  ['distribution', ['dist_1', 'hello'], (w) => visit(w, 'MessageRequested')],
  ['reward_assignment', ['rewa_1'], redeemReward],
  ['campaign', [CLUB, 'club'], redeemReward],
  ['voucher', [CARD.id, CARD.code], redeemReward],
  ['campaign', ['camp_sale', 'sale'], redeemCode('SALE', 'camp_sale')],
  ['voucher', ['v_SALE', 'SALE'], redeemCode('SALE', 'camp_sale')],
  ['campaign', [GIFTS, 'gifts'], redeemCode('GIFT', GIFTS)],
  ['voucher', ['v_GIFT', 'GIFT'], redeemCode('GIFT', GIFTS)],
  ['voucher', ['v_LONE', 'LONE'], redeemCode('LONE')],
  ['campaign', ['camp_promo', 'promo'], redeemTier],
  ['promotion_tier', ['promo_1'], redeemTier],
  ['campaign', [FRIENDS, 'friends'], convert],
  ['voucher', [`v_${CODE}`, CODE], convert],
]

const assign = (type: string, name: string) => ({
  rule_id: 'val_1',
  related_object_type: type as 'campaign',
  related_object_id: name,
})

const began = (tier?: string): World => {
  const w = world('cust_bob')
  w.facts({
    type: 'IssueLoyaltyCard',
    campaign: CLUB,
    card: CARD,
    profile: { source_id: 'cust_bob', ...(tier === undefined ? {} : { metadata: { tier } }) },
    mayCreate: true,
  })
  return w
}

for (const [type, names, does] of ROWS)
  for (const name of names)
    test(`a rule for the ${type} ${name} gates`, () => {
      assert.is(does(began()), true, 'without a rule')
      for (const [tier, done] of [
        [undefined, false],
        ['vip', true],
      ] as const) {
        const w = began(tier)
        w.define('assignment', 'asgm_1', assign(type, name))
        assert.is(does(w), done, `of tier ${tier}`)
      }
    })

test('a definition is one target, by whichever of its names a rule is assigned to it', () => {
  for (const [type, names] of ROWS) {
    if (type === 'voucher') continue
    const w = began()
    w.define('assignment', 'asgm_1', assign(type, names[0]!))
    for (const name of names)
      assert.is(w.refusalOf('assignment', 'asgm_2', assign(type, name))?.key, 'duplicate_found', `${type} ${name}`)
  }
})

test('every type of target and of campaign gates', () => {
  const w = began()
  for (const type of Assignment.entries.related_object_type.options)
    assert.ok(
      ROWS.some((row) => row[0] === type),
      type,
    )
  const gated = ROWS.filter(([type]) => type === 'campaign').map(([, [id]]) => id)
  const types = [...w.rulebook.entries('campaign').values()]
    .filter(({ id }) => gated.includes(id))
    .map(({ definition }) => definition.campaign_type)
  for (const type of CampaignType.options) assert.ok(types.includes(type), type)
  for (const type of ['campaign', 'promotion_tier', 'earning_rule', 'reward_assignment', 'distribution'])
    assert.match(w.refusalOf('assignment', 'asgm_1', assign(type, 'nobody'))?.details ?? '', /there is no nobody/)
})

test('of rules that are foreseen counts what they ask of the customer; one that is not there never holds', () => {
  const w = began('vip')
  const [tier, amount] = [
    { name: 'customer.metadata', property: 'tier', conditions: { $is: ['vip'] } },
    { name: 'order.amount', conditions: { $more_than: 5 } },
  ]
  w.define('validationRule', 'val_order', { name: 'order', rules: { 1: amount, logic: '1' } })
  w.define('validationRule', 'val_both', { name: 'both', rules: { 1: tier, 2: amount, logic: '1 and 2' } })
  const gates = gatesBefore(w.rulebook, [], ['val_1', null, 'val_order', 'val_both', 'val_1', 'gone'])
  const holds = (all: readonly Gate[]) =>
    all.map(({ rule, condition }) => [rule, condition.evaluate(subjectOf(w.state), NO_CONTEXT, w.now).holds])
  assert.equal(holds(gates), [
    ['val_1', true],
    ['val_order', false],
    ['val_both', false],
    ['gone', false],
  ])
  assert.equal(holds(audienceGates(gates, w.rulebook)), [
    ['val_1', true],
    ['val_both', true],
    ['gone', false],
  ])
  const never = gates[3]!.condition.evaluate(subjectOf(w.state), NO_CONTEXT, w.now)
  assert.equal(never.because, { is: 'the rule is not switched off: there is no such rule', holds: false })
})

test('a rename would open what is gated by name, and is refused; a deletion takes the assignment along', () => {
  const w = began()
  w.define('assignment', 'asgm_1', assign('campaign', 'sale'))
  const { definition } = w.rulebook.entries('campaign').get('camp_sale')!
  const renamed = w.refusalOfChange('campaign', 'camp_sale', { ...definition, name: 'spring' })
  assert.is(renamed?.key, 'definition_in_use')
  assert.match(renamed?.details ?? '', /assignment asgm_1/)
  assert.is(w.remove('campaign', 'camp_sale'), undefined)
  assert.is(w.rulebook.entries('assignment').has('asgm_1'), false)
})

test.run()
