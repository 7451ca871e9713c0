// Boundaries: what still is and what is no more, one step from each other. Faults of one step are the most frequent and the least seen.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { calendarOf } from '../../src/domain/calendar.ts'
import { MAX_DECLINED, MAX_FACTS, MAX_ROUNDS } from '../../src/domain/customer/draft.ts'
import { fold } from '../../src/domain/customer/fold.ts'
import { counted, countWithin, NO_COUNTS } from '../../src/domain/customer/redemptions/counts.ts'
import { ROLLBACK_MS } from '../../src/domain/customer/redemptions/state.ts'
import { newCustomer } from '../../src/domain/customer/state.ts'
import { MAX_TOTAL } from '../../src/domain/points.ts'
import { decideLedger, evolveLedger, type LedgerCommand, NO_LEDGER } from '../../src/domain/redemption/ledger.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import { allowance, NO_TALLY, type Tally, tallied } from '../../src/domain/rulebook/limits.ts'
import { compileValidity, Validity } from '../../src/domain/validity.ts'
import { evolveCode, noCode } from '../../src/domain/vouchers/code.ts'
import { advance, DAY, HOUR, MINUTE, summary, T0, track, world } from '../given.ts'
import { card, changes, fixed, join, PROGRAM, shop } from '../loyalty/fixtures.ts'

const calendar = calendarOf('UTC')
const TEN = evolveCode(noCode('TEN'), {
  type: 'CodeReserved',
  data: {
    code: 'TEN',
    owner: { type: 'voucher', id: 'v_ten' },
    spec: { discount: { type: 'AMOUNT', amount_off: 10, effect: 'APPLY_TO_ORDER' } },
    occurredAt: T0,
  },
})
const day = (n: number): string => new Date(T0 + n * DAY).toISOString().slice(0, 10)

test('the price of a reward under a multiplier is rounded down', () => {
  const w = shop()
  join(w)
  w.define('reward', 'rew_1', { name: 'mug', type: 'MATERIAL', parameters: { product: { id: 'prod_1' } } })
  const parameters = { loyalty: { points: 5 } }
  w.define('rewardAssignment', 'rewa_1', { reward_id: 'rew_1', campaign: PROGRAM, parameters })
  const tier = (multiplier: number) => ({
    campaign_id: PROGRAM,
    name: 'all',
    points: {},
    rewards: { rewa_1: { type: 'MULTIPLY' as const, multiplier } },
  })
  w.define('loyaltyTier', 'ltr_1', tier(0.5))
  w.facts({ type: 'AddPoints', card: 'v_1', points: 100, expiry: { type: 'NON_EXPIRING' } })
  const paid = (n: number) =>
    changes(w.facts({ type: 'RedeemReward', card: 'v_1', redemption: `r_${n}`, assignment: 'rewa_1' }))
  assert.equal(paid(1), ['POINTS_REDEMPTION -2'])
  w.define('loyaltyTier', 'ltr_1', tier(1.39))
  assert.equal(paid(2), ['POINTS_REDEMPTION -6'])
})

test('a redemption can be rolled back to the end of the window', () => {
  const rollBack = (later: number) => {
    const w = world()
    w.facts({ type: 'SaveCustomer', profile: { source_id: 's' }, mayCreate: true })
    const asked = { channel: 'API', apiKey: 'shop' }
    w.facts({
      type: 'RedeemVouchers',
      request: 'req_1',
      redeemables: [{ asked: 'TEN', code: TEN, measures: {}, redemption: 'r_1', ledgers: ['code-TEN'] }],
      asked,
      profile: {},
      mayCreate: false,
    })
    w.wait(later)
    return w.when({ type: 'RollBackRedemptions', parent: 'back', redemptions: ['r_1'], asked })
  }
  assert.not(isRefused(rollBack(ROLLBACK_MS)))
  assert.ok(isRefused(rollBack(ROLLBACK_MS + 1)))
})

test('a fact leaves out a list in which there is nothing', () => {
  const w = world()
  w.define('eventSchema', 'ms_1', { name: 'bought', schema: { properties: {} } })
  w.define('campaign', PROGRAM, { name: 'club', campaign_type: 'LOYALTY_PROGRAM', voucher: { type: 'LOYALTY_CARD' } })
  w.define('distribution', 'distr_1', {
    name: 'thanks',
    trigger: { type: 'event', event: 'bought' },
    channel: { type: 'webhook', url: 'https://shop.test/hook', body: '{{ customer.loyalty }}' },
  })
  const facts = [
    ...w.facts(track('bought', { occurredAt: w.now - MINUTE, profile: { source_id: 's', name: 'Ann' } })),
    ...w.facts({
      type: 'RedeemVouchers',
      request: 'req_1',
      redeemables: [{ asked: 'TEN', code: TEN, measures: {}, redemption: 'r_1', ledgers: ['code-TEN'] }],
      asked: { channel: 'API', apiKey: 'shop' },
      profile: {},
      mayCreate: false,
    }),
  ]
  const types = facts.map(({ type }) => type)
  for (const type of ['CustomerCreated', 'CustomEventTracked', 'MessageRequested', 'RedemptionSucceeded'])
    assert.ok(types.includes(type as never), `${type} among ${types}`)
  const empty = (value: unknown, path: string): readonly string[] => {
    if (typeof value !== 'object' || value === null) return []
    const parts = Object.entries(value)
    return parts.length === 0 ? [path] : parts.flatMap(([name, part]) => empty(part, `${path}.${name}`))
  }
  const none = facts.flatMap(({ type, data }) => empty(data, type)).filter((path) => !/metadata$/.test(path))
  assert.equal(none, [])
})

test('a lock of another session keeps its place until it ends', () => {
  const share = { day: day(0), apiKey: 'shop', credits: 0, amount: 0, discounted: 0 }
  const bounds = { quantity: 1 }
  const ask = (ledger: typeof NO_LEDGER, command: LedgerCommand, now: number) =>
    decideLedger(ledger, command, bounds, { now, calendar })
  const lock = (session: string): LedgerCommand => ({ type: 'Lock', session, expiresAt: T0 + HOUR, credits: 0 })
  const reserve = (session?: string): LedgerCommand => ({
    type: 'Reserve',
    reservation: { redemption: 'r_1', request: 'q', commit: 'c', share, ...(session ? { session } : {}) },
  })
  const fact = ask(NO_LEDGER, lock('one'), T0)
  assert.ok(!isRefused(fact) && fact.length === 1)
  const locked = evolveLedger(NO_LEDGER, fact[0]!)
  for (const command of [lock('two'), reserve(), reserve('two')]) {
    assert.ok(isRefused(ask(locked, command, T0 + HOUR - 1)), JSON.stringify(command))
    assert.not(isRefused(ask(locked, command, T0 + HOUR)), JSON.stringify(command))
  }
  assert.not(isRefused(ask(locked, reserve('one'), T0 + 1)), 'its own lock is in nobody’s way')
})

test('who is deleted and comes back begins with nothing counted, the deletion included', () => {
  for (const isReloaded of [false, true]) {
    const w = world()
    w.define('eventSchema', 'ms_1', { name: 'bought', schema: { properties: {} } })
    const twice = { event: 'bought', count: { $more_than_equal: 2 }, within: 'P9D' } as const
    w.define('segment', 'seg_twice', { name: 'twice', type: 'auto-update', condition: twice })
    const left = { event: 'customer.deleted', within: 'P9D' } as const
    w.define('segment', 'seg_left', { name: 'left', type: 'auto-update', condition: left })
    const buy = () => summary(w.facts(track('bought', { occurredAt: w.now }))).filter((fact) => /entered/.test(fact))
    assert.equal(buy(), [])
    w.facts({ type: 'DeleteCustomer', permanently: false })
    if (isReloaded) w.reload()
    assert.equal(buy(), [], `reloaded: ${isReloaded}`)
    assert.equal(buy(), ['entered seg_twice'])
  }
})

test('what a condition asks of the past is the same folded, decided, and taken from a history that a deletion ended', () => {
  const w = world()
  w.define('eventSchema', 'ms_1', { name: 'bought', schema: { properties: {} } })
  const often = (n: number) => ({ event: 'bought', count: { $more_than_equal: n }, within: 'P9D' }) as const
  w.define('segment', 'seg_twice', { name: 'twice', type: 'auto-update', condition: often(2) })
  const buy = () => summary(w.facts(track('bought', { occurredAt: w.now }))).filter((fact) => /entered/.test(fact))
  const folded = () =>
    w.recorded().reduce((state, fact) => fold(state, fact, w.rulebook), newCustomer(w.state.id)).derived
  const isSame = () => assert.equal(folded().accumulators, w.state.derived.accumulators)
  buy()
  isSame()
  assert.is(Object.keys(folded().accumulators).length, 1)
  w.facts({ type: 'DeleteCustomer', permanently: false })
  isSame()
  assert.equal(folded().accumulators, {})
  assert.equal([buy(), buy()], [[], ['entered seg_twice']])
  isSame()
  w.define('segment', 'seg_often', { name: 'often', type: 'auto-update', condition: { ...often(3), within: 'P8D' } })
  assert.equal(w.facts(advance), [])
  assert.equal(buy(), ['entered seg_often'])
})

test('a card takes points to the maximum total, and not one more', () => {
  const w = shop()
  join(w)
  const add = (points: number) => w.when({ type: 'AddPoints', card: 'v_1', points, expiry: { type: 'NON_EXPIRING' } })
  const whole = MAX_TOTAL / 1_000
  for (let n = 0; n < 999; n++) assert.not(isRefused(add(whole)))
  assert.not(isRefused(add(whole - 1)))
  assert.ok(isRefused(add(2)))
  assert.not(isRefused(add(1)))
  assert.ok(isRefused(add(1)))
})

test('an event as old as the horizon still sets messages off', () => {
  const asked = (ago: number) => {
    const w = world()
    w.define('eventSchema', 'ms_1', { name: 'bought', schema: { properties: {} } })
    w.define('distribution', 'distr_1', {
      name: 'thanks',
      trigger: { type: 'event', event: 'bought' },
      channel: { type: 'webhook', url: 'https://shop.test/hook' },
    })
    const facts = w.facts(track('bought', { occurredAt: w.now - ago, triggerHorizonMs: HOUR }))
    return facts.some(({ type }) => type === 'MessageRequested')
  }
  assert.equal([asked(HOUR - 1), asked(HOUR), asked(HOUR + 1)], [true, true, false])
})

test('a cap counts from the first instant of its period', () => {
  const second = (first: number, later: number) => {
    const w = world({ now: Date.parse('2026-03-02T00:00:00Z') + first })
    w.define('eventSchema', 'ms_1', { name: 'bought', schema: { properties: {} } })
    w.define('distribution', 'distr_1', {
      name: 'thanks',
      trigger: { type: 'event', event: 'bought' },
      channel: { type: 'webhook', url: 'https://shop.test/hook' },
      cap: { messages: 1, period: 'day' },
    })
    w.facts(track('bought', { occurredAt: w.now }))
    w.wait(later)
    return w.facts(track('bought', { occurredAt: w.now })).some(({ type }) => type === 'MessageRequested')
  }
  assert.is(second(0, HOUR), false, 'asked for at midnight counts for the day')
  assert.is(second(-1, HOUR), true, 'a moment before midnight is yesterday')
})

test('hours begin with their first minute and end before their last', () => {
  const ask = compileValidity(
    { validity_hours: { daily: [{ start_time: '09:30', expiration_time: '17:00' }] } },
    calendar,
  )
  const at = (time: string) => Date.parse(`2026-03-02T${time}Z`)
  const seen = (instant: number) => [ask(instant).holds, new Date(ask(instant).until ?? 0).toISOString().slice(11, 16)]
  assert.equal(seen(at('09:30:00') - 1), [false, '09:30'])
  assert.equal(seen(at('09:30:00')), [true, '17:00'])
  assert.equal(seen(at('17:00:00') - 1), [true, '17:00'])
  assert.equal(seen(at('17:00:00')), [false, '00:00'])
})

test('what cannot be read, or is counted from nothing, is never in force', () => {
  const never = { holds: false, until: Number.POSITIVE_INFINITY }
  const [interval, duration] = ['P1W', 'P1D']
  const start_date = day(0)
  for (const validity of [
    { start_date: 'soon' },
    { start_date, expiration_date: 'later' },
    { validity_timeframe: { interval, duration } },
    { start_date, validity_timeframe: { interval: 'x', duration } },
    { start_date, validity_timeframe: { interval, duration: 'x' } },
  ])
    assert.equal(compileValidity(validity, calendar)(T0), never, JSON.stringify(validity))
  assert.ok(compileValidity({ start_date, validity_timeframe: { interval, duration } }, calendar)(T0).holds)
  assert.equal(v.parse(Validity, { start_date: '', expiration_date: 'x' }), { start_date: null, expiration_date: 'x' })
})

test('a cascade ends with its last round', () => {
  /** A chain in which each step leads to the next: a segment is entered by the point that entering the one before has paid. */
  const chain = (steps: number) => {
    const w = shop()
    w.define('earningRule', 'ern_0', fixed(1))
    for (let n = 1; n <= steps; n++) {
      w.define('segment', `seg_${n}`, {
        name: `${n}`,
        type: 'auto-update',
        condition: { points: PROGRAM, $more_than_equal: n },
      })
      w.define('earningRule', `ern_${n}`, fixed(1, { event: 'customer.segment.entered', segment: { id: `seg_${n}` } }))
    }
    const facts = w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
    return { halted: facts.find(({ type }) => type === 'CascadeHalted'), balance: card(w).balance }
  }
  // The first round is the event's own, the last finds nothing more.
  const whole = chain(MAX_ROUNDS - 1)
  assert.equal([whole.halted, whole.balance], [undefined, MAX_ROUNDS])
  const { halted } = chain(MAX_ROUNDS)
  assert.ok(halted?.type === 'CascadeHalted')
  assert.is(halted.data.rounds, MAX_ROUNDS + 1)
})

test('what fell due long ago is caught up with in turns of half as many facts as a decision has', () => {
  const w = shop()
  join(w)
  for (let n = 1; n <= MAX_FACTS; n++)
    w.facts({ type: 'AddPoints', card: 'v_1', points: 1, expiry: { type: 'CUSTOM_DATE', at: w.now + n * MINUTE } })
  w.wait(DAY)
  const turn = () => w.facts(advance).length
  assert.equal([turn(), turn(), turn(), card(w).balance], [MAX_FACTS / 2, MAX_FACTS / 2, 0, 0])
})

const paidOn = (days: readonly number[]): Tally =>
  days.reduce((tally, n) => tallied(tally, 1, day(n), T0 + n * DAY), NO_TALLY)

test('a period that begins on a day whose count was dropped is not held against a bound', () => {
  // Four hundred days are kept: the first of these is dropped.
  const tally = paidOn(Array.from({ length: 401 }, (_, n) => n))
  assert.equal([tally.droppedDay, tally.days[day(1)]], [day(0), [1, 1]])
  const limits = { max_per_period: { period: 'day', times: 2 } } as const
  assert.match(JSON.stringify(allowance(limits, tally, T0, calendar)), /too far back/)
  assert.equal(allowance(limits, tally, T0 + DAY, calendar), { points: Number.POSITIVE_INFINITY })
  // One that comes late does not take back what was dropped.
  const late = tallied(tally, 1, day(-5), T0 - 5 * DAY)
  assert.is(late.droppedDay, day(0))
})

test('a payment that comes late stands in its place among those that are kept, one of the same instant behind', () => {
  const paid = (...payments: readonly (readonly [points: number, at: number])[]) => {
    const { recent, amounts } = payments.reduce((sum, [points, at]) => tallied(sum, points, day(0), T0 + at), NO_TALLY)
    return recent.map((at, i) => [amounts[i], at - T0])
  }
  const [one, two, three] = [
    [1, 10],
    [2, 20],
    [3, 30],
  ] as const
  const all = [one, two, three]
  assert.equal([paid(one, two, three), paid(three, one, two), paid(two, three, one)], [all, all, all])
  assert.equal(paid(one, [9, 10]), [
    [1, 10],
    [9, 10],
  ])
})

test('a day whose count is gone is no day, and the oldest of too many is dropped', () => {
  const one = counted(counted(NO_COUNTS, day(0), 1), day(0), -1)
  assert.equal(one, { times: 0, days: {} })
  let counts = NO_COUNTS
  for (let n = 0; n < 71; n++) counts = counted(counts, day(n), 1)
  assert.equal([counts.times, Object.keys(counts.days).length], [71, 70])
  assert.equal([counts.days[day(0)], counts.days[day(1)]], [undefined, 1])
})

test('a week counts its seven days, from the first to the last', () => {
  // T0 is a Monday.
  const counts = [-1, 0, 6, 7].reduce((sum, n) => counted(sum, day(n), 1), NO_COUNTS)
  const within = (n: number) => countWithin(counts, calendar, '.weekly', T0 + n * DAY)
  assert.equal([within(-1), within(0), within(6), within(7)], [1, 2, 2, 1])
})

test('a cool-down is over with its last instant, before and after a payment', () => {
  const tally = paidOn([0])
  const may = (at: number, of = tally) => 'points' in allowance({ cooldown: 'PT1H' }, of, at, calendar)
  assert.equal([may(T0 + HOUR - 1, paidOn([0, 5])), may(T0 + HOUR, paidOn([0, 5]))], [false, true])
  assert.equal([may(T0 + HOUR - 1), may(T0 + HOUR), may(T0 - HOUR + 1), may(T0 - HOUR)], [false, true, false, true])
  // Payments beyond those that are kept by their instant: whatever lies before the oldest kept cannot be told.
  const many = Array.from({ length: 33 }, (_, n) => n).reduce(
    (sum, n) => tallied(sum, 1, day(0), T0 + n * MINUTE),
    NO_TALLY,
  )
  const reason = (at: number) => JSON.stringify(allowance({ cooldown: 'PT1S' }, many, at, calendar))
  // The oldest that is kept is of the next minute: of what came before that nothing is known.
  for (const at of [T0, T0 + MINUTE - 1_000]) assert.match(reason(at), /too far back/)
  assert.not.match(reason(T0 + MINUTE + 1_000), /too far back/)
})

test('an event keeps a bounded number of rules that said no', () => {
  const w = shop()
  for (let n = 0; n <= MAX_DECLINED; n++)
    w.define('earningRule', `ern_${n}`, fixed(1, { max_per_customer: { times: 1 } }))
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
  const second = w.when(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
  assert.ok(!isRefused(second))
  assert.is(second.declined.length, MAX_DECLINED)
})

test.run()
