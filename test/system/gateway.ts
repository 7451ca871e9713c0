// What stands in front of a node whose servers are in trouble: a gateway that does what the API asks of its clients. It
// names each change by an Idempotency-Key and sends it again, the same, when the answer is 503 with Retry-After, and its queries
// wait for what was written as long as they can.
import { randomUUID } from 'node:crypto'
import { Agent, createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Gateway {
  readonly url: string
  close(): Promise<void>
}

/** How long one request is tried again, ms. */
const PATIENCE_MS = 30_000

interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

const bodyOf = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export const startGateway = async (target: string): Promise<Gateway> => {
  const agent = new Agent({ keepAlive: true })
  const once = (method: string, path: string, headers: IncomingHttpHeaders, body: Buffer): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const sent = request(target + path, { method, headers, agent, setHost: false }, (answer) => {
        bodyOf(answer).then(
          (got) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: got }),
          reject,
        )
      })
      sent.on('error', reject).end(body)
    })

  const server = createServer(async (incoming, outgoing) => {
    const { method = 'GET', url: path = '/', headers } = incoming
    try {
      const body = await bodyOf(incoming)
      const changes = method !== 'GET' && headers['idempotency-key'] === undefined
      const named = {
        prefer: 'wait=10',
        ...headers,
        ...(changes ? { 'idempotency-key': randomUUID() } : {}),
      }
      const end = Date.now() + PATIENCE_MS
      let reply = await once(method, path, named, body)
      while (reply.status === 503 && reply.headers['retry-after'] !== undefined && Date.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        reply = await once(method, path, named, body)
      }
      outgoing.writeHead(reply.status, reply.headers).end(reply.body)
    } catch (error) {
      outgoing.writeHead(502).end(String(error))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
