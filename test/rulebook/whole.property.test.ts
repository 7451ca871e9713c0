// The rulebook as a whole: whatever changes, what is let in compiles afresh, and whatever is in the log, customers can be written.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { conditionsOf } from '../../src/domain/customer/conditions.ts'
import { fold } from '../../src/domain/customer/fold.ts'
import { newCustomer } from '../../src/domain/customer/state.ts'
import { decide } from '../../src/domain/decider/decide.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import { isRefused } from '../../src/domain/refusal.ts'
import { factRegistry } from '../../src/domain/registry.ts'
import { decideDefinitions, evolveDefinitions, NO_DEFINITIONS } from '../../src/domain/rulebook/decide.ts'
import { entriesOf } from '../../src/domain/rulebook/entries.ts'
import { type DefinitionChange, factOf } from '../../src/domain/rulebook/facts.ts'
import type { Definitions } from '../../src/domain/rulebook/kind.ts'
import { type KindName, kindNamed, kindNames } from '../../src/domain/rulebook/kinds.ts'
import { compileRulebook, type Rulebook } from '../../src/domain/rulebook/rulebook.ts'
import { usersOf } from '../../src/domain/rulebook/sound.ts'
import { createCodec } from '../../src/eventstore/codec.ts'
import fc from '../fc.ts'
import { advance, fitted, T0, track } from '../given.ts'
import { times } from '../soak.ts'

const of = <T>(...values: readonly T[]) => fc.constantFrom(...values)
const EVENTS = ['bought', 'left'] as const
const event = of(...EVENTS, 'customer.segment.entered')
const seg = of('seg_1', 'seg_2', 'seg_3')
const rule = of('val_1', 'val_2')
const camp = of('camp_1', 'camp_2')
const type = of('string', 'number', 'boolean', 'date', 'datetime')

const property = fc.record({ type, array: fc.boolean(), optional: of(true), deleted: fc.boolean() })
const tests = of({ $is: 'x' }, { $is: 3 }, { $more_than: 1 }, { $after: '2026-01-01' }, { $starts_with: 'a' })
const leaf = fc.oneof(
  fc.record({ event: of(...EVENTS), count: of({ $more_than_equal: 1 }), period: of('this_day') }),
  fc
    .record({ event: of(...EVENTS), test: tests })
    .map(({ event: name, test: asked }) => ({ event: name, where: [{ property: 'amount', ...asked }] })),
  fc.record({ segment: seg }),
  fc.record({ points: of('camp_1', 'camp_2', 'club', 'shop'), $more_than_equal: of(10) }),
)
const condition = fc.oneof(
  leaf,
  leaf.map((not) => ({ not })),
  fc.array(leaf, { minLength: 1, maxLength: 2 }).map((all) => ({ all })),
)
const parent = (id: string) => ({ type: 'LOYALTY_CARD', amount: 5, related_object_parent: { id } })

/** Definitions of each kind, right and wrong, that name one another by ids and names of a few. */
const KINDS: {
  readonly [K in KindName]: { readonly ids: readonly string[]; readonly definition: fc.Arbitrary<object> }
} = {
  eventSchema: {
    ids: ['ms_1', 'ms_2'],
    definition: fc.record({
      name: of(...EVENTS, 'other'),
      schema: fc.record({ properties: fc.dictionary(of('amount', 'kind'), property) }),
    }),
  },
  metadataSchema: {
    ids: ['ms_3'],
    definition: fc.record({
      related_object: of('product', 'size'),
      properties: fc.dictionary(of('kind'), fc.record({ type: of('string', 'object'), object_type: of('size', null) })),
    }),
  },
  stackingRules: {
    ids: ['strul_1', 'strul_2'],
    definition: fc.record({
      redeemables_limit: of(5, 30),
      exclusive_categories: of([], ['cat_1']),
      joint_categories: of([], ['cat_1'], ['cat_2']),
    }),
  },
  segment: {
    ids: ['seg_1', 'seg_2', 'seg_3'],
    definition: fc.oneof(
      fc.record({ name: of('s'), type: of('auto-update', 'passive'), condition }),
      fc.record({ name: of('s'), type: of('static'), customers: of(['cust_1']) }),
    ),
  },
  validationRule: {
    ids: ['val_1', 'val_2'],
    definition: fc
      .oneof(
        tests.map((conditions) => ({ name: 'custom_event.metadata', property: 'amount', conditions })),
        seg.map((id) => ({ name: 'customer.segment', conditions: { $is: id } })),
        of({ name: 'order.amount', conditions: { $more_than: 1 } }),
      )
      .map((one) => ({ name: 'r', rules: { 1: one, logic: '1' } })),
  },
  assignment: {
    ids: ['asgm_1', 'asgm_2'],
    definition: fc.oneof(
      fc.record({ rule_id: rule, related_object_type: of('campaign'), related_object_id: of('camp_1', 'club') }),
      fc.record({ rule_id: rule, related_object_type: of('earning_rule'), related_object_id: of('ern_1') }),
      fc.record({ rule_id: rule, related_object_type: of('promotion_tier'), related_object_id: of('promo_1') }),
      fc.record({ rule_id: rule, related_object_type: of('distribution'), related_object_id: of('dist_1') }),
    ),
  },
  distribution: {
    ids: ['dist_1', 'dist_2'],
    definition: fc.record({
      name: of('d1', 'd2'),
      trigger: fc.oneof(
        event.map((name) => ({ type: 'event', event: name })),
        seg.map((id) => ({ type: 'segment_entered', segment_id: id })),
      ),
      channel: of({ type: 'sms', text: 'hello' }),
      ...{ validation_rule_id: fc.option(rule, { nil: undefined }) },
    }),
  },
  projectWebhook: {
    ids: ['wh_1'],
    definition: event.map((name) => ({ url: 'https://shop.example/hook', events: [name] })),
  },
  category: {
    ids: ['cat_1', 'cat_2'],
    definition: fc.record({ name: of('shoes', 'hats'), hierarchy: of(1, 2) }),
  },
  campaign: {
    ids: ['camp_1', 'camp_2', 'camp_3'],
    definition: fc.oneof(
      fc.record({ name: of('club', 'shop'), campaign_type: of('LOYALTY_PROGRAM'), active: fc.boolean() }),
      fc.record({ name: of('sale'), campaign_type: of('PROMOTION'), active: fc.boolean() }),
      fc.record({ event: of(...EVENTS), parent: camp, rule: fc.option(rule, { nil: null }) }).map((one) => ({
        name: 'friends',
        campaign_type: 'REFERRAL_PROGRAM',
        referral_program: {
          conversion_event_type: 'custom_event',
          custom_event: { name: one.event },
          validation_rule_id: one.rule,
          referee_reward: parent(one.parent),
        },
      })),
    ),
  },
  promotionTier: {
    ids: ['promo_1', 'promo_2'],
    definition: fc.record({
      name: of('first', 'second'),
      campaign_id: camp,
      hierarchy: of(1, 2),
      active: fc.boolean(),
    }),
  },
  promotionStack: {
    ids: ['stack_1'],
    definition: fc.record({
      name: of('both'),
      campaign_id: camp,
      tiers: fc.record({ ids: fc.array(of('promo_1', 'promo_2'), { minLength: 1, maxLength: 2 }) }),
    }),
  },
  earningRule: {
    ids: ['ern_1', 'ern_2'],
    definition: fc.oneof(
      fc.record({ campaign_id: camp, event: of(...EVENTS), loyalty: of({ type: 'FIXED', points: 5 }) }),
      fc.record({
        campaign_id: camp,
        event: of(...EVENTS),
        validation_rule_id: rule,
        loyalty: of({
          type: 'PROPORTIONAL',
          calculation_type: 'CUSTOM_EVENT_METADATA',
          custom_event: { metadata: { every: 1, points: 1, property: 'amount' } },
        }),
      }),
      fc.record({
        campaign_id: camp,
        event: of('customer.segment.entered'),
        segment: seg.map((id) => ({ id })),
        loyalty: of({ type: 'FIXED', points: 1 }),
      }),
    ),
  },
  loyaltyTier: {
    ids: ['tier_1', 'tier_2'],
    definition: fc.record({
      campaign_id: camp,
      name: of('gold', 'silver'),
      points: of({ from: 1, to: 9 }, { from: 10 }, { from: 5 }),
      earning_rules: of({}, { ern_1: { type: 'MULTIPLY', multiplier: 2 } }),
    }),
  },
  reward: {
    ids: ['rew_1'],
    definition: of(
      { name: 'mug', type: 'MATERIAL', parameters: { product: { id: null } } },
      { name: 'coin', type: 'COIN', parameters: { coin: { exchange_ratio: 1 } } },
    ),
  },
  rewardAssignment: {
    ids: ['rewa_1'],
    definition: fc.record({
      reward_id: of('rew_1'),
      campaign: camp,
      parameters: of(null, { loyalty: { points: 5 } }),
    }),
  },
}

const one = fc.oneof(
  ...kindNames.map((kind) =>
    fc.record({
      kind: fc.constant(kind),
      id: of(...KINDS[kind].ids),
      remove: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
      definition: KINDS[kind].definition,
    }),
  ),
)
type Step = typeof one extends fc.Arbitrary<infer T> ? T : never

const changeOf = ({ kind, id, remove, definition }: Step, all: Definitions): DefinitionChange => {
  const exists = all.entries[kind]?.has(id) ?? false
  if (remove && exists) return { kind, verb: 'Deleted', id, occurredAt: T0 }
  const parsed = v.parse(kindNamed(kind).schema, definition)
  return { kind, verb: exists ? 'Updated' : 'Created', id, definition: parsed, occurredAt: T0 }
}

const codec = createCodec(factRegistry)
const AT = { $correlationId: 'test' }

/** A log of definitions that is read anew, as at a start. */
const rulebookLog = () => {
  const records: { readonly type: string; readonly data: unknown }[] = [
    { type: 'ProjectOpened', data: { id: 'proj', customerKey: 'key', timeZone: 'UTC' } },
  ]
  return {
    add: (type: string, data: unknown) => void records.push({ type, data }),
    restart(): Definitions {
      let definitions = NO_DEFINITIONS
      for (const [n, { type, data }] of records.entries()) {
        const record = { stream: 'rulebook', revision: BigInt(n), position: BigInt(n), id: String(n), created: T0 }
        const fact = codec.decode({ ...record, type, data: JSON.parse(JSON.stringify(data)), metadata: AT })
        if (fact) definitions = evolveDefinitions(definitions, fact, String(n))
      }
      return definitions
    },
  }
}

/** Customers whose every write goes through all rules there are. */
const customers = () => {
  const streams = ['cust_1', 'cust_2'].map((id) => ({ id, facts: [] as RecordedFact[] }))
  let keys = 0
  return (rulebook: Rulebook): void => {
    for (const { id, facts } of streams) {
      let state = newCustomer(id)
      for (const fact of facts) state = fold(state, fact, rulebook)
      for (const name of EVENTS)
        for (const command of [
          track(name, { occurredAt: T0, metadata: { amount: 3 }, mode: 'lenient', profile: { source_id: id } }),
          advance,
        ]) {
          state = fitted(state, facts, rulebook)
          const decided = decide(state, command, rulebook, { now: T0 + keys, key: `k${keys++}` })
          assert.not(isRefused(decided), JSON.stringify(decided))
          if (isRefused(decided)) continue
          state = decided.state
          for (const [n, fact] of decided.facts.entries())
            facts.push({
              ...fact,
              stream: id,
              revision: BigInt(facts.length),
              position: BigInt(facts.length),
              created: T0,
              metadata: {
                ...AT,
                now: fact.now,
                rulebook: rulebook.revision,
                nextDueAt: decided.state.nextDueAt,
                ...(fact.root ? { root: true } : {}),
                ...(n > 0 ? { n } : {}),
              },
            })
        }
    }
  }
}

const meaning = (rulebook: Rulebook) => {
  const { segments, rules } = conditionsOf(rulebook)
  return JSON.stringify([
    segments.map(({ id, revision, condition: c }) => [id, revision, c?.listens, c?.accumulators.map(({ key }) => key)]),
    [...rules].map(([id, c]) => [id, c.listens]),
  ])
}

const runs = times(12, 3_000)

test('what is let in compiles afresh and means the same, and every customer can be written', () => {
  let accepted = 0
  let inUse = 0
  fc.assert(
    fc.property(fc.array(one, { minLength: 20, maxLength: 60 }), (steps) => {
      const log = rulebookLog()
      let live = log.restart()
      let revision = 0
      const write = customers()
      for (const step of steps) {
        const decided = decideDefinitions(live, [changeOf(step, live)])
        if (isRefused(decided)) {
          if (decided.refused.key === 'definition_in_use') inUse++
          continue
        }
        for (const change of decided) {
          const fact = factOf(change)
          log.add(fact.type, fact.data)
          live = evolveDefinitions(live, fact, String(++revision))
        }
        accepted++
        const fresh = compileRulebook(log.restart())
        assert.equal([...fresh.off.values()], [])
        assert.is(meaning(compileRulebook(live)), meaning(fresh))
        for (const kind of kindNames)
          for (const id of KINDS[kind].ids)
            assert.equal(usersOf(live, kind, id), usersOf(fresh.definitions, kind, id), `users of ${id}`)
        write(fresh)
      }
    }),
    { numRuns: runs },
  )
  assert.ok(accepted > runs * 5, `${accepted} let in`)
  // Met by chance: in some of so few runs no definition is that another one needs.
  if (runs >= 1_000) assert.ok(inUse > 0, 'none was refused for being in use')
})

test('whatever is in the log, a start switches off what does not fit, and every customer can be written', () => {
  let off = 0
  fc.assert(
    fc.property(fc.array(fc.tuple(one, fc.integer({ min: 0, max: 9 })), { minLength: 5, maxLength: 25 }), (steps) => {
      const log = rulebookLog()
      const write = customers()
      for (const [step, luck] of steps) {
        const { type: name, data } = factOf(changeOf(step, log.restart()))
        // Of a newer program: a form that this one cannot read.
        log.add(name, luck === 0 ? { ...(data as object), definition: { shape: 'of later' } } : data)
        const fresh = compileRulebook(log.restart())
        write(fresh)
        for (const { kind, id } of fresh.off.values()) {
          off++
          const entry = fresh.entries(kind).get(id)
          if (!entry) continue
          assert.type(entry.off, 'string')
          assert.is.not((entry.definition as { active?: boolean }).active, true)
        }
      }
    }),
    { numRuns: runs },
  )
  assert.ok(off > runs, `${off} switched off`)
})

test('changing one definition of many compiles one', () => {
  let all: Definitions = rulebookLog().restart()
  let revision = 0
  const change = (kind: KindName, id: string, definition: unknown) => {
    const verb = all.entries[kind]?.has(id) ? 'Updated' : 'Created'
    const parsed = v.parse(kindNamed(kind).schema, definition)
    const decided = decideDefinitions(all, [{ kind, verb, id, definition: parsed, occurredAt: T0 }])
    assert.not(isRefused(decided), JSON.stringify(decided))
    if (!isRefused(decided)) for (const made of decided) all = evolveDefinitions(all, factOf(made), String(++revision))
    return conditionsOf(compileRulebook(all))
  }
  for (const name of EVENTS)
    change('eventSchema', `ms_${name}`, { name, schema: { properties: { amount: { type: 'number' } } } })
  for (let n = 0; n < 200; n++)
    change('segment', `seg_${n}`, {
      name: `s${n}`,
      type: 'passive',
      condition: n % 10 === 9 ? { segment: `seg_${n - 1}` } : { event: EVENTS[n % 2], count: { $more_than: n } },
    })
  const before = conditionsOf(compileRulebook(all)).segment
  const made = { name: 's', type: 'passive', condition: { event: EVENTS[0], count: { $more_than: 1 } } }
  const after = change('segment', 'seg_100', made).segment
  assert.is([...after].filter(([id, segment]) => before.get(id) !== segment).length, 1)
  assert.is(entriesOf(all, 'segment').size, 200)
})

test.run()
