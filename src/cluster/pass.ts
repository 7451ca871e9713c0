// How a worker hands over to the primary what that alone can answer: requests as they come, and the answers back. Which these are, their
// routes say (`isOfPrimary`).
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { FROM_ADDRESS } from '../http/server.ts'

/** Requests under way at a time; further ones wait. */
const MAX_AT_ONCE = 256

export interface Passing {
  pass(incoming: IncomingMessage, outgoing: ServerResponse): void
  close(): void
}

/** Passes requests on to a socket. `failed` answers one for which the primary cannot be reached. */
export const createPassing = (
  socketPath: string,
  failed: (outgoing: ServerResponse, error: Error) => void,
): Passing => {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_AT_ONCE })
  return {
    pass(incoming, outgoing) {
      const { url: path = '/', method, rawHeaders } = incoming
      // As they came, those that are there twice too; what the other side says of an address is not believed.
      const headers: string[] = []
      for (let at = 0; at < rawHeaders.length; at += 2)
        if (!NOT_PASSED.has(rawHeaders[at]!.toLowerCase())) headers.push(rawHeaders[at]!, rawHeaders[at + 1]!)
      headers.push(FROM_ADDRESS, incoming.socket.remoteAddress ?? '')
      // HTTP/1.0 needs none, and is what load balancers ask for `/health/ready` in; it goes on as 1.1.
      if (incoming.headers.host === undefined) headers.push('Host', 'localhost')
      const asked = request({ agent, socketPath, path, method, headers: headers as never }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.statusMessage, withoutConnection(answer.rawHeaders))
        answer.pipe(outgoing)
        answer.on('error', () => outgoing.destroy())
      })
      // Whoever has left is told nothing, and it is nobody's fault.
      asked.on('error', (error) => outgoing.destroyed || failed(outgoing, error))
      outgoing.once('close', () => asked.destroy())
      incoming.pipe(asked)
    },
    close: () => agent.destroy(),
  }
}

/** How long a connection is kept is between its two ends. */
const OWN: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding'])
const NOT_PASSED: ReadonlySet<string> = new Set(['connection', 'keep-alive', FROM_ADDRESS])

const withoutConnection = (raw: readonly string[]): string[] => {
  const headers: string[] = []
  for (let at = 0; at < raw.length; at += 2) if (!OWN.has(raw[at]!.toLowerCase())) headers.push(raw[at]!, raw[at + 1]!)
  return headers
}
