// Entry of the event log's worker thread.
import * as v from 'valibot'
import { serveInWorker } from '../host.ts'
import { startEventLog } from './index.ts'

const Options = v.object({
  dir: v.string(),
  port: v.optional(v.number()),
  host: v.optional(v.string()),
  maxBytes: v.optional(v.number()),
})

await serveInWorker((options) => startEventLog(v.parse(Options, options)))
