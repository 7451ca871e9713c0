// What every small stream does alike: batching, conflicts, repeats, doubt, and the presumption that a stream is empty.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { refuse } from '../../src/domain/refusal.ts'
import { StoreUnavailable } from '../../src/eventstore/errors.ts'
import type { EventStore } from '../../src/eventstore/index.ts'
import { createDecider, type Decides } from '../../src/runtime/decider.ts'
import { TooBusy } from '../../src/trouble.ts'
import { T0 } from '../given.ts'
import { type Disk, fuse, newDisk, storeOver } from '../referrals/memory.ts'

type Added = { readonly type: 'Added'; readonly data: { readonly name: string; readonly by: number } }
interface Add {
  readonly name: string
  readonly isFirst?: boolean
}

/** A list of at most three names, each once. */
const namesOf = (node: number): Decides<readonly string[], Add, Added> => ({
  streamOf: (name) => `names-${name}`,
  initial: () => [],
  fold: (state, { data }) => [...state, (data as Added['data']).name],
  decide(state, { name }) {
    if (state.includes(name)) return []
    return state.length === 3
      ? refuse('quantity_exceeded', 'three are enough')
      : [{ type: 'Added', data: { name, by: node } }]
  },
  mayBeFirst: ({ isFirst = false }) => isFirst,
})

let nodes = 0

const context = { requestId: 'r', actor: { name: 'a', role: 'b' }, now: T0 }

const nodeOver = (disk: Disk, change: (store: EventStore) => Partial<EventStore> = () => ({})) => {
  const whole = storeOver(disk, fuse(Number.POSITIVE_INFINITY))
  let reads = 0
  let appends = 0
  const counted: EventStore = {
    ...whole,
    readStream: (...asked) => {
      reads++
      return whole.readStream(...asked)
    },
    append: (...asked) => {
      appends++
      return whole.append(...asked)
    },
  }
  const store = { ...counted, ...change(counted) }
  const decider = createDecider(namesOf(nodes++), { store, sleep: async () => {}, random: () => 0.5 })
  return {
    add: (name: string, more: { readonly isFirst?: boolean; readonly onlyAt?: bigint } = {}) =>
      decider.execute('all', { name, isFirst: more.isFirst }, { ...context, onlyAt: more.onlyAt }),
    counts: () => ({ reads, appends }),
  }
}
const there = (disk: Disk) => disk.log.map(({ data }) => (data as Added['data']).name)

test('what waits together is decided one after the other and goes into one append', async () => {
  const disk = newDisk()
  const node = nodeOver(disk)
  const results = await Promise.all(['a', 'b', 'a', 'c', 'd'].map((name) => node.add(name)))
  assert.equal(
    results.map(({ kind, state, refusal }) => [kind, state.length, refusal?.key]),
    [
      ['done', 1, undefined],
      ['done', 2, undefined],
      ['repeated', 2, undefined],
      ['done', 3, undefined],
      ['refused', 3, 'quantity_exceeded'],
    ],
  )
  assert.equal([there(disk), node.counts().appends], [['a', 'b', 'c'], 1])
})

test('a node that is behind finds out by the append, and before it says no', async () => {
  const disk = newDisk()
  const [one, other] = [nodeOver(disk), nodeOver(disk)]
  await one.add('a')
  await other.add('b')
  assert.is((await one.add('c')).kind, 'done')
  assert.equal(there(disk), ['a', 'b', 'c'])
  assert.is((await other.add('c')).kind, 'repeated')
  assert.is((await other.add('d')).kind, 'refused')
})

test('what is known of an append whose outcome is not is what the stream says', async () => {
  const disk = newDisk()
  let isLost = true
  const node = nodeOver(disk, (store) => ({
    async append(...asked) {
      const result = await store.append(...asked)
      if (isLost) throw new StoreUnavailable('no answer', { outcome: 'unknown' })
      return result
    },
  }))
  assert.instance(await node.add('a').catch((error: unknown) => error), StoreUnavailable)
  isLost = false
  assert.is((await node.add('a')).kind, 'repeated')
  assert.equal(there(disk), ['a'])
})

test('a stream that is presumed to be empty costs no read, and one that is not is read', async () => {
  const disk = newDisk()
  const node = nodeOver(disk)
  assert.is((await node.add('a', { isFirst: true })).kind, 'done')
  assert.equal(node.counts(), { reads: 0, appends: 1 })
  assert.is((await node.add('b', { isFirst: true })).kind, 'done')
  assert.is((await node.add('a', { isFirst: true })).kind, 'repeated')
  assert.equal([there(disk), node.counts().appends], [['a', 'b'], 3])
})

test('a command for one revision is refused at another', async () => {
  const disk = newDisk()
  const node = nodeOver(disk)
  const { revision } = await node.add('a')
  const both = await Promise.all([node.add('b', { onlyAt: revision }), node.add('c', { onlyAt: revision })])
  assert.equal(
    both.map(({ kind, refusal }) => [kind, refusal?.key]),
    [
      ['done', undefined],
      ['refused', 'precondition_failed'],
    ],
  )
  const other = nodeOver(disk)
  assert.is((await other.add('c', { onlyAt: revision })).kind, 'refused')
  assert.is((await other.add('c', { onlyAt: revision + 1n })).kind, 'done')
})

test('where others are faster again and again it is an error', async () => {
  const node = nodeOver(newDisk(), () => ({ append: async () => ({ kind: 'conflict', actual: 0n }) }))
  assert.instance(await node.add('a').catch((error: unknown) => error), TooBusy)
})

test.run()
