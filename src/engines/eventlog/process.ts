// Entry of the event log's process.
import * as v from 'valibot'
import { SecureLogin } from '../access.ts'
import { serveHosted } from '../hosted.ts'
import { createFaults, startEventLog } from './index.ts'

const Options = v.object({
  dir: v.string(),
  access: v.union([v.literal('open'), SecureLogin]),
  port: v.optional(v.number()),
  host: v.optional(v.string()),
  maxBytes: v.optional(v.number()),
  /** Faults can be injected by HTTP at `/test/faults`. */
  testMode: v.optional(v.boolean(), false),
})

serveHosted('event log', (options) => {
  const { testMode, ...rest } = v.parse(Options, options)
  return startEventLog({ ...rest, faults: testMode ? createFaults() : undefined })
})
