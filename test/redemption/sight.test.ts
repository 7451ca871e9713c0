// How a request stands in the ledgers that it needs: what of it counts for what comes after, where it has its places, and sums of
// money, which are judged by what it would add to them.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openOrder } from '../../src/domain/order.ts'
import { countsOverCampaign } from '../../src/domain/redemption/gates.ts'
import { evolveLedger, type Ledger, type LedgerFact, NO_LEDGER } from '../../src/domain/redemption/ledger.ts'
import { limitsStream } from '../../src/domain/redemption/ledgers.ts'
import { shareOf } from '../../src/domain/redemption/redeem.ts'
import {
  type Asking,
  contextFor,
  evaluateFor,
  hopeOf,
  type Looked,
  ledgerIn,
  placedOf,
  redemptionId,
  type Sight,
  targetsOf,
  withLedger,
} from '../../src/domain/redemption/sight.ts'
import { type CodeState, noCode } from '../../src/domain/vouchers/code.ts'
import { tierCode } from '../../src/domain/vouchers/resolve.ts'
import { HOUR, T0, world } from '../given.ts'

const CODES = ['a1', 'b1', 'a2', 'a3']
const code = (name: string): CodeState => ({
  ...noCode(name),
  owner: { type: 'voucher', id: `v_${name}`, campaign: `camp_${name[0]}` },
  createdAt: T0,
})
const shop = () => {
  const w = world()
  w.define('campaign', 'camp_p', { name: 'p', campaign_type: 'PROMOTION' })
  w.define('promotionTier', 'promo_1', {
    campaign_id: 'camp_p',
    name: 'one',
    hierarchy: 1,
    action: { discount: { type: 'AMOUNT', amount_off: 1, effect: 'APPLY_TO_ORDER' } },
  } as never)
  for (const name of ['a', 'b'])
    w.define('campaign', `camp_${name}`, {
      name,
      campaign_type: 'DISCOUNT_COUPONS',
      voucher: {
        type: 'DISCOUNT_VOUCHER',
        discount: { type: 'AMOUNT', amount_off: 100, effect: 'APPLY_TO_ORDER' },
      },
    })
  w.define('stackingRules', 'sr_1', { applicable_redeemables_per_category_limit: null })
  return w
}
const asking = (codes = CODES): Asking => ({
  redeemables: codes.map((name) => ({ code: name })),
  asked: { channel: 'API', apiKey: 'shop' },
})
const looked = (campaigns: Readonly<Record<string, Ledger>>, codes = CODES): Looked => ({
  codes: codes.map((name) => ({ code: code(name), ledger: NO_LEDGER })),
  referrals: new Map(),
  campaigns: new Map(Object.entries(campaigns)),
  outOfStock: new Set(),
})
const BEHIND_ALL: Sight = { hopeful: false }
const share = (amount: number, discounted = 0) => ({
  day: '2026-03-02',
  apiKey: 'shop',
  credits: 0,
  amount,
  discounted,
})
const reserved = (redemption: string, amount = 0): LedgerFact => ({
  type: 'RedemptionReserved',
  data: { redemption, request: 'q', commit: 'c', share: share(amount), occurredAt: T0 },
})
const ledger = (...facts: readonly LedgerFact[]): Ledger => facts.reduce(evolveLedger, NO_LEDGER)

test('what a request asks for before counts for what it asks for after, in the same campaign', () => {
  const counts = (campaigns: Readonly<Record<string, Ledger>>, sight: Sight = BEHIND_ALL) =>
    placedOf(asking(), looked(campaigns), sight, shop()).map(({ measures }) => measures['campaign.redemptions.count'])
  assert.equal(counts({}), [undefined, undefined, undefined, undefined], 'no rule counts over a campaign')
  assert.equal(counts({ camp_a: NO_LEDGER }), [1, undefined, 2, 3])
  assert.equal(counts({ camp_a: NO_LEDGER, camp_b: NO_LEDGER }), [1, 1, 2, 3])
  // Where it has its places they say so themselves.
  const [first, third] = [0, 2].map((place) => redemptionId('q', place)) as [string, string]
  const camp_a = ledger(reserved('r_other'), reserved(first), reserved(third))
  const places = new Set([0, 2].map((place) => `${limitsStream('camp_a')}/${place}`))
  assert.equal(counts({ camp_a }, { request: 'q', reserved: places, hopeful: true }), [2, undefined, 3, 3])
  assert.equal(counts({ camp_a }, { request: 'q', hopeful: true }), [1, undefined, 2, 3])
})

test('sums over a campaign are judged by what the request would add to them', () => {
  const w = shop()
  w.define('validationRule', 'val_1', {
    name: 'a budget',
    rules: { '1': { name: 'campaign.orders.amount', conditions: { $less_than_or_equal: [500] } }, logic: '1' },
  })
  w.define('assignment', 'asgm_1', {
    rule_id: 'val_1',
    related_object_id: 'camp_a',
    related_object_type: 'campaign',
  } as never)
  const situation = (amount: number) => ({
    order: openOrder({ amount })!,
    metadata: {},
    apiKey: 'shop',
    rulebook: w.rulebook,
    now: w.now,
  })
  // Also beside a promotion tier, whose sums nobody asks for.
  const beside = (amount: number) => {
    const { codes, campaigns, ...rest } = over(0)
    const both = {
      ...rest,
      codes: [{ code: tierCode('promo_1'), ledger: NO_LEDGER }, ...codes],
      campaigns: new Map([['promo_1', NO_LEDGER], ...campaigns]),
    }
    const wanted = [{ code: 'promo_1', isTier: true }, { code: 'a1' }]
    return evaluateFor({ ...asking(), redeemables: wanted }, both, situation(amount)).valid
  }
  const over = (spent: number) => looked({ camp_a: ledger(reserved('r_other', spent)) }, ['a1'])
  const isValid = (spent: number, amount: number) => evaluateFor(asking(['a1']), over(spent), situation(amount)).valid
  assert.equal([isValid(0, 500), isValid(0, 501), isValid(200, 300), isValid(200, 301)], [true, false, true, false])
  assert.equal([beside(500), beside(501)], [true, false])
  const hoped = (sight: Sight) => hopeOf(asking(['a1']), over(0), situation(600), sight)
  assert.ok('key' in hoped(BEHIND_ALL))
  // A request in its places brings what it takes there, and is judged by that.
  const hope = hoped({ ...BEHIND_ALL, shares: [share(400)] })
  assert.ok(!('key' in hope))
  assert.equal(
    hope.taken.map(({ place, share: { amount, discounted } }) => [place, amount, discounted]),
    [[0, 600, 100]],
  )
})

test('a redemption takes what it is worth of the limits: of the order, in credits, by its day', () => {
  const { rulebook } = shop()
  const taken = (order: number | undefined, more: object) =>
    shareOf({ applied: 3, ...more } as never, order === undefined ? undefined : openOrder({ amount: order }), {
      apiKey: 'shop',
      rulebook,
      now: T0,
    })
  assert.equal([taken(undefined, {}), taken(500, { credits: 7 })], [share(0, 3), { ...share(500, 3), credits: 7 }])
})

test('a promotion tier has its ledger among those of campaigns, and its sums are not looked at', () => {
  const [placed] = placedOf(
    { ...asking([]), redeemables: [{ code: 'promo_1', isTier: true }] },
    {
      ...looked({ promo_1: ledger(reserved('r_other')) }, []),
      codes: [{ code: tierCode('promo_1'), ledger: NO_LEDGER }],
    },
    BEHIND_ALL,
    shop(),
  )
  assert.equal([placed?.times, placed?.ledgers], [2, [limitsStream('promo_1')]])
})

test('all requests take places in one order: stream by stream, and in each as they were asked for', () => {
  const all = looked({ camp_a: NO_LEDGER })
  const places = placedOf(
    asking(['b1', 'a2', 'a1', 'a2']),
    { ...all, codes: ['b1', 'a2', 'a1', 'a2'].map((name) => ({ code: code(name), ledger: NO_LEDGER })) },
    BEHIND_ALL,
    shop(),
  )
  const targets = targetsOf(all, places)
  assert.equal(
    targets.map(({ of, name, place }) => `${of} ${name} ${place}`),
    ['code a1 2', 'code a2 1', 'code a2 3', 'code b1 0', 'campaign camp_a 1', 'campaign camp_a 2', 'campaign camp_a 3'],
  )
  // A ledger over which no rule counts is no place.
  const other = [{ ...places[0]!, ledgers: [limitsStream('camp_b'), 'elsewhere'] }]
  assert.equal(targetsOf(all, other), [])
})

test('what a ledger says after it was told something stands in its place', () => {
  const before = looked({ camp_a: NO_LEDGER })
  const target = (of: 'code' | 'campaign', name: string, place: number) => ({ stream: '', of, name, place })
  const said = ledger(reserved('r_1'))
  const ofCode = withLedger(before, target('code', 'a2', 2), { code: code('a2'), ledger: said })
  assert.equal(
    CODES.map((name, place) => ledgerIn(ofCode, target('code', name, place)) === said),
    [false, false, true, false],
  )
  const ofCampaign = withLedger(before, target('campaign', 'camp_a', 0), said)
  assert.is(ledgerIn(ofCampaign, target('campaign', 'camp_a', 0)), said)
  assert.is(ledgerIn(ofCampaign, target('code', 'a1', 0)), NO_LEDGER)
})

test('a gift card says what is left on it, and a session does not stand in its own way', () => {
  const gift: CodeState = {
    ...noCode('GIFT'),
    owner: { type: 'voucher', id: 'v_gift' },
    spec: { type: 'GIFT_VOUCHER', gift: { amount: 500, effect: 'APPLY_TO_ORDER' } },
    createdAt: T0,
  }
  const locked = ledger({
    type: 'SessionLocked',
    data: { session: 's', expiresAt: T0 + HOUR, credits: 200, occurredAt: T0 },
  })
  const placed = (of: CodeState, more: Partial<Asking> = {}, credits?: number) =>
    placedOf(
      { ...asking(), redeemables: [{ code: of.code, ...(credits === undefined ? {} : { credits }) }], ...more },
      { ...looked({}, []), codes: [{ code: of, ledger: locked }] },
      BEHIND_ALL,
      shop(),
    )[0]!
  assert.equal([placed(gift).available, placed(gift).times], [300, 2])
  assert.equal([placed(gift, { session: 's' }).available, placed(gift, { session: 's' }).times], [500, 1])
  assert.equal([placed(gift, {}, 0).credits, 'credits' in placed(gift)], [0, false])
  assert.not('available' in placed(code('a1')))
})

test('rules are told of the first redeemable, where it is one', () => {
  const w = shop()
  const situation = {
    order: openOrder({ amount: 5 })!,
    metadata: { a: 1 },
    apiKey: 'shop',
    rulebook: w.rulebook,
    now: w.now,
  }
  const context = (codes: readonly CodeState[]) =>
    contextFor(
      asking(codes.map((one) => one.code)),
      { ...looked({}, []), codes: codes.map((one) => ({ code: one, ledger: NO_LEDGER })) },
      situation,
    )
  const told = context([code('a1'), noCode('none')])
  assert.equal([told?.order?.amount, told?.redemption?.metadata], [5, { a: 1 }])
  assert.equal([context([noCode('none')]), context([])], [undefined, undefined])
})

test('the ledger of a campaign is needed as soon as one rule counts over all of its codes', () => {
  const gate = (...asks: readonly string[]) => ({ rule: 'val_1', condition: { listens: { asks } } }) as never
  const own = gate('redemption.count.per_customer')
  for (const [gates, counts] of [
    [[], false],
    [[own], false],
    [[own, gate('order.amount', 'campaign.redemptions.count.daily')], true],
    [[gate('campaign.orders.total_amount'), own], true],
  ] as const)
    assert.is(countsOverCampaign(gates), counts, JSON.stringify(gates))
})

test.run()
