// What intake is held against: a Hono route that parses the same body with the same schema and answers at once.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import * as v from 'valibot'
import { TrackBody } from '../../commands/eventRecording.ts'

const app = new Hono()
app.post('/v1/events', async (c) => {
  const body = v.parse(TrackBody, await c.req.json())
  return c.json({ object: 'event', type: body.event })
})
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (info) => {
  process.stdout.write(`listens on http://127.0.0.1:${info.port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
