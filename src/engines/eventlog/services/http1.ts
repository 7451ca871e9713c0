// The few HTTP/1.1 answers that health checks and tools ask for on the same port.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { TLSSocket } from 'node:tls'
import * as v from 'valibot'
import type { Admission } from '../admission.ts'
import { type Faults, Injection, RandomFaults } from '../faults.ts'
import { type Identity, SERVER_VERSION } from './features.ts'

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void

const json = (response: ServerResponse, body: unknown) => {
  const text = JSON.stringify(body, null, 2)
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

const empty = (response: ServerResponse, status: number) => {
  response.writeHead(status, { 'content-length': 0 })
  response.end()
}

const refused = (response: ServerResponse, status: number, why: string) => {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
  response.end(`${why}\n`)
}

/** Whether requests have to be encrypted, and who may send instructions. */
export interface HttpAccess {
  readonly isSecure: boolean
  readonly admit: Admission
}

const gossipOf = ({ instanceId, host, port }: Identity) => ({
  members: [
    {
      instanceId,
      timeStamp: new Date().toISOString(),
      state: 'Leader',
      isAlive: true,
      httpEndPointIp: host,
      httpEndPointPort: port,
      isReadOnlyReplica: false,
    },
  ],
  serverIp: host,
  serverPort: port,
})

/** Longest body of a request in the test mode, bytes. */
const MAX_BODY = 64 * 1024

/** One instruction of the test mode. */
const Instruction = v.variant('do', [
  v.object({ do: v.literal('inject'), fault: Injection }),
  v.object({ do: v.literal('random'), faults: RandomFaults }),
  v.object({ do: v.literal('refuse'), on: v.boolean() }),
  v.object({ do: v.literal('clear') }),
])

const instruct = (faults: Faults, instruction: v.InferOutput<typeof Instruction>) => {
  switch (instruction.do) {
    case 'inject':
      return faults.inject(instruction.fault)
    case 'random':
      return faults.random(instruction.faults)
    case 'refuse':
      return faults.refuse(instruction.on)
    case 'clear':
      return faults.clear()
    default:
      return instruction satisfies never
  }
}

/** `POST /test/faults` with one instruction as JSON; the answer says which faults have happened so far. */
const serveFaults = (request: IncomingMessage, response: ServerResponse, faults: Faults) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    body += chunk
    if (body.length > MAX_BODY) request.destroy()
  })
  request.on('end', () => {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Instruction), body)
    if (!parsed.success) return empty(response, 400)
    instruct(faults, parsed.output)
    json(response, faults.happened())
  })
}

/** Answers health checks and tools, whoever asks, and, when there are `faults`, the instructions of the test mode. */
export const createHttpHandler =
  (identity: () => Identity, faults: Faults | undefined, access: HttpAccess): HttpHandler =>
  (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const isEncrypted = request.socket instanceof TLSSocket
    if (access.isSecure && !isEncrypted) {
      request.resume()
      return refused(response, 400, 'This event log is served over TLS only: ask by https://')
    }
    if (faults !== undefined && path === '/test/faults' && request.method === 'POST') {
      if (access.admit({ isEncrypted, authorization: request.headers.authorization }) !== undefined) {
        request.resume()
        return refused(response, 401, 'name or password is missing or wrong')
      }
      serveFaults(request, response, faults)
      return
    }
    request.resume()
    if (request.method !== 'GET' && request.method !== 'HEAD') return empty(response, 404)
    switch (path) {
      case '/health/live':
        return empty(response, 204)
      case '/ping':
        return json(response, { msgTypeId: 0, text: 'Ping request successfully handled' })
      case '/info':
        return json(response, {
          dbVersion: SERVER_VERSION,
          state: 'leader',
          features: { projections: false, userManagement: false, atomPub: false },
          authentication: { type: access.isSecure ? 'internal' : 'insecure', properties: {} },
        })
      case '/gossip':
        return json(response, gossipOf(identity()))
      default:
        return empty(response, 404)
    }
  }
