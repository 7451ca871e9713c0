// A mail to the customer's address.
import * as v from 'valibot'
import { channel, parts, template } from './channel.ts'
import { isMailSender, MAIL_SENDER_RULE } from './mailSender.ts'
import { isSeen, isSeenInHtml } from './seen.ts'

/** A header of a mail is one line, whatever stands in somebody's name. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

interface Mail {
  readonly channel: 'email'
  readonly to: string
  /** Else the configured sender. */
  readonly from?: string
  readonly subject: string
  readonly html?: string
  readonly text?: string
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
  message: ({ from }, { rendered: { subject = '', html, text }, to }): Mail => ({
    channel: 'email',
    to,
    from,
    subject: oneLine(subject),
    html,
    text,
  }),
  // Its subject alone is none: what it announces is not there.
  isEmpty: ({ html = '', text = '' }) => !isSeenInHtml(html) && !isSeen(text),
})
