// A scripted stand-in for the HTTP API of a node: keeps events by id, and misbehaves on demand.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface StoredEvent {
  readonly id: string
  readonly event: string
  readonly customer: { readonly source_id: string }
  readonly occurred_at?: string
  readonly metadata: Readonly<Record<string, unknown>>
}

/** What to do with one batch: `answer` it, or fail before or after keeping it. */
export type Mood = 'answer' | '503 before' | '503 after' | 'cut before' | 'cut after' | 'busy items'

export interface ScriptedServer {
  readonly url: string
  /** Recorded events in the order in which they came. */
  readonly events: readonly StoredEvent[]
  readonly batches: number
  readonly schemas: Map<string, unknown>
  /** Customers by the key of the request that made them. */
  readonly customers: Map<string, unknown>
  /** Decides over each batch that is no dry run; default: answer. */
  mood: (batch: number) => Mood
  /** Why an event is refused; undefined records it. */
  refuses: (event: StoredEvent) => string | undefined
  stop(): Promise<void>
}

export const TOKEN = 'the right token 16'

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const reply = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

export const scriptedServer = async (): Promise<ScriptedServer> => {
  const byId = new Map<string, StoredEvent>()
  const schemas = new Map<string, unknown>()
  const customers = new Map<string, unknown>()
  const sockets = new Set<Socket>()
  let batches = 0

  const resultOf = (event: StoredEvent, index: number, keep: boolean) => {
    const unknown = schemas.has(event.event) ? undefined : { resource_type: 'custom_event_schema' }
    const reason = unknown ? 'no event schema' : server.refuses(event)
    if (reason !== undefined)
      return { index, status: 'refused', error: { code: 400, message: 'Refused', details: reason, ...unknown } }
    if (byId.has(event.id)) return { index, status: 'repeated', id: event.id }
    if (keep) byId.set(event.id, event)
    return { index, status: 'recorded', id: event.id }
  }

  const batch = (text: string, dryRun: boolean, response: ServerResponse) => {
    if (text.includes('"spoils"')) return reply(response, 400, { code: 400, message: 'Invalid', details: 'a bad name' })
    const { events } = JSON.parse(text) as { events: StoredEvent[] }
    const mood = dryRun ? 'answer' : server.mood(++batches)
    const results = events.map((event, index) =>
      mood === 'busy items' && index % 2 === 1
        ? { index, status: 'refused', error: { code: 409, message: 'Conflict' } }
        : resultOf(event, index, !dryRun && !mood.endsWith('before')),
    )
    if (mood.startsWith('503')) return reply(response, 503, { code: 503, message: 'Later' }, { 'Retry-After': '0' })
    if (mood.startsWith('cut')) {
      response.socket?.destroy()
      return
    }
    reply(response, 200, { object: 'list', data: results })
  }

  const http = createServer(async (request, response) => {
    const text = await textOf(request)
    if (request.headers['x-app-token'] !== TOKEN) return reply(response, 401, { code: 401, message: 'Unauthorized' })
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    switch (`${request.method} ${pathname}`) {
      case 'GET /v1/event-schemas':
        return reply(response, 200, { data: [...schemas.keys()].map((name) => ({ name })) })
      case 'POST /v1/event-schemas': {
        const schema = JSON.parse(text) as { name: string }
        schemas.set(schema.name, schema)
        return reply(response, 200, schema)
      }
      case 'POST /v1/customers': {
        const customer = JSON.parse(text) as { source_id: string }
        const key = String(request.headers['idempotency-key'])
        if (customer.source_id === 'bad') return reply(response, 400, { code: 400, message: 'Invalid payload' })
        const isReplay = customers.has(key)
        customers.set(key, customer)
        return reply(response, 200, customer, isReplay ? { 'Idempotent-Replayed': 'true' } : {})
      }
      case 'POST /v1/events/batch':
        return batch(text, searchParams.get('dry_run') === 'true', response)
      default:
        return reply(response, 404, { code: 404, message: 'Resource not found' })
    }
  })
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const server: ScriptedServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    get events() {
      return [...byId.values()]
    },
    get batches() {
      return batches
    },
    schemas,
    customers,
    mood: () => 'answer',
    refuses: () => undefined,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        http.close(() => resolve())
      }),
  }
  return server
}
