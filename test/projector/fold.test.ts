// Folding batches: given documents and facts, then documents and parked facts; and the laws that hold for every projection.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { projections } from '../../projections/index.ts'
import type { Projection } from '../../projections/projection.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import {
  type CacheEntry,
  createParkedNames,
  fill,
  fold,
  plan,
  planFor,
  routesOf,
  streamKey,
} from '../../src/projector/fold.ts'
import { counted, counters, dropped, journal, noted, recorded } from './facts.ts'
import { assertLaws, project } from './laws.ts'

const run = (projections: readonly Projection[], facts: readonly RecordedFact[], parked = createParkedNames()) => {
  const planned = plan(routesOf(projections), facts, parked)
  const folded = fold(planned, parked)
  return { changed: folded.changed, parkings: [...planned.parkings, ...folded.parkings] }
}

test('the keys of an index all go up: a list by several of them is read from either end', () => {
  for (const { name, indexes = [] } of projections)
    for (const { key } of indexes)
      assert.equal(new Set(Object.values(key)), new Set([1]), `${name} ${Object.keys(key)}`)
})

test('facts of one key are folded in order into one write', () => {
  const facts = recorded([counted('a', 1), counted('b', 5), counted('a', 2)])
  const { changed, parkings } = run([counters], facts)
  assert.is(parkings.length, 0)
  assert.equal(
    changed.map(({ key, existed, document, at }) => [key, existed, (document as { total: number }).total, at]),
    [
      ['a', false, 3, 300n],
      ['b', false, 5, 200n],
    ],
  )
})

test('a projection is offered only the types it wants', () => {
  const { changed } = run([counters, journal], recorded([noted('x')]))
  assert.equal(
    changed.map(({ projection }) => projection.name),
    ['journal'],
  )
})

test('a document that comes and goes within a batch is not written', () => {
  assert.is(run([counters], recorded([counted('a', 1), dropped('a')])).changed.length, 0)
})

test('a document that the store has is deleted', () => {
  const [fact] = recorded([dropped('a')])
  const held: CacheEntry = { document: { name: 'a', total: 1, facts: 1, last: null }, at: 1n }
  const planned = planFor(counters, 'a', [fact!])
  fill(planned.copies[0]!, held)
  const { changed } = fold(planned, createParkedNames())
  assert.is(changed.length, 1)
  assert.is(changed[0]!.document, null)
  assert.ok(changed[0]!.existed)
})

test('a fact that a document has seen is not shown again', () => {
  const facts = recorded([counted('a', 1), counted('a', 2)])
  const held: CacheEntry = { document: { name: 'a', total: 1, facts: 1, last: null }, at: 100n }
  const planned = planFor(counters, 'a', facts)
  fill(planned.copies[0]!, held)
  const { changed } = fold(planned, createParkedNames())
  assert.is((changed[0]!.document as { total: number }).total, 3)
})

test('evolve that throws parks its key and all that follows there, and nothing else', () => {
  const facts = recorded([counted('a', 1), counted('a', -1), counted('b', 7), counted('a', 4)])
  const parked = createParkedNames()
  const { changed, parkings } = run([counters, journal], facts, parked)
  assert.equal(
    changed
      .filter(({ projection }) => projection.name === 'counters')
      .map(({ key, document }) => [key, (document as { total: number }).total]),
    [
      ['a', 1],
      ['b', 7],
    ],
  )
  assert.is(changed.filter(({ projection }) => projection === journal).length, 4)
  assert.equal(
    parkings.map(({ projection, key, fact, error }) => [projection, key, fact.revision, error !== undefined]),
    [
      ['counters', 'a', 1n, true],
      ['counters', 'a', 3n, false],
    ],
  )
  assert.ok(parked.has('counters', 'a'))
  const next = run([counters], recorded([counted('a', 1)], { from: 10 }), parked)
  assert.is(next.changed.length, 0)
  assert.is(next.parkings[0]!.error, undefined)
})

test('keys that throw park the whole stream for that projection', () => {
  const fussy: Projection = {
    ...journal,
    name: 'fussy',
    keys(fact) {
      if (fact.type === 'Noted') throw new Error('no key')
      return [fact.id]
    },
  }
  const parked = createParkedNames()
  const { changed, parkings } = run([fussy], recorded([counted('a', 1), noted('x'), counted('a', 2)]), parked)
  assert.is(changed.length, 1)
  assert.equal(
    parkings.map(({ key, fact }) => [key, fact.revision]),
    [
      [streamKey('s-1'), 1n],
      [streamKey('s-1'), 2n],
    ],
  )
})

test('a stream parked for all projections goes nowhere', () => {
  const parked = createParkedNames([['*', 's-1']])
  const { changed, parkings } = run([counters, journal], recorded([counted('a', 1)]), parked)
  assert.is(changed.length, 0)
  assert.equal(
    parkings.map(({ projection, key }) => [projection, key]),
    [['*', 's-1']],
  )
})

test('the laws hold for the projections of these tests', () => {
  const facts = recorded([
    counted('a', 1),
    counted('b', 2),
    dropped('a'),
    counted('a', 3),
    noted('n'),
    counted('b', 2),
    dropped('b'),
  ])
  const documents = assertLaws(counters, facts)
  assert.equal(Object.keys(documents), ['a'])
  assert.is(Object.keys(assertLaws(journal, facts)).length, facts.length)
})

test('the laws find a projection that depends on the batch', () => {
  let calls = 0
  const counting: Projection = { ...counters, evolve: () => ({ calls: ++calls }) }
  assert.throws(() => assertLaws(counting, recorded([counted('a', 1), counted('a', 1)])))
  const undefinedMatters: Projection = {
    ...counters,
    evolve: (document) => (document === null ? { x: undefined } : { seen: 'x' in document }),
  }
  assert.throws(() => assertLaws(undefinedMatters, recorded([counted('a', 1), counted('a', 1)])))
  const twoFacts: Projection = { ...journal, keys: () => ['same'] }
  assert.throws(
    () =>
      project(
        twoFacts,
        recorded([noted('a'), noted('b')]).map((fact) => [fact]),
      ),
    /insertOnly/,
  )
})

test.run()
