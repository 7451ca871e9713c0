// Small facts and projections for the projector's own tests.

import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import type { Projection } from '../../projections/projection.ts'
import type { NewFact, RecordedFact } from '../../src/domain/recorded.ts'
import { createCodec } from '../../src/eventstore/index.ts'

export const testCodec = createCodec({
  Counted: { version: 1, schema: v.object({ name: v.string(), by: v.number() }) },
  Dropped: { version: 1, schema: v.object({ name: v.string() }) },
  Noted: { version: 1, schema: v.object({ text: v.string() }) },
})

export const newFact = (type: string, data: unknown, id: string = randomUUID()): NewFact => ({
  id,
  type,
  data,
  metadata: { $correlationId: 'test' },
})
export const counted = (name: string, by: number) => newFact('Counted', { name, by })
export const dropped = (name: string) => newFact('Dropped', { name })
export const noted = (text: string) => newFact('Noted', { text })

/** As the log would give them: one stream per call, positions 100 apart. */
export const recorded = (facts: readonly NewFact[], { stream = 's-1', from = 0 } = {}): RecordedFact[] =>
  facts.map((fact, i) => ({
    ...fact,
    stream,
    revision: BigInt(from + i),
    position: BigInt((from + i + 1) * 100),
    created: 1_700_000_000_000 + i,
  }))

export interface Counter {
  readonly name: string
  readonly total: number
  readonly facts: number
  readonly last: string | null
}

interface CountedData {
  readonly name: string
  readonly by: number
}

/** Documents of names with this prefix only, so that tests can share a log. */
export const countersOf = (prefix: string): Projection<Counter> => ({
  name: 'counters',
  version: 1,
  indexes: [{ key: { total: -1 } }],
  types: ['Counted', 'Dropped'],
  countedBy: ({ facts }) => (facts % 2 === 0 ? 'even' : 'odd'),
  keys({ data }) {
    const { name } = data as CountedData
    return name.startsWith(prefix) ? [name] : []
  },
  evolve(document, { type, data, id }, name) {
    if (type === 'Dropped') return null
    const { by } = data as CountedData
    if (by < 0) throw new Error('negative amount')
    const { total, facts } = document ?? { total: 0, facts: 0 }
    return { name, total: total + by, facts: facts + 1, last: id }
  },
})

/** One document a name; Dropped removes it; a negative amount is poison. */
export const counters = countersOf('')

export interface Entry {
  readonly stream: string
  readonly type: string
  readonly at: number
}

export const journalOf = (prefix: string): Projection<Entry> => ({
  name: 'journal',
  version: 1,
  indexes: [{ key: { stream: 1, _id: 1 } }],
  insertOnly: true,
  keys: ({ id, stream }) => (stream.startsWith(prefix) ? [id] : []),
  evolve: (_, { stream, type, created }) => ({ stream, type, at: created }),
})

/** One document a fact. */
export const journal = journalOf('')
