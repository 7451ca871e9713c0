// Refusals of rules as an event keeps them: nothing is lost by gathering them, and what was kept one by one is read as before.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { gatherDeclined, spreadDeclined } from '../../src/domain/customer/declined.ts'
import fc from '../fc.ts'

const word = fc.constantFrom<string>('a', 'b', 'c', 'd e')
const refusal = fc.record({ kind: word, definition: fc.string(), reason: word }, { noNullPrototype: true })

test('gathered and spread again there are the same refusals, those alike in their order', () => {
  fc.assert(
    fc.property(fc.array(refusal, { maxLength: 32 }), (declined) => {
      const gathered = gatherDeclined(declined)
      const spread = spreadDeclined(JSON.parse(JSON.stringify(gathered)))
      for (const { kind, reason } of gathered) {
        const alike = (one: (typeof declined)[number]) => one.kind === kind && one.reason === reason
        assert.equal(spread.filter(alike), declined.filter(alike))
      }
      assert.is(spread.length, declined.length)
      assert.is(new Set(gathered.map(({ kind, reason }) => JSON.stringify([kind, reason]))).size, gathered.length)
    }),
  )
})

test('what earlier versions kept one by one is read as it is, and anything else is nothing', () => {
  const before = [{ kind: 'earning_rule', definition: 'ern_1', reason: 'no' }]
  assert.equal(spreadDeclined(before), before)
  assert.equal(spreadDeclined(undefined), [])
  assert.equal(spreadDeclined(['x', null]), [])
})

test.run()
