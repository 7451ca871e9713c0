// A text message to the customer's phone.
import * as v from 'valibot'
import { channel, parts } from './channel.ts'
import { isSeen } from './seen.ts'

export const sms = channel({
  address: 'phone',
  settings: v.object({ type: v.literal('sms'), text: v.pipe(v.string(), v.minLength(1), v.maxLength(2_000)) }),
  parts: ({ text }) => parts(['text', text, 'text']),
  message: (_, { rendered: { text = '' }, to }) => ({ channel: 'sms' as const, to, text }),
  isEmpty: ({ text }) => !isSeen(text),
})
