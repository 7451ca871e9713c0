// Listens: the application on a TCP port, replies to what is no HTTP, and a drain that lets running requests finish.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener, RequestError } from '@hono/node-server'
import { errorBody, type Failure, fail, newRequestId } from './errors.ts'

/** Anything with a web-standard `fetch`, as Hono applications have. */
export interface Fetcher {
  readonly fetch: (request: Request, env?: object) => Response | Promise<Response>
}

export interface ServeOptions {
  /** 0 takes any free port. */
  readonly port: number
  readonly host: string
  /** Milliseconds until a request's headers must be there; default 10,000. */
  readonly headersTimeoutMs?: number
  /** Milliseconds until a whole request must be there; default 60,000: the application's own limit answers before. */
  readonly receiveTimeoutMs?: number
  /** Milliseconds that an idle connection is kept; default 65,000, above the minute of common load balancers. */
  readonly keepAliveMs?: number
  /** Connections at a time; further ones are closed at once. Default 10,000. */
  readonly maxConnections?: number
  /** A socket of the machine to listen at instead, for processes of this node: who asks them is said by `FROM_ADDRESS`. */
  readonly socket?: string
}

/** The header in which a process of this node says from which address a request came that it passes on. */
export const FROM_ADDRESS = 'x-tributary-from-address'

export interface Running {
  readonly url: string
  readonly port: number
  /** Requests that are being answered now. */
  readonly active: () => number
  /**
   * Stops accepting, lets running requests finish, closes idle connections. After `deadlineMs` what still runs is cut off.
   * Resolves to the number of requests cut off. Calling it again gives the same promise.
   */
  readonly close: (deadlineMs: number) => Promise<number>
}

/** How often Node looks for connections that are over their time limits, as a share of the shortest of these: each look is a waking. */
const CHECK_SHARE = 1 / 4

const PARSER_FAILURES: Readonly<Record<string, Failure>> = {
  HPE_HEADER_OVERFLOW: fail('headers_too_large', 'The request line and headers may have at most 16 KiB'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: fail('payload_too_large', 'The chunk extensions are too long'),
  ERR_HTTP_REQUEST_TIMEOUT: fail('request_timeout', 'The request did not arrive in time'),
}
const NOT_HTTP = fail('invalid_request', 'This is not a valid HTTP request')

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  431: 'Request Header Fields Too Large',
}

/** A whole reply as text, for a connection on which Node has no request to reply to. */
const rawReply = (failure: Failure): string => {
  const body = JSON.stringify(errorBody(failure, newRequestId()))
  return [
    `HTTP/1.1 ${failure.status} ${REASONS[failure.status] ?? 'Error'}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}

const jsonResponse = (failure: Failure): Response =>
  new Response(JSON.stringify(errorBody(failure, newRequestId())), {
    status: failure.status,
    headers: { 'Content-Type': 'application/json' },
  })

const displayHost = (address: AddressInfo): string => {
  if (address.address === '0.0.0.0' || address.address === '::') return 'localhost'
  return address.family === 'IPv6' ? `[${address.address}]` : address.address
}

const isRunning = (outgoing: ServerResponse): boolean => !outgoing.writableFinished && !outgoing.destroyed

/** Serves an application. Rejects when the port cannot be had. */
export const serve = async (app: Fetcher, options: ServeOptions): Promise<Running> => {
  /** The last response of each open connection: all that a drain and a parser error need to know, at one write a request. */
  const last = new Map<Socket, ServerResponse | undefined>()
  const running = (): number => [...last.values()].filter((one) => one !== undefined && isRunning(one)).length
  let draining = false

  const { socket: path } = options
  /** Nobody but a process of this node can reach the socket. */
  const passedOn: Fetcher['fetch'] = (request) =>
    app.fetch(request, { incoming: { socket: { remoteAddress: request.headers.get(FROM_ADDRESS) ?? undefined } } })

  const listener = getRequestListener(path === undefined ? app.fetch : passedOn, {
    hostname: 'localhost',
    errorHandler: (error) =>
      jsonResponse(
        error instanceof RequestError
          ? fail('invalid_request', 'The request target or the Host header is not valid')
          : fail('internal_error'),
      ),
  })

  const take = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    last.set(incoming.socket, outgoing)
    if (draining) outgoing.shouldKeepAlive = false
    if (incoming.headers.host === undefined && incoming.httpVersion === '1.1') {
      // Node would refuse it too (RFC 9112, 3.2), but with an empty body.
      const body = JSON.stringify(errorBody(fail('invalid_request', 'Send a Host header'), newRequestId()))
      outgoing.statusCode = 400
      outgoing.shouldKeepAlive = false
      outgoing.setHeader('Content-Type', 'application/json').end(body)
      return
    }
    void listener(incoming, outgoing)
  }

  const headersTimeout = options.headersTimeoutMs ?? 10_000
  const requestTimeout = options.receiveTimeoutMs ?? 60_000
  const server = createServer(
    {
      headersTimeout,
      requestTimeout,
      keepAliveTimeout: options.keepAliveMs ?? 65_000,
      connectionsCheckingInterval: Math.ceil(CHECK_SHARE * Math.min(headersTimeout, requestTimeout)),
      noDelay: true,
      requireHostHeader: false,
    },
    take,
  )
  server.maxConnections = options.maxConnections ?? 10_000
  // An expectation that Node does not know would get a bare 417: the request itself says enough.
  server.on('checkExpectation', take)

  server.on('connection', (socket) => {
    last.set(socket, undefined)
    socket.once('close', () => last.delete(socket))
  })

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const outgoing = last.get(socket)
    const unanswered = outgoing !== undefined && isRunning(outgoing) ? outgoing : undefined
    if (unanswered?.req.complete === true) {
      // Garbage after a whole request: that request keeps its answer, then the connection ends.
      unanswered.shouldKeepAlive = false
      unanswered.once('close', () => socket.destroy())
      return
    }
    if (unanswered?.headersSent === true) {
      socket.destroy()
      return
    }
    socket.end(rawReply(PARSER_FAILURES[error.code ?? ''] ?? NOT_HTTP), () => socket.destroy())
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const listening = () => {
      server.off('error', reject)
      resolve()
    }
    if (path === undefined) server.listen(options.port, options.host, listening)
    else server.listen(path, listening)
  })
  const address = server.address()
  if (address === null || (typeof address === 'string' && path === undefined))
    throw new Error('The server listens on no TCP port')

  const drain = (deadlineMs: number): Promise<number> =>
    new Promise((resolve) => {
      let cut = 0
      draining = true
      for (const [socket, outgoing] of last) {
        if (outgoing === undefined || !isRunning(outgoing)) socket.destroySoon()
        else {
          if (!outgoing.headersSent) outgoing.shouldKeepAlive = false
          outgoing.once('close', () => socket.destroySoon())
        }
      }
      const deadline = setTimeout(() => {
        cut = running()
        server.closeAllConnections()
      }, deadlineMs)
      server.close(() => {
        clearTimeout(deadline)
        resolve(cut)
      })
    })

  let closing: Promise<number> | undefined
  return {
    url: typeof address === 'string' ? `unix:${address}` : `http://${displayHost(address)}:${address.port}`,
    port: typeof address === 'string' ? 0 : address.port,
    active: running,
    close: (deadlineMs) => {
      closing ??= drain(deadlineMs)
      return closing
    },
  }
}
