// Receivers for tests of delivery: an HTTP server that does what each test tells it, and remembers what it was sent.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeNextLook } from '../until.ts'

export interface Received {
  readonly id: string
  readonly path: string
  readonly body: string
  readonly headers: IncomingMessage['headers']
  readonly at: number
}

export type Behaviour = (request: Received, response: ServerResponse, incoming: IncomingMessage) => void

export const answer =
  (status: number, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  (_, response) => {
    response.writeHead(status, headers).end('{}')
  }

export interface Receiver {
  readonly url: string
  readonly port: number
  readonly received: Received[]
  behaviour: Behaviour
  /** Resolves once `test` holds; fails after `ms`. */
  until(test: (received: readonly Received[]) => boolean, ms?: number): Promise<void>
  close(): Promise<void>
}

export const startReceiver = async (behaviour: Behaviour = answer(200)): Promise<Receiver> => {
  const received: Received[] = []
  const waiting = new Set<() => void>()
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('error', () => undefined)
    incoming.on('end', () => {
      const request: Received = {
        id: String(incoming.headers['idempotency-key']),
        path: incoming.url ?? '',
        body: Buffer.concat(chunks).toString(),
        headers: incoming.headers,
        at: Date.now(),
      }
      received.push(request)
      receiver.behaviour(request, response, incoming)
      for (const look of [...waiting]) look()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    behaviour,
    until: (test, ms = 60_000) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!test(received)) return
          clearTimeout(timer)
          waiting.delete(look)
          resolve()
        }
        const timer = setTimeout(() => {
          waiting.delete(look)
          reject(new Error(`not received within ${ms} ms; there are ${received.length}`))
        }, ms)
        waiting.add(look)
        look()
      }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        // A server that is closed already says so by an error: closed is closed.
        server.close(() => resolve())
      }),
  }
  return closing(receiver)
}

/** Waits until `look` gives something; fails after `ms`. */
export const eventually = async <T>(look: () => Promise<T | undefined> | T | undefined, ms = 60_000): Promise<T> => {
  const began = performance.now()
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > began + ms) throw new Error(`did not come about within ${ms} ms`)
    await beforeNextLook(began)
  }
}

const left = new Set<() => unknown>()

/** Notes what must be closed at the end of a test, also of one that failed half way. */
export const closing = <T extends { close(): unknown }>(thing: T): T => {
  left.add(() => thing.close())
  return thing
}

/** For `test.after.each`. */
export const closeAll = async (): Promise<void> => {
  const all = [...left]
  left.clear()
  for (const close of all.reverse()) await close()
}
