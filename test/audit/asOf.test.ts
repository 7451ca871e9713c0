// States as of a point: what the auditor is told equals an independent fold of the exported lines, at points drawn at random.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type TestNode, testNode } from '../system/node.ts'
import { linesOf, populate } from './shop.ts'

interface Line {
  readonly stream: string
  readonly revision: string
  readonly type: string
  readonly data: Readonly<Record<string, unknown>> & { readonly segment?: { readonly id: string } }
  readonly metadata: { readonly now: number }
}

const POINTS = process.env.SOAK === '1' ? 500 : 50
const test = suite('as of')
let node: TestNode

test.before(async () => {
  node = await testNode({ DELIVERY: 'off' })
  await populate(node, 6)
  for (let i = 0; i < 6; i++) {
    await node.call('PUT', `/v1/customers/c${i}`, { name: `Name ${i}`, metadata: { tier: i } })
    await node.call('PUT', `/v1/customers/c${i}`, { name: `Other ${i}` })
  }
})
test.after(() => node.end())

/** Name and segments by a few lines that share nothing with the product. */
const foldOf = (lines: readonly Line[]) => {
  const state = { name: null as unknown, segments: new Set<string>() }
  for (const { type, data } of lines) {
    if (type === 'CustomerUpdated') {
      const { name } = data.changes as { name?: unknown }
      if (name !== undefined) state.name = name
    }
    if (type === 'SegmentEntered') state.segments.add(data.segment!.id)
    if (type === 'SegmentLeft') state.segments.delete(data.segment!.id)
  }
  return { name: state.name, segments: [...state.segments].sort() }
}

test('equal the fold of what is exported, by revision and by time', async () => {
  const seed = Date.now() % 2 ** 31
  let drawn = seed
  const random = (below: number): number => {
    drawn = (Math.imul(drawn, 1_103_515_245) + 12_345) & 0x7fffffff
    return Math.floor((drawn / 2 ** 31) * below)
  }
  const streams = new Map<string, Line[]>()
  for (const line of await linesOf<Line>(node, '/v1/audit/export'))
    if (line.stream?.startsWith('customer-')) streams.set(line.stream, [...(streams.get(line.stream) ?? []), line])
  const all = [...streams.values()]
  assert.is(all.length, 6)
  let changed = 0
  for (let n = 0; n < POINTS; n++) {
    const lines = all[random(all.length)]!
    const line = lines[random(lines.length)]!
    const byTime = n % 2 === 1
    const known = byTime
      ? lines.filter(({ metadata }) => metadata.now <= line.metadata.now)
      : lines.filter(({ revision }) => Number(revision) <= Number(line.revision))
    const point = byTime ? `time=${new Date(line.metadata.now).toISOString()}` : `revision=${line.revision}`
    const id = line.stream.slice('customer-'.length)
    const { status, body } = await node.call('GET', `/v1/audit/customers/${id}?${point}`, undefined, { as: 'auditor' })
    assert.is(status, 200, `seed ${seed}: ${JSON.stringify(body)}`)
    const expected = foldOf(known)
    assert.equal(
      { name: body.name, segments: body.segments.map((one: { id: string }) => one.id).sort() },
      expected,
      `seed ${seed}, ${id} as of ${point}`,
    )
    assert.is(body.revision, known.at(-1)!.revision)
    if (expected.name !== null) changed++
  }
  assert.ok(changed > 0, `seed ${seed}: some points lie after a change`)
})

test.run()
