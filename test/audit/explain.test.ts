// Why an earning rule pays or a distribution writes, or not: what is explained is what the next decision does.

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ExplainedDefinition, explainDefinition } from '../../src/audit/explainDefinition.ts'
import { activityId } from '../../src/domain/customer/activity.ts'
import type { DecidedFact } from '../../src/domain/customer/draft.ts'
import fc from '../fc.ts'
import { DAY, HOUR, type World } from '../given.ts'
import { buy, fixed, join, perAmount, shop } from '../loyalty/fixtures.ts'
import { times } from '../soak.ts'

const test = suite('explain a definition')

const RULE = 'ern_1'
const DISTRIBUTION = 'distr_1'

const explain = async (w: World, id: string, event?: string): Promise<ExplainedDefinition> => {
  const { rulebook, state, now } = w
  const history = w.recorded()
  const why = await explainDefinition({ history, rulebook, state, now, ...(event ? { event } : {}) }, id)
  assert.ok(why, id)
  return why
}

const message = (w: World, more: object = {}) =>
  w.define('distribution', DISTRIBUTION, {
    name: 'Thanks',
    trigger: { type: 'event', event: 'bought' },
    channel: { type: 'webhook', url: 'https://shop.test/hook' },
    ...more,
  })

const large = (w: World, atLeast: number) =>
  w.define('validationRule', 'val_large', {
    name: 'large',
    rules: {
      '1': { name: 'custom_event.metadata', property: 'amount', conditions: { $more_than_equal: [atLeast] } },
      logic: '1',
    },
  })

const paid = (facts: readonly DecidedFact[]): number | null =>
  facts.flatMap((fact) => (fact.type === 'PointsEarned' && fact.data.rule.id === RULE ? [fact.data.points] : []))[0] ??
  null

const last = (facts: readonly DecidedFact[], type: DecidedFact['type']) => {
  const fact = facts.findLast((one) => one.type === type)
  assert.ok(fact, type)
  return activityId(fact.id)
}

test('what is explained of the newest event is what the same event, come now, leads to', async () => {
  const rarely = <T>(some: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: some })
  const period = fc.constantFrom('day', 'week', 'P2D', 'PT12H')
  const given = fc.record({
    times: rarely(fc.integer({ min: 1, max: 4 })),
    points: rarely(fc.integer({ min: 5, max: 40 })),
    cooldown: rarely(fc.constantFrom('PT6H', 'P2D')),
    every: fc.integer({ min: 1, max: 10 }),
    atLeast: fc.integer({ min: 0, max: 15 }),
    before: fc.boolean(),
    exclusive: fc.boolean(),
    autoJoin: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
    active: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
    reEntry: fc.oneof(
      fc.constant({ policy: 'every_time' as const }),
      fc.constant({ policy: 'once' as const }),
      fc.record({ policy: fc.constant('once_per' as const), period }),
    ),
    cap: rarely(fc.record({ messages: fc.integer({ min: 1, max: 3 }), period })),
    quiet: fc.boolean(),
    steps: fc.array(fc.record({ wait: fc.integer({ min: 0, max: 40 }), amount: fc.integer({ min: 0, max: 40 }) }), {
      minLength: 1,
      maxLength: 6,
    }),
  })
  const seen = { paid: 0, declined: 0, asked: 0, silent: 0 }
  await fc.assert(
    fc.asyncProperty(given, async (g) => {
      const w = shop({}, { auto_join: g.autoJoin })
      large(w, g.atLeast)
      if (g.before)
        w.define('earningRule', 'ern_0', fixed(3, { stacking: { order: 0, exclusive: g.exclusive } }) as never)
      const bounds = {
        ...(g.times === undefined ? {} : { max_per_customer: { times: g.times } }),
        ...(g.points === undefined ? {} : { max_per_period: { period: 'day', points: g.points } }),
        ...(g.cooldown === undefined ? {} : { cooldown: g.cooldown }),
      }
      const stacking = { order: 1, exclusive: false }
      const rule = perAmount(g.every, 2, { ...bounds, validation_rule_id: 'val_large', stacking, active: g.active })
      w.define('earningRule', RULE, rule as never)
      message(w, {
        validation_rule_id: 'val_large',
        re_entry: g.reEntry,
        ...(g.cap === undefined ? {} : { cap: g.cap }),
        ...(g.quiet ? { quiet_hours: { from: '22:00', to: '08:00', zone: 'project' } } : {}),
      })
      for (const { wait, amount } of g.steps) {
        w.wait(wait * HOUR)
        buy(w, amount)
        const [earning, sending] = [await explain(w, RULE), await explain(w, DISTRIBUTION)]
        const facts = buy(w, amount)
        const points = paid(facts)
        assert.equal([earning.holds, earning.points], [points !== null, points], JSON.stringify(earning))
        const asked = facts.find((fact) => fact.type === 'MessageRequested')
        assert.is(sending.holds, asked !== undefined, JSON.stringify(sending))
        if (asked?.type === 'MessageRequested')
          assert.equal(
            [sending.not_before, sending.delayed_by],
            [
              asked.data.notBefore === undefined ? null : new Date(asked.data.notBefore).toISOString(),
              asked.data.delayedBy ?? null,
            ],
          )
        for (const { holds, to_change, until } of [earning, sending]) {
          assert.ok(holds || to_change.length > 0)
          assert.ok(until === null || Date.parse(until) > w.now)
        }
        seen[points === null ? 'declined' : 'paid']++
        seen[asked ? 'asked' : 'silent']++
      }
    }),
    { numRuns: times(150, 5_000) },
  )
  for (const [what, times] of Object.entries(seen))
    assert.ok(times > 20, `${what}: ${times} of ${JSON.stringify(seen)}`)
})

test('an earning rule says every leaf that stands in the way, what it looked at, and when that changes', async () => {
  const w = shop()
  large(w, 10)
  const rule = { validation_rule_id: 'val_large', max_per_period: { period: 'day', times: 1 } }
  w.define('earningRule', RULE, fixed(5, rule) as never)
  join(w)
  const none = await explain(w, RULE)
  assert.equal([none.kind, none.holds, none.event, none.recorded], ['earningRule', false, null, []])
  assert.match(none.to_change[0]!, /the event is bought: must hold \(the customer has none\)/)

  const first = buy(w, 20)
  const why = await explain(w, RULE)
  assert.equal(why.to_change, [
    'the limits of the earning rule leave room: must hold (max_per_period is reached for the day)',
  ])
  assert.is(why.event?.id, last(first, 'CustomEventTracked'))
  assert.equal(
    why.recorded?.map(({ outcome, points, event }) => [outcome, points, event]),
    [['paid', 5, why.event?.id]],
  )
  const leaves = why.because && 'all' in why.because ? why.because.all : []
  assert.equal(
    leaves.find((leaf) => 'is' in leaf && leaf.is === 'the limits of the earning rule leave room'),
    {
      is: 'the limits of the earning rule leave room',
      holds: false,
      value: 'paid 5 points in 1 times',
    },
  )
  w.wait(DAY)
  assert.equal([(await explain(w, RULE)).holds, (await explain(w, RULE)).points], [true, 5])

  buy(w, 3)
  const [small, before] = [
    await explain(w, RULE),
    await explain(w, RULE, first.find((fact) => fact.type === 'CustomEventTracked')?.id),
  ]
  assert.is(small.to_change.length, 1)
  assert.match(small.to_change[0]!, /amount.*10/)
  assert.equal([before.event?.id, before.holds], [why.event?.id, true], 'asked of the event before it')

  w.define('earningRule', RULE, fixed(5, { ...rule, active: false }) as never)
  assert.match((await explain(w, RULE)).to_change.join('\n'), /the earning rule is active: must hold/)
})

test('a distribution says its policy, its cap, its hours and its address, and what is recorded of it', async () => {
  const w = shop()
  const policy = { policy: 'once_per', period: 'P7D' }
  message(w, { re_entry: policy, cap: { messages: 1, period: 'day' }, channel: { type: 'sms', text: 'Hi' } })
  const skipped = buy(w, 1)
  const silent = await explain(w, DISTRIBUTION)
  assert.equal(silent.to_change, ['the customer can be written to over sms: must hold (the customer has no phone)'])
  w.facts({ type: 'SaveCustomer', profile: { source_id: 's', phone: '+4812' }, mayCreate: false })
  assert.is((await explain(w, DISTRIBUTION)).holds, true)
  const asked = buy(w, 1)
  const sent = await explain(w, DISTRIBUTION)
  const week = new Date(w.now + 7 * DAY).toISOString()
  assert.match(sent.to_change[0]!, new RegExp(`once_per P7D allows it: must hold .*; changes at ${week}`))
  assert.match(sent.to_change[1]!, /at most 1 messages per day.*; changes at \S+T00:00:00.000Z/)
  assert.is(sent.until, week, 'not before both have changed')
  assert.equal(
    sent.recorded?.map(({ outcome, reason, id }) => [outcome, reason, id]),
    [
      ['requested', undefined, last(asked, 'MessageRequested')],
      ['skipped', 'no_address', last(skipped, 'MessageSkipped')],
    ],
  )
})

test('a trigger that is a segment is met by having entered it', async () => {
  const w = shop()
  w.define('segment', 'seg_buyers', {
    name: 'Buyers',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 2 } },
  })
  message(w, { trigger: { type: 'segment_entered', segment_id: 'seg_buyers' } })
  buy(w, 1)
  assert.match(
    (await explain(w, DISTRIBUTION)).to_change.join(),
    /the event is segment_entered of seg_buyers: must hold \(the customer has none\)/,
  )
  buy(w, 1)
  const why = await explain(w, DISTRIBUTION)
  assert.equal([why.holds, why.event?.type], [true, 'customer.segment.entered'])
  const other = await explain(w, DISTRIBUTION, w.stream.find((fact) => fact.type === 'CustomEventTracked')?.id)
  assert.match(other.to_change.join(), /must hold \(it is bought\)/)
})

test.run()
