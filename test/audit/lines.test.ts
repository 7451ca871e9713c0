// Answers of lines: what waits for a reader, what ends with it, and how many there may be at a time.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bodyOfLines, linesIn, linesOfRun } from '../../src/audit/lines.ts'
import { createLongRuns } from '../../src/audit/longRuns.ts'
import { route } from '../../src/http/route.ts'
import { serverKey, toyApp } from '../http/toy.ts'
import { until } from '../until.ts'

const all = async <T>(items: AsyncIterable<T>): Promise<readonly T[]> => {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

test('what a run says comes in its order, each once its reader is ready for it, and then its end', async () => {
  let said = 0
  const lines = linesOfRun(async (_tell: (progress: never) => void, say) => {
    for (let n = 0; n < 50; n++) {
      await say({ n })
      said++
    }
    return 'done'
  })
  assert.is((await lines.next()).value, '{"n":0}')
  assert.is((await lines.next()).value, '{"n":1}')
  assert.ok(said <= 2, String(said))
  const rest = await all(lines)
  assert.equal(rest, [...Array.from({ length: 48 }, (_, i) => `{"n":${i + 2}}`), '{"end":"done"}'])
})

test('a run whose reader leaves is told so, wherever it stands', async () => {
  for (const taken of [0, 1, 3]) {
    let ended: unknown
    const body = bodyOfLines((signal) =>
      linesOfRun(async (_tell: (progress: never) => void, say) => {
        try {
          for (let n = 0; ; n++) await say({ n })
        } catch (error) {
          ended = [signal.aborted, (error as Error).message]
          throw error
        }
      }),
    )
    const reader = body.getReader()
    for (let n = 0; n < taken; n++) await reader.read()
    await new Promise(setImmediate)
    await reader.cancel()
    await until(() => ended !== undefined, Boolean)
    assert.equal(ended, [true, 'the reader has gone'])
  }
})

async function* endless(signal: AbortSignal): AsyncGenerator<string> {
  for (let n = 0; !signal.aborted; n++) yield `{"n":${n}}`
}

test('a reader that takes nothing is gone after a while, and its place is free', async () => {
  let isOver = false
  const body = bodyOfLines(endless, { idleMs: 20, onEnd: () => (isOver = true) })
  await until(() => isOver, Boolean)
  const reader = body.getReader()
  await reader.read().then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'the reader has gone'),
  )
})

test('there are only so many at a time, whichever way they end', async () => {
  const runs = createLongRuns()
  const taken = []
  for (;;) {
    const answer = runs.answer(endless)
    if ('failed' in answer) {
      assert.is(answer.status, 503)
      assert.ok(answer.retryAfter)
      break
    }
    taken.push(answer.raw!.content as ReadableStream<Uint8Array>)
  }
  assert.is(runs.active, taken.length)
  assert.ok(taken.length >= 2 && taken.length <= 16, String(taken.length))
  for (const body of taken) await body.cancel()
  assert.is(runs.active, 0)

  const ways = {
    'its end': async function* () {
      yield '{"end":1}'
    },
    // biome-ignore lint/correctness/useYield: it fails before it says anything.
    'a failure': async function* (): AsyncGenerator<string> {
      throw new Error('the log is broken')
    },
  }
  for (const [way, make] of Object.entries(ways)) {
    const answer = runs.answer(make)
    assert.ok('raw' in answer)
    assert.is((await all(linesIn(answer.raw!.content as never))).length, 1)
    assert.is(runs.active, 0, way)
  }
})

test('HEAD of an answer of lines, and an answer that comes too late, leave nothing under way', async () => {
  const runs = createLongRuns()
  let isLate = false
  const lines = route({
    method: 'get',
    path: '/v1/lines',
    summary: 'lines',
    tag: 'lines',
    permission: 'audit.read',
    handler: async (call) => {
      if (isLate) await new Promise((resolve) => call.signal.addEventListener('abort', resolve))
      return runs.answer(endless)
    },
  })
  const { app } = toyApp({ requestTimeLimitMs: 20 }, [lines])
  const head = await app.request('/v1/lines', { method: 'HEAD', headers: serverKey('auditor') })
  assert.is(head.status, 200)
  assert.is(runs.active, 0)
  isLate = true
  assert.is((await app.request('/v1/lines', { headers: serverKey('auditor') })).status, 503)
  await until(() => runs.active === 0, Boolean)
})

test.run()
