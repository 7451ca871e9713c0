// A server of the document protocol that answers at once, without a store: what the driver does against it is the driver's
// own ceiling. Runs in a process of its own.
import { createServer } from 'node:net'
import { rawField } from '../../src/engines/documents/bson.ts'
import type { Encodable } from '../../src/engines/documents/bson-encode.ts'
import { Double } from '../../src/engines/documents/values.ts'
import { answerTo, createFramer, MAX_MESSAGE, parseRequest, type Request } from '../../src/engines/documents/wire.ts'
import { serveHosted } from '../../src/engines/hosted.ts'

const OK = new Double(1)
const FOUND = { _id: 1, customer: 'cust_1', text: 'x'.repeat(250) }

const greeting = (address: string): { readonly [name: string]: Encodable } => ({
  isWritablePrimary: true,
  ismaster: true,
  helloOk: true,
  hosts: [address],
  setName: 'rs0',
  setVersion: 1,
  primary: address,
  me: address,
  maxBsonObjectSize: 16 * 1024 * 1024,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  localTime: new Date(),
  logicalSessionTimeoutMinutes: 30,
  minWireVersion: 0,
  maxWireVersion: 21,
  ok: OK,
})

const answer = (request: Request, address: string): { readonly [name: string]: Encodable } => {
  if (rawField(request.body, 'find')) return { cursor: { firstBatch: [FOUND], id: 0n, ns: 'a.b' }, ok: OK }
  const [documents] = request.sequences.values()
  if (documents) return { n: documents.length, nModified: documents.length, ok: OK }
  return greeting(address)
}

serveHosted(
  'documents',
  () =>
    new Promise((resolve) => {
      const server = createServer((socket) => {
        const frame = createFramer(() => MAX_MESSAGE)
        socket.setNoDelay(true)
        socket.on('error', () => socket.destroy())
        socket.on('data', (chunk) => {
          for (const bytes of frame(chunk)) {
            const request = parseRequest(bytes)
            for (const part of answerTo(request, answer(request, address()))) socket.write(part)
          }
        })
      })
      const address = (): string => {
        const bound = server.address()
        return `127.0.0.1:${typeof bound === 'object' && bound ? bound.port : 0}`
      }
      server.listen(0, '127.0.0.1', () =>
        resolve({
          port: Number(address().split(':')[1]),
          url: `mongodb://${address()}/?replicaSet=rs0&directConnection=true`,
          stop: () =>
            new Promise((done) => {
              server.close(() => done())
            }),
        }),
      )
    }),
)
