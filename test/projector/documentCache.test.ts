// What a session keeps in memory is bounded for all read models together, by bytes and by number.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createDocumentCache } from '../../src/projector/documentCache.ts'
import type { CacheEntry } from '../../src/projector/fold.ts'
import fc from '../fc.ts'

const held = (size: number): CacheEntry => ({ document: { text: 'x'.repeat(size) } as never, at: 1n })

test('whatever is put in under whatever names, all of it together stays within the bound', () => {
  const maxBytes = 60_000
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(30), fc.nat(50), fc.oneof(fc.nat(100), fc.nat(30_000))), { maxLength: 300 }),
      (puts) => {
        const cache = createDocumentCache({ maxBytes, maxDocuments: 40 })
        for (const [projection, key, size] of puts) {
          const put = held(size)
          cache.set(`p${projection}`, `k${key}`, put)
          assert.ok(cache.bytes <= maxBytes, String(cache.bytes))
          const found = cache.get(`p${projection}`, `k${key}`)
          // One that is larger than all is not there, nor what it was before.
          assert.is(found, size * 3 + 500 < maxBytes - 100 ? put : found === put ? put : undefined)
        }
        let kept = 0
        for (let p = 0; p <= 30; p++) for (let k = 0; k <= 50; k++) if (cache.get(`p${p}`, `k${k}`)) kept++
        assert.ok(kept <= 40, String(kept))
      },
    ),
  )
})

test('keys of one read model are none of another, and what was asked for last stays', () => {
  const cache = createDocumentCache({ maxBytes: 10_000, maxDocuments: 10 })
  const [a, b] = [held(1), held(2)]
  cache.set('one', 'key', a)
  cache.set('two', 'key', b)
  for (let n = 0; n < 50; n++) {
    assert.is(cache.get('one', 'key'), a)
    cache.set('many', `k${n}`, held(n))
  }
  assert.is(cache.get('two', 'key'), undefined)
})

test.run()
