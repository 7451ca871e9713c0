// A text message to the customer's phone.
import * as v from 'valibot'
import { present } from '../present.ts'
import { channel, parts } from './channel.ts'
import { isSeen } from './seen.ts'

interface Gateway {
  readonly smsUrl?: string | undefined
  readonly smsAuthorization?: string | undefined
}

export const sms = channel({
  address: 'phone',
  settings: v.object({ type: v.literal('sms'), text: v.pipe(v.string(), v.minLength(1), v.maxLength(2_000)) }),
  parts: ({ text }) => parts(['text', text, 'text']),
  message: (_, { rendered: { text = '' }, to }) => ({ channel: 'sms' as const, to, text }),
  isEmpty: ({ text }) => !isSeen(text),
  end: ({ smsUrl: url, smsAuthorization: authorization }: Gateway) =>
    url === undefined
      ? undefined
      : {
          hostOf: () => new URL(url).host,
          outgoing: (id, { to, text }) => ({
            by: 'http',
            url,
            body: JSON.stringify({ id, to, text }),
            headers: present({ authorization }),
            isOwn: true,
          }),
        },
})
