// A mail to the customer's address.
import * as v from 'valibot'
import { channel, type Mail, parts, template } from './channel.ts'
import { isMailSender, MAIL_SENDER_RULE } from './mailSender.ts'
import { isSeen, isSeenInHtml } from './seen.ts'
import { isSinkSender, SINK_HOST } from './sink.ts'

/** A header of a mail is one line, whatever stands in somebody's name. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

interface Message extends Omit<Mail, 'from'> {
  readonly channel: 'email'
  /** Else the configured sender. */
  readonly from?: string
}

interface Server {
  readonly smtpUrl?: string | undefined
  readonly emailFrom: string
}

export const email = channel({
  address: 'email',
  settings: v.object({
    type: v.literal('email'),
    subject: v.pipe(v.string(), v.minLength(1), v.maxLength(2_000)),
    html: v.optional(template),
    text: v.optional(template),
    /** Else the configured sender. */
    from: v.optional(v.pipe(v.string(), v.maxLength(320), v.regex(/^[^\r\n]+$/, 'must be one line'))),
  }),
  parts: ({ subject, html, text }) =>
    parts(['subject', subject, 'text'], ['html', html, 'html'], ['text', text, 'text']),
  faults: ({ from, html, text }) => [
    ...(from === undefined || isMailSender(from) ? [] : [{ setting: 'from', message: MAIL_SENDER_RULE }]),
    ...(html === undefined && text === undefined ? [{ setting: 'html', message: 'is required (or text)' }] : []),
  ],
  message: ({ from }, { rendered: { subject = '', html, text }, to }): Message => ({
    channel: 'email',
    to,
    from,
    subject: oneLine(subject),
    html,
    text,
  }),
  // A subject without a text is no message: what it announces is missing.
  isEmpty: ({ html = '', text = '' }) => !isSeenInHtml(html) && !isSeen(text),
  end: ({ smtpUrl, emailFrom }: Server) => ({
    hostOf: ({ from }) => (isSinkSender(from) ? SINK_HOST : smtpUrl && new URL(smtpUrl).host),
    outgoing: (_, { from, to, subject, html, text }) =>
      isSinkSender(from) ? { by: 'sink' } : { by: 'mail', from: from ?? emailFrom, to, subject, html, text },
  }),
})
