// The scenario that a new fact type gets its log from (`npm run streams`) comes to its end.
import { test } from 'uvu'
import { testNode } from '../system/node.ts'
import { playScenario } from './scenario.ts'

test('every step of the scenario can be taken', async () => {
  const node = await testNode({ DELIVERY: 'off' })
  await playScenario(node).finally(() => node.stop())
})

test.run()
