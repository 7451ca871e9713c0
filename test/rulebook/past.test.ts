// The rulebook as it stood at any revision, in whatever order it is asked for.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RULEBOOK_STREAM } from '../../src/domain/ids.ts'
import { evolveDefinitions, NO_DEFINITIONS } from '../../src/domain/rulebook/decide.ts'
import { type TestNode, testNode } from '../system/node.ts'

let node: TestNode
const test = suite('past rulebooks')
test.before(async () => {
  node = await testNode()
})
test.after(() => node.end())

test('each revision is what the facts up to it make', async () => {
  for (let n = 0; n < 6; n++) {
    const made = await node.call('POST', '/v1/categories', { name: `shoes ${n}`, hierarchy: n })
    assert.is(made.status, 200, JSON.stringify(made.body))
    const path = `/v1/categories/${made.body.id}`
    assert.is((await node.call('PUT', path, { name: `boots ${n}`, hierarchy: n })).status, 200)
    if (n % 2 === 0) assert.ok((await node.call('DELETE', path)).status < 300)
  }
  const folded = []
  let then = NO_DEFINITIONS
  for await (const fact of node.services.store.readStream(RULEBOOK_STREAM, {})) {
    then = evolveDefinitions(then, fact, String(fact.revision))
    folded.push(then)
  }
  assert.ok(folded.length > 15, String(folded.length))
  const shuffled = folded.toSorted((a, b) => ((Number(a.revision) * 7) % 11) - ((Number(b.revision) * 7) % 11))
  for (const expected of shuffled) {
    const { definitions } = await node.services.rulebook.at(BigInt(expected.revision))
    assert.equal(definitions, expected)
  }
  assert.is((await node.services.rulebook.at(-1n)).definitions.revision, '-1')
})

test.run()
