// The read models of loyalty: the laws of projections, and that they say what the ledger says.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type LoyaltyCardDocument, loyaltyCards } from '../../projections/loyaltyCards.ts'
import { type LoyaltyTotalsDocument, loyaltyTotals } from '../../projections/loyaltyTotals.ts'
import { type LoyaltyTransactionDocument, loyaltyTransactions } from '../../projections/loyaltyTransactions.ts'
import type { Projection } from '../../projections/projection.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import fc from '../fc.ts'
import { advance, DAY } from '../given.ts'
import { assertLaws } from '../projector/laws.ts'
import { times } from '../soak.ts'
import { buy, card, fixed, PROGRAM, shop } from './fixtures.ts'

const recorded = (w: ReturnType<typeof shop>): RecordedFact[] =>
  w.stream.map((fact, i) => ({
    ...fact,
    stream: `customer-${w.state.id}`,
    revision: BigInt(i),
    position: BigInt(i * 10),
    created: fact.now,
    metadata: { $correlationId: 'v-1', now: fact.now },
  }))

const step = fc.oneof(
  fc.record({ kind: fc.constant('buy' as const) }),
  fc.record({ kind: fc.constant('add' as const), points: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('remove' as const), points: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('wait' as const), days: fc.integer({ min: 1, max: 4 }) }),
)

test('cards, transactions and totals follow from the facts alone, and agree with the ledger', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
      const w = shop()
      w.define('earningRule', 'ern_1', fixed(5))
      w.define('earningRule', 'ern_2', fixed(2, { pending_points: { period_value: 2 } }))
      w.define('loyaltyTier', 'ltr', { campaign_id: PROGRAM, name: 'gold', points: { from: 20 } })
      buy(w)
      for (const one of steps) {
        if (one.kind === 'buy') buy(w)
        else if (one.kind === 'wait') {
          w.wait(one.days * DAY)
          w.facts(advance)
        } else if (one.kind === 'remove') w.when({ type: 'RemovePoints', card: card(w).id, points: one.points })
        else
          w.when({
            type: 'AddPoints',
            card: card(w).id,
            points: one.points,
            expiry: { type: 'CUSTOM_DATE', at: w.now + DAY },
          })
      }
      const facts = recorded(w)
      const cards = assertLaws(loyaltyCards as unknown as Projection, facts, 3) as Record<string, LoyaltyCardDocument>
      const transactions = Object.values(
        assertLaws(loyaltyTransactions as unknown as Projection, facts, 3) as Record<
          string,
          LoyaltyTransactionDocument
        >,
      )
      const totals = assertLaws(loyaltyTotals as unknown as Projection, facts, 3) as Record<
        string,
        LoyaltyTotalsDocument
      >
      assert.equal(JSON.parse(JSON.stringify(cards[card(w).id]?.card)), JSON.parse(JSON.stringify(card(w))))
      const sum = transactions.reduce((n, { transaction }) => n + transaction.details.balance.points, 0)
      assert.is(sum, card(w).balance)
      assert.is(totals[PROGRAM]?.balance, card(w).balance)
      assert.is(
        totals[PROGRAM]?.pending,
        card(w).pending.reduce((n, { points }) => n + points, 0),
      )
    }),
    { numRuns: times(40, 500) },
  )
})

test('closing a card takes it out of the read model and out of the totals', () => {
  const w = shop()
  w.define('earningRule', 'ern_1', fixed(5))
  buy(w)
  w.facts({ type: 'DeleteCustomer', permanently: false })
  const facts = recorded(w)
  assert.equal(assertLaws(loyaltyCards as unknown as Projection, facts), {})
  const totals = assertLaws(loyaltyTotals as unknown as Projection, facts) as Record<string, LoyaltyTotalsDocument>
  assert.equal([totals[PROGRAM]?.members, totals[PROGRAM]?.balance, totals[PROGRAM]?.closed], [0, 0, 5])
})

test.run()
