// What redemptions leave to be read: the laws of the read models, sums, and how a redemption shows.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type CampaignTotalsDocument, campaignTotals } from '../../projections/campaignTotals.ts'
import { type CustomerDocument, customers } from '../../projections/customers.ts'
import type { Projection } from '../../projections/projection.ts'
import { type RedemptionDocument, redemptions } from '../../projections/redemptions.ts'
import { type VoucherDocument, vouchers } from '../../projections/vouchers.ts'
import { redemptionActivity } from '../../src/api/presenters/facts/redemptions.ts'
import { showParent, showRedemption } from '../../src/api/presenters/redemptions.ts'
import { isCustomerFact } from '../../src/domain/customer/facts.ts'
import { NO_ORDER_SUMS } from '../../src/domain/customer/orders/state.ts'
import {
  evolveRedemptions,
  isRedemptionFact,
  type RedemptionFact,
  type RedemptionFactData,
  redemptionStream,
} from '../../src/domain/customer/redemptions/facts.ts'
import { NO_REDEMPTIONS } from '../../src/domain/customer/redemptions/state.ts'
import { summaryOf } from '../../src/domain/customer/redemptions/sums.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import fc from '../fc.ts'
import { T0 } from '../given.ts'
import { assertLaws } from '../projector/laws.ts'
import { times } from '../soak.ts'
import { CAMPAIGNS, failed, order, rolledBack, succeeded } from './fixtures.ts'

interface Line {
  readonly customer: string | null
  readonly fact: RedemptionFact
}

/** The facts of steps; `nth` of a rollback picks among what stands. */
interface Step {
  readonly kind: 'one' | 'two' | 'fail' | 'back' | 'backFails'
  readonly who: string | null
  readonly amount: number
  readonly nth: number
}

const linesOf = (steps: readonly Step[]): readonly Line[] => {
  const standing: { customer: string | null; data: RedemptionFactData<'RedemptionSucceeded'> }[] = []
  const make = (customer: string | null, data: RedemptionFactData<'RedemptionSucceeded'>): Line => {
    standing.push({ customer, data })
    return { customer, fact: { type: 'RedemptionSucceeded', data } }
  }
  return steps.flatMap(({ kind, who, amount, nth }, n): Line[] => {
    const gift = {
      voucher: { id: 'v_2', code: 'GIFT', type: 'GIFT_VOUCHER' as const },
      campaign: CAMPAIGNS[1],
      credits: amount,
      share: { day: '2026-03-02', apiKey: 'shop', credits: amount, amount, discounted: amount },
    }
    switch (kind) {
      case 'one':
        return [make(who, succeeded(n, {}, amount))]
      case 'two': {
        const { items: _, ...bare } = order(amount)
        return [
          make(who, succeeded(n, { of: 2 }, amount)),
          make(who, succeeded(n, { of: 2, redemption: `r_${n}b`, place: 1, ...gift, order: bare }, amount)),
        ]
      }
      case 'fail':
        return [{ customer: who, fact: { type: 'RedemptionFailed', data: failed(n) } }]
      case 'back': {
        const request = standing[nth % Math.max(1, standing.length)]?.data.request
        const all = standing.filter(({ data }) => data.request === request)
        for (const one of all) standing.splice(standing.indexOf(one), 1)
        return all.map(({ customer, data }) => ({
          customer,
          fact: { type: 'RedemptionRolledBack', data: rolledBack(data, T0 + n) },
        }))
      }
      case 'backFails': {
        const { message: _, redemption, ...rest } = failed(n)
        return [
          {
            customer: who,
            fact: { type: 'RedemptionRollbackFailed', data: { ...rest, rollback: `rrf_${n}`, redemption } },
          },
        ]
      }
      default:
        return kind satisfies never
    }
  })
}

const recorded = (lines: readonly Line[]): RecordedFact[] => {
  const people = [...new Set(lines.flatMap(({ customer }) => customer ?? []))]
  const created = people.map((id) => ({
    stream: `customer-${id}`,
    type: 'CustomerCreated',
    data: { id, profile: { source_id: id }, occurredAt: T0 },
  }))
  const rest = lines.map(({ customer, fact }) => ({
    stream: customer ? `customer-${customer}` : redemptionStream('request' in fact.data ? fact.data.request : 'none'),
    ...fact,
  }))
  return [...created, ...rest].map((fact, i) => ({
    ...fact,
    id: `fact-${i}`,
    revision: BigInt(i),
    position: BigInt(i * 10),
    created: T0,
    metadata: { $correlationId: 'v-1', now: T0 },
  }))
}

const held = <D>(projection: object, facts: readonly RecordedFact[]) =>
  assertLaws(projection as Projection, facts, 2) as Readonly<Record<string, D>>

const step = fc.record({
  kind: fc.constantFrom('one' as const, 'two' as const, 'fail' as const, 'back' as const, 'backFails' as const),
  who: fc.constantFrom('cust_a', 'cust_b', null),
  amount: fc.integer({ min: 0, max: 500 }),
  nth: fc.nat(9),
})

test('redemptions, totals and sums follow from the facts alone, and agree with each other and with the state', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
      const lines = linesOf(steps)
      const facts = recorded(lines)
      const documents = Object.values(held<RedemptionDocument>(redemptions, facts))
      const totals = held<CampaignTotalsDocument>(campaignTotals, facts)
      const people = held<CustomerDocument>(customers, facts)
      assert.is(documents.length, lines.length)
      const count = (list: readonly RedemptionDocument[], kind: string, result: string) =>
        list.filter((one) => one.kind === kind && one.result === result).length
      for (const { id } of CAMPAIGNS) {
        const ofCampaign = documents.filter(({ campaign }) => campaign?.id === id)
        const { succeeded: made, failed: refused, rolled_back, rollbacks_failed } = totals[id] ?? {}
        assert.equal(
          [made ?? 0, refused ?? 0, rolled_back ?? 0, rollbacks_failed ?? 0],
          [
            count(ofCampaign, 'redemption', 'SUCCESS'),
            count(ofCampaign, 'redemption', 'FAILURE'),
            count(ofCampaign, 'rollback', 'SUCCESS'),
            count(ofCampaign, 'rollback', 'FAILURE'),
          ],
        )
      }
      for (const [id, person] of Object.entries(people)) {
        const own = documents.filter(({ customer }) => customer === id)
        const standing = own.filter((one) => one.kind === 'redemption' && one.result === 'SUCCESS' && !one.rolled_back)
        const spent = standing.filter(({ place }) => place === 0).map(({ order }) => Number(order?.total_amount))
        assert.is(person.sums.succeeded - person.sums.rolledBack, standing.length)
        assert.is(person.sums.orders, spent.length)
        assert.is(
          person.sums.spent,
          spent.reduce((a, b) => a + b, 0),
        )
        assert.is(
          person.sums.credits,
          standing.reduce((sum, { credits }) => sum + (credits ?? 0), 0),
        )
        const state = lines
          .filter(({ customer }) => customer === id)
          .reduce((before, { fact }) => evolveRedemptions(before, fact), NO_REDEMPTIONS)
        assert.equal(person.sums, state.sums)
      }
    }),
    { numRuns: times(12, 500) },
  )
})

test('a voucher counts what came about by it and was not rolled back, with its credits', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
      const lines = linesOf(steps)
      const reserved = ['SPRING', 'GIFT'].map((code) => ({
        stream: `code-${code}`,
        type: 'CodeReserved',
        data: { code, owner: { type: 'voucher', id: `v_${code}`, customer: 'cust_a' }, occurredAt: T0 },
      }))
      const added = {
        stream: 'code-GIFT',
        type: 'GiftCreditsChanged',
        data: { code: 'GIFT', voucher: 'v_GIFT', transaction: 't', amount: 70, balance: 70, occurredAt: T0 },
      }
      const facts = [...reserved, ...recorded(lines), added].map(
        (fact, i): RecordedFact => ({
          ...fact,
          id: `fact-${i}`,
          revision: BigInt(i),
          position: BigInt(i * 10),
          created: T0,
          metadata: { $correlationId: 'v-1', now: T0 },
        }),
      )
      const byCode = held<VoucherDocument>(vouchers, facts)
      const documents = Object.values(held<RedemptionDocument>(redemptions, facts))
      for (const code of ['SPRING', 'GIFT']) {
        const standing = documents.filter(
          (one) =>
            one.voucher.code === code && one.kind === 'redemption' && one.result === 'SUCCESS' && !one.rolled_back,
        )
        assert.equal(byCode[code]?.sums, {
          redeemed: standing.length,
          taken: standing.reduce((sum, { credits }) => sum + (credits ?? 0), 0),
          added: code === 'GIFT' ? 70 : 0,
        })
        assert.is(byCode[code]?.state.givenAt, T0)
      }
    }),
    { numRuns: times(8, 500) },
  )
})

test('the summary of a customer: what stands, what was spent, the newest order', () => {
  const facts: RedemptionFact[] = linesOf([
    { kind: 'one', who: 'cust_a', amount: 100, nth: 0 },
    { kind: 'two', who: 'cust_a', amount: 201, nth: 0 },
    { kind: 'fail', who: 'cust_a', amount: 0, nth: 0 },
  ]).map(({ fact }) => fact)
  const before = facts.reduce(evolveRedemptions, NO_REDEMPTIONS)
  const card = { redeemed: 5, balance: 7 }
  assert.equal(summaryOf(before.sums, NO_ORDER_SUMS, [card, card], 30), {
    redemptions: {
      total_redeemed: 3,
      total_failed: 1,
      total_succeeded: 3,
      total_rolled_back: 0,
      total_rollback_failed: 0,
      total_rollback_succeeded: 0,
      gift: { redeemed_amount: 201, amount_to_go: 30 },
      loyalty_card: { redeemed_points: 10, points_to_go: 14 },
    },
    orders: {
      total_amount: 301,
      total_count: 2,
      average_amount: 151,
      last_order_amount: 201,
      last_order_date: T0 + 1,
    },
  })
  const after = evolveRedemptions(before, {
    type: 'RedemptionRolledBack',
    data: rolledBack(succeeded(0, {}, 100), T0 + 9),
  })
  const { redemptions: counted, orders } = summaryOf(after.sums, NO_ORDER_SUMS, [])
  assert.equal([counted.total_redeemed, counted.total_succeeded, counted.total_rolled_back], [2, 3, 1])
  assert.equal([orders.total_amount, orders.total_count, orders.last_order_amount], [201, 1, 201])
})

const documentsOf = (steps: readonly Step[]) => held<RedemptionDocument>(redemptions, recorded(linesOf(steps)))

test('a redemption that was rolled back says by which rollback, and its order is canceled', () => {
  const all = documentsOf([
    { kind: 'two', who: 'cust_a', amount: 100, nth: 0 },
    { kind: 'back', who: 'cust_a', amount: 0, nth: 0 },
  ])
  const profile = { source_id: 'ann', metadata: {} }
  const shown = showRedemption(all.r_0!, profile)
  assert.equal(
    [shown.object, shown.status, shown.result, shown.rollback_id, shown.redemption, shown.related_object_id],
    ['redemption', 'ROLLED_BACK', 'SUCCESS', 'rr_0', 'req_0', 'v_1'],
  )
  assert.equal([shown.order?.status, shown.order?.items?.length, shown.customer?.id], ['CANCELED', 1, 'cust_a'])
  const back = showRedemption(all.rr_0b!, profile)
  assert.equal(
    [back.object, back.amount, back.redemption, back.reason, back.order?.status, back.order?.id],
    ['redemption_rollback', -100, 'r_0b', 'returned', 'CANCELED', shown.order?.id],
  )
  const parent = showParent([all.r_0!, all.r_0b!], profile)
  assert.equal(
    [parent.id, parent.related_object_type, parent.order?.redemptions.req_0?.stacked, parent.order?.id],
    ['req_0', 'redemption', ['r_0', 'r_0b'], shown.order?.id],
  )
})

test('a failed redemption says why, with the text of the rule; without a customer none is shown', () => {
  const all = documentsOf([
    { kind: 'fail', who: null, amount: 0, nth: 0 },
    { kind: 'one', who: null, amount: 80, nth: 0 },
  ])
  const shown = showRedemption(all.rf_0!)
  assert.equal(
    [shown.status, shown.failure_code, shown.failure_message, shown.error, shown.customer, shown.order],
    ['FAILED', 'quantity_exceeded', 'too often', { message: 'Sold out' }, null, null],
  )
  const made = showRedemption(all.r_1!)
  assert.equal([made.customer_id, made.customer, made.order?.amount, made.status], [null, null, 80, 'SUCCEEDED'])
})

test('an entry of the activity log has the data that the contract names for its type', () => {
  const data = succeeded(1, { voucher: { id: 'v_1', code: 'SPRING', type: 'DISCOUNT_VOUCHER', holder: 'cust_b' } })
  const made = redemptionActivity({ type: 'RedemptionSucceeded', data })
  const names = ['redemption', 'voucher', 'campaign', 'promotion_tier', 'promotion_stack', 'order', 'holder']
  assert.equal(Object.keys(made?.data ?? {}), names)
  const { redemption, order: shown, holder } = (made?.data ?? {}) as Record<string, Record<string, unknown>>
  assert.equal(
    [redemption?.id, redemption?.result, redemption?.discount_amount, shown?.status, shown?.total_amount, holder?.id],
    ['r_1', 'SUCCESS', 10, 'PAID', 100, 'cust_b'],
  )
  const back = redemptionActivity({ type: 'RedemptionRolledBack', data: rolledBack(data, T0) })
  const undone = back?.data as Record<string, Record<string, unknown>>
  assert.equal([back?.type, undone.redemption?.id], ['customer.redemption.rollback.succeeded', 'rr_1'])
  assert.equal([undone.order?.id, undone.order?.status], [shown?.id, 'CANCELED'])
  const refused = redemptionActivity({ type: 'RedemptionFailed', data: failed(1) })
  const { redemption: fault } = (refused?.data ?? {}) as Record<string, Record<string, unknown>>
  assert.equal(
    [refused?.type, fault?.failure_code, fault?.error],
    ['customer.redemption.failed', 'quantity_exceeded', { message: 'Sold out' }],
  )
  assert.is(redemptionActivity({ type: 'RedemptionAbandoned', data: { request: 'r', occurredAt: T0 } }), undefined)
})

test('facts of other streams and of other kinds make no document', () => {
  const [fact] = recorded([{ customer: null, fact: { type: 'RedemptionFailed', data: failed(1) } }])
  assert.ok(isCustomerFact(fact!) && isRedemptionFact(fact))
  assert.equal(held(redemptions, [{ ...fact!, stream: 'code-SPRING' }]), {})
  assert.equal(held(campaignTotals, [{ ...fact!, stream: 'code-SPRING' }]), {})
})

test.run()
