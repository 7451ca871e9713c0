// Restoring a log from its export: many appends on their way at once, and the order of the export kept, or the import refused.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ImportRefused, importLines } from '../../src/audit/export.ts'
import type { AppendResult, EventStore } from '../../src/eventstore/index.ts'

const test = suite('import-log')

/** Events of customers who act in turn. */
async function* lines(count: number) {
  for (let i = 0; i < count; i++)
    yield JSON.stringify({
      stream: `customer-${i % 7}`,
      revision: String(Math.floor(i / 7)),
      position: String(i),
      id: `id-${i}`,
      type: 'CustomEventTracked',
      created: '2026-01-01T00:00:00.000Z',
      data: { i },
      metadata: {},
    })
  yield JSON.stringify({ end: { events: count } })
}

/** A log that answers each append later, and what it holds. */
const logOf = (answer: (n: number, result: AppendResult) => AppendResult = (_, result) => result) => {
  const held: string[] = []
  const flying = { now: 0, most: 0 }
  let asked = 0
  const store = {
    head: async () => undefined,
    async appendRecords(stream: string, records: readonly { readonly id: string }[]): Promise<AppendResult> {
      const n = asked++
      for (const { id } of records) held.push(`${stream} ${id}`)
      const position = BigInt(held.length)
      flying.most = Math.max(flying.most, ++flying.now)
      await new Promise((resolve) => setTimeout(resolve, 1))
      flying.now--
      return answer(n, { kind: 'appended', revision: 0n, position })
    },
  }
  return { store: store as unknown as EventStore, held, flying }
}

const refusalOf = async (importing: Promise<number>): Promise<string> => {
  try {
    await importing
  } catch (error) {
    assert.instance(error, ImportRefused)
    return (error as Error).message
  }
  throw new Error('it was not refused')
}

test('appends do not wait for each other, within a bound, and are sent in the order of the export', async () => {
  const { store, held, flying } = logOf()
  assert.is(await importLines(store, lines(2_000)), 2_000)
  assert.equal(
    held,
    Array.from({ length: 2_000 }, (_, i) => `customer-${i % 7} id-${i}`),
  )
  assert.ok(flying.most > 50 && flying.most <= 202, `${flying.most}`)
})

test('what does not follow is refused with its line; so is what a store in trouble wrote in another order', async () => {
  const conflict = logOf((n, result) => (n === 40 ? { kind: 'conflict', actual: 3n } : result))
  assert.match(
    await refusalOf(importLines(conflict.store, lines(100))),
    /^line 41: customer-5@5 does not follow what the store holds \(at 3\)/,
  )
  const mixed = logOf((n, result) => (n === 60 && result.kind === 'appended' ? { ...result, position: 5n } : result))
  assert.match(await refusalOf(importLines(mixed.store, lines(100))), /^line 61: customer-4@8 was written out of order/)
})

test.run()
