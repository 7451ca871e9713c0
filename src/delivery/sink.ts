// The local sink: a receiver within the process, for messages that are to reach nobody. Its names are reserved (RFC 6761), so that
// no message to it could have gone anywhere else.
import type { Posted } from './post.ts'

export const SINK_HOST = 'sink.test'

/** Whether a host is the sink: `sink.test`, or a name below it. */
export const isSinkHost = (hostname: string): boolean => {
  const name = hostname.toLowerCase().replace(/\.$/, '')
  return name === SINK_HOST || name.endsWith(`.${SINK_HOST}`)
}

/** Whether mail of this sender goes to the sink, whomever it is written to: `shop@sink.test`, alone or as `Shop <shop@sink.test>`. */
export const isSinkSender = (from: string | undefined): boolean =>
  isSinkHost(/@([^\s>@]+)>?\s*$/.exec(from ?? '')?.[1] ?? '')

/** What the sink answers to a webhook: 200, or at `/status/503` and the like that status. Nothing is kept. */
export const sinkAnswer = ({ pathname }: URL): Posted => {
  const asked = Number(/^\/status\/([2-5]\d\d)$/.exec(pathname)?.[1] ?? 200)
  return { kind: 'answered', status: asked, retryAfterMs: undefined }
}
