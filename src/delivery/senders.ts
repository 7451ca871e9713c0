// The ends of the three channels: a webhook by HTTP, an e-mail by SMTP, a text message by an HTTP gateway.
import { createTransport, type Transporter } from 'nodemailer'
import type { Channel } from '../domain/customer/messages.ts'
import { processTime, within } from '../line/time.ts'
import { createPoster, type Posted, type Poster } from './post.ts'
import type { Rendered } from './render.ts'
import { signatureHeaders } from './sign.ts'

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
  /** Which lane and host a message goes through; undefined: the channel is not configured. */
  targetOf(channel: Channel, url: string | undefined): string | undefined
  /** Never rejects. */
  send(id: string, rendered: Rendered): Promise<Sent>
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

export const createSenders = (options: SenderOptions): Senders => {
  const { timeoutMs, allowPrivate, secret, now, smtp, sms } = options
  const webhooks: Poster = createPoster({ timeoutMs, allowPrivate, now })
  // The operator's own gateway may well be on the operator's own network.
  const gateway: Poster | undefined = sms && createPoster({ timeoutMs, allowPrivate: true, now })
  const transport = smtp && mailer(smtp, timeoutMs)

  const mail = async (id: string, rendered: Rendered & { channel: 'email' }): Promise<Sent> => {
    if (!transport || !smtp) return NOT_CONFIGURED
    const from = rendered.from ?? smtp.from
    try {
      const sent = transport.sendMail({
        from,
        to: { name: '', address: rendered.to },
        subject: rendered.subject,
        ...(rendered.html === undefined ? {} : { html: rendered.html }),
        ...(rendered.text === undefined ? {} : { text: rendered.text }),
        messageId: `<${id}@${domainOf(from)}>`,
        headers: { 'X-Tributary-Message-Id': id },
      })
      // A server that keeps a connection alive without ever answering must not hold a message for ever.
      await within(processTime, 3 * timeoutMs, sent, () => new Error(`no answer within ${(3 * timeoutMs) / 1000} s`))
      return { kind: 'sent' }
    } catch (error) {
      return outcomeOfMail(error)
    }
  }

  return {
    targetOf(channel, url) {
      if (channel === 'webhook') return url === undefined ? undefined : hostOf(url)
      const configured = channel === 'email' ? smtp?.url : sms?.url
      return configured === undefined ? undefined : hostOf(configured)
    },
    async send(id, rendered) {
      switch (rendered.channel) {
        case 'webhook':
          return outcomeOf(
            await webhooks.post(
              new URL(rendered.url),
              rendered.body,
              signatureHeaders(id, rendered.body, secret(), now()),
            ),
          )
        case 'email':
          return mail(id, rendered)
        case 'sms': {
          if (!gateway || !sms) return NOT_CONFIGURED
          const body = JSON.stringify({ id, to: rendered.to, text: rendered.text })
          return outcomeOf(
            await gateway.post(new URL(sms.url), body, {
              'idempotency-key': id,
              ...(sms.authorization === undefined ? {} : { authorization: sms.authorization }),
            }),
          )
        }
        default:
          return rendered satisfies never
      }
    },
    close() {
      webhooks.close()
      gateway?.close()
      transport?.close()
    },
  }
}

const NOT_CONFIGURED: Sent = { kind: 'failed', error: 'the channel is not configured', isDown: true, isFinal: false }
