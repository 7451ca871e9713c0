// The pass over all customers: everybody is looked at, a failure stops nobody else, and others' commands keep their part.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { customerIdFrom } from '../../src/domain/ids.ts'
import { type RolloutOptions, startRollout } from '../../src/rollout/rollout.ts'
import { asideInMemory } from '../aside.ts'
import { until } from '../until.ts'

interface Saved {
  readonly target: string
  readonly cursor: string | null
  readonly done: number
  readonly total: number
  readonly finished: boolean
}

interface World {
  readonly customers: number
  /** Commands of others so far; those under way are half of them. */
  readonly others?: () => number
  readonly look?: (id: string) => void
  /** Reads customers out of the log. */
  /** The position of the log's newest fact. */
  readonly head?: bigint
  readonly readAhead?: (part: { ids: ReadonlySet<string>; signal: AbortSignal }) => Promise<void>
  /** What an earlier life of the node has left. */
  readonly left?: Saved
}

const MANY = 21_000
/** A log so long that a part has a third of them. */
const LONG = 300_000_000n
const known = Array.from({ length: MANY }, (_, i) => customerIdFrom(`c-${i}`, 'key') as string)
const idsOf = (customers: number) => known.slice(0, customers).sort()

/** A pass over customers whose looks take a turn of the event loop each. */
const begin = async ({
  customers,
  others = () => 0,
  look = () => {},
  readAhead = async () => {},
  left,
  head = 1_000n,
}: World) => {
  const ids = idsOf(customers)
  const looks = new Map<string, number>()
  const saved: Saved[] = []
  const aside = asideInMemory()
  const read: { readonly ids: number; readonly looked: number }[] = []
  const foreseen: number[] = []
  let asked = 0
  let underWay = 0
  let most = 0
  /** When looks were under way, ms: from, to; short pauses left out. */
  const busy: [number, number][] = []
  const options = {
    readModel: {
      plain: () => ({
        findOne: async () => left ?? null,
        replaceOne: async (_: unknown, pass: Saved) => void saved.push(pass),
      }),
      collection: () => ({
        count: async () => ids.length,
        find: async ({ _id }: { _id?: { $gt?: string; $lt?: string } }, { limit }: { limit: number }) =>
          ids
            .filter((id) => !(_id?.$gt && id <= _id.$gt) && !(_id?.$lt && id >= _id.$lt))
            .slice(0, limit)
            .map((id) => ({ _id: id })),
      }),
    },
    customers: {
      get pending() {
        return underWay + others()
      },
      get asked() {
        return asked
      },
      unready: (of: readonly string[]) => of,
      foresee: async (of: readonly string[]) => void foreseen.push(of.length),
      readAhead: async (part: { ids: ReadonlySet<string>; signal: AbortSignal }) => {
        await readAhead(part)
        read.push({ ids: part.ids.size, looked: looks.size })
      },
      forgetForeseen: () => {},
      async execute(id: string) {
        asked++
        const last = busy.at(-1)
        if (underWay++ === 0 && !(last && performance.now() - last[1] < 2)) busy.push([performance.now(), 0])
        most = Math.max(most, underWay)
        await new Promise<void>((resolve) => setImmediate(resolve))
        try {
          look(id)
        } finally {
          if (--underWay === 0) busy.at(-1)![1] = performance.now()
        }
        looks.set(id, (looks.get(id) ?? 0) + 1)
      },
    },
    rulebook: {
      current: () => ({ project: {}, entries: () => new Map([['seg_1', { revision: '7' }]]) }),
      onChange: () => () => undefined,
    },
    head: async () => head,
    caughtUp: async () => true,
    aside,
    log: { warn: () => undefined },
    now: () => 0,
    requestId: () => 'test',
  }
  const started = await startRollout(options as unknown as RolloutOptions)
  const rollout = {
    ...started,
    async stop() {
      await started.stop()
      await aside.stop()
    },
  }
  return {
    rollout,
    aside,
    ids,
    looks,
    saved,
    read,
    foreseen,
    get most() {
      return most
    },
    busy,
  }
}

const startPass = async (w: World) => {
  const pass = await begin(w)
  await until(
    async () => pass.rollout.progress('7'),
    ({ status }) => status === 'DONE',
    60_000,
  )
  await pass.rollout.stop()
  return pass
}

const onceEach = (looks: ReadonlyMap<string, number>) => [...looks.values()].every((n) => n === 1)

test('everybody is looked at once, many at a time while nobody else asks', async () => {
  const { looks, saved, most, rollout, read, foreseen } = await startPass({ customers: 2_300 })
  assert.is(looks.size, 2_300)
  assert.ok(onceEach(looks))
  assert.is(most, 96)
  assert.equal(
    saved.map(({ done }) => done),
    [0, 1_000, 2_000, 2_300],
  )
  assert.equal(rollout.progress('7'), { status: 'DONE', done: 2_300, total: 2_300 })
  assert.equal([read, foreseen], [[{ ids: 2_300, looked: 0 }], []], 'read in one go')
})

// How long it rests is a law of its pace, which has a test of its own.
test('beside commands of others it rests again and again, and everybody is looked at all the same', async () => {
  const { looks, busy } = await startPass({
    customers: 2_300,
    others: () => 1,
    look: () => {
      const end = performance.now() + 0.1
      while (performance.now() < end);
    },
  })
  assert.is(looks.size, 2_300)
  assert.ok(busy.length > 3, `${busy.length} slices`)
})

test('whoever fails is looked at again alone; for whom nothing helps is set aside, and the pass goes on', async () => {
  let failures = 1
  const failing = idsOf(2_300)[1_500]
  const poison = idsOf(2_300)[700]
  const { looks, rollout, read, aside } = await startPass({
    customers: 2_300,
    look: (id) => {
      if (id === poison || (id === failing && failures-- > 0)) throw new Error('no such thing')
    },
  })
  assert.is(looks.size, 2_299)
  assert.ok(onceEach(looks))
  assert.equal(
    (await aside.failures(10)).map(({ process, fact, error }) => [process, fact, error]),
    [['rollout', poison, 'no such thing']],
  )
  assert.is(rollout.progress('7').done, 2_300)
  assert.is(read.length, 1, 'what was read ahead is kept')
})

test('many are read in parts, each before it is looked at', async () => {
  const { looks, saved, read } = await startPass({ customers: MANY, head: LONG })
  assert.is(looks.size, MANY)
  assert.ok(onceEach(looks))
  assert.is(read.length, 3)
  let before = 0
  for (const { ids, looked } of read) {
    assert.is(looked, before)
    assert.ok(ids <= 12_000, `${ids} at once`)
    before += ids
  }
  assert.is(saved.at(-1)?.done, MANY)
  assert.ok(saved.every(({ done }, n) => n === 0 || done - saved[n - 1]!.done <= 1_000))
})

test('after a restart the pass goes on where it was, within a part and between two', async () => {
  const whole = await startPass({ customers: MANY, head: LONG })
  for (const n of [3, whole.saved.findIndex(({ cursor }) => cursor !== null && cursor.length < 29)]) {
    const left = whole.saved[n]!
    const { looks, saved } = await startPass({ customers: MANY, left, head: LONG })
    assert.is(looks.size, MANY - left.done)
    assert.ok(onceEach(looks))
    assert.is(saved.at(-1)?.done, MANY)
  }
})

test('when the log cannot be read in one go, customers are looked at all the same', async () => {
  const { looks, foreseen } = await startPass({
    customers: 2_300,
    readAhead: async () => {
      throw new Error('the store is down')
    },
  })
  assert.ok(onceEach(looks))
  assert.is(looks.size, 2_300)
  assert.equal(foreseen, [1_000, 1_000, 300])
})

test('a stop in the middle of a reading ends it', async () => {
  const { rollout, looks, foreseen } = await begin({
    customers: 2_300,
    readAhead: ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
  })
  await rollout.stop()
  assert.equal([looks.size, foreseen.length], [0, 0])
})

test.run()
