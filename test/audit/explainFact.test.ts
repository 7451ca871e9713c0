// The chain to a fact of a very long stream: found wherever its causes stand, with little of the stream in memory.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { explainFact } from '../../src/audit/explain.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import type { Services } from '../../src/services.ts'

const LONG = 20_000

const factOf = (n: number, cause?: number): RecordedFact => ({
  stream: 'customer-ann',
  revision: BigInt(n),
  position: BigInt(n),
  id: `f${n}`,
  type: 'CustomEventTracked',
  data: {},
  created: 0,
  metadata: { $correlationId: 'v-1', now: 0, ...(cause === undefined ? {} : { $causationId: `f${cause}` }) },
})

/** A stream in which each fact of `causes` has one before it, and how many facts were read of it. */
const streamOf = (causes: Readonly<Record<number, number>>) => {
  const counted = { read: 0 }
  const store = {
    async *readStream() {
      for (let n = 0; n < LONG; n++) {
        counted.read++
        yield factOf(n, causes[n])
      }
    },
  }
  return { counted, services: { store } as unknown as Services }
}
const chainTo = async (n: number, causes: Readonly<Record<number, number>>) => {
  const { services, counted } = streamOf(causes)
  const chain = await explainFact(services, `f${n}`, 'ann')
  return { revisions: chain?.map(({ revision }) => Number(revision)), ...counted }
}

test('causes just before, and at the other end of the stream', async () => {
  assert.equal(await chainTo(10, { 10: 9, 9: 8 }), { revisions: [8, 9, 10], read: 11 })
  const far = await chainTo(LONG - 1, { [LONG - 1]: LONG - 2, [LONG - 2]: 5, 5: 4 })
  assert.equal(far.revisions, [4, 5, LONG - 2, LONG - 1])
  assert.ok(far.read <= 2 * LONG, String(far.read))
})

test('a cause that is not there, and facts that lead to each other, end the chain', async () => {
  assert.equal((await chainTo(7, { 7: LONG + 1 })).revisions, [7])
  assert.is((await chainTo(7, { 7: 6, 6: 7 })).revisions?.length, 100)
  assert.is(await explainFact(streamOf({}).services, 'nothing', 'ann'), undefined)
})

test('whoever asked and does not wait any more ends it', async () => {
  const { services, counted } = streamOf({})
  const abort = new AbortController()
  abort.abort(new Error('over'))
  await explainFact(services, `f${LONG - 1}`, 'ann', abort.signal).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'over'),
  )
  assert.ok(counted.read <= 1)
})

test.run()
