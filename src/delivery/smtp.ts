// E-mails by SMTP.

import { createTransport } from 'nodemailer'
import type { Mail } from '../domain/channels/channel.ts'
import { errorText } from '../domain/errorText.ts'
import { processTime, within } from '../line/time.ts'
import type { Sent } from './senders.ts'

export interface Smtp {
  /** Never rejects. `id` names the mail to who receives it twice. */
  send(id: string, mail: Mail): Promise<Sent>
  close(): void
}

export interface SmtpOptions {
  readonly url: string
  /** For each step, ms; a mail takes thrice as long at most. */
  readonly timeoutMs: number
  readonly maxConnections: number
}

/** What an error of the SMTP client means: 5xx in answer to a mail is about that mail, anything else about the server. */
const outcomeOfMail = (error: unknown): Sent => {
  const text = errorText(error)
  const code = error instanceof Error && 'responseCode' in error ? error.responseCode : undefined
  const command = error instanceof Error && 'command' in error ? error.command : undefined
  const status = typeof code === 'number' ? code : undefined
  const isAboutMail = command === 'MAIL FROM' || command === 'RCPT TO' || command === 'DATA' || command === 'API'
  const isFinal = status !== undefined && status >= 500 && isAboutMail
  return {
    kind: 'failed',
    // The server's answer may repeat the address that it refused.
    error: text.replace(/[^\s<>"']+@[^\s<>"']+/g, '<address>').slice(0, 300),
    status,
    isDown: !isFinal && !(isAboutMail && status !== undefined),
    isFinal,
  }
}

/** The part behind the `@` of a sender's address, for message ids; the address may stand in angle brackets. */
const domainOf = (from: string): string => /@([^\s>]+)/.exec(from)?.[1] ?? 'localhost'

export const createSmtp = ({ url, timeoutMs, maxConnections }: SmtpOptions): Smtp => {
  const transport = createTransport({
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
  return {
    async send(id, { from, to, subject, html, text }) {
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
    close: () => transport.close(),
  }
}
