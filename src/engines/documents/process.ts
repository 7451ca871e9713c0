// Entry of the document store's process: reads the options it was given and starts the store.
import * as v from 'valibot'
import { Login } from '../access.ts'
import { serveHosted } from '../hosted.ts'
import { startDocumentStore } from './index.ts'

const Options = v.object({
  dir: v.string(),
  access: v.union([v.literal('open'), Login]),
  port: v.optional(v.number()),
  host: v.optional(v.string()),
  enableTestCommands: v.optional(v.boolean()),
})

const start = (given: unknown) => {
  const { dir, access, port, host, enableTestCommands } = v.parse(Options, given)
  return startDocumentStore({
    dir,
    access,
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
    ...(enableTestCommands !== undefined && { enableTestCommands }),
  })
}

serveHosted('documents', start)
