// Many people are erased among more: the audits of the log find nothing amiss. In a long run ten thousand among a hundred thousand (or
// a tenth of SOAK_PEOPLE), and again after the files were compacted.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { linesIn } from '../../src/audit/lines.ts'
import { Block, checkSeal, sealOf } from '../../src/audit/seal.ts'
import { areGiven } from '../skip.ts'
import { isSoak, times } from '../soak.ts'
import { type TestNode, testNode } from '../system/node.ts'
import { tributary } from '../tributary.ts'

const PEOPLE = Number(process.env.SOAK_PEOPLE ?? times(100, 100_000))
const ERASED = PEOPLE / 10
const BATCH = 500

const test = suite('many erased')
let dir: string
let node: TestNode
const start = () => testNode({ REQUEST_TIME_LIMIT_MS: '600000', MASTER_KEY_FILE: join(dir, 'master.key') }, dir)

test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-many-erased-'))
  node = await start()
})
test.after(async () => {
  await node?.end()
  await rm(dir, { recursive: true, force: true })
})

/** The lines of an audit; its last one, `{"end": …}`, must have come. */
async function* linesOf(path: string): AsyncGenerator<Record<string, unknown>> {
  const answer = await fetch(node.url + path, { headers: node.headers('auditor') })
  assert.is(answer.status, 200, path)
  for await (const line of linesIn(answer.body!)) yield JSON.parse(line)
}
const endOf = async (path: string): Promise<ReturnType<typeof JSON.parse>> => {
  let end: unknown
  for await (const line of linesOf(path)) if ('end' in line) end = line.end
  assert.ok(end, path)
  return end
}
async function* blocks(until?: string) {
  for await (const line of linesOf(`/v1/audit/seal${until === undefined ? '' : `?until=${until}`}`)) {
    const block = v.safeParse(Block, line)
    if (block.success) yield block.output
  }
}
const sealedNow = async () => {
  const all = []
  for await (const block of blocks()) all.push(block)
  return sealOf(all)
}

const source = (n: number) => ({ source_id: `person-${n}`, name: `Name ${n}` })

/** All audits of the log; nothing is amiss, and the seal of before still holds. */
const audited = async (seal: Awaited<ReturnType<typeof sealedNow>>) => {
  const verified = await endOf('/v1/audit/verify')
  assert.ok(verified.holds, JSON.stringify(verified))
  assert.ok((await endOf('/v1/audit/laws')).holds)
  const decided = await endOf('/v1/audit/redecide')
  assert.equal([decided.different, decided.not_decided], [0, 0], JSON.stringify(decided))
  const until = seal.blocks.at(-1)!.position
  assert.is((await checkSeal(blocks(until), seal)).holds, true)
  return decided
}

test('a tenth is erased: verify, laws, redecide and the seal are clean', async () => {
  const admin = { as: 'admin' } as const
  const schema = { properties: { note: { type: 'string', personal: true }, stars: { type: 'number' } } }
  await node.call('POST', '/v1/event-schemas', { name: 'reviewed', schema }, admin)
  const filter = { junction: 'AND', 'metadata.stars': { conditions: { $more_than: [2] } } }
  await node.call('POST', '/v1/segments', { name: 'stars', type: 'auto-update', filter }, admin)
  for (let from = 0; from < PEOPLE; from += BATCH) {
    const events = Array.from({ length: Math.min(BATCH, PEOPLE - from) }, (_, i) => ({
      event: 'reviewed',
      customer: source(from + i),
      metadata: { note: `note ${from + i}`, stars: i % 5 },
    }))
    const answer = await node.call('POST', '/v1/events/batch', { events })
    assert.is(answer.status, 200, JSON.stringify(answer.body).slice(0, 300))
  }
  const seal = await sealedNow()
  const erase = async (n: number) => {
    const answer = await node.call('POST', `/v1/customers/person-${n}/permanent-deletion`)
    assert.is(answer.status, 200, JSON.stringify(answer.body))
  }
  for (let from = 0; from < ERASED; from += 20)
    await Promise.all(Array.from({ length: Math.min(20, ERASED - from) }, (_, i) => erase(10 * (from + i))))
  const decided = await audited(seal)
  assert.ok(decided.erased >= ERASED, JSON.stringify(decided))

  if (!isSoak || areGiven) return
  await node.stop()
  const { code, err } = await tributary(['compact', '--data', dir])
  assert.is(code, 0, err)
  node = await start()
  await audited(seal)
})

test.run()
