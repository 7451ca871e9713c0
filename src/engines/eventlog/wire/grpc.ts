// gRPC calls over node:http2: one object a call, with messages in, messages out and a status at the end.
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Budget } from '../budget.ts'
import { exhausted, type RpcError, statusOf, trailersOf } from './errors.ts'
import { createDeframer } from './framing.ts'

export interface Call {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly isEncrypted: boolean
  /** Address and port of the other side. */
  readonly peer: string
  /** True once the client or the connection is gone: nothing more can be sent. */
  isOver(): boolean
  /** Called for each message of the client, in order. */
  onMessage(listener: (payload: Buffer) => void): void
  /** The client has sent its last message. */
  onEnd(listener: () => void): void
  /** The call is over for whatever reason; called once, also when it is over already. */
  onOver(listener: () => void): void
  /** Sends framed messages. False means: wait for `drained` before sending more. */
  send(frames: Buffer): boolean
  /** Resolves when what was sent has left, or when the call is over. */
  drained(): Promise<void>
  /** Stops and resumes the client's messages (back-pressure through HTTP/2's window). */
  pause(): void
  resume(): void
  /** Ends the call with status 0. */
  finish(): void
  /** Ends the call with an error's trailers. */
  fail(error: RpcError): void
  /** Breaks the whole connection off, as a server that dies does. */
  disconnect(): void
}

const peerOf = ({ session }: ServerHttp2Stream): string => {
  const { remoteAddress, remotePort } = session?.socket ?? {}
  return `${remoteAddress ?? ''}:${remotePort ?? ''}`
}

/** `partial`: what the server may hold of messages that are not whole yet. */
export const createCall = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, partial: Budget): Call => {
  let over = false
  let ended = false
  let opened = false
  let onMessage: (payload: Buffer) => void = () => {}
  let onEnd: () => void = () => {}
  const overListeners: (() => void)[] = []
  let wakeDrained: (() => void) | undefined

  const wake = () => {
    const resolve = wakeDrained
    wakeDrained = undefined
    resolve?.()
  }
  const finishOver = () => {
    if (over) return
    over = true
    partial.give(held)
    held = 0
    wake()
    for (const listener of overListeners.splice(0)) listener()
  }
  /** A stream that the other side has just ended throws; that is the end of the call and of nothing else. */
  const orOver = <T>(act: () => T, otherwise: T): T => {
    try {
      return act()
    } catch {
      finishOver()
      return otherwise
    }
  }
  const open = () => {
    if (opened || stream.destroyed || stream.headersSent) return
    opened = true
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  }
  const close = (trailers: Record<string, string>) => {
    if (ended || over || stream.destroyed) return
    ended = true
    orOver(() => {
      // Headers and trailers in one frame when nothing was sent before, as gRPC allows.
      if (!opened) {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true })
        return
      }
      stream.once('wantTrailers', () => orOver(() => stream.sendTrailers(trailers), undefined))
      stream.end()
    }, undefined)
    // What the client still sends is of no interest; unread it would hold the stream open.
    stream.resume()
  }
  const fail = (error: RpcError) => close({ ...statusOf(error), ...trailersOf(error) })

  const deframe = createDeframer((payload) => {
    if (!ended && !over) onMessage(payload)
  })
  let held = 0
  const hold = (bytes: number) => {
    if (bytes === held) return
    const isRoom = bytes < held || partial.take(bytes - held)
    if (!isRoom) return fail(exhausted('The server holds too many messages that are not whole yet.'))
    if (bytes < held) partial.give(held - bytes)
    held = bytes
  }
  stream.on('data', (chunk: Buffer) => {
    if (ended) return
    const result = deframe(chunk)
    if (result.ok) return hold(result.held)
    if (result.why === 'too long') {
      fail({ code: 8, message: 'Received message exceeds the maximum configured message size.' })
    } else {
      fail({ code: 12, message: 'compressed messages are not supported' })
    }
  })
  stream.on('end', () => onEnd())
  stream.on('drain', wake)
  stream.on('error', () => {})
  stream.on('close', finishOver)
  stream.on('aborted', finishOver)

  return {
    path: String(headers[':path']),
    headers,
    isEncrypted: stream.session?.encrypted === true,
    peer: peerOf(stream),
    isOver: () => over || ended,
    onMessage: (listener) => {
      onMessage = listener
    },
    onEnd: (listener) => {
      onEnd = listener
    },
    onOver: (listener) => {
      if (over) listener()
      else overListeners.push(listener)
    },
    send: (frames) => {
      if (over || ended || stream.destroyed) return true
      return orOver(() => {
        open()
        return stream.write(frames)
      }, true)
    },
    drained: () =>
      new Promise((resolve) => {
        if (over || !stream.writableNeedDrain) resolve()
        else {
          const before = wakeDrained
          wakeDrained = () => {
            before?.()
            resolve()
          }
        }
      }),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    finish: () => {
      orOver(open, undefined)
      close({ 'grpc-status': '0' })
    },
    fail,
    disconnect: () => {
      ended = true
      stream.session?.socket.destroySoon()
      stream.session?.destroy()
    },
  }
}
