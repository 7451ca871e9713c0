// A shop with segments, points and messages for tests of the auditor, and its questions over HTTP.
import * as assert from 'uvu/assert'
import type { Verification } from '../../src/audit/verify.ts'
import type { Answer, TestNode } from '../system/node.ts'

const ok = (answer: Answer): Answer => {
  assert.is(answer.status, 200, JSON.stringify(answer.body))
  return answer
}

export const buy = (node: TestNode, who: string, amount: number): Promise<Answer> =>
  node.call('POST', '/v1/events', {
    event: 'bought',
    customer: { source_id: who, email: `${who}@shop.test` },
    metadata: { amount },
  })

export interface Shop {
  readonly program: string
  readonly segment: string
  readonly rule: string
  readonly distribution: string
}

/** Definitions of every kind that follows from an event, and `customers` who bought 1 to 6 times. */
export const populate = async (node: TestNode, customers = 12): Promise<Shop> => {
  const admin = { as: 'admin' } as const
  ok(
    await node.call(
      'POST',
      '/v1/event-schemas',
      { name: 'bought', schema: { properties: { amount: { type: 'number', optional: true } } } },
      admin,
    ),
  )
  const segment = ok(
    await node.call('POST', '/v1/segments', {
      name: 'keen',
      type: 'auto-update',
      condition: { event: 'bought', count: { $more_than_equal: 3 }, within: 'P30D' },
    }),
  ).body.id
  const program = ok(
    await node.call('POST', '/v1/loyalties', {
      name: 'points',
      voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 0 } },
    }),
  ).body.id
  const rule = ok(
    await node.call('POST', `/v1/loyalties/${program}/earning-rules`, [
      { event: 'bought', loyalty: { type: 'FIXED', points: 7 } },
    ]),
  ).body[0].id
  const distribution = ok(
    await node.call('POST', '/v1/distributions', {
      name: 'welcome',
      trigger: { type: 'segment_entered', segment_id: segment },
      channel: { type: 'email', subject: 'Hello', text: 'Thank you' },
    }),
  ).body.id
  for (let i = 0; i < customers; i++)
    ok(await node.call('POST', `/v1/loyalties/${program}/members`, { customer: { source_id: `c${i}` } }))
  for (let i = 0; i < customers; i++) for (let n = 0; n <= i % 6; n++) ok(await buy(node, `c${i}`, n + 1))
  return { program, segment, rule, distribution }
}

/** Lines of an answer, parsed. */
export const linesOf = async <T>(node: TestNode, path: string): Promise<readonly T[]> => {
  const answer = await fetch(node.url + path, { headers: node.headers('auditor') })
  const text = await answer.text()
  assert.is(answer.status, 200, text)
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}

/** What a run ended with. */
export const endOf = async <T>(node: TestNode, path: string): Promise<T> => {
  const lines = await linesOf<{ end?: T }>(node, path)
  const end = lines.at(-1)?.end
  assert.ok(end, JSON.stringify(lines.at(-1)))
  return end
}

export const verified = (node: TestNode, query = ''): Promise<Verification> =>
  endOf<Verification>(node, `/v1/audit/verify${query}`)
