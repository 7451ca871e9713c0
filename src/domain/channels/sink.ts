// The local sink: a receiver within the process, for messages that are to reach nobody. Its names are reserved (RFC 6761), so that
// no message to it could have gone anywhere else.

export const SINK_HOST = 'sink.test'

/** Whether a host is the sink: `sink.test`, or a name below it. */
export const isSinkHost = (hostname: string): boolean => {
  const name = hostname.toLowerCase().replace(/\.$/, '')
  return name === SINK_HOST || name.endsWith(`.${SINK_HOST}`)
}

/** Whether mail of this sender goes to the sink, whomever it is written to: `shop@sink.test`, alone or as `Shop <shop@sink.test>`. */
export const isSinkSender = (from: string | undefined): boolean =>
  isSinkHost(/@([^\s>@]+)>?\s*$/.exec(from ?? '')?.[1] ?? '')

/** The status that the sink answers a webhook with: 200, or at `/status/503` and the like that one. Nothing is kept. */
export const sinkStatus = ({ pathname }: URL): number => Number(/^\/status\/([2-5]\d\d)$/.exec(pathname)?.[1] ?? 200)
