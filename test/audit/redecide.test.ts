// Recorded decisions decided again: today's code agrees with what it recorded, whatever happened in between, and a fact that
// was tampered with is named.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { redecideCustomer } from '../../src/audit/redecide.ts'
import { FIRST_FACTS } from '../../src/audit/redecideAll.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import { MalformedFact, StoreUnavailable } from '../../src/eventstore/errors.ts'
import fc from '../fc.ts'
import { advance, DAY, HOUR, track, type World, world } from '../given.ts'
import { times } from '../soak.ts'
import { rulebookHistory } from './rulebookHistory.ts'

const shop = (): World => {
  const w = world()
  w.define('eventSchema', 'ms_bought', { name: 'bought', schema: { properties: { amount: { type: 'number' } } } })
  w.define('segment', 'seg_keen', {
    name: 'keen',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 2 }, within: 'P1D' },
  })
  w.define('segment', 'seg_rich', {
    name: 'rich',
    type: 'passive',
    condition: { all: [{ event: 'bought', sum: { property: 'amount', $more_than: 9 } }, { segment: 'seg_keen' }] },
  })
  return w
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('buy' as const),
    amount: fc.integer({ min: 0, max: 9 }),
    ago: fc.integer({ min: 0, max: 2 * DAY }),
  }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 2 * DAY }) }),
  fc.record({ kind: fc.constant('redefine' as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.constant({ kind: 'advance' as const }),
  fc.constant({ kind: 'reload' as const }),
  fc.constant({ kind: 'delete' as const }),
)

const play = (w: World, steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): void => {
  for (const one of steps) {
    if (one.kind === 'wait') w.wait(one.ms)
    else if (one.kind === 'reload') w.reload()
    else if (one.kind === 'advance') w.when(advance)
    else if (one.kind === 'delete') w.when({ type: 'DeleteCustomer', permanently: false })
    else if (one.kind === 'redefine')
      w.define('segment', 'seg_keen', {
        name: 'keen',
        type: 'auto-update',
        condition: { event: 'bought', count: { $more_than_equal: one.count }, within: 'P1D' },
      })
    else w.facts(track('bought', { occurredAt: w.now - one.ago, metadata: { amount: one.amount } }))
  }
}

const again = (w: World, facts: Iterable<RecordedFact> = w.recorded()) =>
  redecideCustomer(
    {
      async *readStream() {
        yield* facts
      },
    },
    rulebookHistory(w),
    'cust_test',
  )

test('whatever happened, deciding again gives what was recorded', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const w = shop()
      play(w, steps)
      const { drift, facts } = await again(w)
      assert.equal(drift, [])
      assert.is(facts, w.stream.length)
      // The customers of a log are found by these.
      for (const { revision, type } of w.recorded()) if (revision === 0n) assert.ok(FIRST_FACTS.includes(type), type)
    }),
    { numRuns: times(150, 3_000) },
  )
})

test('a stream is gone through, also where a rulebook asks of the past: no more of it is held than is at hand', async () => {
  const w = shop()
  const buy = () => {
    w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 1 } }))
    w.wait(HOUR)
  }
  for (let n = 0; n < 60; n++) buy()
  const condition = { event: 'bought', count: { $more_than: 70 }, within: 'P30D' } as const
  w.define('segment', 'seg_many', { name: 'many', type: 'auto-update', condition })
  for (let n = 0; n < 60; n++) buy()
  let reads = 0
  const { drift, undecided, decisions } = await redecideCustomer(
    {
      async *readStream() {
        reads++
        const handed: { readonly revoke: () => void }[] = []
        for (const fact of w.recorded()) {
          const one = Proxy.revocable<RecordedFact>(fact, {})
          handed.push(one)
          // Whoever kept it fails when looking at it.
          if (handed.length > 20) handed.shift()!.revoke()
          yield one.proxy
        }
      },
    },
    rulebookHistory(w),
    'cust_test',
  )
  assert.equal([drift, undecided], [[], []])
  assert.ok(decisions >= 120 && reads >= 2, `${decisions} ${reads}`)
})

test('a fact that was changed afterwards is named', async () => {
  const w = shop()
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 5 } }))
  w.wait(HOUR)
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 5 } }))
  const facts = w.recorded()
  const at = facts.findIndex((fact) => fact.type === 'SegmentEntered')
  const tampered = facts.filter((_, i) => i !== at)
  const { drift } = await again(w, tampered)
  assert.is(drift[0]?.decided?.type, 'SegmentEntered')
  assert.is(drift[0]?.customer, 'cust_test')
})

test('of very many differences and decisions that cannot be, the first are told and all are counted', async () => {
  const w = shop()
  w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 5 } }))
  const fact = w.recorded().findLast(({ type }) => type === 'CustomEventTracked')
  // Each a decision of its own.
  const { n: _, ...metadata } = fact!.metadata
  const many = (rulebook?: string) =>
    Array.from({ length: 1_200 }, (_, n) => ({
      ...fact!,
      id: `f${n}`,
      revision: BigInt(n),
      metadata: { ...metadata, ...(rulebook === undefined ? {} : { rulebook }) },
    }))
  const undecided = await again(w, many('99999'))
  assert.equal([undecided.undecided.length, undecided.not_decided], [1_000, 1_200])
  // Each of them but the first leads into a segment, and none is recorded as entered.
  const [created] = w.recorded()
  const different = await again(w, [created!, ...many()])
  assert.ok(different.different > 1_000, String(different.different))
  assert.is(different.drift.length, 1_000)
})

test('what cannot be decided again is told, and the rest is decided', async () => {
  const w = shop()
  for (let i = 0; i < 3; i++) {
    w.facts(track('bought', { occurredAt: w.now, metadata: { amount: 5 } }))
    w.wait(HOUR)
  }
  const facts = w.recorded()
  const { decisions } = await again(w)
  const last = facts.at(-1)!
  const of = (one: RecordedFact, change: Partial<RecordedFact>) =>
    facts.map((f) => (f === one ? { ...f, ...change } : f))
  // Of a rulebook that is not there.
  const lost = await again(w, of(facts[0]!, { metadata: { ...facts[0]!.metadata, rulebook: '99999' } }))
  assert.equal(
    lost.undecided.map(({ revision, reason }) => [revision, reason]),
    [['0', 'no rulebook at 99999']],
  )
  assert.is(lost.decisions, decisions - 1)
  // Of one whose revision is no number, and a stream that cannot be read to its end.
  const unread = await again(w, of(last, { metadata: { ...last.metadata, rulebook: 'none' } }))
  assert.is(unread.undecided.length, 1)
  const fact = { stream: last.stream, revision: last.revision, type: last.type, error: 'name: missing' }
  const broken = await again(w, {
    *[Symbol.iterator]() {
      yield facts[0]!
      throw new MalformedFact({ ...last, ...fact })
    },
  })
  assert.match(broken.undecided[0]!.reason, 'name: missing')
  // Trouble of a store is no finding.
  const away = again(w, {
    *[Symbol.iterator]() {
      yield facts[0]!
      throw new StoreUnavailable('the event store is down')
    },
  })
  await away.then(
    () => assert.unreachable(),
    (error: unknown) => assert.instance(error, StoreUnavailable),
  )
})

test.run()
