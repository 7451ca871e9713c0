// What a query is held against: a Hono route that asks the driver for one document and answers with two of its fields.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { MongoClient } from 'mongodb'

const client = new MongoClient(process.env.MONGODB_URL ?? '', { maxPoolSize: 32 })
const [found] = await client
  .db(process.env.MONGODB_DATABASE)
  .listCollections({ name: /^loyaltyCards/ })
  .toArray()
const cards = client.db(process.env.MONGODB_DATABASE).collection(found?.name ?? 'loyaltyCards')

const app = new Hono()
app.get('/cards/:code', async (c) => {
  const card = await cards.findOne({ code: c.req.param('code') })
  return card ? c.json({ total: card.card.total, balance: card.card.balance }) : c.json({}, 404)
})
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (info) => {
  process.stdout.write(`listens on http://127.0.0.1:${info.port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
