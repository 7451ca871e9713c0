// Documents that the store refuses: any set of them, in any batches, with commits that fail in between and projectors that stop.
// Everything else shows, exactly those are parked, and the position reaches the end.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Projection } from '../../projections/projection.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import { entryOf } from '../../src/projector/batchWriter.ts'
import { type LaneRun, runLane } from '../../src/projector/runner.ts'
import { COUNTS, type CountsDocument, type Lane } from '../../src/readmodel/index.ts'
import fc from '../fc.ts'
import { times } from '../soak.ts'
import { until } from '../until.ts'
import { memoryLog, memoryStore, type StoreBehaviour } from './doubles.ts'
import { counted, countersOf, dropped, journalOf, recorded } from './facts.ts'
import { countsOf, project, withoutNone } from './laws.ts'

const projections: readonly Projection[] = [countersOf(''), journalOf('')]

const LANE: Lane = {
  id: 'main',
  position: undefined,
  seq: 1,
  writer: 'nobody',
  members: { counters: { collection: 'counters', version: 1 }, journal: { collection: 'journal', version: 1 } },
  heldUntil: 0,
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

interface Outcome {
  readonly documents: Record<string, Record<string, object>>
  readonly counts: Readonly<Record<string, number>>
  readonly parked: readonly string[]
  readonly reasons: readonly (string | null)[]
  readonly commits: number
}

/** Runs lanes over the facts until the end is reached; each is stopped after so many commits, and another goes on. */
const run = async (
  facts: readonly RecordedFact[],
  behaviour: StoreBehaviour,
  maxBatch: number,
  stopAfter: readonly number[] = [],
): Promise<Outcome> => {
  const store = memoryStore(behaviour, LANE)
  const end = facts.at(-1)?.position
  let reached: bigint | undefined
  const start = (): LaneRun =>
    runLane({
      id: 'main',
      writer: 'w',
      store: memoryLog(facts),
      readModel: store,
      log: silent,
      prepare: async () => ({ lane: (await store.lanes.read('main'))!, projections }),
      onMoved: ({ position }) => {
        reached = position
      },
      maxBatch,
      cacheSize: 3,
      takeoverMs: 1,
    })
  const runUntil = async (isOver: (lane: LaneRun) => boolean) => {
    const lane = start()
    try {
      await until(() => isOver(lane), Boolean, 30_000)
    } catch (error) {
      throw new Error(
        `at ${reached} of ${end} after ${store.commits} commits, ${lane.state}, still ${lane.stillMs()}: ${String(lane.error)}`,
        { cause: error },
      )
    } finally {
      await lane.stop()
    }
  }
  for (const commits of stopAfter) {
    const seen = store.commits
    await runUntil(() => reached === end || store.commits >= seen + commits)
  }
  await runUntil((lane) => reached === end && lane.stillMs() === 0)
  const shown = (name: string) =>
    Object.fromEntries(
      [...store.documents(name)]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, document]) => [key, entryOf({ ...document, _id: key }).document!]),
    )
  const firsts = new Map<string, string | null>()
  for (const { projection, key, error } of store.parked().toSorted((a, b) => (a._id < b._id ? -1 : 1)))
    if (!firsts.has(`${projection} ${key}`)) firsts.set(`${projection} ${key}`, error)
  return {
    documents: { counters: shown('counters'), journal: shown('journal') },
    counts: withoutNone((store.documents(COUNTS).get('counters') as CountsDocument | undefined)?.counts ?? {}),
    parked: [...firsts.keys()].sort(),
    reasons: [...firsts.values()],
    commits: store.commits,
  }
}

/** What must come of it: a plain fold without the keys that are refused, which are parked. */
const expected = (facts: readonly RecordedFact[], refused: (key: string) => boolean) => {
  const documents: Record<string, object> = {}
  const parked = new Set<string>()
  for (const projection of projections) {
    const without: Projection = { ...projection, keys: (fact) => projection.keys(fact).filter((key) => !refused(key)) }
    documents[projection.name] = { ...project(without, [facts]) }
    for (const fact of facts)
      for (const key of projection.types?.includes(fact.type) === false ? [] : projection.keys(fact))
        if (refused(key)) parked.add(`${projection.name} ${key}`)
  }
  return { documents, parked: [...parked].sort() }
}

test('any set of refused documents, any batches, any failures: all else shows, and all of those are parked', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ key: fc.nat(9), bad: fc.boolean() }), { minLength: 1, maxLength: 60 }),
      fc.uniqueArray(fc.nat(9), { maxLength: 10 }),
      fc.integer({ min: 1, max: 25 }),
      fc.constantFrom(1, 3, 1_000),
      fc.array(fc.constantFrom('well', 'well', 'not written', 'written, answer lost', 'lost'), { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
      async (entries, badKeys, maxBatch, names, fates, stops) => {
        const facts = recorded(
          entries.map(({ key, bad }, i) => ({ ...counted(`k${key}`, i), id: `${bad ? 'bad' : 'good'}-${i}` })),
        )
        const refused = (key: string) => key.startsWith('bad') || badKeys.some((bad) => key === `k${bad}`)
        const left = [...fates]
        const outcome = await run(
          facts,
          {
            refuses: (collection, key) => (collection !== 'parked' && refused(key) ? `no ${key}` : undefined),
            names,
            fate: () => left.shift() ?? 'well',
          },
          maxBatch,
          stops,
        )
        const wanted = expected(facts, refused)
        assert.equal(outcome.documents, wanted.documents)
        assert.equal(outcome.parked, wanted.parked)
        assert.equal(outcome.counts, countsOf(projections[0]!, outcome.documents.counters!))
        assert.ok(outcome.reasons.every((reason) => reason?.startsWith('no ')))
      },
    ),
    { numRuns: times(40, 2_000), includeErrorInReport: true },
  )
})

test('however many are refused, the store is asked only a few times more', async () => {
  const facts = recorded(Array.from({ length: 3_000 }, (_, i) => counted(`k${i}`, i)))
  const outcome = await run(
    facts,
    {
      refuses: (collection, key) => (collection === 'counters' && !key.endsWith('7') ? 'no' : undefined),
      names: 9_999,
      fate: () => 'well',
    },
    1_000,
  )
  assert.is(outcome.parked.length, 2_700)
  assert.is(Object.keys(outcome.documents.counters!).length, 300)
  assert.is(Object.keys(outcome.documents.journal!).length, 3_000)
  assert.ok(outcome.commits <= 7, `${outcome.commits} commits`)
})

test('a document that is removed again needs no place in the store', async () => {
  const facts = recorded([counted('a', 1), dropped('a'), counted('b', 1)])
  const outcome = await run(
    facts,
    { refuses: (_, key) => (key === 'a' ? 'no' : undefined), names: 1, fate: () => 'well' },
    10,
  )
  assert.equal(outcome.parked, [])
  assert.equal(Object.keys(outcome.documents.counters!), ['b'])
})

test.run()
