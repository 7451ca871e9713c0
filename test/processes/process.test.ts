// Processes: from a checkpoint, in the order of each stream, tried until done, set aside and tried again, watched.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import { SourceClosed, StoreUnavailable } from '../../src/eventstore/errors.ts'
import type { Batch, Source } from '../../src/eventstore/index.ts'
import { type Process, processKey, startProcesses } from '../../src/processes/process.ts'
import type { ModelCollection } from '../../src/readmodel/index.ts'
import { createSetAside } from '../../src/worker/setAside.ts'
import { until } from '../until.ts'

const fact = (position: number, type: string, stream = 's'): RecordedFact => ({
  stream,
  type,
  data: {},
  revision: BigInt(position),
  position: BigInt(position),
  id: `id-${position}`,
  created: Date.now() - 1_000,
  metadata: { $correlationId: 'v-1' },
})

/** A log in memory whose subscriptions can be broken, and collections that are kept between "restarts". */
const memory = (facts: RecordedFact[]) => {
  const documents = new Map<string, Map<string, Record<string, unknown>>>()
  let breaks = 0
  let opened = 0
  const open = (from: bigint | 'start' | 'end'): Source => {
    let at = from === 'start' ? -1n : (from as bigint)
    let closed = false
    opened++
    return {
      get buffered() {
        return facts.filter(({ position }) => position > at).length
      },
      async next(max): Promise<Batch> {
        for (;;) {
          if (closed) throw new SourceClosed()
          if (breaks > 0) {
            breaks--
            throw new StoreUnavailable('the line broke')
          }
          const found = facts.filter(({ position }) => position > at).slice(0, max)
          if (found.length > 0) {
            at = found.at(-1)!.position
            return { facts: found, unreadable: [], position: at, revision: undefined, caughtUp: true }
          }
          await new Promise((resolve) => setTimeout(resolve, 2))
        }
      },
      async close() {
        closed = true
      },
    }
  }
  const plain = (name: string) => {
    const kept = documents.get(name) ?? new Map<string, Record<string, unknown>>()
    documents.set(name, kept)
    return {
      findOne: async ({ _id }: { _id: string }) => kept.get(_id) ?? null,
      find: async () => [...kept.values()],
      count: async () => kept.size,
      replaceOne: async ({ _id }: { _id: string }, document: Record<string, unknown>) => {
        kept.set(_id, document)
      },
      deleteOne: async ({ _id }: { _id: string }) => ({ deletedCount: Number(kept.delete(_id)) }),
    } as unknown as ModelCollection<never>
  }
  return {
    store: {
      subscribeAll: async ({ from }: { from: bigint | 'start' | 'end' }) => open(from),
      async *readStream(stream: string, options?: { from?: bigint | 'start' | 'end' }) {
        const found = facts.find((f) => f.stream === stream && f.revision === options?.from)
        if (found) yield found
      },
    },
    readModel: { plain: plain as never },
    documents,
    breakLine: (times: number) => {
      breaks = times
    },
    get opened() {
      return opened
    },
  }
}

const quiet = { warn: () => {}, error: () => {} } as never

const run = (m: ReturnType<typeof memory>, processes: readonly Process[], now = Date.now) => {
  const { store, readModel } = m
  const aside = createSetAside({ readModel, log: quiet, now: Date.now, retryEveryMs: 20 })
  const started = startProcesses({ group: 'g', processes, log: quiet, now, aside, store, readModel })
  return {
    ...started,
    async stop() {
      await started.stop()
      await aside.stop()
    },
  }
}

test('facts of the types asked for are handled in the order of their stream, and the checkpoint is where the next start begins', async () => {
  const facts = Array.from({ length: 1_200 }, (_, i) => fact(i, i % 3 === 0 ? 'Wanted' : 'Other', `s-${i % 7}`))
  const m = memory(facts)
  const seen: bigint[] = []
  const wanted: Process = {
    name: 'p',
    types: ['Wanted'],
    handle: async ({ position }) => {
      seen.push(position)
    },
  }
  const first = run(m, [wanted])
  await until(() => seen.length === 400)
  await until(() => first.position() === 1_199n)
  await first.stop()
  assert.is(m.documents.get('processes')?.get('g')?.position, '1199', 'who stops writes where it is')
  for (let s = 0; s < 7; s++) {
    const line = seen.filter((position) => Number(position) % 7 === s)
    assert.equal(
      line,
      line.toSorted((a, b) => Number(a - b)),
    )
  }
  assert.equal(first.status(), [{ name: 'p', pending: 0, lag: 0, failed: 0, done: 400 }])
  facts.push(fact(1_200, 'Wanted'))
  const next = run(m, [wanted])
  await until(() => seen.includes(1_200n))
  await next.stop()
  assert.is(seen.length, 401, 'it does not begin anew')
})

/** Processes by a clock that the test moves, at the checkpoint of a first fact. */
const clocked = async () => {
  const facts = [fact(0, 'A')]
  const m = memory(facts)
  const clock = { now: Date.now() }
  const processes = run(m, [{ name: 'p', types: ['A'], handle: async () => undefined }], () => clock.now)
  const written = () => m.documents.get('processes')?.get('g')?.position
  await until(() => written() === '0')
  return { facts, clock, processes, written }
}

test('the checkpoint is written for all that is done within a fifth of a second, not for each batch', async () => {
  const { facts, clock, processes, written } = await clocked()
  for (let n = 1; n <= 20; n++) {
    facts.push(fact(n, 'A'))
    await until(() => processes.position() === BigInt(n))
  }
  assert.is(written(), '0')
  clock.now += 200
  facts.push(fact(21, 'A'))
  await until(() => written() === '21')
  await processes.stop()
})

test('a clock that is set back does not keep the checkpoint from being written', async () => {
  const { facts, clock, processes, written } = await clocked()
  clock.now -= 3_600_000
  facts.push(fact(1, 'A'))
  await until(() => processes.position() === 1n)
  await until(() => written() === '1')
  await processes.stop()
})

test('a checkpoint that could not be written is written at the stop', async () => {
  const m = memory([fact(0, 'A')])
  let refused = 0
  const plain = (name: string) => {
    const collection = (m.readModel.plain as (name: string) => ModelCollection<never>)(name)
    return {
      ...collection,
      replaceOne: async (...given: Parameters<typeof collection.replaceOne>) => {
        if (name === 'processes' && refused++ === 0) throw new Error('the line broke')
        return collection.replaceOne(...given)
      },
    }
  }
  const processes = run({ ...m, readModel: { plain: plain as never } }, [
    { name: 'p', types: ['A'], handle: async () => undefined },
  ])
  await until(() => refused === 1 && m.opened === 2)
  await processes.stop()
  assert.is(m.documents.get('processes')?.get('g')?.position, '0')
})

test('a line that breaks is opened again from the checkpoint, and a crash before the checkpoint repeats under the same key', async () => {
  const m = memory([fact(0, 'A'), fact(1, 'A')])
  const keys: string[] = []
  m.breakLine(3)
  const processes = run(m, [
    {
      name: 'p',
      types: ['A'],
      handle: async (f) => {
        keys.push(processKey(f))
      },
    },
  ])
  await until(() => keys.length === 2)
  assert.equal(m.opened, 4)
  await processes.stop()
  m.documents.get('processes')?.clear()
  const again = run(m, [
    {
      name: 'p',
      types: ['A'],
      handle: async (f) => {
        keys.push(processKey(f))
      },
    },
  ])
  await until(() => keys.length === 4)
  await again.stop()
  assert.equal(keys, ['process:id-0', 'process:id-1', 'process:id-0', 'process:id-1'])
})

test('what fails is tried again with growing pauses; others go on meanwhile, and lag is seen', async () => {
  const m = memory([fact(0, 'A', 'bad'), fact(1, 'A', 'good')])
  let tries = 0
  const done: string[] = []
  let mended = false
  const processes = run(m, [
    {
      name: 'p',
      types: ['A'],
      handle: async ({ stream }) => {
        if (stream === 'bad') {
          tries++
          if (!mended) throw new StoreUnavailable('down')
        }
        done.push(stream)
      },
    },
  ])
  await until(() => done.includes('good') && tries >= 3)
  const [status] = processes.status()
  assert.is(status?.pending, 1)
  assert.ok((status?.lag ?? 0) >= 1_000)
  assert.is(m.documents.get('processes')?.get('g'), undefined, 'the checkpoint waits')
  mended = true
  await until(() => done.includes('bad'))
  await until(() => m.documents.get('processes')?.get('g')?.position === '1')
  await processes.stop()
})

test('a fact that cannot be handled is set aside, seen, and handled once it can be', async () => {
  const m = memory([fact(0, 'A', 'bad'), fact(1, 'A', 'good')])
  const done: string[] = []
  let mended = false
  const processes = run(m, [
    {
      name: 'p',
      types: ['A'],
      handle: async ({ stream }) => {
        if (stream === 'bad' && !mended) throw new Error('no such thing')
        done.push(stream)
      },
    },
  ])
  await until(() => processes.status()[0]?.failed === 1)
  const [failure] = await processes.failures(10)
  assert.equal(
    [failure?.process, failure?.fact, failure?.stream, failure?.error],
    ['p', 'id-0', 'bad', 'no such thing'],
  )
  await until(() => m.documents.get('processes')?.get('g')?.position === '1')
  mended = true
  await until(() => done.includes('bad'))
  await until(() => processes.status()[0]?.failed === 0)
  assert.equal(await processes.failures(10), [])
  await processes.stop()
})

test.run()
