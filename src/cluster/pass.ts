// What a worker does not answer itself: requests about what goes on in the background, which is in the primary alone. They are handed
// over as they come, and the answers back.
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { FROM_ADDRESS } from '../http/server.ts'

/** The first part of such paths, or, below /v1, the second. */
const FIRST: ReadonlySet<string> = new Set(['', 'console', 'metrics', 'health', 'docs', 'openapi.json', 'exports'])
const SECOND: ReadonlySet<string> = new Set([
  'audit',
  'clock',
  'exports',
  'messages',
  'processes',
  'projections',
  'segments',
  'statistics',
])
/** Below them the last part says it: `/v1/orders/export`. */
const LAST: ReadonlySet<string> = new Set(['export'])

/** A path as the application sees it: with `..` followed, and escapes undone. */
const plain = (path: string): string => {
  if (!/%|\/\./.test(path)) return path
  const followed = URL.parse(`http://localhost${path}`)?.pathname ?? path
  try {
    return decodeURI(followed)
  } catch {
    return followed
  }
}

/** Whether the primary is to answer a request for this target. */
export const isForPrimary = (target: string): boolean => {
  const end = target.indexOf('?')
  const parts = plain(end < 0 ? target : target.slice(0, end)).split('/')
  const [, first = '', second = ''] = parts
  if (first !== 'v1') return FIRST.has(first) && target !== '/health/live'
  return SECOND.has(second) || LAST.has(parts.at(-1)!)
}

/** Requests under way at a time; further ones wait. */
const MAX_AT_ONCE = 256

export interface Passing {
  pass(incoming: IncomingMessage, outgoing: ServerResponse): boolean
  close(): void
}

/** Passes such requests on to a socket. `failed` answers one for which the primary cannot be reached. */
export const createPassing = (
  socketPath: string,
  failed: (outgoing: ServerResponse, error: Error) => void,
): Passing => {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_AT_ONCE })
  return {
    pass(incoming, outgoing) {
      const { url: path = '/', method, rawHeaders } = incoming
      if (!isForPrimary(path)) return false
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
      return true
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
