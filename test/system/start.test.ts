// A start that waits for servers which take connections and say nothing: it can be called off at any moment.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loadConfig } from '../../src/config.ts'
import { createLogger } from '../../src/log.ts'
import { startNode } from '../../src/node.ts'
import { type Engine, startDocumentEngine } from '../projector/engines.ts'
import { until } from '../until.ts'

const sockets = new Set<Socket>()
const silent = createServer((socket) => {
  sockets.add(socket.on('error', () => undefined))
})
let port: number
let documents: Engine & { end(): Promise<void> }

test.before(async () => {
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  ;({ port } = silent.address() as AddressInfo)
  documents = await startDocumentEngine()
})
test.after(async () => {
  for (const socket of sockets) socket.destroy()
  silent.close()
  await documents?.end()
})

for (const [name, mongodbUrl, asked] of [
  ['both servers', () => `mongodb://127.0.0.1:${port}/?replicaSet=rs0`, 1],
  // A database on a server that answers: the start comes as far as the log.
  ['the event store', () => documents.url, 1],
] as const)
  test(`a start that is called off while ${name} hang ends, and frees what it has`, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tributary-start-'))
    const waiting = new AbortController()
    const before = sockets.size
    const config = loadConfig({
      EVENTSTORE_URL: `esdb://127.0.0.1:${port}?tls=false`,
      MONGODB_URL: mongodbUrl(),
      MONGODB_DATABASE: 'start',
      PORT: '0',
      HOST: '127.0.0.1',
      DATA_DIR: dir,
    })
    const started = startNode(config, createLogger('silent'), { signal: waiting.signal }).then(
      () => 'started',
      (error: unknown) => error,
    )
    await until(() => sockets.size >= before + asked)
    const reason = new Error('called off')
    waiting.abort(reason)
    assert.is(await started, reason)
    await rm(dir, { recursive: true, force: true })
  })

test.run()
