// One HTTP POST with everything bounded: time, redirects (none), addresses, and what is read of the answer.
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { processTime } from '../line/time.ts'
import { AddressRefused, checkLiteral, guardedLookup, isPrivateOrPublic, isPublicAddress } from './address.ts'

export type Posted =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterMs: number | undefined }
  /** Nothing came back, or not in time. */
  | { readonly kind: 'unreachable'; readonly error: string }
  | { readonly kind: 'address_refused'; readonly error: string }

export interface Poster {
  post(url: URL, body: string, headers: Readonly<Record<string, string>>): Promise<Posted>
  close(): void
}

export interface PosterOptions {
  /** From the start to the end of the answer, ms in which this process was free to read it. */
  readonly timeoutMs: number
  /** Whether addresses of this host and its network may be reached. */
  readonly allowPrivate: boolean
  readonly lookup?: Parameters<typeof guardedLookup>[0]
  /** ms since the epoch. */
  readonly now?: () => number
}

/** More of an answer than this is not read, bytes: only the status counts. */
const MAX_ANSWER = 65_536

const retryAfter = (value: string | undefined, now: number): number | undefined => {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1_000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return code === undefined || error.message.includes(code) ? error.message : `${code}: ${error.message}`
}

export const createPoster = ({ timeoutMs, allowPrivate, lookup, now = Date.now }: PosterOptions): Poster => {
  const agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, timeout: 4 * timeoutMs }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, timeout: 4 * timeoutMs }),
  } as const
  const isAllowed = allowPrivate ? isPrivateOrPublic : isPublicAddress
  const guarded = guardedLookup(lookup, isAllowed)

  const once = (
    url: URL,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Posted & { reused?: boolean }> =>
    new Promise((resolve) => {
      const isHttps = url.protocol === 'https:'
      const request = (isHttps ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent: isHttps ? agents['https:'] : agents['http:'],
        headers: {
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(body)),
          'user-agent': 'tributary',
          ...headers,
        },
        lookup: guarded,
      })
      const callOff = processTime.after(timeoutMs, () =>
        request.destroy(new Error(`no complete answer within ${timeoutMs / 1000} s`)),
      )
      let isDone = false
      const end = (posted: Posted & { reused?: boolean }) => {
        if (isDone) return
        isDone = true
        callOff()
        resolve(posted)
      }
      const fail = (error: unknown) =>
        end(
          error instanceof AddressRefused
            ? { kind: 'address_refused', error: error.message }
            : { kind: 'unreachable', error: reasonOf(error), reused: request.reusedSocket },
        )
      request.on('error', fail)
      request.on('response', (response) => {
        const status = response.statusCode ?? 0
        const wait = retryAfter(response.headers['retry-after'], now())
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > MAX_ANSWER) {
            end({ kind: 'answered', status, retryAfterMs: wait })
            request.destroy()
          }
        })
        response.on('end', () => end({ kind: 'answered', status, retryAfterMs: wait }))
        response.on('error', fail)
        response.on('close', () => fail(new Error('the connection closed before the answer was complete')))
      })
      request.end(body)
    })

  return {
    async post(url, body, headers) {
      try {
        checkLiteral(url, isAllowed)
      } catch (error) {
        return { kind: 'address_refused', error: reasonOf(error) }
      }
      const first = await once(url, body, headers)
      // A kept connection that the other side had just closed says nothing about the receiver: once more on a fresh one.
      if (first.kind === 'unreachable' && first.reused && /ECONNRESET|EPIPE|socket hang up/.test(first.error))
        return once(url, body, headers)
      return first
    },
    close() {
      agents['http:'].destroy()
      agents['https:'].destroy()
    },
  }
}
