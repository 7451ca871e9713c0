// What is worked out of one definition beside others: made again when what it looked at has changed, and only then.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { keptWhile, namedIn } from '../../src/domain/rulebook/keptWhile.ts'
import type { Definitions, Entry } from '../../src/domain/rulebook/kind.ts'
import { world } from '../given.ts'

type Named = { readonly name: string }

const segments = (all: Definitions) => all.entries.segment as unknown as ReadonlyMap<string, Entry<Named>>

/** Counts how often something is worked out by `read`, over changes of a rulebook with two segments. */
const counted = (read: (all: Definitions) => unknown) => {
  const w = world()
  const define = (id: string, name: string) => w.define('segment', id, { name, type: 'static', customers: [] })
  define('seg_1', 'one')
  define('seg_2', 'two')
  let made = 0
  const of = keptWhile((_: Entry<Named>, all) => {
    made++
    return read(all)
  })
  const entry: Entry<Named> = { id: 'x', revision: '0', definition: { name: 'x' } } as never
  return {
    define,
    rule: () => w.define('category', 'c1', { name: 'c1', hierarchy: 1 }),
    zone: (timeZone: string) => {
      const { project } = w.rulebook.definitions
      return of(entry, { ...w.rulebook.definitions, project: { ...project!, timeZone } })
    },
    ask: () => of(entry, w.rulebook.definitions),
    made: () => made,
  }
}

const names = (all: ReadonlyMap<string, Entry<Named>>) => [...all.values()].map(({ definition }) => definition.name)

const WHOLE: readonly (readonly [string, (all: Definitions) => unknown])[] = [
  ['values', (all) => names(segments(all))],
  ['size', (all) => segments(all).size],
  ['keys', (all) => [...segments(all).keys()].length],
  ['entries', (all) => [...segments(all).entries()].length],
  [
    'forEach',
    (all) => {
      const seen: string[] = []
      segments(all).forEach((_, id) => void seen.push(id))
      return seen
    },
  ],
  ['iteration', (all) => [...segments(all)].length],
]
for (const [how, read] of WHOLE)
  test(`a look at all of a kind (${how}) holds while none of the kind changes`, () => {
    const c = counted(read)
    c.ask()
    c.ask()
    c.rule()
    c.ask()
    assert.is(c.made(), 1)
    c.define('seg_3', 'three')
    c.ask()
    assert.is(c.made(), 2)
    c.define('seg_2', 'second')
    c.ask()
    c.ask()
    assert.is(c.made(), 3)
  })

test('a look at one by its id holds while that one stays; also where there is none', () => {
  const c = counted((all) => [segments(all).get('seg_1')?.definition.name, segments(all).has('seg_9')])
  assert.equal(c.ask(), ['one', false])
  c.define('seg_2', 'second')
  assert.equal([c.ask(), c.made()], [['one', false], 1])
  c.define('seg_1', 'first')
  assert.equal([c.ask(), c.made()], [['first', false], 2])
  c.define('seg_9', 'nine')
  assert.equal([c.ask(), c.made()], [['first', true], 3])
})

test('a look at one by its name holds while nobody else has the name', () => {
  const c = counted((all) => namedIn<Named>(all, 'segment').get('one')?.id)
  assert.is(c.ask(), 'seg_1')
  c.define('seg_2', 'second')
  assert.equal([c.ask(), c.made()], ['seg_1', 1])
  c.define('seg_1', 'first')
  assert.equal([c.ask(), c.made()], [undefined, 2])
  c.define('seg_2', 'one')
  assert.equal([c.ask(), c.made()], ['seg_2', 3])
})

test('a look at the project holds while its time zone stays', () => {
  const c = counted((all) => all.project?.timeZone)
  assert.equal([c.zone('Europe/Oslo'), c.zone('Europe/Oslo'), c.made()], ['Europe/Oslo', 'Europe/Oslo', 1])
  assert.equal([c.zone('Asia/Tokyo'), c.made()], ['Asia/Tokyo', 2])
})

test.run()
