// The ways out of a node: by HTTP and by SMTP, and into the local sink. Which of them a message takes its channel says.
import type { Outgoing } from '../domain/channels/channel.ts'
import { CHANNELS, type ChannelSettings, channelOf, type EndSettings, type Message } from '../domain/channels/index.ts'
import { createPoster, type Posted } from './post.ts'
import { signatureHeaders } from './sign.ts'
import { createSmtp } from './smtp.ts'

/** What became of one try. */
export type Sent =
  | { readonly kind: 'sent'; readonly status?: number }
  | {
      readonly kind: 'failed'
      readonly error: string
      readonly status?: number
      /** The other end is down or asks for rest: nothing that this message could change. */
      readonly isDown: boolean
      /** Trying again would give the same. */
      readonly isFinal: boolean
      readonly retryAfterMs?: number
    }

export interface Senders {
  /** The host that messages of such settings go to; undefined: this node has no end of the channel. */
  targetOf(settings: ChannelSettings): string | undefined
  /** Never rejects. */
  send(id: string, message: Message): Promise<Sent>
  close(): void
}

export type SenderOptions = EndSettings & {
  readonly timeoutMs: number
  readonly allowPrivate: boolean
  /** The secret that webhooks are signed with, `whsec_…`; asked for each one. */
  readonly secret: () => string
  readonly now: () => number
  /** To the mail server, at most. */
  readonly maxConnections: number
}

/** No answer within the time, overloaded, or broken: not about this message. */
const saysDown = (status: number): boolean => status === 408 || status === 425 || status === 429 || status >= 500

/** An outcome of the HTTP channels. */
export const outcomeOf = (posted: Posted): Sent => {
  switch (posted.kind) {
    case 'address_refused':
      return { kind: 'failed', error: posted.error, isDown: false, isFinal: true }
    case 'unreachable':
      return { kind: 'failed', error: posted.error, isDown: true, isFinal: false }
    case 'answered': {
      const { status, retryAfterMs } = posted
      if (status >= 200 && status < 300) return { kind: 'sent', status }
      const error = status >= 300 && status < 400 ? `redirected with ${status}, not followed` : `answered ${status}`
      return {
        kind: 'failed',
        error,
        status,
        isDown: saysDown(status),
        // Gone for good.
        isFinal: status === 410,
        retryAfterMs,
      }
    }
    default:
      return posted satisfies never
  }
}

const NOT_CONFIGURED: Sent = { kind: 'failed', error: 'the channel is not configured', isDown: true, isFinal: false }

export const createSenders = (options: SenderOptions): Senders => {
  const { timeoutMs, allowPrivate, secret, now, smtpUrl, maxConnections } = options
  const ends = new Map(CHANNELS.map((channel) => [channel, channelOf(channel).end(options)]))
  const poster = createPoster({ timeoutMs, allowPrivate, now })
  const ownPoster = createPoster({ timeoutMs, allowPrivate: true, now })
  const smtp = smtpUrl === undefined ? undefined : createSmtp({ url: smtpUrl, timeoutMs, maxConnections })

  const post = async (
    id: string,
    { url, body, headers, isSigned, isOwn }: Outgoing & { by: 'http' },
  ): Promise<Sent> => {
    const signed = isSigned ? signatureHeaders(id, body, secret(), now()) : { 'idempotency-key': id }
    return outcomeOf(await (isOwn ? ownPoster : poster).post(new URL(url), body, { ...signed, ...headers }))
  }
  return {
    targetOf: (settings) => ends.get(settings.type)?.hostOf(settings),
    async send(id, message) {
      const outgoing = ends.get(message.channel)?.outgoing(id, message)
      switch (outgoing?.by) {
        case 'http':
          return post(id, outgoing)
        case 'mail':
          return smtp?.send(id, outgoing) ?? NOT_CONFIGURED
        case 'sink': {
          const { status } = outgoing
          return status === undefined
            ? { kind: 'sent' }
            : outcomeOf({ kind: 'answered', status, retryAfterMs: undefined })
        }
        case undefined:
          return NOT_CONFIGURED
        default:
          return outgoing satisfies never
      }
    },
    close() {
      for (const way of [poster, ownPoster, smtp]) way?.close()
    },
  }
}
