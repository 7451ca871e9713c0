// The table of a customer's facts as a whole.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { customerFacts } from '../../src/domain/customer/facts.ts'
import { isInternalEventType } from '../../src/domain/internalEvents.ts'

test('what a fact is called outside can be named in conditions, triggers and webhooks', () => {
  const rows: readonly (readonly [string, { readonly event?: string }])[] = Object.entries(customerFacts)
  assert.ok(rows.some(([, { event }]) => event !== undefined))
  assert.equal(
    rows.filter(([, { event }]) => event !== undefined && !isInternalEventType(event)).map(([type]) => type),
    [],
    'a new type of event is a line in src/domain/internalEvents.ts',
  )
})

test.run()
