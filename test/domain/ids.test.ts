// Ids that follow from what they name, as they are on record: another one for the same name would find nothing again.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  customerIdBeginnings,
  customerIdFrom,
  customerOfStream,
  customerStream,
  firstFactId,
  firstFactIds,
  idFrom,
  idUnder,
  isCustomerId,
  shortIdFrom,
  uuidFrom,
} from '../../src/domain/ids.ts'

test('the same names have these ids for ever', () => {
  assert.is(uuidFrom('a', 'b'), 'da0698cc-6fc7-5d64-b11e-251df694e52c')
  assert.is(idFrom('ord', 'a', 'b'), 'ord_aUvXwHLdUNMQsLZ9jpRq2DZ1')
  assert.is(idUnder('x', 'a'), 'x_pM8LmHAhUwNCHvkwlRoxOzSx')
  assert.is(shortIdFrom('a', 'b'), 'aUvXwHLd')
  assert.is(customerIdFrom('ann', 'key'), 'cust_Xv9OF0Ub29U2L803WVDEQg36')
  assert.is.not(uuidFrom('ab'), uuidFrom('a', 'b'))
})

test('the first fact of a command is found by its key, whoever asked', () => {
  const ids = ['1', '2'].map((asking) => firstFactId('c', 'k', asking))
  assert.equal(ids, ['15e55903-16d8-59ec-81f9-a06bf97519f4', '15e55903-16d8-59ec-81f9-5d0638455f06'])
  const { least, greatest } = firstFactIds('c', 'k')
  assert.equal([least, greatest], ['15e55903-16d8-59ec-81f9-000000000000', '15e55903-16d8-59ec-81f9-ffffffffffff'])
  for (const id of ids) assert.ok(least <= id && id <= greatest, id)
})

test('a customer is known by an id, has a stream, and is among those of one beginning', () => {
  const id = customerIdFrom('ann', 'key')
  assert.ok(isCustomerId(id))
  for (const text of [`${id}x`, id.slice(0, -1), id.slice(5), '']) assert.not(isCustomerId(text), text)
  assert.equal([customerOfStream(customerStream(id)), customerOfStream(`code-${id}`)], [id, undefined])
  const beginnings = customerIdBeginnings(2)
  assert.equal(
    [customerIdBeginnings(0), beginnings.length, beginnings[0], beginnings.at(-1)],
    [['cust_'], 62 * 62, 'cust_00', 'cust_zz'],
  )
  assert.equal(beginnings, [...beginnings].sort())
  assert.is(beginnings.filter((beginning) => id.startsWith(beginning)).length, 1)
})

test.run()
