// The pass over all customers: everybody is looked at, a failure repeats the page, and others' commands keep their part.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type RolloutOptions, startRollout } from '../../src/rollout/rollout.ts'
import { until } from '../until.ts'

const CUSTOMERS = 2_300

/** A pass over customers whose looks take a turn of the event loop each; `others` commands are under way beside them. */
const startPass = async (others: () => number, look: (id: string) => void = () => undefined) => {
  const ids = Array.from({ length: CUSTOMERS }, (_, i) => `cust_${String(i).padStart(5, '0')}`)
  const looks = new Map<string, number>()
  const saved: { cursor: string | null; done: number; finished: boolean }[] = []
  let underWay = 0
  let most = 0
  const options = {
    readModel: {
      plain: () => ({
        findOne: async () => null,
        replaceOne: async (_: unknown, pass: (typeof saved)[number]) => void saved.push(pass),
      }),
      collection: () => ({
        count: async () => ids.length,
        find: async ({ _id }: { _id?: { $gt: string } }, { limit }: { limit: number }) =>
          ids
            .filter((id) => _id === undefined || id > _id.$gt)
            .slice(0, limit)
            .map((id) => ({ _id: id })),
      }),
    },
    customers: {
      get pending() {
        return underWay + others()
      },
      foresee: async () => undefined,
      async execute(id: string) {
        underWay++
        most = Math.max(most, underWay)
        await new Promise<void>((resolve) => setImmediate(resolve))
        underWay--
        look(id)
        looks.set(id, (looks.get(id) ?? 0) + 1)
      },
    },
    rulebook: {
      current: () => ({ entries: () => new Map([['seg_1', { revision: '7' }]]) }),
      onChange: () => () => undefined,
    },
    caughtUp: async () => true,
    log: { warn: () => undefined },
    now: () => 0,
    requestId: () => 'test',
  }
  const rollout = await startRollout(options as unknown as RolloutOptions)
  await until(
    async () => rollout.progress('7'),
    ({ status }) => status === 'DONE',
  )
  await rollout.stop()
  return { looks, saved, most, progress: rollout.progress('7') }
}

test('everybody is looked at once, many at a time while nobody else asks', async () => {
  const { looks, saved, most, progress } = await startPass(() => 0)
  assert.is(looks.size, CUSTOMERS)
  assert.ok([...looks.values()].every((n) => n === 1))
  assert.is(most, 96)
  assert.equal(
    saved.map(({ done }) => done),
    [0, 1_000, 2_000, 2_300],
  )
  assert.equal(progress, { status: 'DONE', done: CUSTOMERS, total: CUSTOMERS })
})

test('beside many commands of others only a few customers are looked at at a time, but always some', async () => {
  const { looks, most } = await startPass(() => 64)
  assert.is(looks.size, CUSTOMERS)
  assert.is(most, 6)
})

test('a failure repeats its page, and no other', async () => {
  let failures = 1
  const { looks, progress } = await startPass(
    () => 0,
    (id) => {
      if (id === 'cust_01500' && failures-- > 0) throw new Error('the store is down')
    },
  )
  assert.is(looks.size, CUSTOMERS)
  assert.is(looks.get('cust_01000'), 2)
  assert.is(looks.get('cust_00999'), 1)
  assert.is(looks.get('cust_02000'), 1)
  assert.is(progress.done, CUSTOMERS)
})

test.run()
