// An operator is one row: a trial of one, put into the table, is asked in filters and in the native form, of the values that its row
// names and of no others.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { clientText } from '../../src/client/make/generate.ts'
import { parseFilter } from '../../src/domain/conditions/filter.ts'
import { parseNative } from '../../src/domain/conditions/native.ts'
import { text } from '../../src/domain/conditions/operands.ts'
import { KINDS, OPERATORS, operatorsOn } from '../../src/domain/conditions/operators.ts'
import { environment, faultsOf, holds } from './fixtures.ts'

test('a trial operator is known everywhere', () => {
  Object.assign(OPERATORS, { $trial: { on: ['string'], make: text('starts_with') } })

  const named = (conditions: unknown) => parseFilter({ junction: 'and', name: { conditions } }, environment)
  assert.ok(holds(named({ $trial: 'An' }), { profile: { name: 'Ann' } }))
  assert.not.ok(holds(named({ $trial: 'Bo' }), { profile: { name: 'Ann' } }))
  assert.match(faultsOf(named({ $trial: { a: 1 } }))[0]!.message, /must be a string/)

  assert.equal(
    KINDS.filter((kind) => operatorsOn(kind).includes('$trial')),
    ['string'],
  )
  const created = parseFilter({ junction: 'and', created_at: { conditions: { $trial: '1' } } }, environment)
  assert.match(faultsOf(created)[0]!.message, /^operator '\$trial' cannot be used with/)

  // The client's types as well.
  const types = clientText({ paths: {}, components: { schemas: {} } })
  assert.match(types, /\n {2}readonly \$trial: 'values'\n/)
  assert.match(types, /\n {2}readonly string: [^\n]* \| "\$trial"/)

  const native = parseNative({ attribute: 'name', $trial: 'An' }, environment)
  assert.ok(holds(native, { profile: { name: 'Ann' } }))
})

test.run()
