// Coupons of real households: what was redeemed by whom a campaign targeted, inside its dates, is redeemed here too; by anybody
// else, or on another day, it is not. The sample in test/data/coupons, or the whole set in the folder named by COUPONS_DIR.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { calendarOf } from '../../src/domain/calendar.ts'
import { rewatch } from '../../src/domain/customer/derive.ts'
import { type CustomerState, newCustomer } from '../../src/domain/customer/state.ts'
import { decide } from '../../src/domain/decider/decide.ts'
import { openOrder } from '../../src/domain/order.ts'
import type { RedeemVouchers } from '../../src/domain/redemption/redeem.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import { evolveCode, noCode } from '../../src/domain/vouchers/code.ts'
import { world } from '../given.ts'

const ZONE = 'America/New_York'
const DIR = process.env.COUPONS_DIR ?? new URL('../data/coupons', import.meta.url).pathname

const rows = <S extends v.GenericSchema>(file: string, schema: S): v.InferOutput<S>[] =>
  parse(readFileSync(join(DIR, file)), { columns: true }).map((row: unknown) => v.parse(schema, row))

const redemptions = rows(
  'coupon_redemptions.csv',
  v.object({ household_id: v.string(), coupon_upc: v.string(), campaign_id: v.string(), redemption_date: v.string() }),
)
const targets = rows('campaigns.csv', v.object({ campaign_id: v.string(), household_id: v.string() }))
const campaigns = rows(
  'campaign_descriptions.csv',
  v.object({ campaign_id: v.string(), start_date: v.string(), end_date: v.string() }),
)

const calendar = calendarOf(ZONE)
const DAY = 86_400_000
const noon = (date: string): number => calendar.parse(date)! + DAY / 2
const household = (id: string): string => `cust_household${id.padStart(15, '0')}`

const { rulebook } = (() => {
  const w = world({ timeZone: ZONE })
  for (const { campaign_id: id, start_date, end_date } of campaigns) {
    w.define('segment', `seg_${id}`, {
      name: `targeted by campaign ${id}`,
      type: 'static',
      customers: targets.filter((t) => t.campaign_id === id).map((t) => household(t.household_id)),
    })
    w.define('campaign', `camp_${id}`, {
      name: `campaign ${id}`,
      campaign_type: 'DISCOUNT_COUPONS',
      start_date,
      expiration_date: end_date,
      voucher: { type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } },
    })
    w.define('validationRule', `val_${id}`, {
      name: `targeted by campaign ${id}`,
      rules: { '1': { name: 'customer.segment', conditions: { $is: `seg_${id}` } }, logic: '1' },
    })
    w.define('assignment', `asgm_${id}`, {
      rule_id: `val_${id}`,
      related_object_type: 'campaign',
      related_object_id: `camp_${id}`,
    })
  }
  return w
})()

/** The customer of a household, with the segments that the campaigns put it in. */
const known = (id: string, now: number): CustomerState => {
  const before = { ...newCustomer(household(id)), derived: { ...newCustomer('').derived, rulebook: rulebook.revision } }
  const command = { type: 'SaveCustomer', profile: { source_id: id }, mayCreate: true } as const
  const decided = decide(rewatch(before, rulebook), command, rulebook, { now, key: `new-${id}` })
  if (isRefused(decided)) throw new Error(decided.refused.details)
  return decided.state
}

const start = Math.min(...redemptions.map((r) => noon(r.redemption_date))) - DAY
const households = new Map<string, CustomerState>()

/** Redeems a coupon for a household on a day; answers the refusal's key, or undefined when it came about. */
const redeem = (who: string, coupon: string, campaign: string, now: number, n: number): string | undefined => {
  const code = `${coupon}-${campaign}`
  const owner = { type: 'voucher', id: `v_${code}`, campaign: `camp_${campaign}` }
  const state = households.get(who) ?? known(who, Math.min(start, now))
  const order = openOrder({ amount: 1_000 })!
  const command: RedeemVouchers = {
    type: 'RedeemVouchers',
    request: `r_${n}`,
    redeemables: [
      {
        asked: code,
        code: evolveCode(noCode(code), { type: 'CodeReserved', data: { code, owner, occurredAt: start } }),
        measures: {},
        redemption: `r_${n}_0`,
        ledgers: [],
      },
    ],
    order,
    asked: { channel: 'API', apiKey: 'test' },
    profile: {},
    mayCreate: false,
  }
  const decided = decide(state, command, rulebook, { now, key: `key-${n}` })
  if (isRefused(decided)) return decided.refused.key
  assert.is(decided.facts.filter(({ type }) => type === 'RedemptionSucceeded').length, 1)
  households.set(who, decided.state)
  return undefined
}

const inOrder = [...redemptions].sort((a, b) => noon(a.redemption_date) - noon(b.redemption_date))

test(`all ${redemptions.length} redemptions by targeted households inside the dates come about`, () => {
  households.clear()
  const refused = inOrder.flatMap((r, n) => {
    const key = redeem(r.household_id, r.coupon_upc, r.campaign_id, noon(r.redemption_date), n)
    return key === undefined ? [] : [{ ...r, key }]
  })
  assert.equal(refused, [])
})

test('with the household swapped for one that the campaign did not target, none does', () => {
  households.clear()
  const everybody = [...new Set(targets.map((t) => t.household_id))]
  const targeted = new Set(targets.map((t) => `${t.campaign_id}/${t.household_id}`))
  for (const [n, r] of inOrder.entries()) {
    const others = everybody.filter((id) => !targeted.has(`${r.campaign_id}/${id}`))
    const other = others[n % others.length] ?? 'nobody'
    assert.is(redeem(other, r.coupon_upc, r.campaign_id, noon(r.redemption_date), n), 'customer_rules_violated')
  }
})

test('with the date moved before or after the campaign, none does', () => {
  for (const side of ['before', 'after'] as const) {
    households.clear()
    for (const [n, r] of inOrder.entries()) {
      const { start_date, end_date } = campaigns.find((c) => c.campaign_id === r.campaign_id)!
      const now = side === 'before' ? calendar.parse(start_date)! - 1 : calendar.parseEnd(end_date)!
      const key = redeem(r.household_id, r.coupon_upc, r.campaign_id, now, n)
      // A decision is never dated back, so each household asks anew.
      households.delete(r.household_id)
      assert.is(key, side === 'before' ? 'voucher_not_active' : 'voucher_expired')
    }
  }
})

test.run()
