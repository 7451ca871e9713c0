// The bound of messages that browsers can have sent to one address in a day.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type AddressDocument, addressBounds } from '../../src/delivery/addresses.ts'

type Counts = Parameters<typeof addressBounds>[0]

/** The collection, as far as it is asked. */
const memory = () => {
  const documents = new Map<string, AddressDocument>()
  const counts = {
    findOne: async ({ _id }: { _id: string }) => documents.get(_id) ?? null,
    updateOne: async ({ _id }: { _id: string }, update: { $addToSet: { messages: string }; $set: { until: Date } }) => {
      const messages = new Set(documents.get(_id)?.messages)
      documents.set(_id, { _id, messages: [...messages.add(update.$addToSet.messages)], ...update.$set })
    },
    deleteMany: async ({ until }: { until: { $lte: Date } }) => {
      for (const [id, document] of documents) if (document.until <= until.$lte) documents.delete(id)
    },
  }
  return { documents, counts: counts as unknown as Counts }
}

const project = () => ({ customerKey: 'key', timeZone: 'Europe/Warsaw' })
const NOON = Date.parse('2026-03-02T11:00:00Z')
/** Midnight of Warsaw. */
const MIDNIGHT = Date.parse('2026-03-02T23:00:00Z')

test('so many a day of the project go to one address, however it is written; the others are not counted', async () => {
  const { documents, counts } = memory()
  const { take } = addressBounds(counts, { limit: 2, project })
  assert.is(await take('m1', 'email', 'Ann@Shop.example', NOON), true)
  assert.is(await take('m2', 'email', ' ann@shop.example', NOON), true)
  assert.is(await take('m3', 'email', 'ANN@shop.example', MIDNIGHT - 1), false)
  assert.is(
    await take('m1', 'email', 'ann@shop.example', MIDNIGHT - 1),
    true,
    'a message counts once, also when it is tried again',
  )
  assert.is(await take('m4', 'email', 'bob@shop.example', NOON), true)
  for (const [message, number] of [
    ['t1', '+48 600 100 200'],
    ['t2', '0048600100200'],
  ] as const)
    assert.is(await take(message, 'sms', number, NOON), true)
  assert.is(await take('t3', 'sms', '48600100200', NOON), false)
  assert.not.match(JSON.stringify([...documents.values()]), /ann|600100/i, 'no address is kept')
  assert.is(await take('m3', 'email', 'ann@shop.example', MIDNIGHT), true, 'the next day')
  assert.is(documents.size, 1, 'what is over is taken away')
})

test('none at all, when the bound is none', async () => {
  const { take } = addressBounds(memory().counts, { limit: 0, project })
  assert.is(await take('m1', 'email', 'ann@shop.example', NOON), false)
})

test.run()
