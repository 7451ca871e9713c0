// What never reaches the event store's client.
import { randomUUID } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { NewFact } from '../../src/domain/recorded.ts'
import { AppendRefused, type RefusalReason } from '../../src/eventstore/errors.ts'
import { checkAppend, MAX_APPEND_BYTES, MAX_APPEND_FACTS } from '../../src/eventstore/refuse.ts'

const fact = (over: Partial<NewFact> = {}): NewFact => ({
  id: randomUUID(),
  type: 'Noted',
  data: { text: 'x' },
  metadata: { $correlationId: 'c' },
  ...over,
})

const refused = (reason: RefusalReason, stream: string, facts: readonly NewFact[]) =>
  assert.throws(
    () => checkAppend(stream, facts),
    (e: unknown) => e instanceof AppendRefused && e.reason === reason,
    reason,
  )

test('bad streams, types, ids and data are refused', () => {
  for (const stream of ['', '$all', '$$x', 'with space', '流', 'a\n', 'x'.repeat(501)])
    refused('bad_stream', stream, [fact()])
  for (const type of ['', '$metadata', 'Größe', 'x'.repeat(501)]) refused('bad_type', 's', [fact({ type })])
  for (const id of ['', 'x', '00000000-0000-0000-0000-000000000000', `${randomUUID()}0`, `{${randomUUID()}}`])
    refused('bad_id', 's', [fact({ id })])
  for (const data of [undefined, null, 'text', 5, { n: 1n }]) refused('malformed', 's', [fact({ data })])
  refused('empty', 's', [])
  const twin = fact()
  refused('duplicate_id', 's', [twin, { ...fact(), id: twin.id.toUpperCase() }])
  refused(
    'too_many',
    's',
    Array.from({ length: MAX_APPEND_FACTS + 1 }, () => fact()),
  )
})

test('the size limit counts data, metadata and twice the type of all facts', () => {
  const empty = { ...fact(), data: { text: '' } }
  const overhead = JSON.stringify(empty.data).length + JSON.stringify(empty.metadata).length + 2 * empty.type.length
  const fits = { ...empty, data: { text: 'x'.repeat(MAX_APPEND_BYTES - overhead) } }
  assert.is(checkAppend('s', [fits]).facts.length, 1)
  refused('too_large', 's', [{ ...empty, data: { text: 'x'.repeat(MAX_APPEND_BYTES - overhead + 1) } }])
  refused('too_large', 's', [fits, fact()])
  // Two bytes a letter: bytes count, not letters.
  refused('too_large', 's', [{ ...empty, data: { text: 'é'.repeat(MAX_APPEND_BYTES / 2) } }])
})

test.run()
