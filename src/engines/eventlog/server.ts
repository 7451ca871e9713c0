// One TCP port for both protocols: gRPC over HTTP/2 for the client, HTTP/1.1 for health checks and tools.
import { createServer as createHttp1 } from 'node:http'
import { createServer as createHttp2, type ServerHttp2Session } from 'node:http2'
import { createServer, type Socket } from 'node:net'
import { createServer as createTls, type TLSSocket } from 'node:tls'
import type { Certificate } from '../certificate.ts'
import { createBudget, PARTIAL_BYTES } from './budget.ts'
import type { HttpHandler } from './services/http1.ts'
import { type Call, createCall } from './wire/grpc.ts'

export interface PortServer {
  readonly port: number
  /** Breaks every connection off. */
  disconnect(): void
  /** Refuses new connections and calls, then closes what is left after `graceMs`. */
  close(graceMs: number): Promise<void>
}

export interface PortServerOptions {
  readonly host: string
  readonly port: number
  readonly onCall: (call: Call) => void
  readonly onHttp: HttpHandler
  /** The key and certificate that connections are encrypted with; without them they are not. */
  readonly tls?: Certificate | undefined
  /** How often a connection is asked whether its other side is there, ms. */
  readonly pingMs?: number
}

const PREFACE = Buffer.from('PRI * HTTP/2.0')
const TELLING_BYTES = 3
/** The first byte of a TLS handshake, which is none of HTTP's. */
const HANDSHAKE = 0x16
/** A connection that says nothing for so long is closed, ms. */
const SILENT_MS = 30_000
/** A client is asked this often whether it is still there, ms; the real server's time. */
const PING_MS = 10_000
/** Questions without an answer after which it is not. More than one, for answers may lie unread while the disk is slow. */
const UNANSWERED = 2
/** Calls that one connection may have open; the real server's limit. */
const MAX_CALLS = 100
/**
 * Calls that one connection may break off: so many at once, and so many a second. Node's own limit, 1,000 and 33, ends the whole
 * connection of a client that stops reading early as a habit. Node 20 does not have
 * these options, nor do its types, and keeps to its own.
 */
const RESETS = { streamResetBurst: 100_000, streamResetRate: 10_000 }

/** Ends a connection whose other side has vanished without a word. */
const keepAlive = (session: ServerHttp2Session, pingMs: number) => {
  let unanswered = 0
  const timer = setInterval(() => {
    // A session that was destroyed a moment ago throws when it is asked.
    if (session.destroyed) return
    if (unanswered++ >= UNANSWERED) return session.destroy()
    session.ping((error) => {
      if (error === null) unanswered = 0
    })
  }, pingMs)
  timer.unref()
  session.on('close', () => clearInterval(timer))
}

export const listen = async (options: PortServerOptions): Promise<PortServer> => {
  const { host, port, onCall, onHttp, tls, pingMs = PING_MS } = options
  const sessions = new Set<ServerHttp2Session>()
  const partial = createBudget(PARTIAL_BYTES)
  const sockets = new Set<Socket>()
  const http2 = createHttp2({
    ...RESETS,
    maxSessionMemory: 256,
    settings: { maxConcurrentStreams: MAX_CALLS, initialWindowSize: 1024 * 1024 },
  })
  http2.on('session', (session) => {
    sessions.add(session)
    session.setLocalWindowSize(16 * 1024 * 1024)
    keepAlive(session, pingMs)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => session.destroy())
  })
  http2.on('stream', (stream, headers) => onCall(createCall(stream, headers, partial)))
  http2.on('sessionError', () => {})
  const http1 = createHttp1(onHttp)
  http1.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
  })

  /** What its first bytes are: HTTP/2, HTTP/1.1, or a handshake after which that is told. */
  const begin = (socket: Socket, handshake: ((socket: Socket) => void) | undefined) => {
    socket.on('error', () => socket.destroy())
    socket.setTimeout(SILENT_MS, () => socket.destroy())
    let first = Buffer.alloc(0)
    const onReadable = () => {
      const chunk: Buffer | null = socket.read()
      if (chunk === null) return
      first = Buffer.concat([first, chunk])
      // Before that POST and PRI look the same.
      if (first.length < TELLING_BYTES) return
      socket.removeListener('readable', onReadable)
      socket.setTimeout(0)
      socket.removeAllListeners('timeout')
      socket.unshift(first)
      if (handshake !== undefined && first[0] === HANDSHAKE) return handshake(socket)
      const isHttp2 = PREFACE.subarray(0, first.length).equals(first.subarray(0, PREFACE.length))
      ;(isHttp2 ? http2 : http1).emit('connection', socket)
    }
    socket.on('readable', onReadable)
  }
  const secure =
    tls &&
    createTls(
      {
        key: tls.key,
        cert: tls.certificate,
        minVersion: 'TLSv1.2',
        ALPNProtocols: ['h2', 'http/1.1'],
        handshakeTimeout: SILENT_MS,
      },
      (socket: TLSSocket) => begin(socket, undefined),
    )
  secure?.on('tlsClientError', (_error, socket) => socket.destroy())
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.setNoDelay(true)
    begin(socket, secure && ((plain) => void secure.emit('connection', plain)))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')

  const disconnect = () => {
    for (const session of sessions) session.destroy()
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: address.port,
    disconnect,
    close: async (graceMs) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const session of sessions) session.close()
      http1.closeIdleConnections()
      const timer = setTimeout(disconnect, graceMs)
      await closed
      clearTimeout(timer)
    },
  }
}
