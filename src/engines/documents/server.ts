// The TCP side: connections, one command of each at a time, answers with back-pressure, and an orderly end.
import { createServer, type Server, type Socket } from 'node:net'
import { newSignIn } from './commands/authentication.ts'
import type { Connection } from './commands/context.ts'
import type { Answer, Dispatcher } from './dispatch.ts'
import { createFramer, MAX_MESSAGE, parseRequest, type Request } from './wire.ts'

export interface Listener {
  readonly port: number
  readonly connections: () => number
  /** Takes no more connections, lets running commands end for at most `graceMs`, then closes all. */
  stop(graceMs: number): Promise<void>
}

export interface ListenOptions {
  readonly host: string
  readonly port: number
  /** Connections need not sign in. */
  readonly isOpen: boolean
  /** Told the port that was taken, and how to count connections; answers who handles messages. */
  readonly dispatcher: (listening: { readonly port: number; readonly connections: () => number }) => Dispatcher
}

/** Largest message of a connection that has not signed in: strangers take no memory. */
const MAX_BEFORE_SIGN_IN = 64 * 1024

const write = (socket: Socket, bytes: readonly Buffer[]): Promise<void> => {
  socket.cork()
  let flowing = true
  for (const part of bytes) flowing = socket.write(part)
  socket.uncork()
  if (flowing) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}

/** Serves one connection until it ends; bytes that are no messages end it. */
const serve = (
  socket: Socket,
  id: number,
  dispatcher: () => Dispatcher,
  isOpen: boolean,
): { readonly busy: () => boolean } => {
  const goneCallbacks = new Set<() => void>()
  const connection: Connection = {
    id,
    remote: `${socket.remoteAddress}:${socket.remotePort}`,
    appName: undefined,
    signIn: newSignIn(isOpen),
    rest: (ms) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer)
          goneCallbacks.delete(done)
          resting = false
          resolve()
        }
        const timer = setTimeout(done, ms)
        goneCallbacks.add(done)
        resting = true
        // Only a socket that is read tells of its end.
        socket.resume()
      }),
    onGone: (callback) => {
      goneCallbacks.add(callback)
      return () => goneCallbacks.delete(callback)
    },
    get open() {
      return !socket.destroyed
    },
  }
  const frame = createFramer(() => (connection.signIn.done ? MAX_MESSAGE : MAX_BEFORE_SIGN_IN))
  const waiting: Request[] = []
  let running = false
  let resting = false

  const run = async (): Promise<void> => {
    if (running) return
    running = true
    try {
      for (let request = waiting.shift(); request !== undefined && !socket.destroyed; request = waiting.shift()) {
        for (let asked: Request | undefined = request; asked !== undefined && !socket.destroyed; ) {
          const { bytes, close, again }: Answer = await dispatcher().answer(asked, connection)
          if (close) {
            socket.destroy()
            return
          }
          if (!request.silent) await write(socket, bytes)
          asked = again
        }
      }
    } catch {
      socket.destroy()
    } finally {
      running = false
      if (!socket.destroyed) socket.resume()
    }
  }

  socket.setNoDelay(true)
  socket.setKeepAlive(true, 60_000)
  socket.on('data', (chunk) => {
    try {
      for (const message of frame(chunk)) waiting.push(parseRequest(message))
    } catch {
      socket.destroy()
      return
    }
    if (waiting.length > 0) {
      // One command at a time: what the client sends meanwhile stays in the socket.
      socket.pause()
      run()
    }
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    for (const callback of [...goneCallbacks]) callback()
  })
  return { busy: () => running && !resting }
}

const listening = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      server.on('error', () => undefined)
      resolve()
    })
  })

/** Listens for clients. */
export const listen = async ({ host, port, isOpen, dispatcher }: ListenOptions): Promise<Listener> => {
  const open = new Map<Socket, { readonly busy: () => boolean }>()
  let lastId = 0
  let handler: Dispatcher | undefined
  const server = createServer((socket) => {
    lastId += 1
    open.set(
      socket,
      serve(socket, lastId, () => handler!, isOpen),
    )
    socket.on('close', () => open.delete(socket))
  })
  await listening(server, host, port)
  const address = server.address()
  const taken = typeof address === 'object' && address !== null ? address.port : port
  const connections = (): number => open.size
  handler = dispatcher({ port: taken, connections })
  return {
    port: taken,
    connections,
    stop: async (graceMs) => {
      const closed = new Promise((resolve) => server.close(resolve))
      const until = Date.now() + graceMs
      while (Date.now() < until && [...open.values()].some(({ busy }) => busy()))
        await new Promise((resolve) => setTimeout(resolve, 5))
      for (const socket of open.keys()) socket.destroy()
      await closed
    },
  }
}
