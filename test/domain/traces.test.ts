// What a fact says of the documents that a deleted customer leaves.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { erasedKeys, TRACES_ERASED, tracesStream } from '../../src/domain/traces.ts'

test('a read model erases the documents that a fact in a stream of traces names, and those of itself alone', () => {
  const erased = {
    type: TRACES_ERASED,
    stream: tracesStream('cust_1'),
    data: { of: 'orders', keys: ['ord_1', 'ord_2'] },
  }
  assert.equal(erasedKeys(erased, 'orders'), ['ord_1', 'ord_2'])
  assert.equal(erasedKeys(erased, 'redemptions'), [])
  assert.equal(erasedKeys({ ...erased, stream: 'customer-cust_1' }, 'orders'), [])
  assert.equal(erasedKeys({ ...erased, type: 'EventTracked' }, 'orders'), [])
})

test.run()
