// A recorded definition that this program cannot read: what is still known of it.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { changeOf, rulebookFacts } from '../../src/domain/rulebook/facts.ts'

const instead = (data: unknown): unknown => rulebookFacts.SegmentUpdated?.unfit?.(data, 'no such type')

test('it keeps its id and when it was written, with what is wrong', () => {
  assert.equal(instead({ id: 'seg_1', occurredAt: 1_700_000_000_000, definition: { type: 'of tomorrow' } }), {
    id: 'seg_1',
    occurredAt: 1_700_000_000_000,
    unreadable: 'no such type',
  })
})

test('one that does not say when, or not as a time, is of the beginning', () => {
  for (const data of [{ id: 'seg_1' }, { id: 'seg_1', occurredAt: 'yesterday' }, { id: 'seg_1', occurredAt: 1.5 }])
    assert.equal(instead(data), { id: 'seg_1', occurredAt: 0, unreadable: 'no such type' }, JSON.stringify(data))
})

test('one without an id is not known at all', () => {
  assert.is(instead({ occurredAt: 1 }), undefined)
  assert.is(instead('text'), undefined)
})

test('it is a change of its kind', () => {
  const change = changeOf({ type: 'SegmentUpdated', data: instead({ id: 'seg_1' }) })
  assert.equal(
    [change?.kind, change?.verb, change?.id, change?.unreadable],
    ['segment', 'Updated', 'seg_1', 'no such type'],
  )
})

test.run()
