// The ends of the channels: a webhook by HTTP, an e-mail by SMTP, a text message by an HTTP gateway.
import { createTransport, type Transporter } from 'nodemailer'
import type { Channel, Message, MessageOf } from '../domain/channels/index.ts'
import { processTime, within } from '../line/time.ts'
import { createPoster, type Posted } from './post.ts'
import { signatureHeaders } from './sign.ts'
import { isSinkHost, isSinkSender, SINK_HOST, sinkAnswer } from './sink.ts'

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

/** What of a channel's settings says where messages go. */
export type Target =
  | { readonly type: 'webhook'; readonly url: string }
  | { readonly type: 'email'; readonly from?: string | undefined }
  | { readonly type: Exclude<Channel, 'webhook' | 'email'> }

/** Where the messages of one channel leave this node. */
interface End<C extends Channel> {
  /** Undefined: this node has no end for such. */
  hostOf(settings: Target & { readonly type: C }): string | undefined
  send(id: string, message: MessageOf<C>): Promise<Sent>
  close(): void
}

export interface Senders {
  /** The host that messages of such settings go to; undefined: this node has no end of the channel. */
  targetOf(settings: Target): string | undefined
  /** Never rejects. */
  send(id: string, message: Message): Promise<Sent>
  close(): void
}

export interface SenderOptions {
  readonly timeoutMs: number
  readonly allowPrivate: boolean
  /** The secret that webhooks are signed with, `whsec_…`; asked for each one. */
  readonly secret: () => string
  readonly now: () => number
  readonly smtp?: { readonly url: string; readonly from: string; readonly maxConnections: number }
  readonly sms?: { readonly url: string; readonly authorization?: string }
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
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      }
    }
    default:
      return posted satisfies never
  }
}

/** What an error of the SMTP client means: 5xx in answer to a mail is about that mail, anything else about the server. */
const outcomeOfMail = (error: unknown): Sent => {
  const text = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'responseCode' in error ? error.responseCode : undefined
  const command = error instanceof Error && 'command' in error ? error.command : undefined
  const status = typeof code === 'number' ? code : undefined
  const isAboutMail = command === 'MAIL FROM' || command === 'RCPT TO' || command === 'DATA' || command === 'API'
  const isFinal = status !== undefined && status >= 500 && isAboutMail
  return {
    kind: 'failed',
    // The server's answer may repeat the address that it refused.
    error: text.replace(/[^\s<>"']+@[^\s<>"']+/g, '<address>').slice(0, 300),
    ...(status === undefined ? {} : { status }),
    isDown: !isFinal && !(isAboutMail && status !== undefined),
    isFinal,
  }
}

const mailer = ({ url, maxConnections }: NonNullable<SenderOptions['smtp']>, timeoutMs: number): Transporter =>
  createTransport({
    url,
    pool: true,
    maxConnections,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })

const hostOf = (url: string): string => new URL(url).host

/** The part behind the `@` of a sender's address, for message ids; the address may stand in angle brackets. */
const domainOf = (from: string): string => /@([^\s>]+)/.exec(from)?.[1] ?? 'localhost'

const NOT_CONFIGURED: Sent = { kind: 'failed', error: 'the channel is not configured', isDown: true, isFinal: false }

const webhookEnd = ({ timeoutMs, allowPrivate, secret, now }: SenderOptions): End<'webhook'> => {
  const poster = createPoster({ timeoutMs, allowPrivate, now })
  return {
    hostOf: ({ url }) => hostOf(url),
    async send(id, { url, body }) {
      const target = new URL(url)
      if (isSinkHost(target.hostname)) return outcomeOf(sinkAnswer(target))
      return outcomeOf(await poster.post(target, body, signatureHeaders(id, body, secret(), now())))
    },
    close: () => poster.close(),
  }
}

const mailEnd = ({ smtp, timeoutMs }: SenderOptions): End<'email'> => {
  const transport = smtp && mailer(smtp, timeoutMs)
  return {
    hostOf: ({ from }) => (isSinkSender(from) ? SINK_HOST : smtp && hostOf(smtp.url)),
    async send(id, { to, from: own, subject, html, text }) {
      if (isSinkSender(own)) return { kind: 'sent' }
      if (!transport) return NOT_CONFIGURED
      const from = own ?? smtp.from
      try {
        const sent = transport.sendMail({
          from,
          to: { name: '', address: to },
          subject,
          html,
          text,
          messageId: `<${id}@${domainOf(from)}>`,
          headers: { 'X-Tributary-Message-Id': id },
        })
        // A server that keeps a connection alive without ever answering must not hold a message for ever.
        await within(processTime, 3 * timeoutMs, sent, () => new Error(`no answer within ${(3 * timeoutMs) / 1000} s`))
        return { kind: 'sent' }
      } catch (error) {
        return outcomeOfMail(error)
      }
    },
    close: () => transport?.close(),
  }
}

const textEnd = ({ sms, timeoutMs, now }: SenderOptions): End<'sms'> | undefined => {
  if (!sms) return undefined
  // The operator's own gateway may well be on the operator's own network.
  const poster = createPoster({ timeoutMs, allowPrivate: true, now })
  const { url, authorization } = sms
  return {
    hostOf: () => hostOf(url),
    send: async (id, { to, text }) =>
      outcomeOf(
        await poster.post(new URL(url), JSON.stringify({ id, to, text }), {
          'idempotency-key': id,
          ...(authorization === undefined ? {} : { authorization }),
        }),
      ),
    close: () => poster.close(),
  }
}

export const createSenders = (options: SenderOptions): Senders => {
  const ends: { readonly [C in Channel]: End<C> | undefined } = {
    webhook: webhookEnd(options),
    email: mailEnd(options),
    sms: textEnd(options),
  }
  // Settings and messages of a channel are those of its end: the table is typed so, but not what is taken out of it.
  const endOf = (channel: Channel) => ends[channel] as End<never> | undefined
  return {
    targetOf: (settings) => endOf(settings.type)?.hostOf(settings as never),
    send: async (id, message) => endOf(message.channel)?.send(id, message as never) ?? NOT_CONFIGURED,
    close() {
      for (const end of Object.values(ends)) end?.close()
    },
  }
}
