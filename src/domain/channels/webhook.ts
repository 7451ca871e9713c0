// A request to a system of the operator's choice.

import * as v from 'valibot'
import { errorText } from '../errorText.ts'
import { channel, parts, template } from './channel.ts'
import { httpUrl } from './httpUrl.ts'
import { isSinkHost, sinkStatus } from './sink.ts'

const asJson = (body: string): string => {
  try {
    JSON.parse(body)
    return body
  } catch (error) {
    throw new Error(`the template gave no JSON: ${errorText(error)}`)
  }
}

export const webhook = channel({
  address: null,
  /** Without a template the body is the event itself. */
  settings: v.object({ type: v.literal('webhook'), url: httpUrl, template: v.optional(template) }),
  parts: ({ template: source }) => parts(['template', source, 'data']),
  sendsEvent: ({ template: source }) => source === undefined,
  message: ({ url }, { rendered, event }) => ({
    channel: 'webhook' as const,
    url,
    body: rendered.template === undefined ? event() : asJson(rendered.template),
  }),
  end: () => ({
    hostOf: ({ url }) => new URL(url).host,
    outgoing(_, { url, body }) {
      const target = new URL(url)
      return isSinkHost(target.hostname)
        ? { by: 'sink', status: sinkStatus(target) }
        : { by: 'http', url, body, isSigned: true }
    },
  }),
})
