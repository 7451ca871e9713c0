// Codes and cards from files: what is refused for good is told at once, and nothing of it is sent.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cardsOf } from '../../src/import/alone.ts'
import type { Client } from '../../src/import/client.ts'
import { mayPass } from '../../src/import/send.ts'

const issuing = (code: string): { readonly client: Client; readonly paths: string[] } => {
  const paths: string[] = []
  const client: Client = {
    send: async (_, path) => {
      paths.push(path)
      return { status: 200, body: { code, loyalty_card: { balance: 100 } }, unclear: false, isReplay: false }
    },
  }
  return { client, paths }
}
const reason = async (client: Client, row: object): Promise<unknown> => {
  const outcome = await cardsOf('p').send(client, JSON.stringify(row), 'n')
  return outcome.status === 'refused' ? (outcome.answer.body as { readonly message: string }).message : outcome.status
}

test('a code that is there is no conflict that passes', () => {
  const said = (code: number, key?: string) => mayPass({ code, ...(key === undefined ? {} : { key }) })
  assert.equal(
    ['duplicate_found', 'duplicate_event_id', 'holder_assignement_duplication', 'conflict', undefined].map((key) =>
      said(409, key),
    ),
    [false, false, false, true, true],
  )
  assert.equal([said(503), said(429), said(400), said(404)], [true, true, false, false])
})

test('a card: points below 0 are not sent, and another card of the customer is told', async () => {
  const { client, paths } = issuing('C1')
  assert.is(await reason(client, { code: 'C1', customer: 'ann', points: -1 }), 'points: must not be below 0')
  assert.is(await reason(client, { code: 'C1' }), 'customer: a card must have one')
  assert.equal(paths, [])
  assert.is(
    await reason(client, { code: 'C2', customer: 'ann', points: 5 }),
    'customer: ann has a card of the program already, C1',
  )
  assert.is(await reason(client, { code: 'C1', customer: 'ann', points: 100 }), 'recorded')
  assert.is(await reason(client, { code: 'C1', customer: 'ann', points: 0 }), 'recorded')
  assert.equal(paths.at(-1), '/v1/loyalties/members/C1/balance')
})

test.run()
