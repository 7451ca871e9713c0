// Earning rules: what sets them off, what they pay, what bounds them, and why they do not pay.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { DecidedFact } from '../../src/domain/customer/draft.ts'
import { setsOff } from '../../src/domain/loyalty/earn.ts'
import { programsOf } from '../../src/domain/loyalty/programs.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import { advance, DAY, HOUR, summary, track } from '../given.ts'
import { balances, buy, card, changes, fixed, join, PROGRAM, perAmount, program, shop } from './fixtures.ts'

const declined = (w: ReturnType<typeof shop>, amount = 1): readonly string[] => {
  const decided = w.when(track('bought', { occurredAt: w.now, metadata: { amount } }))
  assert.ok(!isRefused(decided))
  return decided.declined.map(({ reason }) => reason)
}

test('the first satisfied rule issues a card and pays in the same append, and says everything of the points', () => {
  const w = shop()
  w.define('earningRule', 'ern_1', perAmount(10, 3))
  const facts = buy(w, 25)
  assert.equal(summary(facts), ['CustomerCreated', 'tracked bought', 'LoyaltyCardIssued', 'PointsEarned'])
  const earned = facts[3]!
  assert.ok(earned.type === 'PointsEarned')
  assert.is(earned.causedBy, facts[1]!.id)
  assert.is(earned.data.points, 6)
  assert.equal(earned.data.balance, { before: 0, after: 6 })
  assert.equal(earned.data.cause, { fact: facts[1]!.id, type: 'bought', schema: 'ms_bought' })
  assert.equal(earned.data.because, { points: 6, value: 25 })
  assert.is(earned.data.rule.id, 'ern_1')
  assert.is(earned.data.rule.revision, w.rulebook.entries('earningRule').get('ern_1')!.revision)
  assert.is(card(w).balance, 6)
  balances(w)
})

test('a program without auto_join pays only to those who joined', () => {
  const w = shop({}, { auto_join: false })
  w.define('earningRule', 'ern_1', fixed(5))
  assert.match(declined(w)[0]!, 'no card')
  join(w)
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 5'])
})

test('rounding is exact in decimal: 0.3 holds 0.1 three times, 4.99 holds a whole dollar four times', () => {
  const w = shop()
  w.define('earningRule', 'ern_tenth', perAmount(0.1, 1))
  assert.equal(changes(buy(w, 0.3)), ['POINTS_ACCRUAL 3'])
  assert.equal(changes(buy(w, 1e-7)), [])
  assert.equal(changes(buy(w, -5)), [])
  w.define('earningRule', 'ern_tenth', perAmount(1, 2))
  assert.equal(changes(buy(w, 4.99)), ['POINTS_ACCRUAL 8'])
})

test('a number of the customer counts too; one that is missing pays nothing and says so', () => {
  const w = shop()
  w.define('earningRule', 'ern_1', {
    campaign_id: PROGRAM,
    event: 'bought',
    loyalty: {
      type: 'PROPORTIONAL',
      calculation_type: 'CUSTOMER_METADATA',
      customer: { metadata: { every: 2, points: 1, property: 'visits' } },
    },
  })
  assert.match(declined(w)[0]!, "the customer's metadata has no number visits")
  w.facts({ type: 'SaveCustomer', profile: { metadata: { visits: 7 } }, mayCreate: false })
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 3'])
})

test('the number that a rule counts by may lie within an object of the metadata', () => {
  const w = shop()
  w.define('earningRule', 'ern_1', {
    campaign_id: PROGRAM,
    event: 'bought',
    loyalty: {
      type: 'PROPORTIONAL',
      calculation_type: 'CUSTOMER_METADATA',
      customer: { metadata: { every: 1, points: 1, property: 'shop.visits' } },
    },
  })
  w.facts({ type: 'SaveCustomer', profile: { metadata: { shop: { visits: 7 } } }, mayCreate: true })
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 7'])
})

test('a validation rule gates, with the event in view', () => {
  const w = shop()
  w.define('validationRule', 'val_food', {
    name: 'food',
    rules: {
      '1': { name: 'custom_event.metadata', property: 'department', conditions: { $is: ['food'] } },
      logic: '1',
    },
  })
  w.define('earningRule', 'ern_1', fixed(5, { validation_rule_id: 'val_food' }))
  assert.equal(changes(buy(w, 1, { department: 'toys' })), [])
  assert.equal(changes(buy(w, 1, { department: 'food' })), ['POINTS_ACCRUAL 5'])
  assert.is(w.remove('validationRule', 'val_food')?.key, 'resource_in_use')
})

test('bounds for all time, in times and in points', () => {
  const w = shop()
  w.define('earningRule', 'ern_times', fixed(5, { max_per_customer: 2 }))
  w.define('earningRule', 'ern_points', fixed(7, { max_per_customer: { points: 10 } }))
  buy(w)
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 5', 'POINTS_ACCRUAL 3'])
  assert.equal(declined(w), ['max_per_customer is reached', 'max_per_customer is reached'])
  assert.is(card(w).balance, 20)
})

test('a bound per day counts by the day on which the customer acted, in the zone of the project', () => {
  // 04:30 UTC is half past midnight in New York.
  const w = shop({ timeZone: 'America/New_York', now: Date.parse('2026-03-09T04:30:00Z') })
  w.define('earningRule', 'ern_1', fixed(60, { max_per_period: { period: 'day', points: 100 } }))
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 60'])
  assert.equal(changes(buy(w, 1, { ago: HOUR })), ['POINTS_ACCRUAL 60'], 'the day before')
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 40'])
  assert.equal(changes(buy(w, 1, { ago: HOUR })), ['POINTS_ACCRUAL 40'], 'the day before')
  assert.equal(changes(buy(w)), [])
})

test('bounds per week and month, set later, count what was paid before', () => {
  const w = shop({ now: Date.parse('2026-03-02T12:00:00Z') }) // a Monday
  w.define('earningRule', 'ern_1', fixed(10))
  buy(w)
  buy(w)
  w.define('earningRule', 'ern_1', fixed(10, { max_per_period: { period: 'week', times: 3 } }))
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 10'])
  assert.equal(declined(w), ['max_per_period is reached for the week'])
  w.wait(7 * DAY)
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 10'])
  w.define('earningRule', 'ern_1', fixed(10, { max_per_period: { period: 'month', points: 45 } }))
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 5'])
  assert.equal(declined(w), ['max_per_period is reached for the month'])
})

test('a bound of the program holds over all its rules, in their order; an exclusive rule closes the event', () => {
  const w = shop({}, { max_per_period: { period: 'day', points: 100 } })
  w.define('earningRule', 'ern_b', fixed(80, { stacking: { order: 2 } }))
  w.define('earningRule', 'ern_a', fixed(70, { stacking: { order: 1 } }))
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 70', 'POINTS_ACCRUAL 30'])
  w.wait(DAY)
  w.define('earningRule', 'ern_a', fixed(70, { stacking: { order: 1, exclusive: true } }))
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 70'])
})

test('a cooldown counts both ways in time', () => {
  const w = shop()
  w.define('earningRule', 'ern_1', fixed(5, { cooldown: 'PT1H' }))
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 5'])
  assert.equal(changes(buy(w, 1, { ago: HOUR - 1 })), [])
  assert.equal(changes(buy(w, 1, { ago: HOUR })), ['POINTS_ACCRUAL 5'])
  w.wait(HOUR - 1)
  assert.equal(declined(w), ['cooldown of PT1H is not over'])
  w.wait(1)
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 5'])
})

test('dates, days and hours of rule and program are held against the time at which the customer acted', () => {
  const w = shop({ timeZone: 'Europe/Warsaw', now: Date.parse('2026-03-04T09:30:00Z') }) // Wednesday, 10:30 there
  w.define(
    'earningRule',
    'ern_hours',
    fixed(1, { validity_hours: { daily: [{ start_time: '10:00', expiration_time: '11:00', days_of_week: [3] }] } }),
  )
  w.define('earningRule', 'ern_days', fixed(2, { validity_day_of_week: [2, 3] }))
  w.define('earningRule', 'ern_dates', fixed(4, { start_date: '2026-03-04', expiration_date: '2026-03-04' }))
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 1', 'POINTS_ACCRUAL 2', 'POINTS_ACCRUAL 4'])
  assert.equal(changes(buy(w, 1, { ago: 2 * HOUR })), ['POINTS_ACCRUAL 2', 'POINTS_ACCRUAL 4'])
  assert.equal(changes(buy(w, 1, { ago: DAY })), ['POINTS_ACCRUAL 2'])
  w.wait(DAY)
  assert.equal(changes(buy(w)), [])
  w.define('campaign', PROGRAM, program({ expiration_date: '2026-03-04' }))
  assert.equal(declined(w)[0], 'the program is not in force at that time')
})

test('an inactive rule or program is not asked', () => {
  const w = shop()
  w.define('earningRule', 'ern_1', fixed(5, { active: false }))
  w.define('earningRule', 'ern_2', fixed(7))
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 7'])
  w.define('campaign', PROGRAM, program({ active: false }))
  assert.equal(changes(buy(w)), [])
})

test('internal events and entered segments earn, in the same append, and points can enter a segment that earns', () => {
  const w = shop()
  w.define('segment', 'seg_rich', {
    name: 'rich',
    type: 'auto-update',
    condition: { points: PROGRAM, $more_than_equal: 10 },
  })
  w.define('earningRule', 'ern_welcome', fixed(3, { event: 'customer.created' }))
  w.define('earningRule', 'ern_1', fixed(5))
  w.define('earningRule', 'ern_rich', fixed(100, { event: 'customer.segment.entered', segment: { id: 'seg_rich' } }))
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 3', 'POINTS_ACCRUAL 5'])
  const facts = buy(w)
  assert.equal(summary(facts), ['tracked bought', 'PointsEarned', 'entered seg_rich', 'PointsEarned'])
  assert.is(card(w).balance, 113)
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 5'], 'who is inside enters no more')
  balances(w)
})

test('a rule that pays for points does not pay for its own, and two that feed each other are halted', () => {
  const w = shop()
  w.define('earningRule', 'ern_1', fixed(5))
  w.define('earningRule', 'ern_bonus', fixed(1, { event: 'customer.rewarded.loyalty_points' }))
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 5', 'POINTS_ACCRUAL 1'])
  w.define('earningRule', 'ern_bonus2', fixed(1, { event: 'customer.rewarded.loyalty_points' }))
  const facts = buy(w)
  assert.ok(facts.some(({ type }) => type === 'CascadeHalted'))
  assert.ok(facts.some((f) => f.type === 'CustomEventTracked'))
  balances(w)
})

test('loyalty.code picks the card; a code that is not the customer’s pays nothing', () => {
  const w = shop({}, { join_once: false })
  join(w, 'v_1', 'A')
  join(w, 'v_2', 'B')
  w.define('earningRule', 'ern_1', fixed(5))
  buy(w, 1, { code: 'B' })
  buy(w, 1, { code: 'B' })
  buy(w)
  assert.equal(
    Object.values(w.state.loyalty.cards).map(({ balance }) => balance),
    [5, 10],
  )
  assert.equal(changes(buy(w, 1, { code: 'C' })), [])
})

test('a disabled card earns nothing', () => {
  const w = shop()
  w.define('earningRule', 'ern_1', fixed(5))
  join(w)
  w.facts({ type: 'SwitchLoyaltyCard', card: 'v_1', active: false })
  assert.equal(declined(w), ['card CODE1 is disabled'])
  w.facts({ type: 'SwitchLoyaltyCard', card: 'v_1', active: true })
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 5'])
})

test('pending points count against bounds at once and become spendable at their instant', () => {
  const w = shop()
  w.define(
    'earningRule',
    'ern_1',
    fixed(5, { pending_points: { period_type: 'DAY', period_value: 3 }, max_per_customer: 1 }),
  )
  assert.equal(summary(buy(w)).at(-1), 'PendingPointsAdded')
  assert.equal(declined(w), ['max_per_customer is reached'])
  assert.is(card(w).balance, 0)
  assert.is(w.state.nextDueAt, w.now + 3 * DAY)
  const due = w.now + 3 * DAY
  w.wait(5 * DAY)
  const facts = w.facts(advance)
  assert.equal(changes(facts), ['PENDING_POINTS_ACTIVATION 5'])
  assert.is(facts[0]!.data.occurredAt, due)
  assert.is(card(w).balance, 5)
  balances(w)
})

test('tiers multiply or replace what a rule pays, and their changes set off rules', () => {
  const w = shop()
  w.define('earningRule', 'ern_1', fixed(50))
  w.define('earningRule', 'ern_up', fixed(7, { event: 'customer.loyalty.tier.upgraded' }))
  w.define('loyaltyTier', 'ltr_b', { campaign_id: PROGRAM, name: 'bronze', points: { from: 1, to: 99 } })
  w.define('loyaltyTier', 'ltr_s', {
    campaign_id: PROGRAM,
    name: 'silver',
    points: { from: 100 },
    earning_rules: { ern_1: { type: 'MULTIPLY', multiplier: 1.5 } },
  })
  assert.equal(summary(buy(w)).at(-1), 'LoyaltyTierJoined')
  const facts = buy(w)
  assert.equal(summary(facts), ['tracked bought', 'PointsEarned', 'LoyaltyTierUpgraded', 'PointsEarned'])
  assert.equal(changes(buy(w)), ['POINTS_ACCRUAL 75'])
  w.facts({ type: 'RemovePoints', card: card(w).id, points: 100 })
  assert.is(card(w).tier?.name, 'bronze')
  w.facts({ type: 'RemovePoints', card: card(w).id, points: card(w).balance })
  assert.is(card(w).tier, null)
  assert.is(
    w.refusalOf('loyaltyTier', 'ltr_x', { campaign_id: PROGRAM, name: 'x', points: { from: 50, to: 60 } })?.key,
    'invalid_payload',
  )
  assert.is(w.remove('loyaltyTier', 'ltr_s'), undefined)
  assert.is(w.remove('earningRule', 'ern_1'), undefined)
})

test('tiers by points in a period end with the period, at its instant', () => {
  const w = shop(
    {},
    { loyalty_tiers_expiration: { qualification_type: 'POINTS_IN_PERIOD', qualification_period: 'MONTH' } },
  )
  w.define('earningRule', 'ern_1', fixed(50))
  w.define('loyaltyTier', 'ltr_s', { campaign_id: PROGRAM, name: 'silver', points: { from: 50 } })
  assert.equal(summary(buy(w)).at(-1), 'LoyaltyTierJoined')
  assert.is(w.state.nextDueAt, Date.parse('2026-04-01T00:00:00Z'))
  w.wait(60 * DAY)
  const facts = w.facts(advance)
  assert.equal(summary(facts), ['LoyaltyTierLeft'])
  assert.is(facts[0]!.data.occurredAt, Date.parse('2026-04-01T00:00:00Z'))
})

test('a rule that is changed or deleted later alters no past fact, on any node', () => {
  const w = shop()
  w.define('earningRule', 'ern_1', fixed(5))
  buy(w)
  w.define('earningRule', 'ern_1', fixed(9))
  buy(w)
  assert.is(w.remove('earningRule', 'ern_1'), undefined)
  w.reload()
  assert.equal(changes(buy(w)), [])
  assert.is(card(w).balance, 14)
  balances(w)
})

test('definitions that cannot work are refused with every fault', () => {
  const w = shop()
  const faults = (definition: Record<string, unknown>) => w.refusalOf('earningRule', 'ern_x', definition)?.details ?? ''
  assert.match(faults(fixed(5, { event: 'sold' })), 'Property .event must name a custom event')
  assert.match(faults(fixed(5, { campaign_id: 'camp_x' })), 'Property .campaign_id must name a loyalty program')
  assert.match(faults(fixed(5, { validation_rule_id: 'val_x' })), 'Property .validation_rule_id')
  assert.match(faults(fixed(5, { start_date: '2026-02-30' })), 'Property .start_date')
  assert.match(
    faults(fixed(5, { start_date: '2026-03-02', expiration_date: '2026-03-01' })),
    'Property .expiration_date',
  )
  assert.match(
    faults(fixed(5, { event: 'customer.segment.entered', segment: { id: 'seg_x' } })),
    'Property .segment.id',
  )
  const share = { every: 1, points: 1, property: 'department' }
  assert.match(
    faults({
      ...perAmount(1, 1),
      loyalty: { type: 'PROPORTIONAL', calculation_type: 'CUSTOM_EVENT_METADATA', custom_event: { metadata: share } },
    }),
    'must be a property of type number',
  )
  w.define('earningRule', 'ern_1', fixed(5))
  assert.is(w.remove('campaign', PROGRAM)?.key, 'resource_in_use')
  assert.is(w.remove('eventSchema', 'ms_bought')?.key, 'resource_in_use')
})

test('a fact sets off the rules of its event, of whatever it names or of that one, and none that paid it', () => {
  const w = shop()
  for (const id of ['seg_1', 'seg_2'])
    w.define('segment', id, { name: id, type: 'auto-update', condition: { attribute: 'name', $is: id } })
  const entered = (more: object = {}) => fixed(1, { event: 'customer.segment.entered', ...more })
  w.define('earningRule', 'ern_bought', fixed(1))
  w.define('earningRule', 'ern_off', fixed(1, { active: false }))
  w.define('earningRule', 'ern_any', entered())
  w.define('earningRule', 'ern_one', entered({ segment: { id: 'seg_1' } }))
  w.define('earningRule', 'ern_two', entered({ segment: { id: 'seg_2' } }))
  w.define('earningRule', 'ern_points', fixed(1, { event: 'customer.rewarded.loyalty_points' }))
  const setOff = (fact: DecidedFact) =>
    [...programsOf(w.rulebook).rule.values()].filter((rule) => setsOff(fact, rule)).map(({ entry }) => entry.id)
  const facts = w.facts(
    track('bought', { occurredAt: w.now, metadata: { amount: 1 }, profile: { source_id: 's', name: 'seg_1' } }),
  )
  assert.equal(
    facts.map((fact) => [...summary([fact]), ...setOff(fact)]),
    [
      ['CustomerCreated'],
      ['tracked bought', 'ern_bought', 'ern_off'],
      ['LoyaltyCardIssued'],
      ['PointsEarned', 'ern_points'],
      // What a rule pays sets off the others, and not itself.
      ['PointsEarned'],
      ['entered seg_1', 'ern_any', 'ern_one'],
      ['PointsEarned', 'ern_points'],
      ['PointsEarned', 'ern_points'],
      ['PointsEarned'],
      ['PointsEarned'],
    ],
  )
})

test.run()
