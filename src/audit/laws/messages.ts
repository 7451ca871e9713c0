// Law: a message goes out once.
import type { OnceLaw } from './law.ts'
import { textAt } from './read.ts'

export const messages: OnceLaw = {
  name: 'messages-succeed-once',
  says: 'A message has at most one success.',
  once: ({ type, data }) => {
    const message = type === 'MessageSent' ? textAt(data, 'message') : undefined
    return message === undefined ? [] : [`success of message ${message}`]
  },
}
