// How much one customer, one event and one append may be, and that what is too much is refused alone and holds nobody up.
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { TrackBody } from '../../commands/eventRecording.ts'
import { MAX_PROFILE_BYTES } from '../../src/domain/customer/profile.ts'
import { customerIdFrom } from '../../src/domain/ids.ts'
import { MAX_METADATA_BYTES, MAX_METADATA_KEYS, sizeOf } from '../../src/domain/size.ts'
import { AppendRefused } from '../../src/eventstore/errors.ts'
import type { EventStore } from '../../src/eventstore/index.ts'
import { checkAppend } from '../../src/eventstore/refuse.ts'
import { createTurns } from '../../src/line/turns.ts'
import { type CommandContext, createCustomerRuntime } from '../../src/runtime/customers.ts'
import { mapError } from '../../src/runtime/errors.ts'
import { createHeavyCache } from '../../src/runtime/heavy.ts'
import { createCustomers } from '../../src/runtime/loader.ts'
import { NotTried, TooBusy, verdictOf } from '../../src/trouble.ts'
import fc from '../fc.ts'
import { T0, track, type World, world } from '../given.ts'
import { fuse, newDisk, storeOver } from '../referrals/memory.ts'
import { NO_SNAPSHOTS } from './noSnapshots.ts'

const shop = (): World => {
  const w = world()
  w.define('eventSchema', 'ms_bought', {
    name: 'bought',
    schema: { properties: { note: { type: 'string', optional: true } } },
  })
  return w
}

/** A node whose store takes no more in one append than the real one. */
const nodeOf = (w: World, others: Partial<EventStore> = {}) => {
  const disk = newDisk()
  const whole = storeOver(disk, fuse(-1))
  const appends: number[] = []
  const store: EventStore = {
    ...whole,
    async append(stream, facts, ...rest) {
      checkAppend(stream, facts)
      appends.push(facts.length)
      return whole.append(stream, facts, ...rest)
    },
    ...others,
  }
  let keys = 0
  const customers = createCustomerRuntime({
    store,
    head: -1n,
    customers: createCustomers({ store, snapshots: NO_SNAPSHOTS, cacheSize: 100 }),
    rulebook: () => w.rulebook,
    wasUsed: async () => false,
    randomKey: () => `key-${keys++}`,
    sleep: async () => {},
    random: () => 0.5,
  })
  const buy = (note: string, more: Partial<CommandContext> = {}) =>
    customers.execute(
      customerIdFrom('ann', 'key'),
      track('bought', { occurredAt: T0, metadata: { note }, profile: { source_id: 'ann' } }),
      { requestId: 'r', actor: { name: 'a', role: 'b' }, now: T0, ...more },
    )
  const tracked = () => disk.log.filter(({ type }) => type === 'CustomEventTracked')
  return { buy, appends, tracked }
}

test('of commands decided together, those too large for the store are refused, and no other', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(10, 100_000, 400_000, 1_100_000), { maxLength: 8 }), async (sizes) => {
      const node = nodeOf(shop())
      // Three bytes a letter: what is counted is bytes, not letters.
      const asked = await Promise.allSettled(sizes.map((size) => node.buy('€'.repeat(size / 3))))
      assert.equal(
        asked.map((one) => one.status === 'fulfilled' && one.value.kind === 'done'),
        sizes.map((size) => size < 1_000_000),
      )
      for (const one of asked) if (one.status === 'rejected') assert.instance(one.reason, AppendRefused)
      assert.equal(
        node.tracked().map(({ data }) => (data as { metadata: { note: string } }).metadata.note.length),
        sizes.filter((size) => size < 1_000_000).map((size) => Math.floor(size / 3)),
      )
    }),
    { numRuns: 20 },
  )
})

test('many commands with many facts each are recorded, in appends of a bounded number of facts', async () => {
  const w = shop()
  for (let i = 0; i < 60; i++)
    w.define('distribution', `distr_${i}`, {
      name: `d${i}`,
      trigger: { type: 'event', event: 'bought' },
      channel: { type: 'webhook', url: 'https://shop.test/hook' },
    } as never)
  const node = nodeOf(w)
  const asked = await Promise.all(Array.from({ length: 200 }, (_, i) => node.buy(String(i))))
  assert.ok(asked.every(({ kind }) => kind === 'done'))
  assert.equal(
    node.tracked().map(({ data }) => (data as { metadata: { note: string } }).metadata.note),
    asked.map((_, i) => String(i)),
  )
  assert.ok(Math.max(...node.appends) <= 1_000, `${Math.max(...node.appends)}`)
  assert.ok(node.appends.length > 10)
})

test('where others are always faster it is said as an error, which is a 503 that says when to ask again', async () => {
  const node = nodeOf(shop(), { append: async () => ({ kind: 'conflict', actual: 0n }) })
  const error = await node.buy('a').catch((caught: unknown) => caught)
  assert.instance(error, TooBusy)
  assert.is(verdictOf(error), 'wait', 'whoever works through customers comes back to this one')
  const failure = mapError(error)
  assert.equal([failure?.status, failure?.key, failure?.retryAfter], [503, 'unavailable', 1])
})

test('what there is no time for is not begun, and says so', async () => {
  const node = nodeOf(shop())
  const [first, second, third] = await Promise.all([
    node.buy('a'),
    node.buy('b', { tryUntil: Date.now() - 1 }).catch((error: unknown) => error),
    node.buy('c'),
  ])
  assert.instance(second, NotTried)
  assert.equal([first.kind, third.kind], ['done', 'done'])
  assert.is(node.tracked().length, 2)
})

test('work that asks is not begun in a turn whose time is over, whoever took it', async () => {
  const longest = 2
  const turns = createTurns(longest)
  let turn = 0
  let isRunning = true
  const count = () => {
    turn++
    if (isRunning) setImmediate(count)
  }
  setImmediate(count)
  /** For each piece: the turn, and the time since the turn's first piece began. */
  const begun = new Map<number, number>()
  const worker = async () => {
    for (let n = 0; n < 10; n++) {
      for (let pause = turns.over(); pause; pause = turns.over()) await pause
      const now = performance.now()
      const first = begun.get(turn) ?? now
      begun.set(turn, first)
      // A turn may have been interrupted by the machine between the question and here, by little.
      assert.ok(now - first <= longest + 50, `${now - first}`)
      while (performance.now() - now < 1) {}
    }
  }
  await Promise.all(Array.from({ length: 10 }, worker))
  isRunning = false
  assert.ok(begun.size >= 10, `${begun.size} turns`)
})

test('a profile is bounded, whether it comes at once or grows by merging, and a large one can become smaller', () => {
  const w = shop()
  const save = (metadata: Record<string, unknown>) =>
    ({ type: 'SaveCustomer', profile: { source_id: 's', metadata }, mayCreate: true }) as const
  assert.match(w.refused(save({ a: 'x'.repeat(MAX_PROFILE_BYTES) })).details, `${MAX_PROFILE_BYTES}`)
  w.facts(save({}))
  let merged = 0
  while (merged < 100 && !('refused' in w.when(save({ [`k${merged}`]: 'x'.repeat(5_000) })))) merged++
  assert.ok(merged > 10 && merged < 14, `${merged}`)
  const event = track('bought', { occurredAt: T0, profile: { source_id: 's', metadata: { k: 'x'.repeat(5_000) } } })
  assert.is(w.refused(event).key, 'invalid_customer')
  w.facts(track('bought', { occurredAt: T0 }))
  w.facts(save({ k0: null }))
  assert.ok(sizeOf(w.state.profile).bytes <= MAX_PROFILE_BYTES)
})

test('metadata of a request is bounded by bytes and by keys, with its path', () => {
  const issues = (metadata: unknown) => {
    const parsed = v.safeParse(TrackBody, { event: 'bought', customer: { source_id: 's' }, metadata })
    return (parsed.issues ?? []).map((issue) => `${v.getDotPath(issue)} ${issue.message}`)
  }
  const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1]))
  assert.equal(issues(keys(MAX_METADATA_KEYS)), [])
  assert.equal(issues({ inner: [keys(MAX_METADATA_KEYS)] }), ['metadata must NOT have more than 2000 keys'])
  assert.equal(issues({ text: 'x'.repeat(MAX_METADATA_BYTES - 100) }), [])
  assert.equal(issues({ text: '€'.repeat(MAX_METADATA_BYTES / 3) }), ['metadata must NOT have more than 262144 bytes'])
})

test('no command takes metadata without these bounds', async () => {
  for (const file of await readdir('commands'))
    assert.not.match(
      await readFile(`commands/${file}`, 'utf8'),
      /metadata: .*v\.record\(v\.string\(\), v\.unknown\(\)\)/,
      file,
    )
})

test('the size of a value is that of its JSON', () => {
  // Letters that JSON does not escape.
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', ' ') })
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value')),
      fc.dictionary(text, tie('value')),
    ),
  }))
  fc.assert(
    fc.property(value, (one) => {
      const { bytes } = sizeOf(one)
      const exact = Buffer.byteLength(JSON.stringify(one))
      assert.ok(bytes >= exact - 1 && bytes <= exact * 1.3 + 2, `${bytes} for ${exact}`)
    }),
  )
})

test('what maps and sets hold counts too', () => {
  const text = 'x'.repeat(1_000)
  for (const state of [{ open: new Map([['a', { text }]]) }, { undone: new Set([text]) }])
    assert.ok(sizeOf(state).bytes > 1_000)
})

test('what is nested without end, or holds itself, is larger than any bound and stops no walk', () => {
  let deep: object = {}
  for (let level = 0; level < 100_000; level++) deep = { deep }
  const self: Record<string, unknown> = {}
  self.one = [self, self]
  self.other = self
  for (const endless of [deep, self]) assert.ok(sizeOf(endless).bytes > 1_000 * MAX_METADATA_BYTES)
})

test('a memory of large things keeps within its bytes however its entries come and grow', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), grows: fc.nat(40_000), anew: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const maxBytes = 400_000
      const cache = createHeavyCache<string>({ maxEntries: 3, maxBytes, weighs: (text) => text })
      for (const { key, grows, anew } of steps) {
        const before = anew ? '' : (cache.get(key) ?? '')
        cache.set(key, before + 'x'.repeat(grows), grows)
        const held = ['a', 'b', 'c', 'd'].reduce((sum, one) => sum + (cache.peek(one)?.length ?? 0), 0)
        assert.ok(3 * held <= cache.bytes, 'never less than what is held')
        assert.ok(cache.bytes <= maxBytes && cache.size <= 3)
      }
    }),
  )
})

test('in a memory of large things plain text counts as what it is, and objects as what they take', () => {
  const entries = (texts: number) => {
    const cache = createHeavyCache<string>({
      maxEntries: 1_000,
      maxBytes: 100_000,
      weighs: (text) => text.slice(texts),
      plain: (text) => Math.min(texts, text.length),
    })
    for (let n = 0; n < 1_000; n++) cache.set(`k${n}`, 'x'.repeat(1_500), 0)
    assert.is(cache.weightOf('k999'), 1_502)
    return cache.size
  }
  const [objects, mixed, text] = [entries(0), entries(750), entries(1_500)]
  assert.is(objects, Math.floor(100_000 / (500 + 3 * 1_502)))
  assert.is(mixed, Math.floor(100_000 / (500 + 3 * 752 + 750)))
  assert.is(text, Math.floor(100_000 / (500 + 3 * 2 + 1_500)))
})

test.run()
