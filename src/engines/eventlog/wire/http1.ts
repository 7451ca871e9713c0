// The few HTTP/1.1 answers that health checks and tools ask for on the same port.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Identity, SERVER_VERSION } from '../services/features.ts'

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

export const createHttpHandler =
  (identity: () => Identity): HttpHandler =>
  (request, response) => {
    request.resume()
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (request.method !== 'GET' && request.method !== 'HEAD') return empty(response, 404)
    switch (path) {
      case '/health/live':
      case '/health/ready':
        return empty(response, 204)
      case '/ping':
        return json(response, { msgTypeId: 0, text: 'Ping request successfully handled' })
      case '/info':
        return json(response, {
          dbVersion: SERVER_VERSION,
          state: 'leader',
          features: { projections: false, userManagement: false, atomPub: false },
          authentication: { type: 'insecure', properties: {} },
        })
      case '/gossip':
        return json(response, gossipOf(identity()))
      default:
        return empty(response, 404)
    }
  }
