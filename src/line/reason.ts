// Where a server is looked for and why it is unavailable, in an operator's words.

/** The hosts and ports of a connection string, as far as they can be read from it: never its name and password. */
export const addressOf = (url: string, defaultPort: number): string => {
  const hosts = /^[a-z0-9+]+:\/\/(?:[^@/?]*@)?([^/?]+)/i.exec(url)?.[1] ?? 'an address that cannot be read'
  // A name that is looked up for the hosts (mongodb+srv, esdb+discover) has no port of its own.
  const withPort = (host: string) => (/:\d+$/.test(host) || /^[a-z]+\+/i.test(url) ? host : `${host}:${defaultPort}`)
  return hosts.split(',').map(withPort).join(', ')
}

/** What an error says, with what lies beneath it: drivers wrap the reason several times. */
const textOf = (error: unknown, depth = 0): string => {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? ` ${String(error.code)}` : ''
  const inner = error.cause === undefined || depth > 4 ? '' : ` ${textOf(error.cause, depth + 1)}`
  return `${error.name} ${error.message}${code}${inner}`
}

const REASONS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/ECONNREFUSED/, 'connection refused: nothing listens there'],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed|querySrv/, 'the name cannot be resolved'],
  [
    /wrong version number|WRONG_VERSION_NUMBER|packet length too long|PACKET_LENGTH_TOO_LONG|record layer failure/,
    'TLS is asked for, and the server does not speak it: set tls=false, or let the server use TLS',
  ],
  [
    /self.signed certificate|SELF_SIGNED|DEPTH_ZERO|unable to verify|UNABLE_TO_(VERIFY|GET)|ALTNAME_INVALID|CERT_HAS_EXPIRED|certificate has expired/i,
    "the server's certificate is not trusted: give its authority in the URL (tlsCAFile), or mend the certificate",
  ],
  [/certificate required|handshake failure|tlsv1[0-9]* alert/i, 'the server refuses the TLS handshake'],
  [
    /AuthenticationFailed|Authentication failed|\bauth error\b|UNAUTHENTICATED|access-denied|AccessDenied/i,
    'name or password is wrong',
  ],
  [/requires authentication|not authorized|Unauthorized/i, 'the server wants a name and password that may do this'],
  [
    /is not a replica set|Transaction numbers are only allowed/i,
    'it is no replica set, and there are no transactions without one',
  ],
  [/no primary|NotWritablePrimary|not primary|NotPrimary/i, 'the replica set has no primary that can be reached'],
  [/not a member of replica set/i, 'it belongs to no replica set of the name in the URL (replicaSet=…)'],
  [/not.leader/i, 'the node that answers is not the leader'],
  [/EHOSTUNREACH|ENETUNREACH/, 'there is no route to it'],
  [
    /ECONNRESET|socket hang up|Connection dropped|connection \S+ to \S+ closed|Failed to connect|socket disconnected/i,
    'it closes the connection: it has gone, or one side wants TLS and the other does not, or it is another kind of server',
  ],
  [
    /Received HTTP status code|protocol error|PROTOCOL_ERROR/i,
    'another kind of server answers there, or a proxy that cannot reach it',
  ],
  [/ETIMEDOUT|timed out|no answer/i, 'it does not answer'],
]

/** Why a server is unavailable. What nobody foresaw is given as it was said. */
export const reasonOf = (error: unknown): string => {
  const text = textOf(error)
  const known = REASONS.find(([pattern]) => pattern.test(text))
  return known ? known[1] : error instanceof Error ? error.message : text
}
